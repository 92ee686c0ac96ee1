export const crate: string;
export function cargoCommand(): string | undefined;
export function describeCargo(): string;

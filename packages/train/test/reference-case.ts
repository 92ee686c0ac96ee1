import { readFileSync } from 'node:fs';

/** A reference case: its configuration, and its tensors by name. */
export interface ReferenceCase {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;
}

const folder = new URL('../../conformance/cases/', import.meta.url);

interface Header {
  readonly [name: string]: { readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] };
}

/** Reads a case of float32 tensors from its safetensors file. */
export function referenceCase(name: string): ReferenceCase {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const { __metadata__: metadata, ...entries } = header as Header & { __metadata__: { config: string } };
  const tensors = Object.entries(entries).map(
    ([
      key,
      {
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const data = new Float32Array(bytes.slice(8 + length + from, 8 + length + to).buffer);
      return [key, { shape, data }] as const;
    },
  );
  return { config: JSON.parse(metadata.config) as Record<string, unknown>, tensors: Object.fromEntries(tensors) };
}

/** PyTorch's own float32 error on each case, by name. */
function float32Errors(): Map<string, number> {
  const { cases } = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as {
    cases: readonly { readonly name: string; readonly f32_error: number }[];
  };
  return new Map(cases.map(({ name, f32_error: error }) => [name, error]));
}

/** How far from the exact result a case may be: |a - b| / max(1, |b|). */
export function toleranceOf(name: string): number {
  const error = float32Errors().get(name);
  if (error === undefined) throw new Error(`the manifest has no case ${name}`);
  return Math.max(4 * error, 1e-6);
}

/** The largest |a - b| / max(1, |b|); Infinity where the lengths differ or either is NaN. */
export function errorOf(actual: ArrayLike<number>, exact: ArrayLike<number>): number {
  if (actual.length !== exact.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < exact.length; i++) {
    const error = Math.abs(actual[i] - exact[i]) / Math.max(1, Math.abs(exact[i]));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

/** Options under PyTorch's names as ours: `weight_decay` is `weightDecay`, `T_max` is `tMax`. */
export function camelCase(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key
        .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
        .replaceAll(/_([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

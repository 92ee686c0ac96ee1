import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The bytes of a file that Python wrote: of `files` or, with a folder before its name, of another
 * one beside it.
 */
export function bytesOf(name: string): Uint8Array {
  return readFileSync(join(import.meta.dirname, name.includes('/') ? name : `files/${name}`));
}

/** Numbers as Python reads them. */
export type Expected = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>
>;

/** What stands in such a file, as Python reads it. */
export function expectedOf(name: string): Expected {
  const parsed = JSON.parse(new TextDecoder().decode(bytesOf(`${name}.json`))) as Record<
    string,
    { shape: number[]; data: (number | string)[] }
  >;
  const value = (number: number | string): number =>
    typeof number === 'number' ? number : Number(number.replace('inf', 'Infinity').replace('nan', 'NaN'));
  return Object.fromEntries(
    Object.entries(parsed).map(([key, { shape, data }]) => [key, { shape, data: data.map(value) }]),
  );
}

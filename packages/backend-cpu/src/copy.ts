import type { TypedArray } from '@rnn/core';
import { Runs, type View } from './walk.js';

/** From this many elements on the engine's own block copy beats a loop. */
const BLOCK = 32;

/** Writes the elements of a walk one after another, converted to the type of `out`. */
export function copy(out: TypedArray, x: View, sizes: readonly number[]): void {
  const run = out instanceof Int32Array && !(x.values instanceof Int32Array) ? truncateRun : copyRun;
  const runs = new Runs(sizes, [x]);
  const { length, at, steps } = runs;
  for (let o = 0; o < out.length; o += length) {
    run(out, o, length, x.values, at[0], steps[0]);
    runs.advance();
  }
}

/** One run of `n` elements: from `p` on and `s` apart in `x`, from `o` on in `out`. */
export function copyRun(out: TypedArray, o: number, n: number, x: TypedArray, p: number, s: number): void {
  if (s === 1 && n >= BLOCK) out.set(x.subarray(p, p + n), o);
  else for (let i = 0; i < n; i++) out[o + i] = x[p + i * s];
}

/**
 * The same from floats to int32. The array alone would wrap around what lies beyond the limits; it
 * drops fractions and makes NaN 0.
 */
function truncateRun(out: TypedArray, o: number, n: number, x: TypedArray, p: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const value = x[p + i * s];
    out[o + i] = value > 0x7fffffff ? 0x7fffffff : value < -0x80000000 ? -0x80000000 : value;
  }
}

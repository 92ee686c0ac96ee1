import type { TypedArray } from '@rnn/core';
import { Runs, type View } from './walk.js';

/**
 * Writes `condition != 0 ? a : b` for every place of the walk. NaN is not 0, so it picks `a`, as in
 * PyTorch.
 */
export function select(out: TypedArray, condition: View, a: View, b: View, sizes: readonly number[]): void {
  const runs = new Runs(sizes, [condition, a, b]);
  const { length, at, steps } = runs;
  for (let o = 0; o < out.length; o += length) {
    selectRun(out, o, length, condition.values, at[0], steps[0], a.values, at[1], steps[1], b.values, at[2], steps[2]);
    runs.advance();
  }
}

/** One run; the letters are those of `binary.ts`, with `r` and `u` for the condition. */
function selectRun(
  out: TypedArray,
  o: number,
  n: number,
  condition: TypedArray,
  r: number,
  u: number,
  a: TypedArray,
  p: number,
  s: number,
  b: TypedArray,
  q: number,
  t: number,
): void {
  for (let i = 0; i < n; i++) out[o + i] = condition[r + i * u] === 0 ? b[q + i * t] : a[p + i * s];
}

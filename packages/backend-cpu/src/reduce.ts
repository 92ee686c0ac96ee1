import type { ReduceOp, TypedArray } from '@rnn/core';

/** What becomes of `n` elements of `x`, from `p` on and `s` apart. */
type Kernel = (x: TypedArray, p: number, s: number, n: number) => number;

/** Longest run that `sum` adds up one by one. */
const RUN = 128;

/**
 * The sum, in float64 whatever the type, by halves: with one running total, each of n additions
 * would round, with halves only some log2 n roundings reach a summand, so that even sums of float64
 * are accurate to a few units in the last place. (Compensated summation would do it too, but turns
 * infinities into NaN.)
 */
const sum: Kernel = (x, p, s, n) => {
  if (n > RUN) {
    const half = n >> 1;
    return sum(x, p, s, half) + sum(x, p + half * s, s, n - half);
  }
  let total = 0;
  for (let i = 0; i < n; i++) total += x[p + i * s];
  return total;
};

/**
 * Sums of int32 wrap around at every step: in float64 they would lose their low bits from 2^53 on.
 */
const sumInt32: Kernel = (x, p, s, n) => {
  let total = 0;
  for (let i = 0; i < n; i++) total = (total + x[p + i * s]) | 0;
  return total;
};

/** `Math.max` gives NaN as soon as one operand is NaN. */
const max: Kernel = (x, p, s, n) => {
  let best = x[p];
  for (let i = 1; i < n; i++) best = Math.max(best, x[p + i * s]);
  return best;
};

const min: Kernel = (x, p, s, n) => {
  let best = x[p];
  for (let i = 1; i < n; i++) best = Math.min(best, x[p + i * s]);
  return best;
};

/**
 * The first position of the largest value, or of a NaN: nothing is greater than a NaN, so the
 * search may end there.
 */
const argmax: Kernel = (x, p, s, n) => {
  let best = x[p];
  let position = 0;
  for (let i = 0; i < n; i++) {
    const value = x[p + i * s];
    if (Number.isNaN(value)) return i;
    if (value > best) {
      best = value;
      position = i;
    }
  }
  return position;
};

const kernels: Record<ReduceOp, Kernel> = { sum, max, min, argmax };

/** Writes the reduction of the middle dimension of `[outer, size, inner]`. */
export function reduce(op: ReduceOp, out: TypedArray, x: TypedArray, outer: number, size: number, inner: number): void {
  const kernel = op === 'sum' && x instanceof Int32Array ? sumInt32 : kernels[op];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) out[o * inner + i] = kernel(x, o * size * inner + i, inner, size);
  }
}

import type { BinaryOp, DType, TypedArray } from '@rnn/core';
import { Runs, type View } from './walk.js';

/**
 * Elementwise functions of two operands, for one run of `n` elements: from `o` on in the result;
 * from `p` on and `s` apart in `a`, from `q` on and `t` apart in `b`. A broadcast operand has
 * `s = 0`, and so has a number. One loop for each function: `unary.ts` says why.
 */
type Kernel = (
  out: TypedArray,
  o: number,
  n: number,
  a: TypedArray,
  p: number,
  s: number,
  b: TypedArray,
  q: number,
  t: number,
) => void;

const add: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] + b[q + i * t];
};

const sub: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] - b[q + i * t];
};

const mul: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] * b[q + i * t];
};

/**
 * Products of int32 have up to 62 bits, of which float64 would lose the low ones: `imul` keeps the
 * low 32.
 */
const mulInt32: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = Math.imul(a[p + i * s], b[q + i * t]);
};

const div: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] / b[q + i * t];
};

const pow: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = power(a[p + i * s], b[q + i * t]);
};

/**
 * IEEE 754 (and C, and PyTorch) has `pow(1, y) = 1` for every y, NaN included, and
 * `pow(-1, ±Infinity) = 1`; JavaScript has NaN there.
 * Squares, by far the most frequent, are spared the general function.
 */
function power(x: number, y: number): number {
  if (y === 2) return x * x;
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return x ** y;
}

/** `Math.max` gives NaN as soon as one operand is NaN. */
const maximum: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = Math.max(a[p + i * s], b[q + i * t]);
};

const minimum: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = Math.min(a[p + i * s], b[q + i * t]);
};

const eq: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] === b[q + i * t] ? 1 : 0;
};

const ne: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] === b[q + i * t] ? 0 : 1;
};

const lt: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] < b[q + i * t] ? 1 : 0;
};

const le: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] <= b[q + i * t] ? 1 : 0;
};

const gt: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] > b[q + i * t] ? 1 : 0;
};

const ge: Kernel = (out, o, n, a, p, s, b, q, t) => {
  for (let i = 0; i < n; i++) out[o + i] = a[p + i * s] >= b[q + i * t] ? 1 : 0;
};

const kernels: Record<BinaryOp, Kernel> = { add, sub, mul, div, pow, maximum, minimum, eq, ne, lt, le, gt, ge };

/** Writes `op(a, b)` for every place of the walk. */
export function binary(op: BinaryOp, dtype: DType, out: TypedArray, a: View, b: View, sizes: readonly number[]): void {
  const kernel = dtype === 'int32' && op === 'mul' ? mulInt32 : kernels[op];
  if (sizes.length === 1) {
    // The usual case, two dense operands, is one run: setting up a walk would take as long as the
    // run itself when it is short.
    kernel(out, 0, out.length, a.values, a.offset, a.strides[0], b.values, b.offset, b.strides[0]);
    return;
  }
  const runs = new Runs(sizes, [a, b]);
  const { length, at, steps } = runs;
  for (let o = 0; o < out.length; o += length) {
    kernel(out, o, length, a.values, at[0], steps[0], b.values, at[1], steps[1]);
    runs.advance();
  }
}

/**
 * Plain definitions that the kernels are held against: float64, one element at a time, no strides
 * merged, nothing shared with the sources.
 */
import type { BinaryOp, DType, Strided, TypedArray, UnaryOp } from '@rnn/core';
import { expect } from 'vitest';

/** A typed array of the given type. */
export function arrayOf(dtype: DType, values: readonly number[]): TypedArray {
  if (dtype === 'float32') return new Float32Array(values);
  return dtype === 'float64' ? new Float64Array(values) : new Int32Array(values);
}

/** Every place of a walk, in row-major order. */
export function places(sizes: readonly number[], { offset, strides }: Omit<Strided, 'storage'>): number[] {
  return sizes.reduce(
    (starts, size, dim) => starts.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[dim])),
    [offset],
  );
}

export const unaryOf: Readonly<Record<UnaryOp, (x: number) => number>> = {
  neg: (x) => 0 - x,
  exp: (x) => Math.E ** x,
  log: (x) => Math.log10(x) * Math.LN10,
  sqrt: (x) => x ** 0.5,
  square: (x) => x * x,
  reciprocal: (x) => x ** -1,
  abs: (x) => (x < 0 ? -x : x),
  sign: (x) => (x < 0 ? -1 : x > 0 ? 1 : 0),
  tanh: (x) => Math.sinh(x) / Math.cosh(x),
  sigmoid: (x) => 0.5 + 0.5 * Math.tanh(x / 2),
  relu: (x) => (x < 0 ? 0 : x),
  softplus: (x) => Math.log(1 + Math.exp(x)),
  // to the even one of two, with the sign of x
  round: (x) => Math.sign(x) * (Math.abs(x) % 1 === 0.5 ? 2 * Math.round(Math.abs(x) / 2) : Math.round(Math.abs(x))),
};

export const binaryOf: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: (a, b) => a ** b,
  maximum: (a, b) => (a > b ? a : b),
  minimum: (a, b) => (a < b ? a : b),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
};

/** Rounding to the type, and rounding in the definition itself; int32 is exact. */
const units: Readonly<Record<DType, number>> = { float32: 2 ** -24 + 2 ** -48, float64: 2 ** -48, int32: 0 };
/** Half the smallest number of float32. */
const smallest: Readonly<Record<DType, number>> = { float32: 2 ** -150, float64: 0, int32: 0 };

/**
 * Compares element by element, NaN with NaN and infinities with themselves. For sums, `terms` holds
 * the sum of the magnitudes of what was added up: where terms cancel, the order of additions shows
 * in the last digits.
 */
export function expectClose(
  actual: TypedArray,
  expected: readonly number[],
  dtype: DType,
  terms: readonly number[] = expected,
): void {
  expect(actual.constructor).toBe(arrayOf(dtype, []).constructor);
  expect(actual).toHaveLength(expected.length);
  const wrong = expected.findIndex((exact, i) => {
    const got = actual[i];
    const overflows = dtype === 'float32' && !Number.isFinite(Math.fround(exact));
    const want = overflows ? Math.fround(exact) : exact;
    if (Object.is(got, want) || got === want) return false;
    const rounding = dtype === 'int32' ? 0 : 2 ** -48 * Math.abs(terms[i]);
    return !(Math.abs(got - want) <= units[dtype] * Math.abs(want) + rounding + smallest[dtype]);
  });
  if (wrong >= 0) expect(`element ${wrong}: ${actual[wrong]}`).toBe(`element ${wrong}: ${expected[wrong]}`);
}

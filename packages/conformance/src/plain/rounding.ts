import type { DType, TypedArray } from '@rnn/core';

/**
 * The nearest number of a type; whole numbers lose their fraction, as the interface's `copy` says.
 */
export function rounded(value: number, dtype: DType): number {
  switch (dtype) {
    case 'float32':
      return Math.fround(value);
    case 'float64':
      return value;
    case 'int32':
      return Math.trunc(value);
  }
}

/** Values as a host array of a type. */
export function hostArrayOf(dtype: DType, values: ArrayLike<number>): TypedArray {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'int32':
      return Int32Array.from(values);
  }
}

/**
 * What arithmetic of a type may be off by: for float32 the smallest tolerance of the reference
 * cases, for float64 the same number of units in the last place or so. Whole numbers are exact.
 */
export const arithmeticTolerance: Readonly<Record<DType, number>> = { float32: 1e-6, float64: 1e-13, int32: 0 };

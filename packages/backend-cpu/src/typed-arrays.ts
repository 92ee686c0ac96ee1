import type { DType, TypedArray } from '@rnn/core';

const arrays: Readonly<Record<DType, new (size: number) => TypedArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
};

/** A new array of zeros. */
export function newArray(dtype: DType, size: number): TypedArray {
  return new arrays[dtype](size);
}

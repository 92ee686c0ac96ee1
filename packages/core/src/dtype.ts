import { DTypeError } from './errors.js';

/** The element types: `float32` (the default), `int32` for indices, `float64` where the backend has it. */
export type DType = 'float32' | 'float64' | 'int32';

/** The arrays that hold elements on the host, one class for each `DType`. */
export type TypedArray = Float32Array | Float64Array | Int32Array;

/** A new host array of `size` zeros, or one that holds (converted) copies of the given values. */
export function hostArray(dtype: DType, from: number | ArrayLike<number>): TypedArray {
  const values = from as number & ArrayLike<number>; // the typed array constructors take either
  switch (dtype) {
    case 'float32':
      return new Float32Array(values);
    case 'float64':
      return new Float64Array(values);
    case 'int32':
      return new Int32Array(values);
    default:
      throw new DTypeError(`dtype: expected 'float32', 'float64' or 'int32', received '${String(dtype)}'`, {
        argument: 'dtype',
      });
  }
}

/** The `DType` of a typed array. */
export function dtypeOf(array: TypedArray): DType {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  return 'int32';
}

/** Whether elements of this type can carry a gradient. */
export function isFloating(dtype: DType): boolean {
  return dtype !== 'int32';
}

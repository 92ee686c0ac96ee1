import { refuse } from './checks/refusal.js';
import { ArgumentError, DTypeError } from './errors.js';

/**
 * The element types: `float32` (the default), `int32` for indices, `float64` where the backend has
 * it.
 */
export type DType = 'float32' | 'float64' | 'int32';

/** The arrays that hold elements on the host, one class for each `DType`. */
export type TypedArray = Float32Array | Float64Array | Int32Array;

/**
 * A new host array of `size` zeros, or one that holds (converted) copies of the given values.
 *
 * @example
 * ```ts
 * hostArray('int32', [1, 2.7]); // [1, 2]
 * hostArray('float32', 2); // [0, 0]
 * ```
 */
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
      refuse(DTypeError, 'hostArray', 'dtype', { value: dtype, expected: "'float32', 'float64' or 'int32'" });
  }
}

const DTYPE_OF_CLASS: { readonly [name: string]: DType | undefined } = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int32Array: 'int32',
};

/**
 * Reads the class name of a typed array from the array's internal slot, by the getter that all
 * typed arrays inherit. A subclass or an array of another realm (a frame, a `vm` context, some test
 * runners) answers as one of this realm does; `instanceof` would not know the second.
 */
export function dtypeByTag(value: object): DType | undefined {
  // Nearly all arrays are of this realm, and to ask for the class takes a fraction of the getter's
  // time.
  if (ArrayBuffer.isView(value)) {
    if (value instanceof Float32Array) return 'float32';
    if (value instanceof Int32Array) return 'int32';
    if (value instanceof Float64Array) return 'float64';
  }
  const name: unknown = Reflect.get(typedArrayPrototype, Symbol.toStringTag, value);
  return typeof name === 'string' ? DTYPE_OF_CLASS[name] : undefined;
}

const typedArrayPrototype = /* @__PURE__ */ Object.getPrototypeOf(Int8Array.prototype) as object;

/** The typed arrays that have a `DType`, as error messages list them. */
export const TYPED_ARRAYS = 'Float32Array, Float64Array or Int32Array';

/**
 * The `DType` of a typed array, also of another realm or over shared memory.
 *
 * @example
 * ```ts
 * dtypeOf(new Float32Array(2));   // 'float32'
 * ```
 * @param array - the array
 * @returns its element type
 * @throws ArgumentError for any other array
 */
export function dtypeOf(array: TypedArray): DType {
  const dtype = dtypeByTag(array);
  if (dtype === undefined) refuseArray('dtypeOf', 'array', array);
  return dtype;
}

/**
 * Tells typed arrays from lists and everything else, by their tag and not by `instanceof`.
 *
 * @example
 * ```ts
 * asTypedArray('fit', 'targets', new Float32Array([0.5]));   // the same array
 * asTypedArray('fit', 'targets', [0.5]);                     // undefined
 * ```
 * @param operation - the public function that was called, for the message
 * @param argument - its argument, for the message
 * @param value - anything
 * @returns the array itself, or a view of the same memory if it belongs to another realm, so that
 *   `instanceof` holds from there on;
 *   `undefined` for what is not binary data
 * @throws ArgumentError for binary data without a `DType`: other typed arrays, a DataView, an
 *   ArrayBuffer
 */
export function asTypedArray(operation: string, argument: string, value: unknown): TypedArray | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const dtype = dtypeByTag(value);
  if (dtype === undefined) {
    if (ArrayBuffer.isView(value) || isBuffer(value)) refuseArray(operation, argument, value);
    return undefined;
  }
  const { buffer, byteOffset, length } = value as TypedArray;
  switch (dtype) {
    case 'float32':
      return value instanceof Float32Array ? value : new Float32Array(buffer, byteOffset, length);
    case 'float64':
      return value instanceof Float64Array ? value : new Float64Array(buffer, byteOffset, length);
    default:
      return value instanceof Int32Array ? value : new Int32Array(buffer, byteOffset, length);
  }
}

function isBuffer(value: object): boolean {
  return /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value));
}

function refuseArray(operation: string, argument: string, value: unknown): never {
  const hint = 'convert the numbers, for example with Float32Array.from(values)';
  refuse(ArgumentError, operation, argument, { value, expected: TYPED_ARRAYS, hint });
}

/** Whether elements of this type can carry a gradient. */
export function isFloating(dtype: DType): boolean {
  return dtype !== 'int32';
}

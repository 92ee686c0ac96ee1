import {
  ArgumentError,
  asTypedArray,
  dtypeOf,
  fromData,
  getBackend,
  hostArray,
  ShapeError,
  sizeOf,
  type Backend,
  type Shape,
  type Tensor,
  type TypedArray,
} from '@rnn/core';
import { checkBackend, checkCount, checkSupported, refuse, describeValue } from '@rnn/core/checks';

/**
 * Numbers on the host with a shape: a tensor before its upload, or after its way through a file or
 * a message.
 */
export interface HostArray {
  readonly shape: Shape;
  /** In row-major order. */
  readonly data: TypedArray | readonly number[];
}

/** The same with a typed array. */
export interface TypedHostArray extends HostArray {
  readonly data: TypedArray;
}

/** A `Float16Array`, where the language has it. */
export interface Float16Values extends ArrayLike<number> {
  readonly [Symbol.toStringTag]: 'Float16Array';
}

/**
 * Numbers on the host in any of the forms that data sets take: plain lists, nested lists and a
 * `Float16Array` become float32 tensors.
 */
export type HostValues = TypedArray | Float16Values | readonly number[] | readonly (readonly number[])[] | HostArray;

/**
 * Brings values on the host into one form, ready to become tensors.
 *
 * @throws ShapeError when lists are of different lengths or the data do not fill the shape;
 *   ArgumentError when they are no numbers, or of an array type that has no `DType`
 */
export function hostArrayOf(owner: string, argument: string, values: HostValues): TypedHostArray {
  const { shape, data } = givenNumbers(owner, argument, values);
  return { shape, data: isList(data) ? Float32Array.from(data) : data };
}

/**
 * The same for values that are reckoned with on the host: the numbers of a list stay what they are,
 * float64, since float32 would round those away by which numbers far from 0 differ.
 *
 * @throws as `hostArrayOf`
 */
export function givenNumbers(owner: string, argument: string, values: HostValues): HostArray {
  const array = binary(owner, argument, values);
  if (array !== undefined) return { shape: [array.length], data: array };
  if (isNested(values)) return flattened(owner, argument, values);
  if (isList(values)) return { shape: [values.length], data: numbersOf(owner, argument, values) };
  if (!isHostArray(values)) {
    const expected = 'a typed array, a list of numbers, or { shape, data }';
    refuse(ArgumentError, owner, argument, { value: values, expected });
  }
  const { shape } = values;
  shape.forEach((size, i) => checkCount(owner, `${argument}.shape[${i}]`, size));
  const data = binary(owner, `${argument}.data`, values.data) ?? numbersOf(owner, argument, values.data);
  if (data.length !== sizeOf(shape)) {
    const expected = `${sizeOf(shape)} numbers for shape [${shape.map(describeValue).join(', ')}]`;
    refuse(ShapeError, owner, argument, { has: 'data of length', received: String(data.length), expected });
  }
  return { shape, data };
}

/**
 * A typed array, told by its tag, so that one of another realm is known too; one of float16 becomes
 * float32.
 */
function binary(owner: string, argument: string, values: unknown): TypedArray | undefined {
  if (ArrayBuffer.isView(values) && Reflect.get(typedArrayPrototype, Symbol.toStringTag, values) === 'Float16Array') {
    return Float32Array.from(values as unknown as Float16Values);
  }
  return asTypedArray(owner, argument, values);
}

/** Its getter of the tag looks at what an array is, whatever its class. */
const typedArrayPrototype = Object.getPrototypeOf(Int8Array.prototype) as object;

/** An array of zeros of the same type. */
export function zerosLikeArray(like: TypedArray, size: number): TypedArray {
  return hostArray(dtypeOf(like), size);
}

/** Chosen rows along the first dimension, as a tensor. */
export function uploadRows({ shape, data }: TypedHostArray, indices: ArrayLike<number>, backend?: Backend): Tensor {
  const [, ...rest] = shape;
  const width = sizeOf(rest);
  const rows = zerosLikeArray(data, indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    rows.set(data.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  }
  return uploaded(rows, [indices.length, ...rest], backend);
}

/** Values of a data set as a tensor of their own type. */
export function uploaded(values: TypedArray, shape: Shape, backend: Backend = getBackend()): Tensor {
  checkBackend('batch', 'backend', backend);
  checkSupported('batch', dtypeOf(values), backend, 'give the values as a Float32Array or a list');
  return fromData(values, shape, { backend });
}

function isList(values: unknown): values is readonly number[] {
  return Array.isArray(values);
}

function isHostArray(values: unknown): values is HostArray {
  return typeof values === 'object' && values !== null && isList((values as Partial<HostArray>).shape);
}

function isNested(values: unknown): values is readonly (readonly number[])[] {
  return Array.isArray(values) && Array.isArray(values[0]);
}

function flattened(owner: string, argument: string, rows: readonly (readonly number[])[]): HostArray {
  const [{ length: width }] = rows;
  const odd = rows.findIndex((row) => !isList(row) || row.length !== width);
  if (odd >= 0) {
    const expected = `an array of ${width}, as ${argument}[0] is`;
    refuse(ShapeError, owner, `${argument}[${odd}]`, { value: rows[odd], expected });
  }
  return { shape: [rows.length, width], data: numbersOf(owner, argument, rows.flat()) };
}

function numbersOf(owner: string, argument: string, values: HostArray['data']): readonly number[] {
  if (!isList(values)) {
    refuse(ArgumentError, owner, `${argument}.data`, { value: values, expected: 'a typed array or a list of numbers' });
  }
  const odd = values.findIndex((value) => typeof value !== 'number');
  if (odd >= 0) {
    refuse(ArgumentError, owner, argument, { part: `element ${odd}`, value: values[odd], expected: 'a number' });
  }
  return values;
}

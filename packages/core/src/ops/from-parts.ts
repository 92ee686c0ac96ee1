import { refuse } from '../checks/refusal.js';
import { asTypedArray, dtypeOf, hostArray, TYPED_ARRAYS, type DType, type TypedArray } from '../dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../errors.js';
import { wrap } from '../record.js';
import { checkShape, showShape, sizeOf, type Shape } from '../shape.js';
import type { Bounds } from '../shared-storage.js';
import type { Tensor } from '../tensor.js';
import { checkTensorOptions, withGrad, type TensorOptions } from './fill.js';

const EXPECTED = 'an iterable of typed arrays, which may answer later';

/**
 * A tensor whose values come in parts, as from a file that is read piece by piece. On a backend
 * with `write` there is never more in memory than the tensor and one part; elsewhere the values are
 * put together first.
 *
 * @example
 * ```ts
 * const halves = [new Float32Array([1, 2]), new Float32Array([3, 4])];
 * await fromParts(halves, [2, 2]);   // [[1, 2], [3, 4]]
 * ```
 * @param parts - typed arrays of the tensor's type, one after another; each may be used again after
 *   the next was asked for
 * @param shape - as many elements as all parts have
 * @param options - type (float32 unless given), place, whether it wants a gradient
 * @returns a promise of the tensor
 * @throws ArgumentError when the parts are none; DTypeError when one has another type; ShapeError
 *   when there are more or fewer values
 */
export async function fromParts(
  parts: Iterable<TypedArray> | AsyncIterable<TypedArray>,
  shape: Shape,
  options: TensorOptions = {},
): Promise<Tensor> {
  checkShape('fromParts', shape);
  const { dtype, requiresGrad, backend } = checkTensorOptions('fromParts', options, 'float32');
  if (!isIterable(parts)) refuse(ArgumentError, 'fromParts', 'parts', { value: parts, expected: EXPECTED });
  const size = sizeOf(shape);
  const writes = backend.write !== undefined;
  const storage = writes ? backend.fill(0, size, dtype) : undefined;
  const host = writes ? undefined : hostArray(dtype, size);
  try {
    let at = 0;
    let bounds: Bounds | undefined;
    for await (const given of parts) {
      const part = checkedPart(given, dtype);
      if (part.length > size - at) refuseCount(shape, `${at + part.length} or more`);
      if (part instanceof Int32Array) bounds = boundsWith(bounds, part);
      if (storage === undefined) host?.set(part, at);
      else backend.write?.(storage, at, part);
      at += part.length;
    }
    if (at !== size) refuseCount(shape, String(at));
    const whole = storage ?? backend.upload(host as TypedArray);
    return withGrad(wrap(backend, whole, [...shape], bounds), requiresGrad);
  } catch (error) {
    if (storage !== undefined) backend.release(storage);
    throw error;
  }
}

function isIterable(parts: unknown): boolean {
  if (typeof parts !== 'object' || parts === null) return false;
  return Symbol.iterator in parts || Symbol.asyncIterator in parts;
}

/** A part as a typed array of the tensor's type. */
function checkedPart(part: unknown, dtype: DType): TypedArray {
  const array = asTypedArray('fromParts', 'parts', part);
  if (array === undefined) {
    refuse(ArgumentError, 'fromParts', 'parts', { part: 'one', value: part, expected: TYPED_ARRAYS });
  }
  const own = dtypeOf(array);
  if (own === dtype) return array;
  refuse(DTypeError, 'fromParts', 'parts', { part: 'one', received: `of ${own}`, expected: dtype });
}

function refuseCount(shape: Shape, count: string): never {
  const expected = `one with as many elements as the parts have values, which is ${count}`;
  refuse(ShapeError, 'fromParts', 'shape', { received: showShape(shape), expected });
}

/** The least and the largest of whole numbers so far. */
function boundsWith(before: Bounds | undefined, values: Int32Array): Bounds {
  let { min, max } = before ?? { min: Infinity, max: -Infinity };
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max, isTight: true };
}

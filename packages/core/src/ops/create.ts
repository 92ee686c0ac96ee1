import { refuse } from '../checks/refusal.js';
import { checkNumber } from '../checks/values.js';
import { asTypedArray, dtypeOf, hostArray, isFloating, TYPED_ARRAYS, type DType, type TypedArray } from '../dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../errors.js';
import { generatorOf, type Generator } from '../random.js';
import { wrap } from '../record.js';
import { checkShape, showShape, sizeOf, type Shape } from '../shape.js';
import type { Bounds } from '../shared-storage.js';
import { Tensor } from '../tensor.js';
import { draw, type Draw } from './draw.js';
import { checkTensorOptions, tensorOptions, withGrad, type CheckedOptions, type TensorOptions } from './fill.js';

/** No typed array of a common engine holds more. */
const MOST_ELEMENTS = 0x7fff_ffff;

/**
 * Numbers or truth values, nested as deep as the tensor has dimensions; typed arrays may stand for
 * the innermost lists.
 */
export type TensorLike = number | boolean | TypedArray | readonly TensorLike[];

/** What the random creating functions take besides. */
export interface RandomOptions extends TensorOptions {
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
}

/**
 * A tensor from nested arrays, a typed array or a number.
 *
 * @example
 * ```ts
 * tensor([[1, 2, 3], [4, 5, 6]]).shape;             // [2, 3]
 * tensor([2, 0, 1], { dtype: 'int32' });            // indices
 * ```
 * @param values - nested arrays of equal lengths; truth values become 1 and 0
 * @param options - type (by default that of a typed array, else float32), place, whether it wants a
 *   gradient
 * @returns a tensor whose shape is read off the nesting
 * @throws ShapeError when the nesting is ragged; ArgumentError when an element is not a number;
 *   DTypeError when an element or the backend does not fit the type
 *
 * Differs from PyTorch: whole numbers become float32 unless `dtype` says int32.
 */
export function tensor(values: TensorLike, options: TensorOptions = {}): Tensor {
  const array = asTypedArray('tensor', 'values', values);
  if (array !== undefined) return uploaded('tensor', array, [array.length], options);
  const shape: number[] = [];
  for (let level: TensorLike = values; isList(level); level = level[0]) {
    shape.push(level.length);
    if (ArrayBuffer.isView(level) || level.length === 0) break;
  }
  const flat: number[] = [];
  flatten(values, shape, 0, flat);
  return uploaded('tensor', flat, shape, options);
}

function isList(level: unknown): level is TypedArray | readonly TensorLike[] {
  return Array.isArray(level) || asTypedArray('tensor', 'values', level) !== undefined;
}

function flatten(level: TensorLike, shape: Shape, depth: number, out: number[]): void {
  if (isList(level)) {
    if (level.length !== shape[depth]) refuseRagged(shape, depth, `a list of ${level.length}`);
    for (let i = 0; i < shape[depth]; i++) flatten(level[i], shape, depth + 1, out);
  } else if (depth < shape.length) refuseRagged(shape, depth, String(level));
  else out.push(numberOf('tensor', level, out.length));
}

function refuseRagged(shape: Shape, depth: number, received: string): never {
  const expected = depth === shape.length ? 'a number' : `a list of ${shape[depth]}`;
  refuse(ShapeError, 'tensor', 'values', {
    part: `depth ${depth}`,
    received,
    expected,
    hint: `the first lists give shape ${showShape(shape)}, and all must be alike`,
  });
}

/** An element of a list: a number as it is, a truth value as 1 or 0, nothing else. */
function numberOf(operation: string, element: unknown, at: number): number {
  if (typeof element === 'number') return element;
  if (typeof element === 'boolean') return element ? 1 : 0;
  const hint = element instanceof Tensor ? { hint: 'use stack for a list of tensors, clone() for a copy' } : {};
  refuse(ArgumentError, operation, 'values', { part: `element ${at}`, value: element, expected: 'a number', ...hint });
}

/**
 * A tensor from flat values in row-major order.
 *
 * @example
 * ```ts
 * fromData(new Float32Array([1, 2, 3, 4]), [2, 2]);   // [[1, 2], [3, 4]]
 * ```
 * @param values - a typed array or a list; copied; truth values become 1 and 0
 * @param shape - as many elements
 * @param options - type (by default that of a typed array, else float32), place, whether it wants a
 *   gradient
 * @returns a tensor of that shape
 * @throws ShapeError when the number of values differs; ArgumentError when an element is not a
 *   number, or the array's type is none of `DType`; DTypeError when an element or the backend does
 *   not fit the type
 */
export function fromData(values: TypedArray | readonly number[], shape: Shape, options: TensorOptions = {}): Tensor {
  const array = asTypedArray('fromData', 'values', values);
  if (array !== undefined) return uploaded('fromData', array, shape, options);
  if (!Array.isArray(values)) {
    refuse(ArgumentError, 'fromData', 'values', { value: values, expected: `${TYPED_ARRAYS}, or a list of numbers` });
  }
  const list: readonly unknown[] = values;
  const numbers: number[] = [];
  for (let at = 0; at < list.length; at++) numbers.push(numberOf('fromData', list[at], at)); // holes too
  return uploaded('fromData', numbers, shape, options);
}

function uploaded(
  operation: string,
  values: TypedArray | readonly number[],
  shape: Shape,
  options: TensorOptions,
): Tensor {
  checkShape(operation, shape);
  return filledWith(operation, values, shape, checkTensorOptions(operation, options, typeOf(values) ?? 'float32'));
}

/** The type of a typed array. */
function typeOf(values: TypedArray | readonly number[]): DType | undefined {
  return Array.isArray(values) ? undefined : dtypeOf(values as TypedArray);
}

/** The same when everything but the values has been checked. */
function filledWith(
  operation: string,
  values: TypedArray | readonly number[],
  shape: Shape,
  { dtype, requiresGrad, backend }: CheckedOptions,
): Tensor {
  if (sizeOf(shape) !== values.length) {
    const expected = `one with ${values.length} elements, as many as there are values`;
    refuse(ShapeError, operation, 'shape', { received: showShape(shape), expected });
  }
  if (!isFloating(dtype)) checkWhole(operation, values);
  const host = typeOf(values) === dtype ? (values as TypedArray) : hostArray(dtype, values);
  return withGrad(wrap(backend, backend.upload(host), [...shape], boundsOf(host)), requiresGrad);
}

function checkWhole(operation: string, values: TypedArray | readonly number[]): void {
  if (values instanceof Int32Array) return;
  const at = values.findIndex((value) => (value | 0) !== value);
  if (at < 0) return;
  const expected = 'a whole number of 32 bits for int32';
  refuse(DTypeError, operation, 'values', { part: `element ${at}`, value: values[at], expected });
}

function boundsOf(values: TypedArray): Bounds | undefined {
  if (!(values instanceof Int32Array)) return undefined;
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max, isTight: true };
}

/**
 * Numbers in even steps.
 *
 * @example
 * ```ts
 * arange(3);            // [0, 1, 2]
 * arange(1, 2, 0.25);   // [1, 1.25, 1.5, 1.75]
 * ```
 * @param start - the first one; with one argument, the end, and the start is 0
 * @param end - not reached
 * @param step - not 0
 * @returns one dimension; float32 unless `dtype` says otherwise (PyTorch gives int64 for whole
 *   numbers)
 * @throws ArgumentError when steps from the start do not lead to the end
 */
export function arange(end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, step?: number, options?: TensorOptions): Tensor;
export function arange(start: number, end?: number | TensorOptions, step = 1, options: TensorOptions = {}): Tensor {
  if (typeof end !== 'number') {
    checkNumber('arange', end === undefined ? 'end' : 'start', start);
    return arange(0, start, 1, end);
  }
  for (const [argument, value] of Object.entries({ start, end, step })) checkNumber('arange', argument, value);
  const count = Math.ceil((end - start) / step) + 0; // not -0
  if (!Number.isFinite(count) || count < 0) {
    refuse(ArgumentError, 'arange', 'step', { value: step, expected: `one that leads from ${start} to ${end}` });
  }
  if (count > MOST_ELEMENTS) {
    const expected = `one that leads from ${start} to ${end} in at most ${MOST_ELEMENTS} steps`;
    refuse(ArgumentError, 'arange', 'step', { value: step, expected });
  }
  const values = Array.from({ length: count }, (_, i) => start + i * step);
  return uploaded('arange', values, [count], options);
}

/**
 * The identity matrix, or a rectangle of zeros with ones on the diagonal.
 *
 * @example
 * ```ts
 * eye(2);   // [[1, 0], [0, 1]]
 * ```
 * @param rows - how many rows
 * @param columns - how many columns; as many as rows when left out
 * @param options - type, place, whether it wants a gradient
 * @returns `[rows, columns]`
 * @throws ShapeError when a size is negative, fractional or NaN
 */
export function eye(rows: number, columns: number = rows, options: TensorOptions = {}): Tensor {
  const shape = [rows, columns];
  checkShape('eye', shape);
  const checked = checkTensorOptions('eye', options);
  const values = hostArray(checked.dtype, rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = 1;
  return filledWith('eye', values, shape, checked);
}

/**
 * Uniform random numbers in [0, 1); the same on every backend and machine for the same seed.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * rand([2]);   // [0.4963, 0.7682], as in PyTorch
 * ```
 * @param shape - sizes
 * @param options - `generator`, type (float32 or float64), place, whether it wants a gradient
 * @returns a tensor of that shape
 * @throws ShapeError when a size is negative, fractional or NaN; DTypeError for int32
 */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return drawn('rand', shape, options, (out, generator) => generator.uniform(out, 0, 1));
}

/**
 * Random numbers of the standard normal distribution; see `rand`.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * randn([3]); // [1.541, -0.2934, -2.1788]
 * ```
 */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return drawn('randn', shape, options, (out, generator) => generator.normal(out, 0, 1));
}

function drawn(operation: string, shape: Shape, options: RandomOptions, fill: Draw['fill']): Tensor {
  const { dtype, backend, requiresGrad, generator } = checkDraw(operation, shape, options, 'float32');
  if (!isFloating(dtype)) {
    const expected = 'float32 or float64';
    refuse(DTypeError, operation, 'dtype', { received: dtype, expected, hint: 'use randint for whole numbers' });
  }
  return withGrad(draw({ shape, dtype, backend, generator, fill, perSequence: false }), requiresGrad);
}

/** Names of the options of what draws. */
export const randomOptions: readonly string[] = /* @__PURE__ */ tensorOptions.concat('generator');

/** Everything that can be wrong is found before the generator moves on. */
function checkDraw(
  operation: string,
  shape: Shape,
  options: RandomOptions,
  defaultType: DType,
): CheckedOptions & Required<Pick<RandomOptions, 'generator'>> {
  checkShape(operation, shape);
  const checked = checkTensorOptions(operation, options, defaultType, randomOptions);
  return { ...checked, generator: generatorOf(operation, options.generator) };
}

/**
 * Random whole numbers, each as likely as the others.
 *
 * @example
 * ```ts
 * randint(0, 10, [3]);   // three digits
 * ```
 * @param low - the smallest
 * @param high - not reached
 * @param shape - sizes
 * @param options - `generator`, type, place
 * @returns int32 unless `dtype` says otherwise (PyTorch: int64)
 * @throws ArgumentError unless `low < high`, both whole numbers of 32 bits; ShapeError when a size
 *   is negative, fractional or NaN
 */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  const checked = checkDraw('randint', shape, options, 'int32');
  const values = new Int32Array(sizeOf(shape));
  checked.generator.integers(values, low, high);
  return filledWith('randint', values, shape, checked);
}

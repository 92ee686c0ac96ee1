import { dtypeOf, hostArray, isFloating, type DType, type TypedArray } from '../dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../errors.js';
import { getBackend } from '../current-backend.js';
import { defaultGenerator, type Generator } from '../random.js';
import { wrap } from '../record.js';
import { checkShape, showShape, sizeOf, type Shape } from '../shape.js';
import type { Bounds } from '../shared-storage.js';
import type { Tensor } from '../tensor.js';
import { checkSupported, withGrad, type TensorOptions } from './fill.js';

/** Numbers or truth values, nested as deep as the tensor has dimensions; typed arrays may stand for the innermost lists. */
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
 * @param options - type (by default that of a typed array, else float32), place, whether it wants a gradient
 * @returns a tensor whose shape is read off the nesting
 * @throws ShapeError when the nesting is ragged; ArgumentError when an element is not a number
 *
 * Differs from PyTorch: whole numbers become float32 unless `dtype` says int32.
 */
export function tensor(values: TensorLike, options: TensorOptions = {}): Tensor {
  if (ArrayBuffer.isView(values)) return fromData(values as TypedArray, [(values as TypedArray).length], options);
  const shape: number[] = [];
  for (let level: TensorLike = values; typeof level === 'object'; level = (level as readonly TensorLike[])[0]) {
    shape.push((level as ArrayLike<unknown>).length);
    if (ArrayBuffer.isView(level) || shape[shape.length - 1] === 0) break;
  }
  const flat: number[] = [];
  flatten(values, shape, 0, flat);
  return fromData(flat, shape, options);
}

function flatten(level: TensorLike, shape: Shape, depth: number, out: number[]): void {
  if (depth === shape.length) {
    if (typeof level === 'number') out.push(level);
    else if (typeof level === 'boolean') out.push(level ? 1 : 0);
    else if (typeof level === 'object' && level !== null) refuseRagged(shape, depth, level as ArrayLike<unknown>);
    else {
      throw new ArgumentError(
        `tensor: element ${out.length} is ${String(level)} (${typeof level}), expected a number`,
        {
          argument: 'values',
          received: typeof level,
        },
      );
    }
    return;
  }
  if (typeof level !== 'object' || level === null || (level as ArrayLike<unknown>).length !== shape[depth]) {
    refuseRagged(shape, depth, level);
  }
  for (let i = 0; i < shape[depth]; i++) flatten((level as readonly TensorLike[])[i], shape, depth + 1, out);
}

function refuseRagged(shape: Shape, depth: number, level: unknown): never {
  const length =
    typeof level === 'object' && level !== null
      ? `a list of ${(level as ArrayLike<unknown>).length}`
      : `${String(level)}`;
  const expected = depth === shape.length ? 'a number' : `a list of ${shape[depth]}`;
  throw new ShapeError(
    `tensor: ragged nesting: expected ${expected} at depth ${depth}, received ${length} (first lists give shape ${showShape(shape)})`,
    {
      argument: 'values',
      expected,
      received: length,
    },
  );
}

/**
 * A tensor from flat values in row-major order.
 *
 * @param values - a typed array or a list; copied
 * @param shape - as many elements
 * @param options - type (by default that of a typed array, else float32), place, whether it wants a gradient
 * @returns a tensor of that shape
 */
export function fromData(
  values: TypedArray | readonly number[],
  shape: Shape,
  {
    dtype = ArrayBuffer.isView(values) ? dtypeOf(values) : 'float32',
    requiresGrad,
    backend = getBackend(),
  }: TensorOptions = {},
): Tensor {
  checkShape('fromData', shape);
  checkSupported('tensor', dtype, backend);
  if (sizeOf(shape) !== values.length) {
    throw new ShapeError(
      `fromData: ${values.length} values do not fill shape ${showShape(shape)} (${sizeOf(shape)} elements)`,
      {
        argument: 'shape',
        expected: `${values.length} elements`,
        received: showShape(shape),
      },
    );
  }
  if (dtype === 'int32') checkWhole(values);
  const host = ArrayBuffer.isView(values) && dtypeOf(values) === dtype ? values : hostArray(dtype, values);
  return withGrad(wrap(backend, backend.upload(host), [...shape], boundsOf(host)), requiresGrad);
}

function checkWhole(values: TypedArray | readonly number[]): void {
  if (values instanceof Int32Array) return;
  const at = values.findIndex((value) => (value | 0) !== value);
  if (at >= 0) {
    throw new DTypeError(`tensor: element ${at} is ${values[at]}, expected whole numbers of 32 bits for int32`, {
      argument: 'values',
      expected: 'whole numbers',
      received: String(values[at]),
    });
  }
}

function boundsOf(values: TypedArray): Bounds | undefined {
  if (!(values instanceof Int32Array)) return undefined;
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
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
 * @returns one dimension; float32 unless `dtype` says otherwise (PyTorch gives int64 for whole numbers)
 */
export function arange(end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, step?: number, options?: TensorOptions): Tensor;
export function arange(start: number, end?: number | TensorOptions, step = 1, options: TensorOptions = {}): Tensor {
  if (typeof end !== 'number') return arange(0, start, 1, end ?? {});
  if (![start, end, step].every(Number.isFinite) || step === 0 || (end - start) / step < 0) {
    throw new ArgumentError(`arange: cannot step from ${start} to ${end} by ${step}`, { argument: 'step' });
  }
  const count = Math.ceil((end - start) / step);
  return fromData(
    Array.from({ length: count }, (_, i) => start + i * step),
    [count],
    options,
  );
}

/** The identity matrix, or a rectangle of zeros with ones on the diagonal. */
export function eye(rows: number, columns: number = rows, options: TensorOptions = {}): Tensor {
  checkShape('eye', [rows, columns]);
  const values = hostArray(options.dtype ?? 'float32', rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = 1;
  return fromData(values, [rows, columns], options);
}

/** Uniform random numbers in [0, 1); the same on every backend and machine for the same seed. */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return drawn('rand', shape, options, (out, generator) => generator.uniform(out, 0, 1));
}

/** Random numbers of the standard normal distribution; the same on every backend and machine for the same seed. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return drawn('randn', shape, options, (out, generator) => generator.normal(out, 0, 1));
}

function drawn(
  operation: string,
  shape: Shape,
  options: RandomOptions,
  draw: (out: Float32Array | Float64Array, generator: Generator) => void,
): Tensor {
  checkShape(operation, shape);
  const dtype: DType = options.dtype ?? 'float32';
  if (!isFloating(dtype)) {
    throw new DTypeError(
      `${operation}: expected float32 or float64, received ${dtype}; use randint for whole numbers`,
      { argument: 'dtype' },
    );
  }
  const values = hostArray(dtype, sizeOf(shape)) as Float32Array | Float64Array;
  draw(values, options.generator ?? defaultGenerator());
  return fromData(values, shape, options);
}

/**
 * Random whole numbers, each as likely as the others.
 *
 * @param low - the smallest
 * @param high - not reached
 * @param shape - sizes
 * @returns int32 unless `dtype` says otherwise
 */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  checkShape('randint', shape);
  const values = new Int32Array(sizeOf(shape));
  (options.generator ?? defaultGenerator()).integers(values, low, high);
  return fromData(values, shape, { dtype: 'int32', ...options });
}

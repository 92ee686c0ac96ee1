import { checkTensor } from '../checks/tensors.js';
import type { Backend } from '../backend.js';
import { checkBackend, checkSupported } from '../checks/backends.js';
import { checkOptions } from '../checks/options.js';
import { refuse } from '../checks/refusal.js';
import { checkFlag } from '../checks/values.js';
import { getBackend } from '../current-backend.js';
import { hostArray, isFloating, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import { wrap } from '../record.js';
import { checkShape, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** What every creating function takes. */
export interface TensorOptions {
  /** `float32` unless said otherwise. */
  readonly dtype?: DType;
  /** Whether operations on the tensor are recorded for `backward`. */
  readonly requiresGrad?: boolean;
  /** Where to put it; the one of `setBackend` unless said otherwise. */
  readonly backend?: Backend;
}

/** What `checkTensorOptions` fills in. */
export interface CheckedOptions {
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly backend: Backend;
}

/**
 * The options of a creating function, checked before any number is made; `known` names them where
 * there are more.
 */
export function checkTensorOptions(
  operation: string,
  options: TensorOptions,
  defaultType: DType = 'float32',
  known: readonly string[] = tensorOptions,
): CheckedOptions {
  checkOptions(operation, options, known);
  const { dtype = defaultType, requiresGrad = false, backend = getBackend() } = options;
  if (options.backend !== undefined) checkBackend(operation, 'backend', backend);
  checkSupported(operation, dtype, backend);
  checkFlag(operation, 'requiresGrad', requiresGrad);
  if (requiresGrad && !isFloating(dtype)) {
    refuse(DTypeError, operation, 'requiresGrad', {
      received: `true and dtype ${dtype}, which has no gradient`,
      expected: 'dtype float32 or float64',
    });
  }
  return { dtype, requiresGrad, backend };
}

/** Names of the common options. */
export const tensorOptions: readonly string[] = ['dtype', 'requiresGrad', 'backend'] satisfies (keyof TensorOptions)[];

/** Applies `requiresGrad` to a new tensor. */
export function withGrad(tensor: Tensor, requiresGrad: boolean): Tensor {
  if (requiresGrad) tensor.requiresGrad = true;
  return tensor;
}

/** A tensor without elements; kernels never meet one. */
export function empty(shape: Shape, dtype: DType, backend: Backend): Tensor {
  return wrap(backend, backend.upload(hostArray(dtype, 0)), shape);
}

/**
 * A tensor full of one value.
 *
 * @example
 * ```ts
 * full([2, 2], 7);   // [[7, 7], [7, 7]]
 * ```
 * @param shape - sizes, 0 allowed
 * @param value - any number; a whole one for int32
 * @param options - type, place, whether it wants a gradient
 * @returns a tensor of that shape
 * @throws ShapeError when a size is negative, fractional or NaN; DTypeError when the type does not
 *   fit the value or the backend
 *
 * Differs from PyTorch: float32 unless asked otherwise, also for whole numbers.
 */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return filled('full', shape, value, options);
}

/**
 * A tensor of zeros; see `full`.
 *
 * @example
 * ```ts
 * zeros([2, 3], { dtype: 'int32' }); // [[0, 0, 0], [0, 0, 0]]
 * ```
 */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('zeros', shape, 0, options);
}

/**
 * A tensor of ones; see `full`.
 *
 * @example
 * ```ts
 * ones([2, 2]); // [[1, 1], [1, 1]]
 * ```
 */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('ones', shape, 1, options);
}

function filled(operation: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkShape(operation, shape);
  const { dtype, requiresGrad, backend } = checkTensorOptions(operation, options);
  if (typeof value !== 'number' || (!isFloating(dtype) && (value | 0) !== value)) {
    const expected = `${isFloating(dtype) ? 'a number' : 'a whole number of 32 bits'} for ${dtype}`;
    refuse(DTypeError, operation, 'value', { value, expected });
  }
  const bounds = isFloating(dtype) ? undefined : { min: value, max: value, isTight: true };
  return withGrad(wrap(backend, backend.fill(value, sizeOf(shape), dtype), shape.slice(), bounds), requiresGrad);
}

/**
 * Zeros with shape, type and place of another tensor.
 *
 * @example
 * ```ts
 * zerosLike(tensor([[1, 2]])); // [[0, 0]]
 * ```
 */
export function zerosLike(x: Tensor): Tensor {
  checkTensor('zerosLike', 'x', x);
  return filled('zerosLike', x.shape, 0, { dtype: x.dtype, backend: x.backend });
}

/**
 * Ones with shape, type and place of another tensor.
 *
 * @example
 * ```ts
 * onesLike(zeros([3])); // [1, 1, 1]
 * ```
 */
export function onesLike(x: Tensor): Tensor {
  checkTensor('onesLike', 'x', x);
  return filled('onesLike', x.shape, 1, { dtype: x.dtype, backend: x.backend });
}

import type { Backend } from '../backend.js';
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

/** Refuses a type that the backend does not have. */
export function checkSupported(operation: string, dtype: DType, backend: Backend): void {
  if (!backend.info.dtypes.includes(dtype)) {
    throw new DTypeError(
      `${operation}: the backend '${backend.info.name}' has ${backend.info.dtypes.join(', ')}, not ${String(dtype)}`,
      { argument: 'dtype', expected: backend.info.dtypes.join(', '), received: String(dtype) },
    );
  }
}

/** Applies `requiresGrad` to a new tensor. */
export function withGrad(tensor: Tensor, requiresGrad: boolean | undefined): Tensor {
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
 */
export function full(
  shape: Shape,
  value: number,
  { dtype = 'float32', requiresGrad, backend = getBackend() }: TensorOptions = {},
): Tensor {
  checkShape('full', shape);
  checkSupported('full', dtype, backend);
  if (!isFloating(dtype) && !Number.isInteger(value)) {
    throw new DTypeError(`full: ${value} is not a whole number, as ${dtype} needs`, { argument: 'value' });
  }
  const copy = [...shape];
  const bounds = isFloating(dtype) ? undefined : { min: value, max: value };
  return withGrad(wrap(backend, backend.fill(value, sizeOf(copy), dtype), copy, bounds), requiresGrad);
}

/** A tensor of zeros; see `full`. */
export function zeros(shape: Shape, options?: TensorOptions): Tensor {
  return full(shape, 0, options);
}

/** A tensor of ones; see `full`. */
export function ones(shape: Shape, options?: TensorOptions): Tensor {
  return full(shape, 1, options);
}

/** Zeros with shape, type and place of another tensor. */
export function zerosLike(x: Tensor): Tensor {
  return full(x.shape, 0, { dtype: x.dtype, backend: x.backend });
}

/** Ones with shape, type and place of another tensor. */
export function onesLike(x: Tensor): Tensor {
  return full(x.shape, 1, { dtype: x.dtype, backend: x.backend });
}

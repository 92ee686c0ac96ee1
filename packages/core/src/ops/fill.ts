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
  const expected = backend.info.dtypes.join(', ');
  if (!backend.info.dtypes.includes(dtype)) {
    throw new DTypeError(
      `${operation}: dtype is ${String(dtype)}, expected one of those that the backend '${backend.info.name}' has: ${expected}`,
      { argument: 'dtype', expected, received: String(dtype) },
    );
  }
}

/** What `checkOptions` fills in. */
export interface CheckedOptions {
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  readonly backend: Backend;
}

/** The options of a creating function, checked before any number is made. */
export function checkOptions(
  operation: string,
  options: TensorOptions,
  defaultType: DType = 'float32',
): CheckedOptions {
  const { dtype = defaultType, requiresGrad = false, backend = getBackend() } = options;
  checkSupported(operation, dtype, backend);
  if (requiresGrad && !isFloating(dtype)) {
    throw new DTypeError(
      `${operation}: requiresGrad is set and dtype is ${dtype}, which has no gradient, expected float32 or float64`,
      {
        argument: 'requiresGrad',
        expected: 'float32 or float64',
        received: dtype,
      },
    );
  }
  return { dtype, requiresGrad, backend };
}

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
 * @throws ShapeError when a size is negative, fractional or NaN; DTypeError when the type does not fit the value or the backend
 *
 * Differs from PyTorch: float32 unless asked otherwise, also for whole numbers.
 */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return filled('full', shape, value, options);
}

/** A tensor of zeros; see `full`. */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('zeros', shape, 0, options);
}

/** A tensor of ones; see `full`. */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('ones', shape, 1, options);
}

function filled(operation: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkShape(operation, shape);
  const { dtype, requiresGrad, backend } = checkOptions(operation, options);
  if (typeof value !== 'number' || (!isFloating(dtype) && (value | 0) !== value)) {
    const expected = isFloating(dtype) ? 'a number' : 'a whole number of 32 bits';
    throw new DTypeError(`${operation}: value is ${String(value)}, expected ${expected} for ${dtype}`, {
      argument: 'value',
      expected,
      received: String(value),
    });
  }
  const bounds = isFloating(dtype) ? undefined : { min: value, max: value };
  return withGrad(wrap(backend, backend.fill(value, sizeOf(shape), dtype), [...shape], bounds), requiresGrad);
}

/** Zeros with shape, type and place of another tensor. */
export function zerosLike(x: Tensor): Tensor {
  return filled('zerosLike', x.shape, 0, { dtype: x.dtype, backend: x.backend });
}

/** Ones with shape, type and place of another tensor. */
export function onesLike(x: Tensor): Tensor {
  return filled('onesLike', x.shape, 1, { dtype: x.dtype, backend: x.backend });
}

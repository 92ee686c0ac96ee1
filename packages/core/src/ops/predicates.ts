/**
 * Questions about values. Like comparisons, they answer 1 or 0 in the type of what is asked about,
 * and have no derivative.
 */
import { checkOptions } from '../checks/options.js';
import { refuse } from '../checks/refusal.js';
import { checkFloating, checkPlace, checkTensor } from '../checks/tensors.js';
import { checkFlag, checkNumber } from '../checks/values.js';
import { isFloating } from '../dtype.js';
import { BackendError } from '../errors.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';
import type { CloseOptions, Dims, KeepDim } from '../tensor-methods.js';
import { add, maximum, mul, sub } from './arithmetic.js';
import { sum } from './broadcast.js';
import { eq, gt, le, lt, ne } from './comparison.js';
import { onesLike, zerosLike } from './fill.js';
import { abs } from './functions.js';
import { detach } from './identity.js';

/**
 * 1 where a value is NaN, else 0.
 *
 * @example
 * ```ts
 * isnan(tensor([1, NaN, Infinity]));   // [0, 1, 0]
 * ```
 * @param x - any shape and type
 * @returns the same shape and type (PyTorch: a truth type)
 */
export function isnan(x: Tensor): Tensor {
  checkTensor('isnan', 'x', x);
  return isFloating(x.dtype) ? ne(x, x) : zerosLike(x);
}

/**
 * 1 where a value is Infinity or -Infinity, else 0; see `isnan`.
 *
 * @example
 * ```ts
 * isinf(tensor([1, NaN, -Infinity]));   // [0, 0, 1]
 * ```
 */
export function isinf(x: Tensor): Tensor {
  checkTensor('isinf', 'x', x);
  return isFloating(x.dtype) ? scope(() => eq(abs(detach(x)), Infinity)) : zerosLike(x);
}

/**
 * 1 where a value is neither infinite nor NaN, else 0; see `isnan`.
 *
 * @example
 * ```ts
 * isfinite(tensor([1, NaN, Infinity]));   // [1, 0, 0]
 * ```
 */
export function isfinite(x: Tensor): Tensor {
  checkTensor('isfinite', 'x', x);
  return isFloating(x.dtype) ? scope(() => lt(abs(detach(x)), Infinity)) : onesLike(x);
}

/**
 * 1 where any value along dimensions is not 0, else 0.
 *
 * @example
 * ```ts
 * any(tensor([[0, 2], [0, 0]]), 1);   // [1, 0]
 * ```
 * @param x - any shape and type; NaN counts as true
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions, in the type of `x` (PyTorch: a truth type); 0 for nothing
 * @throws ArgumentError when a dimension does not exist or is named twice
 */
export function any(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('any', 'x', x);
  return scope(() => gt(sum(ne(x, 0), dims, keepDim), 0));
}

/**
 * 1 where no value along dimensions is 0, else 0; 1 for nothing. See `any`.
 *
 * @example
 * ```ts
 * all(tensor([1, 2, 0]));   // 0
 * ```
 */
export function all(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('all', 'x', x);
  return scope(() => eq(sum(eq(x, 0), dims, keepDim), 0));
}

/**
 * 1 where `|a - b| <= atol + rtol |b|`, else 0. An infinite value is close only to itself.
 *
 * @example
 * ```ts
 * isclose(tensor([1, 2]), tensor([1.000001, 2.1]));   // [1, 0]
 * ```
 * @param a - any shape; float32 or float64
 * @param b - a shape that broadcasts with `a`'s, the same type and backend
 * @param options - `rtol`, 1e-5 unless given; `atol`, 1e-8; `equalNan`: whether two NaN are close,
 *   false
 * @returns the broadcast shape, in the operands' type
 * @throws ShapeError, DTypeError, BackendError when the operands do not fit together, and
 *   DTypeError for int32, which `eq` compares
 */
export function isclose(a: Tensor, b: Tensor, options: CloseOptions = {}): Tensor {
  return closeness('isclose', a, b, options);
}

/**
 * Whether all values are close, each as `isclose` says; see there for the arguments.
 *
 * @example
 * ```ts
 * allclose(tensor([1, 2]), tensor([1.000001, 2]));   // true
 * ```
 * @returns true or false
 * @throws as `isclose`, and BackendError on a backend that answers only later
 */
export function allclose(a: Tensor, b: Tensor, options: CloseOptions = {}): boolean {
  const { name, synchronous } = (checkTensor('allclose', 'a', a), a).backend.info;
  if (!synchronous) {
    refuse(BackendError, 'allclose', 'a', {
      received: `on '${name}', which answers only later`,
      expected: 'a backend that answers now',
      hint: 'write `(await all(isclose(a, b)).data())[0] === 1`',
    });
  }
  return scope(() => all(closeness('allclose', a, b, options)).item() === 1);
}

function closeness(name: string, a: Tensor, b: Tensor, options: CloseOptions): Tensor {
  checkTensor(name, 'a', a);
  checkTensor(name, 'b', b);
  checkFloating(name, 'a', a);
  checkPlace(name, 'b', b, a, 'a');
  checkOptions(name, options, ['rtol', 'atol', 'equalNan']);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  checkNumber(name, 'rtol', rtol, { from: 0, to: Infinity });
  checkNumber(name, 'atol', atol, { from: 0, to: Infinity });
  checkFlag(name, 'equalNan', equalNan);
  return scope(() => {
    const [left, right] = [detach(a), detach(b)];
    const distance = abs(sub(left, right));
    // An infinite distance is within no limit, not even an infinite one.
    const isNear = mul(le(distance, add(abs(mul(right, rtol)), atol)), lt(distance, Infinity));
    const isClose = maximum(eq(left, right), isNear);
    return equalNan ? maximum(isClose, mul(isnan(left), isnan(right))) : isClose;
  });
}

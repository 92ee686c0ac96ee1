/** Elementary functions and activations; each derivative stands beside its function. */
import { checkTensor } from '../checks/tensors.js';
import { checkNumber } from '../checks/values.js';
import { record } from '../record.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { checkReal, div, mul, square, sub } from './arithmetic.js';
import { eq, ge, gt, le, lt, where } from './comparison.js';
import { anyFunction, binaryFunction, combined, realFunction } from './elementwise.js';
import { full, zerosLike } from './fill.js';
import { detach } from './identity.js';

/**
 * e to the power x.
 *
 * @example
 * ```ts
 * exp(tensor([0, 1]));   // [1.0000, 2.7183]
 * ```
 * @param x - any shape; float32 or float64
 * @returns the same shape
 * @throws DTypeError for int32
 */
export function exp(x: Tensor): Tensor {
  return realFunction('exp', x, 'y', (grad, y) => mul(grad, y));
}

/**
 * The natural logarithm; -Infinity at 0, NaN below. See `exp`.
 *
 * @example
 * ```ts
 * log(tensor([1, Math.E])); // [0, 1]
 * ```
 */
export function log(x: Tensor): Tensor {
  return realFunction('log', x, 'x', (grad, x) => div(grad, x));
}

/**
 * The square root; NaN below 0. See `exp`.
 *
 * @example
 * ```ts
 * sqrt(tensor([1, 4, 9])); // [1, 2, 3]
 * ```
 */
export function sqrt(x: Tensor): Tensor {
  return realFunction('sqrt', x, 'y', (grad, y) => div(mul(grad, 0.5), y));
}

/**
 * The absolute value, also of int32; its derivative at 0 is taken as 0.
 *
 * @example
 * ```ts
 * abs(tensor([-1.5, 0, 2])); // [1.5, 0, 2]
 * ```
 */
export function abs(x: Tensor): Tensor {
  return anyFunction('abs', x, 'x', (grad, x) => mul(grad, sign(x)));
}

/**
 * -1, 0 or 1, also of int32; 0, without a sign, of ±0 and, as in PyTorch, of NaN. Its derivative is
 * 0 everywhere.
 *
 * @example
 * ```ts
 * sign(tensor([-3, 0, 0.5])); // [-1, 0, 1]
 * ```
 */
export function sign(x: Tensor): Tensor {
  return anyFunction('sign', x, 'nothing', zerosLike);
}

/**
 * The hyperbolic tangent. See `exp`.
 *
 * @example
 * ```ts
 * tanh(tensor([-1, 0, 1])); // [-0.7616, 0, 0.7616]
 * ```
 */
export function tanh(x: Tensor): Tensor {
  return realFunction('tanh', x, 'y', (grad, y) => mul(grad, sub(1, square(y))));
}

/**
 * The logistic function `1 / (1 + exp(-x))`, without overflow. See `exp`.
 *
 * @example
 * ```ts
 * sigmoid(tensor([-1, 0, 1])); // [0.2689, 0.5, 0.7311]
 * ```
 */
export function sigmoid(x: Tensor): Tensor {
  return realFunction('sigmoid', x, 'y', (grad, y) => mul(grad, mul(y, sub(1, y))));
}

/**
 * `max(x, 0)`, also of int32; its derivative at 0 is 0, and NaN stays NaN.
 *
 * @example
 * ```ts
 * relu(tensor([-1, 0, 2])); // [0, 0, 2]
 * ```
 */
export function relu(x: Tensor): Tensor {
  return anyFunction('relu', x, 'y', (grad, y) => where(le(y, 0), 0, grad));
}

/**
 * `log(1 + exp(x))`, without overflow. See `exp`. (PyTorch returns `x` itself above 20, where the
 * difference is below 2e-9.)
 *
 * @example
 * ```ts
 * softplus(tensor([-1, 0, 1])); // [0.3133, 0.6931, 1.3133]
 * ```
 */
export function softplus(x: Tensor): Tensor {
  return realFunction('softplus', x, 'x', (grad, x) => mul(grad, sigmoid(x)));
}

/**
 * `a` to the power `b`, element by element with broadcasting.
 *
 * @example
 * ```ts
 * pow(tensor([1, 2, 3]), 2);   // [1, 4, 9]
 * ```
 * @param a - any shape, or a number; float32 or float64
 * @param b - a shape that broadcasts with `a`'s, or a number
 * @returns the broadcast shape; NaN for a fractional power of a negative number
 * @throws ShapeError, DTypeError, BackendError as `add`, and DTypeError for int32
 */
export function pow(a: Tensor | number, b: Tensor | number): Tensor {
  checkReal('pow', a, b);
  return binaryFunction('pow', a, b, 'operands', powerByBase, powerByExponent);
}

/** `b a^(b-1)`; where b is 0 the function is constant, and `0 * 0^-1` would be NaN. */
function powerByBase(grad: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  if (typeof b === 'number') return b === 0 ? zerosLike(grad) : mul(grad, mul(pow(a, b - 1), b));
  return where(eq(b, 0), 0, mul(grad, mul(b, pow(a, sub(b, 1)))));
}

/** `a^b log a`, which is 0 where a = 0 and b >= 0. */
function powerByExponent(grad: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const base = typeof a === 'number' ? full([], a, { dtype: grad.dtype, backend: grad.backend }) : a;
  return where(mul(eq(base, 0), ge(b, 0)), 0, mul(grad, mul(pow(base, b), log(base))));
}

/**
 * Values limited to a range.
 *
 * @example
 * ```ts
 * clamp(tensor([-2, 0.5, 2]), -1, 1);   // [-1, 0.5, 1]
 * ```
 * @param x - any shape and type
 * @param min - lower limit; -Infinity for none
 * @param max - upper limit; Infinity for none
 * @returns the same shape, NaN where `x` is NaN; the gradient passes where the value lies between
 *   the limits, and is 0 at and beyond them
 * @throws ArgumentError unless `min <= max` (PyTorch gives `max` everywhere)
 */
export function clamp(x: Tensor, min: number = -Infinity, max: number = Infinity): Tensor {
  checkTensor('clamp', 'x', x);
  checkNumber('clamp', 'max', max, { from: -Infinity, to: Infinity });
  checkNumber('clamp', 'min', min, { from: -Infinity, to: max });
  return record(limited(x, min, max), {
    name: 'clamp',
    inputs: [x],
    saved: [x],
    derivatives: [(grad, [x]) => within(x, min, max, grad)],
  });
}

function limited(x: Tensor, min: number, max: number): Tensor {
  return scope(() => {
    const raised = min === -Infinity ? detach(x) : combined('maximum', x, min);
    return max === Infinity ? raised : combined('minimum', raised, max);
  });
}

/** The gradient where `min < x < max`, else 0, also for NaN. */
function within(x: Tensor, min: number, max: number, grad: Tensor): Tensor {
  const above = min === -Infinity ? grad : where(gt(x, min), grad, 0);
  return max === Infinity ? above : where(lt(x, max), above, 0);
}

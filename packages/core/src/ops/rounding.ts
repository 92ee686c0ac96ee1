/**
 * Rounding to whole numbers: the nearest one by a kernel, the others from there. As in PyTorch, the
 * derivatives are 0 everywhere.
 */
import { checkTensor } from '../checks/tensors.js';
import { isFloating } from '../dtype.js';
import { recordComposition } from '../record.js';
import type { Tensor } from '../tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { eq, gt, lt, where } from './comparison.js';
import { realFunction } from './elementwise.js';
import { zerosLike } from './fill.js';
import { abs, sign } from './functions.js';
import { detach } from './identity.js';

/**
 * The largest whole number that is not above x.
 *
 * @example
 * ```ts
 * floor(tensor([1.5, -1.5]));   // [1, -2]
 * ```
 * @param x - any shape and type; int32 stays as it is
 * @returns the same shape; infinities and NaN stay what they are. The gradient is 0
 */
export function floor(x: Tensor): Tensor {
  return rounded('floor', x, (x) => {
    const near = nearest(x);
    return sub(near, gt(near, x));
  });
}

/**
 * The smallest whole number that is not below x; see `floor`.
 *
 * @example
 * ```ts
 * ceil(tensor([0.2, -0.2, 2]));   // [1, -0, 2]
 * ```
 */
export function ceil(x: Tensor): Tensor {
  return rounded('ceil', x, (x) => {
    const near = nearest(x);
    return add(near, lt(near, x));
  });
}

/**
 * The whole number next to x in the direction of 0; see `floor`.
 *
 * @example
 * ```ts
 * trunc(tensor([1.7, -1.7]));   // [1, -1]
 * ```
 */
export function trunc(x: Tensor): Tensor {
  return rounded('trunc', x, (x) => {
    const near = nearest(x);
    return sub(near, mul(sign(x), gt(abs(near), abs(x))));
  });
}

/**
 * The nearest whole number, of two equally near ones the even one; see `floor`.
 *
 * @example
 * ```ts
 * round(tensor([0.5, 1.5, -2.6]));   // [0, 2, -3]
 * ```
 */
export function round(x: Tensor): Tensor {
  checkTensor('round', 'x', x);
  return isFloating(x.dtype) ? nearest(x) : detach(x);
}

function rounded(name: string, x: Tensor, fn: (x: Tensor) => Tensor): Tensor {
  checkTensor(name, 'x', x);
  if (!isFloating(x.dtype)) return detach(x);
  return recordComposition({
    name,
    inputs: [x],
    forward: () => {
      const whole = fn(x);
      return { result: where(eq(whole, 0), mul(x, 0), whole) }; // the sign of a zero is that of x
    },
    derivatives: [zerosLike],
  });
}

/** `round` of floats. */
export function nearest(x: Tensor): Tensor {
  return realFunction('round', x, 'nothing', zerosLike);
}

/**
 * Rounding to whole numbers, by way of int32. It is exact for every float32 and float64: from 2^23 and 2^52 on they are whole already, and a
 * float64 beyond int32's range goes in two parts. As in PyTorch, the derivatives are 0 everywhere.
 */
import { checkTensor } from '../checks/tensors.js';
import { isFloating } from '../dtype.js';
import { recordComposition } from '../record.js';
import type { Tensor } from '../tensor.js';
import { add, mul, sub } from './arithmetic.js';
import { eq, gt, lt, ne, where } from './comparison.js';
import { to } from './convert.js';
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
    const cut = towardsZero(x);
    return sub(cut, gt(cut, x));
  });
}

/** The smallest whole number that is not below x; see `floor`. */
export function ceil(x: Tensor): Tensor {
  return rounded('ceil', x, (x) => {
    const cut = towardsZero(x);
    return add(cut, lt(cut, x));
  });
}

/** The whole number next to x in the direction of 0; see `floor`. */
export function trunc(x: Tensor): Tensor {
  return rounded('trunc', x, towardsZero);
}

/** The nearest whole number, of two equally near ones the even one; see `floor`. */
export function round(x: Tensor): Tensor {
  return rounded('round', x, (x) => {
    const cut = towardsZero(x);
    const rest = abs(sub(x, cut)); // exact
    const isOdd = ne(mul(towardsZero(mul(cut, 0.5)), 2), cut);
    const isUp = where(eq(rest, 0.5), isOdd, gt(rest, 0.5));
    return add(cut, mul(sign(x), isUp));
  });
}

function rounded(name: string, x: Tensor, fn: (x: Tensor) => Tensor): Tensor {
  checkTensor(name, 'x', x);
  if (!isFloating(x.dtype)) return detach(x);
  return recordComposition({
    name,
    inputs: [x],
    forward: () => {
      const whole = fn(x);
      // What int32 lost: the sign of a zero, and what it cannot hold.
      return { result: where(isWhole(x), x, where(eq(whole, 0), mul(x, 0), whole)) };
    },
    derivatives: [zerosLike],
  });
}

/** Whether it is so large, or no number at all, that there is nothing to round. */
function isWhole(x: Tensor): Tensor {
  return eq(lt(abs(x), x.dtype === 'float32' ? 2 ** 23 : 2 ** 52), 0);
}

const PART = 2 ** 26;

/** Without the fraction, below the limits of `isWhole`. */
function towardsZero(x: Tensor): Tensor {
  const cut = (part: Tensor): Tensor => to(to(part, 'int32'), x.dtype);
  if (x.dtype === 'float32') return cut(x);
  const high = mul(cut(mul(x, 1 / PART)), PART);
  return add(high, cut(sub(x, high)));
}

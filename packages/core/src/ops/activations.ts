/** Smooth relatives of `relu`. */
import { checkOptions } from '../checks/options.js';
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { checkChoice } from '../checks/values.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';
import type { GeluOptions } from '../tensor-methods.js';
import { add, mul, square } from './arithmetic.js';
import { erf } from './erf.js';
import { sigmoid, tanh } from './functions.js';

/**
 * `x * sigmoid(x)`, also known as swish.
 *
 * @example
 * ```ts
 * silu(tensor([-1, 0, 1]));   // [-0.2689, 0, 0.7311]
 * ```
 * @param x - any shape; float32 or float64
 * @returns the same shape
 * @throws DTypeError for int32
 */
export function silu(x: Tensor): Tensor {
  checkTensor('silu', 'x', x);
  checkFloating('silu', 'x', x);
  return scope(() => mul(x, sigmoid(x)));
}

/**
 * `x` times the probability that a normal number is below `x`: `x (1 + erf(x / sqrt(2))) / 2`.
 *
 * @example
 * ```ts
 * gelu(tensor([-1, 0, 1]));   // [-0.1587, 0, 0.8413]
 * ```
 * @param x - any shape; float32 or float64
 * @param options - `approximate`: 'tanh' for `x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) / 2`,
 *   'none' unless given
 * @returns the same shape
 * @throws DTypeError for int32; ArgumentError for any other word
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkTensor('gelu', 'x', x);
  checkFloating('gelu', 'x', x);
  checkOptions('gelu', options, ['approximate']);
  const { approximate = 'none' } = options;
  checkChoice('gelu', 'approximate', approximate, ['none', 'tanh']);
  return scope(() => {
    const share =
      approximate === 'none'
        ? erf(mul(x, Math.SQRT1_2))
        : tanh(mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI)));
    return mul(mul(x, 0.5), add(share, 1));
  });
}

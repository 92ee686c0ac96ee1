import { full, scope, type Tensor } from '@rnn/core';
import { checkTensor } from '@rnn/core/checks';
import { fillFrom, type InitOptions } from './fill.js';

/**
 * Fills a tensor with uniform draws.
 *
 * @example
 * ```ts
 * init.uniform_(layer.weight, -0.1, 0.1);
 * ```
 * @param tensor - any shape, a leaf (a parameter)
 * @param low - the least value
 * @param high - the bound that no draw reaches
 * @param options - `generator`
 * @returns the tensor
 */
export function uniform_(tensor: Tensor, low = 0, high = 1, options: InitOptions = {}): Tensor {
  return fillFrom('uniform_', tensor, options, (out, generator) => generator.uniform(out, low, high));
}

/**
 * Fills a tensor with normal draws.
 *
 * @param tensor - any shape, a leaf
 * @param mean - the distribution's mean
 * @param std - its standard deviation
 * @param options - `generator`
 * @returns the tensor
 */
export function normal_(tensor: Tensor, mean = 0, std = 1, options: InitOptions = {}): Tensor {
  return fillFrom('normal_', tensor, options, (out, generator) => generator.normal(out, mean, std));
}

/** Fills a tensor with one value and returns it. */
export function constant_(tensor: Tensor, value: number): Tensor {
  checkTensor('constant_', 'tensor', tensor);
  scope(() => void tensor.copy_(full(tensor.shape, value, { dtype: tensor.dtype, backend: tensor.backend })));
  return tensor;
}

/** Fills a tensor with zeros and returns it. */
export function zeros_(tensor: Tensor): Tensor {
  return constant_(tensor, 0);
}

/** Fills a tensor with ones and returns it. */
export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

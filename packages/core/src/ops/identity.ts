/** The same value under another handle. Values never change, so the memory is shared. */
import { checkTensor } from '../checks/tensors.js';
import { passCountOn } from '../averages.js';
import { record } from '../record.js';
import { Tensor } from '../tensor.js';

/**
 * The same value, cut off from the graph.
 *
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * x.mul(detach(x)).sum().backward(); // of the two factors one counts
 * x.grad; // [1, 2]
 * ```
 * @param x - any shape
 * @returns a leaf that requires no gradient, sharing the memory of `x`
 */
export function detach(x: Tensor): Tensor {
  checkTensor('detach', 'x', x);
  const result = new Tensor(x.held.retain(), x.shape);
  passCountOn(result, [x]);
  return result;
}

/**
 * The same value at a place of its own in the graph.
 *
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * clone(x).mul(3).sum().backward();
 * x.grad; // [3, 3]
 * ```
 * @param x - any shape
 * @returns a tensor that lives as long as it is needed, whatever becomes of `x`; gradients flow
 *   back to `x`
 *
 * Differs from PyTorch: shares the memory, as nobody changes a value in place.
 */
export function clone(x: Tensor): Tensor {
  return record(detach(x), { name: 'clone', inputs: [x], derivatives: [(grad) => grad] });
}

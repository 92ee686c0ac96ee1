/**
 * Running sums and products, in log2(size) passes: in each, what lies 1, 2, 4, ... places before is
 * taken in.
 */
import { checkTensor } from '../checks/tensors.js';
import { recordComposition } from '../record.js';
import { scope } from '../scope.js';
import { normalizeDim } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add, mul } from './arithmetic.js';
import { reshape } from './broadcast.js';
import { concat } from './join.js';
import { flip } from './movement.js';
import { narrow } from './slice.js';

/**
 * Running sums along a dimension: place i holds the sum of the places 0 to i.
 *
 * @example
 * ```ts
 * cumsum(tensor([1, 2, 3, 4]), 0);   // [1, 3, 6, 10]
 * ```
 * @param x - any shape and type
 * @param dim - the dimension to add along
 * @returns the same shape; int32 stays int32 (PyTorch: int64)
 * @throws ArgumentError when the dimension does not exist
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  const at = placeOf('cumsum', x, dim);
  return recordComposition({
    name: 'cumsum',
    inputs: [x],
    forward: () => ({ result: running(add, x, at) }),
    // Place i is in the sums from i on.
    derivatives: [(grad) => (grad.rank === 0 ? grad : flip(cumsum(flip(grad, at), at), at))],
  });
}

/**
 * Running products along a dimension; see `cumsum`. The gradient is right beside zeros, infinities
 * and NaN too: nothing is divided by (as PyTorch does where there is no zero).
 *
 * @example
 * ```ts
 * cumprod(tensor([1, 2, 3, 4]), 0);   // [1, 2, 6, 24]
 * ```
 */
export function cumprod(x: Tensor, dim: number): Tensor {
  const at = placeOf('cumprod', x, dim);
  return scope(() => running(mul, x, at));
}

function placeOf(operation: string, x: Tensor, dim: number): number {
  checkTensor(operation, 'x', x);
  return normalizeDim(operation, dim, x.rank);
}

function running(joined: (a: Tensor, b: Tensor) => Tensor, x: Tensor, at: number): Tensor {
  let current = reshape(x, x.shape); // a tensor of its own, also where there is nothing to do
  const size = x.rank === 0 ? 1 : x.shape[at];
  for (let by = 1; by < size; by *= 2) {
    const behind = joined(narrow(current, at, 0, size - by), narrow(current, at, by, size - by));
    current = concat([narrow(current, at, 0, by), behind], at);
  }
  return current;
}

import { checkTensor } from '../checks/tensors.js';
import { reducedDims } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims, KeepDim } from '../tensor-methods.js';
import { scope } from '../scope.js';
import { add, mul } from './arithmetic.js';
import { droppedShape, keepsDim, reshape, sum } from './broadcast.js';
import { narrow } from './slice.js';

/**
 * The product over dimensions.
 *
 * @example
 * ```ts
 * prod(tensor([[1, 2], [3, 4]]), 1);   // [2, 12]
 * ```
 * @param x - any shape and type
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions, 1 for nothing. The gradient is right beside zeros too: nothing
 *   is divided by
 * @throws ArgumentError when a dimension does not exist or is named twice
 *
 * Differs from PyTorch: several dimensions may be named, and int32 stays int32 (PyTorch: int64).
 * The gradient of a value that is infinite or NaN is the product of the others too, where PyTorch
 * divides by the value and gives NaN.
 */
export function prod(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('prod', 'x', x);
  const list = reducedDims('prod', dims, x.rank);
  const isKept = keepsDim('prod', keepDim);
  return scope(() => {
    const result = list.reduce(multiplied, x);
    return reshape(result, isKept ? result.shape : droppedShape(x.shape, list));
  });
}

/** The halves of a dimension times each other, until one place is left. */
function multiplied(x: Tensor, dim: number): Tensor {
  if (x.shape[dim] === 0) return add(sum(x, dim, true), 1);
  let current = x;
  let odd: Tensor | undefined; // what had no partner
  while (current.shape[dim] > 1) {
    const size = current.shape[dim];
    const half = Math.floor(size / 2);
    if (size % 2 === 1) {
      const last = narrow(current, dim, size - 1, 1);
      odd = odd === undefined ? last : mul(odd, last);
    }
    current = mul(narrow(current, dim, 0, half), narrow(current, dim, half, half));
  }
  return odd === undefined ? current : mul(current, odd);
}

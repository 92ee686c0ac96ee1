/**
 * The softmax and its logarithm. Along the last dimension, where every row is by itself, they run
 * as one program.
 */
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { compileFn } from '../compile-fn.js';
import { recordComposition } from '../record.js';
import { normalizeDim } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { div, mul, sub } from './arithmetic.js';
import { reduced, sum } from './broadcast.js';
import { exp, log } from './functions.js';

/**
 * `exp(x) / sum(exp(x))` along a dimension.
 *
 * @example
 * ```ts
 * softmax(tensor([1, 2, 3]), 0);   // [0.0900, 0.2447, 0.6652]
 * ```
 * @param x - any shape; float32 or float64
 * @param dim - the dimension that adds up to 1
 * @returns the same shape
 * @throws DTypeError for int32; ArgumentError when the dimension does not exist
 */
export function softmax(x: Tensor, dim: number): Tensor {
  const dims = checkSoftmax('softmax', x, dim);
  return isLast(x, dims) ? softmaxOfRows(x) : softmaxAlong(x, dims);
}

/**
 * The logarithm of `softmax`, computed without loss for large inputs; see there for the arguments.
 *
 * @example
 * ```ts
 * logSoftmax(tensor([[0, 0]]), 1); // [[-0.6931, -0.6931]]
 * ```
 */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  const dims = checkSoftmax('logSoftmax', x, dim);
  return isLast(x, dims) ? logSoftmaxOfRows(x) : logSoftmaxAlong(x, dims);
}

const lastOfRows = [1];
const anyRows = { anyRows: true };
const softmaxOfRows = /* @__PURE__ */ compileFn(function softmax(rows: Tensor) {
  return softmaxAlong(rows, lastOfRows);
}, anyRows);
const logSoftmaxOfRows = /* @__PURE__ */ compileFn(function logSoftmax(rows: Tensor) {
  return logSoftmaxAlong(rows, lastOfRows);
}, anyRows);

function softmaxAlong(x: Tensor, dims: readonly number[]): Tensor {
  return recordComposition({
    name: 'softmax',
    inputs: [x],
    forward: () => {
      const powers = exp(sub(x, largestOf('softmax', x, dims)));
      const result = div(powers, sum(powers, dims, true));
      return { result, saved: [result] };
    },
    // y_i = softmax(x)_i:  dx = y * (dy - sum_j dy_j y_j)
    derivatives: [(grad, [y]) => mul(y, sub(grad, sum(mul(grad, y), dims, true)))],
  });
}

function logSoftmaxAlong(x: Tensor, dims: readonly number[]): Tensor {
  return recordComposition({
    name: 'logSoftmax',
    inputs: [x],
    forward: () => {
      const shifted = sub(x, largestOf('logSoftmax', x, dims));
      const result = sub(shifted, log(sum(exp(shifted), dims, true)));
      return { result, saved: [result] };
    },
    // dx = dy - softmax(x) * sum_j dy_j
    derivatives: [(grad, [y]) => sub(grad, mul(exp(y), sum(grad, dims, true)))],
  });
}

function checkSoftmax(operation: string, x: Tensor, dim: number): number[] {
  checkTensor(operation, 'x', x);
  checkFloating(operation, 'x', x);
  const at = normalizeDim(operation, dim, x.rank);
  return x.rank === 0 ? [] : [at];
}

function isLast(x: Tensor, dims: readonly number[]): boolean {
  return x.size > 0 && dims[0] === x.rank - 1;
}

/**
 * The largest value along the dimension, which stays; of nothing, 0, since nothing is subtracted
 * from it.
 */
function largestOf(operation: string, x: Tensor, dims: readonly number[]): Tensor {
  return reduced(operation, x.size === 0 ? 'sum' : 'max', x, dims, true);
}

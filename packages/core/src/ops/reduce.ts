import { ShapeError } from '../errors.js';
import { customOperation, record, wrap } from '../record.js';
import { normalizeDim, normalizeDims, showShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims, ValuesAndIndices } from '../tensor-methods.js';
import { droppedShape, keptShape, reduced, reshape, sum } from './broadcast.js';
import { div, mul, neg, sub, add } from './arithmetic.js';
import { eq, where } from './comparison.js';
import { exp, log, abs } from './functions.js';
import { zerosLike } from './fill.js';
import { scatterAdd } from './indexing.js';
import { checkFloating, checkTensor } from './operands.js';

/** The mean over dimensions; see `sum` for the arguments. */
export function mean(x: Tensor, dims?: Dims, keepDim = false): Tensor {
  checkTensor('mean', 'x', x);
  checkFloating('mean', x);
  const count = normalizeDims('mean', dims, x.rank).reduce((product, dim) => product * x.shape[dim], 1);
  return div(sum(x, dims, keepDim), count);
}

/**
 * The largest value over dimensions; a NaN wins.
 *
 * @param x - any shape, with at least one element along the reduced dimensions
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1
 * @returns the remaining dimensions; on a tie the gradient is shared evenly, as in PyTorch
 */
export function amax(x: Tensor, dims?: Dims, keepDim = false): Tensor {
  return extreme('max', x, dims, keepDim);
}

/** The smallest value over dimensions; see `amax`. */
export function amin(x: Tensor, dims?: Dims, keepDim = false): Tensor {
  return extreme('min', x, dims, keepDim);
}

function extreme(op: 'max' | 'min', x: Tensor, dims: Dims | undefined, keepDim: boolean): Tensor {
  checkTensor(`a${op}`, 'x', x);
  const list = normalizeDims(`a${op}`, dims, x.rank);
  const result = reduced(op, x, list, keepDim);
  const kept = keptShape(x.shape, list);
  return record(result, {
    name: `a${op}`,
    inputs: [x],
    saved: [x, result],
    derivatives: [
      (grad, [x, y]) => {
        const ties = eq(x, reshape(y, kept));
        return mul(div(ties, sum(ties, list, true)), reshape(grad, kept));
      },
    ],
  });
}

/**
 * The largest value: of all elements, or along one dimension together with its position.
 *
 * @example
 * ```ts
 * const { values, indices } = max(tensor([[1, 5], [7, 2]]), 1);   // [5, 7] at [1, 0]
 * ```
 * @param x - any shape
 * @param dim - the dimension to reduce; all of them when left out
 * @param keepDim - keep it with size 1
 * @returns one number, or `{ values, indices }`, where the gradient goes to the chosen positions
 */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, dim: number, keepDim?: boolean): ValuesAndIndices<Tensor>;
export function max(x: Tensor, dim?: number, keepDim = false): Tensor | ValuesAndIndices<Tensor> {
  return dim === undefined ? amax(x) : chosen('max', x, dim, keepDim);
}

/** The smallest value; see `max`. */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, dim: number, keepDim?: boolean): ValuesAndIndices<Tensor>;
export function min(x: Tensor, dim?: number, keepDim = false): Tensor | ValuesAndIndices<Tensor> {
  return dim === undefined ? amin(x) : chosen('min', x, dim, keepDim);
}

function chosen(op: 'max' | 'min', x: Tensor, dim: number, keepDim: boolean): ValuesAndIndices<Tensor> {
  checkTensor(op, 'x', x);
  const at = normalizeDim(op, dim, x.rank);
  const dims = x.rank === 0 ? [] : [at];
  const indices = op === 'max' ? argmax(x, dim, keepDim) : argmin(x, dim, keepDim);
  const values = reduced(op, x, dims, keepDim);
  record(values, {
    name: op,
    inputs: [x],
    saved: [indices],
    derivatives: [
      (grad, [indices]) => {
        if (x.rank === 0) return grad;
        const kept = keptShape(x.shape, dims);
        return scatterAdd(zerosLike(x), at, reshape(indices, kept), reshape(grad, kept));
      },
    ],
  });
  return { values, indices };
}

/** The position of the largest value, along a dimension or among all elements (int32); the first one on a tie. */
export function argmax(x: Tensor, dim?: number, keepDim = false): Tensor {
  checkTensor('argmax', 'x', x);
  if (x.size === 0) throw new ShapeError(`argmax: shape ${showShape(x.shape)} has no element`, { argument: 'x' });
  const { backend } = x;
  if (dim === undefined) {
    const shape = keepDim ? x.shape.map(() => 1) : [];
    return wrap(backend, backend.reduce('argmax', x.storage, 1, x.size, 1), shape, { min: 0, max: x.size - 1 });
  }
  const at = normalizeDim('argmax', dim, x.rank);
  if (x.rank === 0) return wrap(backend, backend.fill(0, 1, 'int32'), [], { min: 0, max: 0 });
  const size = x.shape[at];
  const storage = backend.reduce(
    'argmax',
    x.storage,
    sizeOf(x.shape.slice(0, at)),
    size,
    sizeOf(x.shape.slice(at + 1)),
  );
  return wrap(backend, storage, keepDim ? keptShape(x.shape, [at]) : droppedShape(x.shape, [at]), {
    min: 0,
    max: size - 1,
  });
}

/** The position of the smallest value; see `argmax`. */
export function argmin(x: Tensor, dim?: number, keepDim = false): Tensor {
  checkTensor('argmin', 'x', x);
  const negative = neg(x.detach());
  const result = argmax(negative, dim, keepDim);
  negative.dispose();
  return result;
}

/**
 * `log(sum(exp(x)))` over dimensions, without overflow.
 *
 * @param x - any shape
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1
 * @returns the remaining dimensions; the gradient is the softmax
 */
export function logsumexp(x: Tensor, dims?: Dims, keepDim = false): Tensor {
  checkTensor('logsumexp', 'x', x);
  checkFloating('logsumexp', x);
  const list = normalizeDims('logsumexp', dims, x.rank);
  const kept = keptShape(x.shape, list);
  return customOperation({
    name: 'logsumexp',
    inputs: [x],
    forward: () => {
      const largest = reduced('max', x, list, true);
      const shift = where(eq(abs(largest), Infinity), 0, largest); // an infinite maximum would give Infinity - Infinity
      const result = add(log(sum(exp(sub(x, shift)), list, true)), shift);
      return { result: reshape(result, keepDim ? kept : droppedShape(x.shape, list)), saved: [x] };
    },
    derivatives: [(grad, [x]) => mul(reshape(grad, kept), exp(sub(x, logsumexp(x, list, true))))],
  });
}

/**
 * `exp(x) / sum(exp(x))` along a dimension.
 *
 * @example
 * ```ts
 * softmax(tensor([1, 2, 3]), 0);   // [0.0900, 0.2447, 0.6652]
 * ```
 * @param x - any shape
 * @param dim - the dimension that adds up to 1
 * @returns the same shape
 */
export function softmax(x: Tensor, dim: number): Tensor {
  checkTensor('softmax', 'x', x);
  checkFloating('softmax', x);
  const at = normalizeDim('softmax', dim, x.rank);
  return customOperation({
    name: 'softmax',
    inputs: [x],
    forward: () => {
      const powers = exp(sub(x, amax(x, at, true)));
      const result = div(powers, sum(powers, at, true));
      return { result, saved: [result] };
    },
    // y_i = softmax(x)_i:  dx = y * (dy - sum_j dy_j y_j)
    derivatives: [(grad, [y]) => mul(y, sub(grad, sum(mul(grad, y), at, true)))],
  });
}

/** The logarithm of `softmax`, computed without loss for large inputs. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  checkTensor('logSoftmax', 'x', x);
  checkFloating('logSoftmax', x);
  const at = normalizeDim('logSoftmax', dim, x.rank);
  return customOperation({
    name: 'logSoftmax',
    inputs: [x],
    forward: () => {
      const shifted = sub(x, amax(x, at, true));
      const result = sub(shifted, log(sum(exp(shifted), at, true)));
      return { result, saved: [result] };
    },
    // dx = dy - softmax(x) * sum_j dy_j
    derivatives: [(grad, [y]) => sub(grad, mul(exp(y), sum(grad, at, true)))],
  });
}

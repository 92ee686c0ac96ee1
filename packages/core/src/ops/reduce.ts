import { isFloating } from '../dtype.js';
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { averagedOver, countOf, type AverageCount } from '../averages.js';
import { recordComposition, record, wrap } from '../record.js';
import { scope } from '../scope.js';
import { normalizeDim, reducedDims, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims, KeepDim, ValuesAndIndices } from '../tensor-methods.js';
import { add, div, mul, neg, sub } from './arithmetic.js';
import { checkNotEmpty, droppedShape, expand, keepsDim, keptShape, reduced, reshape, sum } from './broadcast.js';
import { eq, where } from './comparison.js';
import { empty, full } from './fill.js';
import { abs, exp, log } from './functions.js';
import { detach } from './identity.js';
import { scattered } from './indexing.js';

/**
 * The mean over dimensions.
 *
 * @example
 * ```ts
 * mean(tensor([[1, 2], [3, 4]]), 1);   // [1.5, 3.5]
 * ```
 * @param x - any shape; float32 or float64
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions; the mean of nothing is NaN
 * @throws DTypeError for int32; ArgumentError when a dimension does not exist or is named twice
 */
export function mean(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('mean', 'x', x);
  checkFloating('mean', 'x', x);
  const { shape } = x;
  const list = reducedDims('mean', dims, x.rank);
  const kept = keptShape(shape, list);
  const isKept = keepsDim('mean', keepDim);
  const count = list.reduce((product, dim) => product * shape[dim], 1);
  const result = recordComposition({
    name: 'mean',
    inputs: [x],
    forward: () => ({ result: div(sum(x, list, isKept), count) }),
    derivatives: [(grad) => expand(reshape(div(grad, count), kept), shape)],
  });
  return result.size === 1 && x.size !== 1 ? scope(() => averagedOver(result, averaged(x, count))) : result;
}

/**
 * How many elements the mean of so many values is over, where the values may be means themselves.
 */
function averaged(values: Tensor, count: number): AverageCount {
  const each = countOf(values) ?? 1;
  return typeof each === 'number' ? each * count : mul(each, count);
}

/**
 * The largest value over dimensions; a NaN wins.
 *
 * @example
 * ```ts
 * amax(tensor([[1, 5], [7, 2]]), 1);   // [5, 7]
 * ```
 * @param x - any shape, with at least one element along the reduced dimensions
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions; on a tie the gradient is shared evenly, as in PyTorch
 * @throws ShapeError when there is nothing to reduce; ArgumentError when a dimension does not exist
 *   or is named twice
 */
export function amax(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  return extreme('amax', 'max', x, dims, keepDim);
}

/**
 * The smallest value over dimensions; see `amax`.
 *
 * @example
 * ```ts
 * amin(tensor([[3, 1], [2, 5]]), 1); // [1, 2]
 * ```
 */
export function amin(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  return extreme('amin', 'min', x, dims, keepDim);
}

function extreme(name: string, op: 'max' | 'min', x: Tensor, dims: Dims | undefined, keepDim: KeepDim): Tensor {
  checkTensor(name, 'x', x);
  const list = reducedDims(name, dims, x.rank);
  const kept = keptShape(x.shape, list);
  const result = reduced(name, op, x, list, keepsDim(name, keepDim));
  return record(result, {
    name,
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
 * @param keepDim - keep it with size 1: true, or `{ keepDim: true }`
 * @returns one number, or `{ values, indices }`, where the gradient goes to the chosen positions
 * @throws ShapeError when there is nothing to reduce; ArgumentError when the dimension does not
 *   exist
 */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, dim: number, keepDim?: KeepDim): ValuesAndIndices<Tensor>;
export function max(x: Tensor, dim?: number, keepDim: KeepDim = false): Tensor | ValuesAndIndices<Tensor> {
  return dim === undefined ? extreme('max', 'max', x, undefined, keepDim) : chosen('max', x, dim, keepDim);
}

/**
 * The smallest value; see `max`.
 *
 * @example
 * ```ts
 * min(tensor([3, 1, 2])); // 1
 * ```
 */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, dim: number, keepDim?: KeepDim): ValuesAndIndices<Tensor>;
export function min(x: Tensor, dim?: number, keepDim: KeepDim = false): Tensor | ValuesAndIndices<Tensor> {
  return dim === undefined ? extreme('min', 'min', x, undefined, keepDim) : chosen('min', x, dim, keepDim);
}

function chosen(op: 'max' | 'min', x: Tensor, dim: number, keepDim: KeepDim): ValuesAndIndices<Tensor> {
  const indices = position(op, op, x, dim, keepDim);
  const { shape } = x;
  const dims = reducedDims(op, dim, x.rank);
  const values = record(reduced(op, op, x, dims, keepsDim(op, keepDim)), {
    name: op,
    inputs: [x],
    saved: [indices],
    derivatives: [(grad, [indices]) => atPositions(grad, indices, dims, shape)],
  });
  return { values, indices };
}

/** The gradient at the chosen positions of a dimension, zeros elsewhere. */
function atPositions(grad: Tensor, indices: Tensor, dims: readonly number[], shape: Shape): Tensor {
  if (dims.length === 0) return grad; // a single number was its own largest
  const kept = keptShape(shape, dims);
  return scattered(reshape(grad, kept), shape, dims[0], reshape(indices, kept));
}

/**
 * The position of the largest value, along a dimension or among all elements.
 *
 * @example
 * ```ts
 * argmax(tensor([[1, 5], [7, 2]]), 1);   // [1, 0]
 * ```
 * @param x - any shape
 * @param dim - the dimension to reduce; left out, all elements are counted in row-major order
 * @param keepDim - keep what was reduced with size 1: true, or `{ keepDim: true }`
 * @returns int32 (PyTorch: int64); the first one on a tie, a NaN's if there is one
 * @throws ShapeError when there is nothing to reduce; ArgumentError when the dimension does not
 *   exist
 */
export function argmax(x: Tensor, dim?: number, keepDim: KeepDim = false): Tensor {
  return position('argmax', 'max', x, dim, keepDim);
}

/**
 * The position of the smallest value; see `argmax`.
 *
 * @example
 * ```ts
 * argmin(tensor([[3, 1], [2, 5]]), 1); // [1, 0]
 * ```
 */
export function argmin(x: Tensor, dim?: number, keepDim: KeepDim = false): Tensor {
  return position('argmin', 'min', x, dim, keepDim);
}

/** One dimension, or all where none is named; a list of them is refused. */
function oneOrAll(operation: string, dim: number | undefined, rank: number): number[] {
  return reducedDims(operation, dim === undefined ? dim : normalizeDim(operation, dim, rank), rank);
}

function position(name: string, op: 'max' | 'min', x: Tensor, dim: number | undefined, keepDim: KeepDim): Tensor {
  checkTensor(name, 'x', x);
  const { backend, shape } = x;
  const dims = oneOrAll(name, dim, x.rank);
  checkNotEmpty(name, x, dims);
  const target = keepsDim(name, keepDim) ? keptShape(shape, dims) : droppedShape(shape, dims);
  if (sizeOf(target) === 0) return empty(target, 'int32', backend);
  if (x.rank === 0) return full([], 0, { dtype: 'int32', backend });
  const [first, last] = [dims[0], dims[dims.length - 1]]; // one dimension, or all
  const size = sizeOf(shape.slice(first, last + 1));
  const [outer, inner] = [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(last + 1))];
  return scope(() => {
    const { storage } = op === 'max' ? x : reversed(detach(x));
    return wrap(backend, backend.reduce('argmax', storage, outer, size, inner), target, {
      min: 0,
      max: size - 1,
      isTight: false,
    });
  });
}

/**
 * Values in the opposite order: -x, and -1 - x for whole numbers, where -x of the smallest would be
 * itself.
 */
function reversed(x: Tensor): Tensor {
  return isFloating(x.dtype) ? neg(x) : sub(-1, x);
}

/**
 * `log(sum(exp(x)))` over dimensions, without overflow.
 *
 * @example
 * ```ts
 * logsumexp(tensor([1000, 1000]));   // 1000.6931
 * ```
 * @param x - any shape; float32 or float64
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions, -Infinity for nothing; the gradient is the softmax
 * @throws DTypeError for int32; ArgumentError when a dimension does not exist or is named twice
 */
export function logsumexp(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('logsumexp', 'x', x);
  checkFloating('logsumexp', 'x', x);
  const list = reducedDims('logsumexp', dims, x.rank);
  const kept = keptShape(x.shape, list);
  const shape = keepsDim('logsumexp', keepDim) ? kept : droppedShape(x.shape, list);
  return recordComposition({
    name: 'logsumexp',
    inputs: [x],
    forward: () => {
      const result = reshape(x.size === 0 ? log(sum(x, list, true)) : shiftedLogSum(x, list), shape);
      return { result, saved: [x, result] };
    },
    derivatives: [(grad, [x, y]) => mul(reshape(grad, kept), exp(sub(x, reshape(y, kept))))],
  });
}

/**
 * With c = max(x), `log(sum(exp(x - c))) + c`. An infinite c is taken as 0, for it would give
 * Infinity - Infinity.
 */
function shiftedLogSum(x: Tensor, dims: readonly number[]): Tensor {
  const largest = reduced('logsumexp', 'max', x, dims, true);
  const shift = where(eq(abs(largest), Infinity), 0, largest);
  return add(log(sum(exp(sub(x, shift)), dims, true)), shift);
}

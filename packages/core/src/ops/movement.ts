/** Dimensions in another order, joined, added and dropped. */
import { checkList } from '../checks/values.js';
import { refuse } from '../checks/refusal.js';
import { checkTensor } from '../checks/tensors.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { record } from '../record.js';
import { checkOneArray, denseStrides, normalizeDim, normalizeDims, showShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims } from '../tensor-methods.js';
import { reshape, viewed } from './broadcast.js';
import { walked } from './join.js';

/**
 * The dimensions in another order.
 *
 * @example
 * ```ts
 * permute(zeros([2, 3, 4]), [2, 0, 1]).shape;   // [4, 2, 3]
 * ```
 * @param x - any shape
 * @param dims - every dimension once
 * @returns the same elements, moved (PyTorch gives a view)
 * @throws ArgumentError when `dims` does not name each dimension once
 */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  checkTensor('permute', 'x', x);
  checkList('permute', 'dims', dims, 'dimensions such as [1, 0]');
  const order = dims.map((dim) => normalizeDim('permute', dim, x.rank, 'dims'));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    const expected = `each of the ${x.rank} dimensions once`;
    refuse(ArgumentError, 'permute', 'dims', { received: `[${dims.join(', ')}]`, expected });
  }
  return reordered(x, order, 'permute');
}

function reordered(x: Tensor, order: readonly number[], name: string): Tensor {
  const strides = denseStrides(x.shape);
  const result = walked(
    x,
    order.map((dim) => x.shape[dim]),
    0,
    order.map((dim) => strides[dim]),
  );
  const back = order.map((_, dim) => order.indexOf(dim));
  return record(result, { name, inputs: [x], derivatives: [(grad) => reordered(grad, back, name)] });
}

/**
 * Two dimensions exchanged.
 *
 * @example
 * ```ts
 * transpose(zeros([2, 3, 4]), 0, 2).shape;   // [4, 3, 2]
 * ```
 * @param x - any shape
 * @param dim0 - one dimension
 * @param dim1 - the other
 * @returns the same elements, moved (PyTorch gives a view)
 * @throws ArgumentError when a dimension does not exist
 */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor('transpose', 'x', x);
  const a = normalizeDim('transpose', dim0, x.rank, 'dim0');
  const b = normalizeDim('transpose', dim1, x.rank, 'dim1');
  const order = x.shape.map((_, dim) => (dim === a ? b : dim === b ? a : dim));
  return reordered(x, order, 'transpose');
}

/**
 * The transpose of a matrix; a vector or a single number stays as it is, as in PyTorch. See
 * `transpose` for more dimensions.
 *
 * @example
 * ```ts
 * t(tensor([[1, 2], [3, 4]])); // [[1, 3], [2, 4]]
 * ```
 */
export function t(x: Tensor): Tensor {
  checkTensor('t', 'x', x);
  if (x.rank > 2) {
    const expected = 'at most 2 dimensions';
    const hint = 'use transpose(x, dim0, dim1)';
    refuse(ShapeError, 't', 'x', { has: 'shape', received: showShape(x.shape), expected, hint });
  }
  return x.rank === 2 ? reordered(x, [1, 0], 't') : viewed(x, x.shape, 't');
}

/**
 * Neighbouring dimensions as one.
 *
 * @example
 * ```ts
 * flatten(zeros([2, 3, 4]), 1).shape;   // [2, 12]
 * ```
 * @param x - any shape; a single number becomes a vector of one
 * @param startDim - the first of the dimensions
 * @param endDim - the last of them
 * @returns the same elements, sharing the memory of `x`
 * @throws ArgumentError when a dimension does not exist or the last lies before the first
 */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor('flatten', 'x', x);
  const start = normalizeDim('flatten', startDim, x.rank, 'startDim');
  const end = normalizeDim('flatten', endDim, x.rank, 'endDim');
  if (start > end) {
    refuse(ArgumentError, 'flatten', 'startDim', { value: startDim, expected: `at most endDim, ${endDim}` });
  }
  return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}

/**
 * Without dimensions of size 1.
 *
 * @example
 * ```ts
 * squeeze(zeros([1, 2, 1])).shape;      // [2]
 * squeeze(zeros([1, 2, 1]), 0).shape;   // [2, 1]
 * ```
 * @param x - any shape
 * @param dims - which of them; those of another size stay. All when left out
 * @returns the same elements, sharing the memory of `x`
 * @throws ArgumentError when a dimension does not exist
 */
export function squeeze(x: Tensor, dims?: Dims, ...more: never[]): Tensor {
  checkTensor('squeeze', 'x', x);
  checkOneArray('squeeze', 'dims', dims, more);
  const list = normalizeDims('squeeze', dims, x.rank);
  return viewed(
    x,
    x.shape.filter((size, dim) => size !== 1 || !list.includes(dim)),
    'squeeze',
  );
}

/**
 * With a new dimension of size 1.
 *
 * @example
 * ```ts
 * unsqueeze(zeros([2, 3]), 1).shape;   // [2, 1, 3]
 * ```
 * @param x - any shape
 * @param dim - where it comes to lie; -1 is at the end
 * @returns the same elements, sharing the memory of `x`
 * @throws ArgumentError when there is no such place
 */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', 'x', x);
  const at = normalizeDim('unsqueeze', dim, x.rank + 1);
  return viewed(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)], 'unsqueeze');
}

/**
 * The order of the elements reversed along dimensions.
 *
 * @example
 * ```ts
 * flip(tensor([1, 2, 3]), 0);   // [3, 2, 1]
 * ```
 * @param x - any shape
 * @param dims - one dimension or several
 * @returns the same shape
 * @throws ArgumentError when a dimension does not exist or is named twice
 */
export function flip(x: Tensor, dims: Dims, ...more: never[]): Tensor {
  checkTensor('flip', 'x', x);
  checkOneArray('flip', 'dims', dims, more);
  const list = normalizeDims('flip', dims, x.rank);
  const strides = denseStrides(x.shape);
  const offset = x.size === 0 ? 0 : list.reduce((sum, dim) => sum + (x.shape[dim] - 1) * strides[dim], 0);
  const result = walked(
    x,
    x.shape,
    offset,
    strides.map((s, dim) => (list.includes(dim) ? -s : s)),
  );
  return record(result, { name: 'flip', inputs: [x], derivatives: [(grad) => flip(grad, list)] });
}

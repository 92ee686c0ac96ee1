import { ArgumentError, ShapeError } from '../errors.js';
import { record } from '../record.js';
import { denseStrides, normalizeDim, normalizeDims, showShape, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims } from '../tensor-methods.js';
import { reshape, viewed } from './broadcast.js';
import { full } from './fill.js';
import { concat, walked } from './join.js';
import { checkTensor } from './operands.js';

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
  const order = dims.map((dim) => normalizeDim('permute', dim, x.rank, 'dims'));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ArgumentError(`permute: dims is [${dims.join(', ')}], expected each of the ${x.rank} dimensions once`, {
      argument: 'dims',
      expected: `each of ${x.rank} dimensions once`,
      received: `[${dims.join(', ')}]`,
    });
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

/** The transpose of a matrix; a vector or a single number stays as it is, as in PyTorch. See `transpose` for more dimensions. */
export function t(x: Tensor): Tensor {
  checkTensor('t', 'x', x);
  if (x.rank > 2) {
    throw new ShapeError(`t: x has shape ${showShape(x.shape)}, expected at most 2 dimensions; use transpose(x, dim0, dim1)`, {
      argument: 'x',
      expected: 'at most 2 dimensions',
      received: showShape(x.shape),
    });
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
    throw new ArgumentError(`flatten: startDim is ${startDim}, expected it not to lie behind endDim, ${endDim}`, {
      argument: 'startDim',
      expected: `at most ${end}`,
      received: String(startDim),
    });
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
export function squeeze(x: Tensor, dims?: Dims): Tensor {
  checkTensor('squeeze', 'x', x);
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
 * Every `step`-th place of one dimension from `start` up to, without, `end`.
 *
 * @example
 * ```ts
 * slice(arange(10), 0, 1, 8, 3);   // [1, 4, 7]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to cut
 * @param start - negative ones count from the end; beyond the ends they are cut to them, as in Python
 * @param end - the same
 * @param step - at least 1; use `flip` to go backwards
 * @returns the same shape but for `dim`
 * @throws ArgumentError when a number is not whole; ShapeError for a single number
 */
export function slice(x: Tensor, dim: number, start = 0, end: number = Infinity, step = 1): Tensor {
  const at = cuttableDim('slice', x, dim);
  const length = x.shape[at];
  if (!Number.isInteger(step) || step < 1) refuseNumber('slice', 'step', step, 'a whole number from 1 up');
  const place = (value: number, argument: string): number => {
    if (value === Infinity) return length;
    if (!Number.isInteger(value)) refuseNumber('slice', argument, value, 'a whole number');
    return Math.min(Math.max(value < 0 ? value + length : value, 0), length);
  };
  const from = place(start, 'start');
  const count = Math.max(0, Math.ceil((place(end, 'end') - from) / step));
  const shape = x.shape.map((size, i) => (i === at ? count : size));
  return picked('slice', x, { at, from, count, step }, shape);
}

function cuttableDim(operation: string, x: Tensor, dim: number): number {
  checkTensor(operation, 'x', x);
  if (x.rank > 0) return normalizeDim(operation, dim, x.rank);
  throw new ShapeError(`${operation}: x is a single number, expected at least one dimension`, {
    argument: 'x',
    expected: 'at least one dimension',
    received: '[]',
  });
}

function refuseNumber(operation: string, argument: string, value: number, expected: string): never {
  throw new ArgumentError(`${operation}: ${argument} is ${value}, expected ${expected}`, {
    argument,
    expected,
    received: String(value),
  });
}

/** Places of one dimension. */
interface Places {
  readonly at: number;
  readonly from: number;
  readonly count: number;
  readonly step: number;
}

/** The places in a shape of their own. */
function picked(name: string, x: Tensor, places: Places, shape: Shape): Tensor {
  const { at, from, count, step } = places;
  const whole = x.shape;
  const strides = denseStrides(whole);
  const kept = whole.map((size, i) => (i === at ? count : size));
  const result = walked(
    x,
    kept,
    count === 0 ? 0 : from * strides[at],
    strides.map((stride, i) => (i === at ? stride * step : stride)),
    { shape },
  );
  return record(result, {
    name,
    inputs: [x],
    derivatives: [(grad) => embed(viewed(grad, kept, 'view'), places, whole[at])],
  });
}

/** The adjoint of `picked`: the gradient at its places in a dimension of `length`, zeros elsewhere. */
function embed(grad: Tensor, { at, from, step }: Places, length: number): Tensor {
  const { backend, dtype, shape } = grad;
  const zeros = (dim: number, count: number): Tensor[] => {
    const sizes = dim === at ? [] : [shape[at]];
    return count === 0 ? [] : [full([...shape.slice(0, at), ...sizes, count, ...shape.slice(at + 1)], 0, { dtype, backend })];
  };
  let spread = grad;
  if (step > 1 && shape[at] > 0) {
    // each place followed by step - 1 zeros: [n] -> [n, 1] -> [n, step] -> [n * step]
    const column = viewed(grad, [...shape.slice(0, at + 1), 1, ...shape.slice(at + 1)], 'view');
    spread = reshape(
      concat([column, ...zeros(at + 1, step - 1)], at + 1),
      shape.map((size, i) => (i === at ? size * step : size)),
    );
  }
  const fits = Math.min(spread.shape[at], length - from);
  if (fits < spread.shape[at]) spread = slice(spread, at, 0, fits);
  return concat([...zeros(at, from), spread, ...zeros(at, length - from - fits)], at);
}

/**
 * Neighbouring places of one dimension. Unlike `slice`, it refuses a range that is not there.
 *
 * @example
 * ```ts
 * narrow(arange(10), 0, 4, 2);   // [4, 5]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to cut
 * @param start - the first place; negative ones count from the end
 * @param length - how many
 * @returns the same shape but for `dim`
 * @throws ArgumentError when the range is not there; ShapeError for a single number
 */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  const at = cuttableDim('narrow', x, dim);
  const size = x.shape[at];
  const from = start < 0 ? start + size : start;
  if (!Number.isInteger(start) || from < 0 || from > size) {
    refuseNumber('narrow', 'start', start, `a whole number from ${-size} to ${size}`);
  }
  if (!Number.isInteger(length) || length < 0 || from + length > size) {
    refuseNumber('narrow', 'length', length, `a whole number from 0 to ${size - from}, as start is ${start} and dimension ${dim} has size ${size}`);
  }
  const shape = x.shape.map((s, i) => (i === at ? length : s));
  return picked('slice', x, { at, from, count: length, step: 1 }, shape);
}

/**
 * One place of a dimension, which disappears: `x[index]` of PyTorch is `select(x, 0, index)`.
 *
 * @example
 * ```ts
 * select(tensor([[1, 2], [3, 4]]), 0, -1);   // [3, 4]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to choose from
 * @param index - the place; negative ones count from the end
 * @returns the other dimensions
 * @throws ArgumentError when there is no such place; ShapeError for a single number
 */
export function select(x: Tensor, dim: number, index: number): Tensor {
  const at = cuttableDim('select', x, dim);
  const size = x.shape[at];
  if (!Number.isInteger(index) || index < -size || index >= size) {
    refuseNumber('select', 'index', index, `a whole number from ${-size} to ${size - 1} for dimension ${dim} of size ${size}`);
  }
  const from = index < 0 ? index + size : index;
  const rest = x.shape.filter((_, i) => i !== at);
  return picked('select', x, { at, from, count: 1, step: 1 }, rest);
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
export function flip(x: Tensor, dims: Dims): Tensor {
  checkTensor('flip', 'x', x);
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

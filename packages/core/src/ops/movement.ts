import { ArgumentError, ShapeError } from '../errors.js';
import { record } from '../record.js';
import { denseStrides, normalizeDim, normalizeDims, showShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { Dims } from '../tensor-methods.js';
import { reshape } from './broadcast.js';
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
 * @returns the same elements, moved
 */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  checkTensor('permute', 'x', x);
  const order = dims.map((dim) => normalizeDim('permute', dim, x.rank, 'dims'));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ArgumentError(`permute: dims [${dims.join(', ')}] do not name each of the ${x.rank} dimensions once`, {
      argument: 'dims',
    });
  }
  const strides = denseStrides(x.shape);
  const result = walked(
    x,
    order.map((dim) => x.shape[dim]),
    0,
    order.map((dim) => strides[dim]),
  );
  return record(result, {
    name: 'permute',
    inputs: [x],
    derivatives: [
      (grad) =>
        permute(
          grad,
          order.map((_, dim) => order.indexOf(dim)),
        ),
    ],
  });
}

/** Two dimensions exchanged. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor('transpose', 'x', x);
  const a = normalizeDim('transpose', dim0, x.rank, 'dim0');
  const b = normalizeDim('transpose', dim1, x.rank, 'dim1');
  return permute(
    x,
    x.shape.map((_, dim) => (dim === a ? b : dim === b ? a : dim)),
  );
}

/** The transpose of a matrix; a vector or number is given back as it is, as PyTorch's `t()` does. */
export function t(x: Tensor): Tensor {
  checkTensor('t', 'x', x);
  if (x.rank > 2)
    throw new ShapeError(
      `t: expected at most 2 dimensions, received ${showShape(x.shape)}; use transpose(x, dim0, dim1)`,
    );
  return x.rank === 2 ? permute(x, [1, 0]) : reshape(x, x.shape);
}

/** All dimensions from `startDim` to `endDim` as one. */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor('flatten', 'x', x);
  const start = normalizeDim('flatten', startDim, x.rank, 'startDim');
  const end = normalizeDim('flatten', endDim, x.rank, 'endDim');
  if (start > end)
    throw new ArgumentError(`flatten: startDim ${startDim} lies behind endDim ${endDim}`, { argument: 'startDim' });
  return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}

/** Without the dimensions of size 1, or without those of the listed ones that have size 1. */
export function squeeze(x: Tensor, dims?: Dims): Tensor {
  checkTensor('squeeze', 'x', x);
  const list = normalizeDims('squeeze', dims, x.rank);
  return reshape(
    x,
    x.shape.filter((size, dim) => size !== 1 || !list.includes(dim)),
  );
}

/** With a new dimension of size 1 at `dim`. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', 'x', x);
  const at = normalizeDim('unsqueeze', dim, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Every `step`-th place of one dimension from `start` up to, without, `end`.
 *
 * @example
 * ```ts
 * slice(arange(10), 0, 1, 8, 3);   // [1, 4, 7]
 * ```
 * @param x - any shape
 * @param dim - the dimension to cut
 * @param start - negative ones count from the end; beyond the end they are cut to it, as in Python
 * @param end - the same
 * @param step - at least 1; use `flip` to go backwards
 * @returns the same shape but for `dim`
 */
export function slice(x: Tensor, dim: number, start = 0, end: number = Infinity, step = 1): Tensor {
  checkTensor('slice', 'x', x);
  if (x.rank === 0) throw new ShapeError('slice: a single number has no dimension to cut');
  const at = normalizeDim('slice', dim, x.rank);
  const length = x.shape[at];
  if (!Number.isInteger(step) || step < 1) {
    throw new ArgumentError(`slice: step is ${step}, expected a whole number from 1 up`, { argument: 'step' });
  }
  const place = (value: number, argument: string): number => {
    if (value === Infinity) return length;
    if (!Number.isInteger(value))
      throw new ArgumentError(`slice: ${argument} is ${value}, expected a whole number`, { argument });
    return Math.min(Math.max(value < 0 ? value + length : value, 0), length);
  };
  const from = place(start, 'start');
  const count = Math.max(0, Math.ceil((place(end, 'end') - from) / step));
  const strides = denseStrides(x.shape);
  const offset = count === 0 ? 0 : from * strides[at];
  const result = walked(
    x,
    x.shape.map((size, i) => (i === at ? count : size)),
    offset,
    strides.map((s, i) => (i === at ? s * step : s)),
  );
  return record(result, { name: 'slice', inputs: [x], derivatives: [(grad) => embed(grad, at, from, step, length)] });
}

/** The adjoint of `slice`: the gradient at its places in a dimension of `length`, zeros elsewhere. */
function embed(grad: Tensor, dim: number, from: number, step: number, length: number): Tensor {
  const filler = (count: number): Tensor[] =>
    count === 0
      ? []
      : [
          full(
            grad.shape.map((size, i) => (i === dim ? count : size)),
            0,
            { dtype: grad.dtype, backend: grad.backend },
          ),
        ];
  let spread = grad;
  if (step > 1) {
    // each place followed by step - 1 zeros: [n] -> [n, 1] -> [n, step] -> [n * step]
    const shape = grad.shape;
    const column = reshape(grad, [...shape.slice(0, dim + 1), 1, ...shape.slice(dim + 1)]);
    const gap = full([...shape.slice(0, dim + 1), step - 1, ...shape.slice(dim + 1)], 0, {
      dtype: grad.dtype,
      backend: grad.backend,
    });
    spread = reshape(
      concat([column, gap], dim + 1),
      shape.map((size, i) => (i === dim ? size * step : size)),
    );
  }
  const fits = Math.min(spread.shape[dim], length - from);
  if (fits < spread.shape[dim]) spread = slice(spread, dim, 0, fits);
  return concat([...filler(from), spread, ...filler(length - from - fits)], dim);
}

/** `length` places of one dimension from `start` on. Unlike `slice`, it refuses a range that is not there. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  checkTensor('narrow', 'x', x);
  const at = normalizeDim('narrow', dim, x.rank);
  const size = x.shape[at] ?? 1;
  const from = start < 0 ? start + size : start;
  if (!Number.isInteger(start) || !Number.isInteger(length) || from < 0 || length < 0 || from + length > size) {
    throw new ArgumentError(
      `narrow: start ${start} and length ${length} do not lie within dimension ${dim} of size ${size}`,
      {
        argument: 'start',
      },
    );
  }
  return slice(x, at, from, from + length);
}

/** One place of a dimension, which disappears: `x[index]` of PyTorch is `select(x, 0, index)`. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  checkTensor('select', 'x', x);
  if (x.rank === 0) throw new ShapeError('select: a single number has no dimension to choose from');
  const at = normalizeDim('select', dim, x.rank);
  const size = x.shape[at];
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new ArgumentError(`select: index ${index} is out of range for dimension ${dim} of size ${size}`, {
      argument: 'index',
    });
  }
  const from = index < 0 ? index + size : index;
  return reshape(
    slice(x, at, from, from + 1),
    x.shape.filter((_, i) => i !== at),
  );
}

/** The order of the elements reversed along dimensions. */
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

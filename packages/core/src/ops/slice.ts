/** Parts of a tensor along one dimension; the gradient of each is zero outside of the part. */
import { placeDim } from './operands.js';
import { refuse } from '../checks/refusal.js';
import { checkCount } from '../checks/values.js';
import { ArgumentError } from '../errors.js';
import { record } from '../record.js';
import { denseStrides, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reshape, viewed } from './broadcast.js';
import { full } from './fill.js';
import { concat, walked } from './join.js';

/**
 * Every `step`-th place of one dimension from `start` up to, without, `end`.
 *
 * @example
 * ```ts
 * slice(arange(10), 0, 1, 8, 3);   // [1, 4, 7]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to cut
 * @param start - negative ones count from the end; beyond the ends they are cut to them, as in
 *   Python
 * @param end - the same
 * @param step - at least 1; use `flip` to go backwards
 * @returns the same shape but for `dim`
 * @throws ArgumentError when a number is not whole; ShapeError for a single number
 */
export function slice(x: Tensor, dim: number, start = 0, end: number = Infinity, step = 1): Tensor {
  const at = placeDim('slice', x, dim);
  const length = x.shape[at];
  checkCount('slice', 'step', step, 1);
  const place = (value: number, argument: string): number => {
    if (value === Infinity) return length;
    if (!Number.isInteger(value)) refuse(ArgumentError, 'slice', argument, { value, expected: 'a whole number' });
    return Math.min(Math.max(value < 0 ? value + length : value, 0), length);
  };
  const from = place(start, 'start');
  const count = Math.max(0, Math.ceil((place(end, 'end') - from) / step));
  const shape = x.shape.map((size, i) => (i === at ? count : size));
  return picked('slice', x, { at, from, count, step }, shape);
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

/**
 * The adjoint of `picked`: the gradient at its places in a dimension of `length`, zeros elsewhere.
 */
function embed(grad: Tensor, { at, from, step }: Places, length: number): Tensor {
  const { backend, dtype, shape } = grad;
  const zeros = (dim: number, count: number): Tensor[] => {
    const sizes = dim === at ? [] : [shape[at]];
    return count === 0
      ? []
      : [full([...shape.slice(0, at), ...sizes, count, ...shape.slice(at + 1)], 0, { dtype, backend })];
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
  const at = placeDim('narrow', x, dim);
  const size = x.shape[at];
  if (!Number.isInteger(start) || start < -size || start > size) {
    refuse(ArgumentError, 'narrow', 'start', { value: start, expected: `a whole number from ${-size} to ${size}` });
  }
  const from = start < 0 ? start + size : start;
  if (!Number.isInteger(length) || length < 0 || from + length > size) {
    const expected = `a whole number from 0 to ${size - from}, as start is ${start} and dimension ${dim} has size ${size}`;
    refuse(ArgumentError, 'narrow', 'length', { value: length, expected });
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
  const at = placeDim('select', x, dim);
  const size = x.shape[at];
  if (!Number.isInteger(index) || index < -size || index >= size) {
    const expected = `a whole number from ${-size} to ${size - 1} for dimension ${dim} of size ${size}`;
    refuse(ArgumentError, 'select', 'index', { value: index, expected });
  }
  const from = index < 0 ? index + size : index;
  const rest = x.shape.filter((_, i) => i !== at);
  return picked('select', x, { at, from, count: 1, step: 1 }, rest);
}

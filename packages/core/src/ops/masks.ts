/** Tensors of which a part is replaced: where a mask says so, or beyond a diagonal. */
import { refuse } from '../checks/refusal.js';
import { checkTensor } from '../checks/tensors.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { hostArray } from '../dtype.js';
import { showShape } from '../shape.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { where } from './comparison.js';
import { fromData } from './create.js';

/**
 * A value wherever a mask is not 0, and `x` elsewhere.
 *
 * @example
 * ```ts
 * maskedFill(tensor([1, 2, 3]), tensor([0, 1, 0]), -Infinity);   // [1, -Infinity, 3]
 * ```
 * @param x - any shape and type
 * @param mask - a shape that broadcasts with `x`'s, any type; NaN counts as true
 * @param value - a number, or a tensor of a single one, which then has a gradient
 * @returns the broadcast shape; no gradient reaches what was replaced
 * @throws ShapeError, DTypeError, BackendError when the operands do not fit together
 */
export function maskedFill(x: Tensor, mask: Tensor, value: Tensor | number): Tensor {
  checkTensor('maskedFill', 'x', x);
  checkTensor('maskedFill', 'mask', mask);
  if (typeof value !== 'number') {
    checkTensor('maskedFill', 'value', value);
    if (value.rank !== 0) {
      const [received, expected] = [showShape(value.shape), '[], a single number'];
      refuse(ShapeError, 'maskedFill', 'value', { has: 'shape', received, expected, hint: 'use where' });
    }
  }
  return where(mask, value, x);
}

/**
 * Matrices with zeros above a diagonal.
 *
 * @example
 * ```ts
 * tril(tensor([[1, 2], [3, 4]]));   // [[1, 0], [3, 4]]
 * ```
 * @param x - a matrix, or any number of them in leading dimensions; any type
 * @param diagonal - the last diagonal that is kept: 0 is the main one, positive ones lie above it
 * @returns the same shape
 * @throws ShapeError for fewer than two dimensions; ArgumentError unless `diagonal` is whole
 */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle('tril', x, diagonal, (distance) => distance <= diagonal);
}

/**
 * Matrices with zeros below a diagonal, which is the first that is kept; see `tril`.
 *
 * @example
 * ```ts
 * triu(tensor([[1, 2], [3, 4]]));   // [[1, 2], [0, 4]]
 * ```
 */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle('triu', x, diagonal, (distance) => distance >= diagonal);
}

/** Keeps the places whose distance from the main diagonal, column less row, is as asked. */
function triangle(name: string, x: Tensor, diagonal: number, keeps: (distance: number) => boolean): Tensor {
  checkTensor(name, 'x', x);
  if (x.rank < 2) {
    refuse(ShapeError, name, 'x', { has: 'shape', received: showShape(x.shape), expected: 'at least two dimensions' });
  }
  if (!Number.isInteger(diagonal)) {
    refuse(ArgumentError, name, 'diagonal', { value: diagonal, expected: 'a whole number' });
  }
  const [rows, columns] = x.shape.slice(-2);
  const marks = hostArray(x.dtype, rows * columns);
  for (let i = 0; i < marks.length; i++) marks[i] = Number(keeps((i % columns) - Math.floor(i / columns)));
  const { backend } = x;
  return scope(() => where(fromData(marks, [rows, columns], { backend }), x, 0));
}

/** Comparisons, which have no derivative, and the choice between two values, which has one. */
import { checkSameBackend, checkTensor } from '../checks/tensors.js';
import { placeOf, record, wrap, type Derivative } from '../record.js';
import { broadcastShapes, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { sumTo } from './broadcast.js';
import { combined } from './elementwise.js';
import { empty } from './fill.js';
import { aligned, checkNumber } from './operands.js';

/**
 * 1 where the operands are equal, else 0.
 *
 * @example
 * ```ts
 * eq(tensor([1, 2, 3]), 2);   // [0, 1, 0]
 * ```
 * @param a - any shape, or a number
 * @param b - a shape that broadcasts with `a`'s, the same type and backend, or a number
 * @returns the broadcast shape, in the operands' type; a NaN is equal to nothing
 * @throws ShapeError, DTypeError, BackendError when the operands do not fit together
 *
 * Differs from PyTorch: there the result is of a truth type, here it counts and multiplies as it
 * is.
 */
export function eq(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('eq', a, b);
}

/**
 * 1 where the operands differ, else 0; see `eq`.
 *
 * @example
 * ```ts
 * ne(tensor([1, 2, 3]), 2); // [1, 0, 1]
 * ```
 */
export function ne(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('ne', a, b);
}

/**
 * 1 where `a < b`, else 0; see `eq`.
 *
 * @example
 * ```ts
 * lt(tensor([1, 2, 3]), tensor([3, 2, 1])); // [1, 0, 0]
 * ```
 */
export function lt(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('lt', a, b);
}

/**
 * 1 where `a <= b`, else 0; see `eq`.
 *
 * @example
 * ```ts
 * le(tensor([1, 2, 3]), 2); // [1, 1, 0]
 * ```
 */
export function le(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('le', a, b);
}

/**
 * 1 where `a > b`, else 0; see `eq`.
 *
 * @example
 * ```ts
 * gt(tensor([1, 2, 3]), 2); // [0, 0, 1]
 * ```
 */
export function gt(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('gt', a, b);
}

/**
 * 1 where `a >= b`, else 0; see `eq`.
 *
 * @example
 * ```ts
 * ge(tensor([1, 2, 3]), 2); // [0, 1, 1]
 * ```
 */
export function ge(a: Tensor | number, b: Tensor | number): Tensor {
  return combined('ge', a, b);
}

/**
 * Picks from two operands element by element: `a` where the condition is not 0, else `b`. What is
 * not picked has no part in the gradient, a NaN included.
 *
 * @example
 * ```ts
 * const x = tensor([-1, 2]);
 * where(x.gt(0), x, 0);   // [0, 2]
 * ```
 * @param condition - any type; NaN counts as true, as in PyTorch
 * @param a - a shape that broadcasts with the others, or a number
 * @param b - the same; tensors `a` and `b` have one type, and two numbers take the condition's
 * @returns the broadcast shape of all three
 * @throws ShapeError, DTypeError, BackendError when the operands do not fit together
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  checkTensor('where', 'condition', condition);
  if (typeof a !== 'number') checkTensor('where', 'a', a);
  if (typeof b !== 'number') checkTensor('where', 'b', b);
  const choices = [a, b].filter((x) => typeof x !== 'number');
  const backend = choices.length > 0 ? placeOf('where', choices) : condition.backend;
  checkSameBackend('where', 'condition', condition.backend, backend, 'the choices');
  const { dtype } = choices[0] ?? condition;
  if (typeof a === 'number') checkNumber('where', 'a', dtype, a);
  if (typeof b === 'number') checkNumber('where', 'b', dtype, b);
  const shape = choices.reduce((joint, x) => broadcastShapes('where', joint, x.shape), condition.shape);
  return record(selected(condition, a, b, choices, shape), {
    name: 'where',
    inputs: choices,
    saved: [condition],
    derivatives: [
      ...(typeof a === 'number' ? [] : [pickedFrom(a.shape, (grad, condition) => where(condition, grad, 0))]),
      ...(typeof b === 'number' ? [] : [pickedFrom(b.shape, (grad, condition) => where(condition, 0, grad))]),
    ],
  });
}

function selected(
  condition: Tensor,
  a: Tensor | number,
  b: Tensor | number,
  choices: readonly Tensor[],
  shape: Shape,
): Tensor {
  const { backend } = condition;
  const { dtype } = choices[0] ?? condition;
  const size = sizeOf(shape);
  if (size === 0) return empty(shape, dtype, backend);
  const {
    walks: [marks, ...rest],
    sizes,
  } = aligned([condition, ...choices], shape, size);
  const left = typeof a === 'number' ? a : rest[0];
  const right = typeof b === 'number' ? b : rest[rest.length - 1];
  return wrap(backend, backend.select(marks, left, right, sizes, dtype), shape);
}

function pickedFrom(shape: Shape, pick: (grad: Tensor, condition: Tensor) => Tensor): Derivative {
  return (grad, [condition]) => sumTo(pick(grad, condition), shape);
}

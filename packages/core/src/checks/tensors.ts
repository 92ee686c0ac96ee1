import type { Backend } from '../backend.js';
import { isFloating, type DType } from '../dtype.js';
import { ArgumentError, BackendError, DTypeError, ShapeError } from '../errors.js';
import { sameShape, showShape, type Shape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { isPromise, refuse } from './refusal.js';
import { checkList } from './values.js';

/**
 * Refuses what is no tensor: the call of someone who writes plain JavaScript.
 *
 * @example
 * ```ts
 * checkTensor('MyLayer', 'x', [1, 2]);
 * // ArgumentError: ...
 * ```
 * @param operation - what was called, for the message
 * @param argument - the argument's name
 * @param value - what came
 * @param isOptional - whether the message says how to pass none
 * @throws ArgumentError
 */
export function checkTensor(
  operation: string,
  argument: string,
  value: unknown,
  isOptional = false,
): asserts value is Tensor {
  if (value instanceof Tensor) return;
  const make = isPromise(value) ? 'write await before it' : 'make one with tensor(...)';
  const hint = isOptional ? `${make}, or leave it out (undefined, not null) where there is none` : make;
  refuse(ArgumentError, operation, argument, { value, expected: 'a Tensor', hint });
}

/**
 * The same for an array with at least `least` tensors.
 *
 * @example
 * ```ts
 * checkTensors('mix', 'parts', [zeros([2]), 3]);
 * // ArgumentError: ...
 * ```
 */
export function checkTensors(
  operation: string,
  argument: string,
  value: unknown,
  least = 1,
): asserts value is readonly Tensor[] {
  checkList(operation, argument, value, least === 1 ? 'Tensor' : 'Tensors', least);
  for (let i = 0; i < value.length; i++)
    if (!(value[i] instanceof Tensor)) checkTensor(operation, `${argument}[${i}]`, value[i]);
}

/**
 * Refuses int32 where a function is only defined on the reals.
 *
 * @example
 * ```ts
 * checkFloating('swish', 'x', zeros([2], { dtype: 'int32' }));
 * // DTypeError: ...
 * ```
 */
export function checkFloating(operation: string, argument: string, x: Tensor): void {
  if (isFloating(x.dtype)) return;
  refuse(DTypeError, operation, argument, {
    received: x.dtype,
    expected: 'float32 or float64',
    hint: "convert with .to('float32')",
  });
}

/**
 * Refuses a shape that is not the one that the others ask for; `meaning` says what its sizes stand
 * for.
 *
 * @example
 * ```ts
 * checkShapeIs('MyCell', 'state', zeros([2, 3]), [2, 4], 'rows, hiddenSize');
 * // ShapeError: ...
 * ```
 */
export function checkShapeIs(operation: string, argument: string, x: Tensor, shape: Shape, meaning?: string): void {
  if (sameShape(x.shape, shape)) return;
  const expected = `${showShape(shape)}${meaning === undefined ? '' : ` (${meaning})`}`;
  refuse(ShapeError, operation, argument, { has: 'shape', received: showShape(x.shape), expected });
}

/** What a tensor is to meet in one operation. */
interface Place {
  readonly backend: Backend;
  readonly dtype: DType;
}

/**
 * Refuses a tensor of another type or on another backend than what it is to meet.
 *
 * @example
 * ```ts
 * checkPlace('MyLayer', 'state', zeros([2], { dtype: 'float64' }), zeros([2]));
 * // DTypeError: ...
 * ```
 * @param operation - what was called, for the message
 * @param argument - the tensor's name
 * @param x - what came
 * @param other - what it is to meet
 * @param otherName - its name, "the input" unless given
 * @throws DTypeError (`ERR_MIXED_DTYPES`), BackendError (`ERR_MIXED_BACKENDS`)
 */
export function checkPlace(
  operation: string,
  argument: string,
  x: Tensor,
  other: Place,
  otherName = 'the input',
): void {
  if (x.dtype !== other.dtype) {
    refuse(DTypeError, operation, argument, {
      received: x.dtype,
      expected: `${other.dtype} as ${otherName}`,
      hint: `convert with .to('${other.dtype}')`,
      code: 'ERR_MIXED_DTYPES',
    });
  }
  checkSameBackend(operation, argument, x.backend, other.backend, otherName);
}

/**
 * The second half of `checkPlace`, for tensors that may differ in type.
 *
 * @example
 * ```ts
 * const [here, there] = [await cpu(), await cpu()];
 * checkSameBackend('MyLoss', 'target', there, here, 'the input');
 * // BackendError: ...
 * ```
 */
export function checkSameBackend(
  operation: string,
  argument: string,
  backend: Backend,
  other: Backend,
  otherName: string,
): void {
  if (backend === other) return;
  const [here, there] = [backend.info.name, other.info.name];
  refuse(BackendError, operation, argument, {
    received: here === there ? `on another '${here}' backend` : `on '${here}'`,
    expected: here === there ? `on that of ${otherName}` : `on '${there}' as ${otherName}`,
    hint: 'move one of them with .to(backend)',
    code: 'ERR_MIXED_BACKENDS',
  });
}

import type { Strided } from '../backend.js';
import { isFloating } from '../dtype.js';
import { ArgumentError, DTypeError } from '../errors.js';
import { broadcastStrides, mergeDims, sameShape, type Shape } from '../shape.js';
import { Tensor } from '../tensor.js';

/** Refuses what is neither a tensor nor, where that is allowed, a number: the call of someone who writes plain JavaScript. */
export function checkTensor(operation: string, argument: string, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return;
  const received = Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value;
  throw new ArgumentError(`${operation}: ${argument} is ${received}, expected a Tensor; make one with tensor(...)`, {
    argument,
    expected: 'a Tensor',
    received,
  });
}

/** The same for a list with at least one tensor. */
export function checkTensors(operation: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    const received = Array.isArray(tensors) ? 'an empty array' : typeof tensors;
    throw new ArgumentError(`${operation}: tensors is ${received}, expected an array of at least one Tensor`, {
      argument: 'tensors',
      expected: 'an array of at least one Tensor',
      received,
    });
  }
  tensors.forEach((tensor, i) => checkTensor(operation, `tensors[${i}]`, tensor));
}

/** Refuses int32 where a function is only defined on the reals. */
export function checkFloating(operation: string, x: Tensor): void {
  if (!isFloating(x.dtype)) {
    throw new DTypeError(
      `${operation}: expected float32 or float64, received ${x.dtype}; convert with .to('float32')`,
      { expected: 'float32 or float64', received: x.dtype },
    );
  }
}

/** Refuses a number that an int32 operand cannot be combined with. */
export function checkNumber(operation: string, dtype: string, value: number): void {
  if (dtype === 'int32' && (value | 0) !== value) {
    throw new DTypeError(
      `${operation}: the other operand is int32, expected a whole number of 32 bits, received ${value}; convert the tensor with .to('float32')`,
      { expected: 'a whole number', received: String(value) },
    );
  }
}

const oneByOne: readonly number[] = [1];

/** Operands broadcast to one shape and simplified for a kernel. */
export function aligned(
  operands: readonly Tensor[],
  shape: Shape,
  size: number,
): { readonly walks: readonly Strided[]; readonly sizes: readonly number[] } {
  if (operands.every((x) => sameShape(x.shape, shape))) {
    return { walks: operands.map(({ storage }) => ({ storage, offset: 0, strides: oneByOne })), sizes: [size] };
  }
  const { sizes, strides } = mergeDims(
    shape,
    operands.map((x) => broadcastStrides(x.shape, shape)),
  );
  return { walks: operands.map(({ storage }, i) => ({ storage, offset: 0, strides: strides[i] })), sizes };
}

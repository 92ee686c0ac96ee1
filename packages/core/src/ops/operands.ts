import type { Operand, Strided } from '../backend.js';
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
  if (!Array.isArray(tensors as unknown) || tensors.length === 0) {
    throw new ArgumentError(`${operation}: expected an array of at least one tensor`, { argument: 'tensors' });
  }
  tensors.forEach((tensor, i) => checkTensor(operation, `tensors[${i}]`, tensor));
}

/** Refuses int32 where a function is only defined on the reals. */
export function checkFloating(operation: string, x: Tensor): void {
  if (!isFloating(x.dtype)) {
    throw new DTypeError(
      `${operation}: expected float32 or float64, received ${x.dtype}; convert with .to('float32')`,
      {
        expected: 'float32 or float64',
        received: x.dtype,
      },
    );
  }
}

/** A dense operand as kernels take it: the whole storage in order. */
export function dense(x: Tensor): Strided {
  return { storage: x.storage, offset: 0, strides: [1] };
}

/** Operands broadcast to one shape and simplified for a kernel. */
export function aligned(
  operands: readonly (Tensor | number)[],
  shape: Shape,
  size: number,
): { operands: Operand[]; sizes: number[] } {
  if (operands.every((x) => typeof x === 'number' || sameShape(x.shape, shape))) {
    return { operands: operands.map((x) => (typeof x === 'number' ? x : dense(x))), sizes: [size] };
  }
  const tensors = operands.filter((x) => typeof x !== 'number');
  const merged = mergeDims(
    shape,
    tensors.map((x) => broadcastStrides(x.shape, shape)),
  );
  let next = 0;
  return {
    sizes: merged.sizes,
    operands: operands.map((x) =>
      typeof x === 'number' ? x : { storage: x.storage, offset: 0, strides: merged.strides[next++] },
    ),
  };
}

import { checkTensor } from '../checks/tensors.js';
import type { Strided } from '../backend.js';
import { refuse } from '../checks/refusal.js';
import { isFloating, type DType } from '../dtype.js';
import { DTypeError, ShapeError } from '../errors.js';
import { broadcastStrides, mergeDims, normalizeDim, sameShape, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Refuses a number that an int32 operand cannot be combined with. */
export function checkNumber(operation: string, argument: string, dtype: DType, value: number): void {
  if (isFloating(dtype) || (value | 0) === value) return;
  refuse(DTypeError, operation, argument, {
    value,
    expected: 'a whole number of 32 bits, as the other operand is int32',
    hint: "convert the tensor with .to('float32')",
  });
}

/** A dimension of a tensor that must have one; refuses a single number. */
export function placeDim(operation: string, x: Tensor, dim: number): number {
  checkTensor(operation, 'x', x);
  if (x.rank === 0) {
    refuse(ShapeError, operation, 'x', { received: 'a single number', expected: 'at least one dimension' });
  }
  return normalizeDim(operation, dim, x.rank);
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

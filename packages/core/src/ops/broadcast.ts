/** Broadcasting and its adjoint: the gradient of `expand` is a sum, the gradient of `sum` an expansion. */
import { ShapeError } from '../errors.js';
import { record, wrap } from '../record.js';
import {
  broadcastStrides,
  checkShape,
  mergeDims,
  normalizeDims,
  sameShape,
  showShape,
  sizeOf,
  type Shape,
} from '../shape.js';
import { Tensor } from '../tensor.js';
import type { Dims } from '../tensor-methods.js';
import { empty, full } from './fill.js';
import { checkTensor } from './operands.js';

/**
 * The same elements in another shape; moves nothing.
 *
 * @example
 * ```ts
 * reshape(arange(6), [2, -1]);   // [[0, 1, 2], [3, 4, 5]]
 * ```
 * @param x - any shape
 * @param shape - as many elements; one size may be -1, which stands for the rest
 * @returns the new shape, sharing the memory of `x`
 * @throws ShapeError when the number of elements differs
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'x', x);
  const target = inferred(x, shape);
  const result = new Tensor(x.held.retain(), target);
  return record(result, { name: 'view', inputs: [x], derivatives: [(grad) => reshape(grad, x.shape)] });
}

function inferred(x: Tensor, shape: Shape): Shape {
  const open = shape.indexOf(-1);
  let target = shape;
  if (open >= 0) {
    const rest = sizeOf(shape.filter((_, i) => i !== open));
    if (rest === 0 || x.size % rest !== 0) refuseReshape(x, shape);
    target = shape.map((size, i) => (i === open ? x.size / rest : size));
  }
  checkShape('reshape', target);
  if (sizeOf(target) !== x.size) refuseReshape(x, shape);
  return target === shape ? [...shape] : target;
}

function refuseReshape(x: Tensor, shape: Shape): never {
  throw new ShapeError(`reshape: ${showShape(x.shape)} has ${x.size} elements, which do not make ${showShape(shape)}`, {
    argument: 'shape',
    expected: `${x.size} elements`,
    received: showShape(shape),
  });
}

/**
 * A tensor repeated along dimensions of size 1 (and along new leading ones).
 *
 * @param x - any shape
 * @param shape - the shape to reach; -1 keeps a size
 * @returns a dense tensor of that shape (PyTorch gives a view)
 * @throws ShapeError when `x` does not broadcast to `shape`
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', 'x', x);
  const lead = shape.length - x.rank;
  const target = shape.map((size, i) => (size === -1 && i >= lead ? x.shape[i - lead] : size));
  checkShape('expand', target);
  if (lead < 0 || x.shape.some((size, i) => size !== 1 && size !== target[i + lead])) {
    throw new ShapeError(`expand: ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`, {
      argument: 'shape',
      received: showShape(shape),
    });
  }
  const { backend, dtype } = x;
  let result: Tensor;
  if (sizeOf(target) === 0) result = empty(target, dtype, backend);
  else {
    const { sizes, strides } = mergeDims(target, [broadcastStrides(x.shape, target)]);
    result = wrap(
      backend,
      backend.copy({ storage: x.storage, offset: 0, strides: strides[0] }, sizes, dtype),
      target,
      x.held.bounds,
    );
  }
  return record(result, { name: 'expand', inputs: [x], derivatives: [(grad) => sumTo(grad, x.shape)] });
}

/** Sums a gradient over the dimensions along which its operand was broadcast. */
export function sumTo(grad: Tensor, shape: Shape): Tensor {
  if (sameShape(grad.shape, shape)) return grad;
  const lead = grad.rank - shape.length;
  const dims = grad.shape.flatMap((size, i) => (i < lead || (shape[i - lead] === 1 && size !== 1) ? [i] : []));
  return reshape(sum(grad, dims, true), shape);
}

/**
 * The sum over dimensions.
 *
 * @example
 * ```ts
 * sum(tensor([[1, 2], [3, 4]]), 0);   // [4, 6]
 * ```
 * @param x - any shape
 * @param dims - which dimensions; all of them when left out
 * @param keepDim - keep them with size 1
 * @returns the remaining dimensions
 */
export function sum(x: Tensor, dims?: Dims, keepDim = false): Tensor {
  checkTensor('sum', 'x', x);
  const result = reduced('sum', x, normalizeDims('sum', dims, x.rank), keepDim);
  return record(result, {
    name: 'sum',
    inputs: [x],
    derivatives: [(grad) => expand(reshape(grad, keptShape(x.shape, normalizeDims('sum', dims, x.rank))), x.shape)],
  });
}

/** A shape whose listed dimensions shrank to 1. */
export function keptShape(shape: Shape, dims: readonly number[]): number[] {
  return shape.map((size, i) => (dims.includes(i) ? 1 : size));
}

/** A shape without the listed dimensions. */
export function droppedShape(shape: Shape, dims: readonly number[]): number[] {
  return shape.filter((_, i) => !dims.includes(i));
}

/** Reduces ascending dimensions, neighbours in one go. Records nothing. */
export function reduced(op: 'sum' | 'max' | 'min', x: Tensor, dims: readonly number[], keepDim: boolean): Tensor {
  const shape = keepDim ? keptShape(x.shape, dims) : droppedShape(x.shape, dims);
  const { backend, dtype } = x;
  if (x.size === 0) {
    if (sizeOf(shape) === 0) return empty(shape, dtype, backend);
    if (op === 'sum') return full(shape, 0, { dtype, backend });
    throw new ShapeError(
      `a${op}: shape ${showShape(x.shape)} has no element to reduce over dims [${dims.join(', ')}]`,
      {
        argument: 'x',
        expected: 'at least one element',
      },
    );
  }
  let storage = x.storage;
  const sizes = [...x.shape];
  let owned = false; // whether `storage` is a temporary of this loop
  for (let last = dims.length - 1; last >= 0; last--) {
    let first = last;
    while (first > 0 && dims[first - 1] === dims[first] - 1) first--;
    const outer = sizeOf(sizes.slice(0, dims[first]));
    const size = sizeOf(sizes.slice(dims[first], dims[last] + 1));
    const inner = sizeOf(sizes.slice(dims[last] + 1));
    for (let i = first; i <= last; i++) sizes[dims[i]] = 1;
    last = first;
    if (size === 1) continue;
    const next = backend.reduce(op, storage, outer, size, inner);
    if (owned) backend.release(storage);
    storage = next;
    owned = true;
  }
  return owned ? wrap(backend, storage, shape) : new Tensor(x.held.retain(), shape);
}

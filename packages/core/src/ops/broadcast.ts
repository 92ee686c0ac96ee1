/**
 * Shapes and broadcasting. The gradient of `expand` is a sum, the gradient of `sum` an expansion.
 */
import { checkOptions } from '../checks/options.js';
import { checkTensor } from '../checks/tensors.js';
import { checkFlag } from '../checks/values.js';
import { refuse, describeValue } from '../checks/refusal.js';
import { ShapeError } from '../errors.js';
import { isNoted, record, wrap } from '../record.js';
import {
  broadcastStrides,
  checkShape,
  mergeDims,
  reducedDims,
  sameShape,
  showShape,
  sizeOf,
  type Shape,
} from '../shape.js';
import { Tensor } from '../tensor.js';
import type { Dims, KeepDim } from '../tensor-methods.js';
import { empty, full } from './fill.js';

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
  return viewed(x, inferred(x, shape), 'view');
}

/** The elements of `x` in another shape of the same size, recorded under a name. */
export function viewed(x: Tensor, shape: Shape, name: string): Tensor {
  const { shape: before } = x;
  const result = new Tensor(x.held.retain(), shape);
  if (!isNoted(x)) return result;
  return record(result, { name, inputs: [x], derivatives: [(grad) => viewed(grad, before, 'view')] });
}

function inferred(x: Tensor, shape: Shape): Shape {
  const open = Array.isArray(shape) ? shape.indexOf(-1) : -1;
  let target = shape;
  if (open >= 0) {
    const rest = sizeOf(shape.filter((_, i) => i !== open));
    if (!(rest > 0) || x.size % rest !== 0) refuseReshape(x, shape);
    target = shape.map((size, i) => (i === open ? x.size / rest : size));
  }
  checkShape('reshape', target);
  if (sizeOf(target) !== x.size) refuseReshape(x, shape);
  return target === shape ? [...shape] : target;
}

function refuseReshape(x: Tensor, shape: Shape): never {
  const expected = `one with the ${x.size} elements of x, ${showShape(x.shape)}`;
  refuse(ShapeError, 'reshape', 'shape', { received: `[${shape.map(describeValue).join(', ')}]`, expected });
}

/**
 * A tensor repeated along dimensions of size 1 (and along new leading ones).
 *
 * @example
 * ```ts
 * expand(tensor([[1], [2]]), [2, 3]);   // [[1, 1, 1], [2, 2, 2]]
 * ```
 * @param x - any shape
 * @param shape - the shape to reach; -1 keeps a size
 * @returns a dense tensor of that shape (PyTorch gives a view)
 * @throws ShapeError when `x` does not broadcast to `shape`
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', 'x', x);
  const { backend, dtype, shape: before } = x;
  const target = reached(x, shape);
  let result: Tensor;
  if (sizeOf(target) === 0) result = empty(target, dtype, backend);
  else {
    const { sizes, strides } = mergeDims(target, [broadcastStrides(before, target)]);
    const storage = backend.copy({ storage: x.storage, offset: 0, strides: strides[0] }, sizes, dtype);
    result = wrap(backend, storage, target, x.held.bounds);
  }
  return record(result, { name: 'expand', inputs: [x], derivatives: [(grad) => sumTo(grad, before)] });
}

function reached(x: Tensor, shape: Shape): Shape {
  if (!Array.isArray(shape)) checkShape('expand', shape);
  if (broadcastsTo(x.shape, shape)) return shape.slice();
  const lead = shape.length - x.rank;
  const target = Array.from(shape, (size, i) => (size === -1 && i >= lead && lead >= 0 ? x.shape[i - lead] : size));
  checkShape('expand', target);
  if (lead < 0 || x.shape.some((size, i) => size !== 1 && size !== target[i + lead])) {
    const expected = `a shape that ${showShape(x.shape)} broadcasts to: equal sizes, or 1, counted from the end`;
    refuse(ShapeError, 'expand', 'shape', { received: showShape(shape), expected });
  }
  return target;
}

/** Whether it does, no size being left to the tensor; derivatives ask it at each pass. */
function broadcastsTo(from: Shape, to: Shape): boolean {
  const lead = to.length - from.length;
  if (lead < 0) return false;
  for (let i = 0; i < to.length; i++) {
    const size = i < lead ? 1 : from[i - lead];
    if (!(Number.isInteger(to[i]) && to[i] > 0) || (size !== 1 && size !== to[i])) return false;
  }
  return true;
}

/** Sums a gradient over the dimensions along which its operand was broadcast. */
export function sumTo(grad: Tensor, shape: Shape): Tensor {
  if (sameShape(grad.shape, shape)) return grad;
  const lead = grad.rank - shape.length;
  const dims = grad.shape.flatMap((size, i) => (i < lead || (shape[i - lead] === 1 && size !== 1) ? [i] : []));
  const total = dims.length === 0 ? grad : sum(grad, dims, true);
  return sameShape(total.shape, shape) ? total : viewed(total, shape, 'view');
}

/**
 * The sum over dimensions.
 *
 * @example
 * ```ts
 * sum(tensor([[1, 2], [3, 4]]), 0);   // [4, 6]
 * ```
 * @param x - any shape and type
 * @param dims - which dimensions; all of them when left out (or when the list is empty, as in
 *   PyTorch)
 * @param keepDim - keep them with size 1: true, or `{ keepDim: true }`
 * @returns the remaining dimensions; the sum of nothing is 0
 * @throws ArgumentError when a dimension does not exist or is named twice
 */
export function sum(x: Tensor, dims?: Dims, keepDim: KeepDim = false): Tensor {
  checkTensor('sum', 'x', x);
  const { shape } = x;
  const list = reducedDims('sum', dims, x.rank);
  const kept = keptShape(shape, list);
  return record(reduced('sum', 'sum', x, list, keepsDim('sum', keepDim)), {
    name: 'sum',
    inputs: [x],
    derivatives: [(grad) => expand(reshape(grad, kept), shape)],
  });
}

/**
 * What `keepDim` says, in either of its forms; any other value is refused, as every object counts
 * as true.
 */
export function keepsDim(operation: string, keepDim: KeepDim): boolean {
  let flag: unknown = keepDim;
  if (typeof keepDim === 'object') {
    checkOptions(operation, keepDim, ['keepDim'], 'keepDim');
    flag = keepDim.keepDim ?? false;
  }
  checkFlag(operation, 'keepDim', flag);
  return flag;
}

/** A shape whose listed dimensions shrank to 1. */
export function keptShape(shape: Shape, dims: readonly number[]): number[] {
  return shape.map((size, i) => (dims.includes(i) ? 1 : size));
}

/** A shape without the listed dimensions. */
export function droppedShape(shape: Shape, dims: readonly number[]): number[] {
  return shape.filter((_, i) => !dims.includes(i));
}

/** Refuses to look for an extreme where there is no element. */
export function checkNotEmpty(operation: string, x: Tensor, dims: readonly number[]): void {
  const at = dims.find((dim) => x.shape[dim] === 0);
  if (at === undefined) return;
  const [received, expected] = [showShape(x.shape), `at least one element along dimension ${at}`];
  refuse(ShapeError, operation, 'x', { has: 'shape', received, expected });
}

/** Reduces ascending dimensions, neighbours in one go. Records nothing. */
export function reduced(
  operation: string,
  op: 'sum' | 'max' | 'min',
  x: Tensor,
  dims: readonly number[],
  keepDim: boolean,
): Tensor {
  if (op !== 'sum') checkNotEmpty(operation, x, dims);
  const shape = keepDim ? keptShape(x.shape, dims) : droppedShape(x.shape, dims);
  const { backend, dtype } = x;
  if (x.size === 0) return sizeOf(shape) === 0 ? empty(shape, dtype, backend) : full(shape, 0, { dtype, backend });
  let current = new Tensor(x.held.retain(), shape);
  const sizes = [...x.shape];
  for (let last = dims.length - 1; last >= 0; last--) {
    let first = last;
    while (first > 0 && dims[first - 1] === dims[first] - 1) first--;
    const outer = sizeOf(sizes.slice(0, dims[first]));
    const size = sizeOf(sizes.slice(dims[first], dims[last] + 1));
    const inner = sizeOf(sizes.slice(dims[last] + 1));
    for (let i = first; i <= last; i++) sizes[dims[i]] = 1;
    last = first;
    if (size === 1) continue;
    const before = current;
    try {
      current = wrap(backend, backend.reduce(op, before.storage, outer, size, inner), shape);
    } finally {
      before.dispose();
    }
  }
  return current;
}

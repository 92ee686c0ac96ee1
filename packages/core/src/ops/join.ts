/** Taking tensors apart and joining them: each is the other's adjoint. */
import { placeDim } from './operands.js';
import { checkCount, checkList } from '../checks/values.js';
import { refuse, describeValue } from '../checks/refusal.js';
import { checkTensors } from '../checks/tensors.js';
import { passCountOn } from '../averages.js';
import { isFloating, type DType } from '../dtype.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { isRecorded, placeOf, recordAll, wrap } from '../record.js';
import { denseStrides, mergeDims, normalizeDim, sameShape, showShape, sizeOf, type Shape } from '../shape.js';
import { boundsOfPart } from '../shared-storage.js';
import type { Tensor } from '../tensor.js';
import { empty, full } from './fill.js';

/**
 * A dense copy of a walk over `x`. Records nothing.
 *
 * @param walk - sizes of the walk
 * @param shape - those of the result, where dimensions of size 1 may be left out
 */
export function walked(
  x: Tensor,
  walk: Shape,
  offset: number,
  strides: readonly number[],
  { shape = walk, dtype = x.dtype }: { readonly shape?: Shape; readonly dtype?: DType } = {},
): Tensor {
  const { backend, storage } = x;
  if (sizeOf(shape) === 0) return empty(shape, dtype, backend);
  const merged = mergeDims(walk, [strides]);
  const copy = backend.copy({ storage, offset, strides: merged.strides[0] }, merged.sizes, dtype);
  if (isFloating(dtype)) return wrap(backend, copy, shape);
  const { bounds } = x.held;
  return wrap(backend, copy, shape, sizeOf(walk) === x.size ? bounds : boundsOfPart(bounds));
}

/**
 * A tensor cut into pieces along a dimension.
 *
 * @example
 * ```ts
 * const [a, b] = split(arange(5), [2, 3]);   // [0, 1] and [2, 3, 4]
 * ```
 * @param x - any shape of rank at least 1
 * @param sizes - the size of every piece (the last may be smaller), or a list of sizes that add up
 * @param dim - the dimension to cut
 * @returns the pieces in order. All come from one recorded operation, so their gradients are joined
 *   once
 * @throws ArgumentError when the sizes do not fit the dimension; ShapeError for a single number
 */
export function split(x: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
  return cut('split', x, dim, (length) => pieces(sizes, length));
}

function cut(operation: string, x: Tensor, dim: number, sizesFor: (length: number) => readonly number[]): Tensor[] {
  const at = placeDim(operation, x, dim);
  const list = sizesFor(x.shape[at]);
  const shapes = list.map((length) => x.shape.map((size, i) => (i === at ? length : size)));
  return cutTo('split', x, at, list, shapes, (grads) => concat(grads, at));
}

/** Pieces of given lengths, each in a shape of its own; `joined` is the adjoint. */
function cutTo(
  name: string,
  x: Tensor,
  at: number,
  lengths: readonly number[],
  shapes: readonly Shape[],
  joined: (grads: readonly Tensor[]) => Tensor,
): Tensor[] {
  const strides = denseStrides(x.shape);
  let from = 0;
  const results = lengths.map((length, i) => {
    const offset = length === 0 ? 0 : from * strides[at];
    from += length;
    const walk = x.shape.map((size, j) => (j === at ? length : size));
    return walked(x, walk, offset, strides, { shape: shapes[i] });
  });
  if (isRecorded([x])) {
    recordAll(results, name, [x], [], (grads) => [
      joined(grads.map((grad, i) => grad ?? zerosBeside(grads, shapes[i]))),
    ]);
  }
  return results;
}

/**
 * The gradient of a piece that nothing used. It belongs beside those of the others, one of which
 * there always is: a derivative may be taken elsewhere than where the pieces were made, as that of
 * a traced step is.
 */
function zerosBeside(grads: readonly (Tensor | undefined)[], shape: Shape): Tensor {
  const { backend, dtype } = grads.find((grad) => grad !== undefined) as Tensor;
  return full(shape, 0, { dtype, backend });
}

function pieces(sizes: number | readonly number[], length: number): readonly number[] {
  if (typeof sizes === 'number') {
    if (!Number.isInteger(sizes) || sizes < 1) {
      refuse(ArgumentError, 'split', 'sizes', { value: sizes, expected: 'a whole number from 1 up, or a list' });
    }
    const count = Math.max(1, Math.ceil(length / sizes));
    const list: number[] = [];
    for (let i = 0; i < count; i++) list.push(Math.min(sizes, length - i * sizes));
    return list;
  }
  checkList('split', 'sizes', sizes, 'sizes');
  const isFit = sizes.every((size) => Number.isInteger(size) && size >= 0);
  if (!isFit || sizes.reduce((sum, size) => sum + size, 0) !== length) {
    const expected = `whole numbers that add up to the ${length} places of the dimension`;
    refuse(ArgumentError, 'split', 'sizes', { received: `[${sizes.map(describeValue).join(', ')}]`, expected });
  }
  return sizes;
}

/**
 * Cut into a number of pieces of the same size, the last one smaller where it does not divide.
 *
 * @example
 * ```ts
 * const [i, f, g, o] = chunk(zeros([2, 12]), 4, -1);   // each [2, 3]
 * ```
 * @param x - any shape of rank at least 1
 * @param chunks - how many pieces
 * @param dim - the dimension to cut
 * @returns the pieces in order; fewer of them where the sizes say so, as in PyTorch (5 places in 4
 *   pieces are 2, 2, 1)
 * @throws ArgumentError, ShapeError as `split`
 */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  checkCount('chunk', 'chunks', chunks, 1);
  return cut('chunk', x, dim, (length) =>
    length === 0 ? Array.from({ length: chunks }, () => 0) : pieces(Math.ceil(length / chunks), length),
  );
}

/**
 * The places of a dimension one by one, without it: the steps of a sequence.
 *
 * @example
 * ```ts
 * const [first, second] = unbind(tensor([[1, 2], [3, 4]]));   // [1, 2] and [3, 4]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to take apart
 * @returns as many tensors as the dimension has places, all from one recorded operation
 * @throws ShapeError for a single number
 */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  const at = placeDim('unbind', x, dim);
  const rest = x.shape.filter((_, i) => i !== at);
  const places: number[] = [];
  const shapes: Shape[] = [];
  for (let i = 0; i < x.shape[at]; i++) {
    places.push(1);
    shapes.push(rest);
  }
  return places.length === 0 ? [] : cutTo('unbind', x, at, places, shapes, (grads) => stack(grads, at));
}

/**
 * Tensors side by side along a dimension that they have.
 *
 * @example
 * ```ts
 * concat([tensor([[1, 2]]), tensor([[3, 4], [5, 6]])]);   // [[1, 2], [3, 4], [5, 6]]
 * ```
 * @param tensors - at least one; equal in all other dimensions, in type and place
 * @param dim - where to join
 * @returns the joined tensor
 * @throws ShapeError, DTypeError, BackendError when they do not fit together; ArgumentError when
 *   there is none
 */
export function concat(tensors: readonly Tensor[], dim = 0): Tensor {
  checkTensors('concat', 'tensors', tensors);
  placeOf('concat', tensors);
  const { rank, shape } = tensors[0];
  if (rank === 0) {
    const [received, expected] = ['a single number', 'at least one dimension'];
    refuse(ShapeError, 'concat', 'tensors[0]', { received, expected, hint: 'use stack' });
  }
  const at = normalizeDim('concat', dim, rank);
  const odd = tensors.findIndex((x) => x.rank !== rank || x.shape.some((size, i) => i !== at && size !== shape[i]));
  if (odd >= 0) refuseJoin('concat', tensors, odd, `the sizes of ${showShape(shape)} in all dimensions but ${at}`);
  const lengths = tensors.map((x) => x.shape[at]);
  const joint = shape.map((size, i) => (i === at ? lengths.reduce((total, length) => total + length, 0) : size));
  const inner = sizeOf(shape.slice(at + 1));
  return joined(
    'cat',
    tensors,
    joint,
    sizeOf(shape.slice(0, at)),
    (x) => x.shape[at] * inner,
    (grad) => split(grad, lengths, at),
  );
}

/**
 * Tensors of one shape side by side along a new dimension.
 *
 * @example
 * ```ts
 * stack([tensor([1, 2]), tensor([3, 4])]);   // [[1, 2], [3, 4]]
 * ```
 * @param tensors - at least one; equal in shape, type and place
 * @param dim - where the new dimension comes to lie
 * @returns one dimension more
 * @throws ShapeError, DTypeError, BackendError when they do not fit together; ArgumentError when
 *   there is none
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkTensors('stack', 'tensors', tensors);
  placeOf('stack', tensors);
  const { shape } = tensors[0];
  const odd = tensors.findIndex((x) => !sameShape(x.shape, shape));
  if (odd >= 0) refuseJoin('stack', tensors, odd, showShape(shape));
  const at = normalizeDim('stack', dim, shape.length + 1);
  const joint = [...shape.slice(0, at), tensors.length, ...shape.slice(at)];
  const run = sizeOf(shape.slice(at));
  return joined(
    'stack',
    tensors,
    joint,
    sizeOf(shape.slice(0, at)),
    () => run,
    (grad) => unbind(grad, at),
  );
}

function refuseJoin(operation: string, tensors: readonly Tensor[], odd: number, expected: string): never {
  const received = showShape(tensors[odd].shape);
  refuse(ShapeError, operation, `tensors[${odd}]`, { has: 'shape', received, expected });
}

function joined(
  name: string,
  tensors: readonly Tensor[],
  shape: Shape,
  outer: number,
  runOf: (x: Tensor) => number,
  parted: (grad: Tensor) => Tensor[],
): Tensor {
  const { backend, dtype } = tensors[0];
  const parts = tensors.filter((x) => x.size > 0).map((x) => ({ storage: x.storage, run: runOf(x) }));
  const result = parts.length === 0 ? empty(shape, dtype, backend) : wrap(backend, backend.concat(parts, outer), shape);
  if (isRecorded(tensors)) recordAll([result], name, tensors, [], ([grad]) => parted(grad as Tensor));
  passCountOn(result, tensors);
  return result;
}

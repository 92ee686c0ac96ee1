/** Taking tensors apart and joining them: each is the other's adjoint. */
import { isFloating, type DType } from '../dtype.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { isRecorded, placeOf, recordAll, wrap } from '../record.js';
import { denseStrides, mergeDims, normalizeDim, sameShape, showShape, sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reshape } from './broadcast.js';
import { empty, full } from './fill.js';
import { checkTensor, checkTensors } from './operands.js';

/** A dense copy of a walk over `x`. Records nothing. */
export function walked(x: Tensor, shape: Shape, offset: number, strides: readonly number[], dtype: DType = x.dtype): Tensor {
  const { backend } = x;
  if (sizeOf(shape) === 0) return empty(shape, dtype, backend);
  const merged = mergeDims(shape, [strides]);
  const storage = backend.copy({ storage: x.storage, offset, strides: merged.strides[0] }, merged.sizes, dtype);
  return wrap(backend, storage, shape, isFloating(dtype) ? undefined : x.held.bounds);
}

/**
 * A tensor cut into pieces along a dimension. All pieces come from one recorded operation, so the gradient is put together once.
 *
 * @example
 * ```ts
 * const [a, b] = split(arange(5), [2, 3]);   // [0, 1] and [2, 3, 4]
 * ```
 * @param x - any shape
 * @param sizes - the size of every piece (the last may be smaller), or a list of sizes that add up
 * @param dim - the dimension to cut
 * @returns the pieces in order
 */
export function split(x: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
  checkTensor('split', 'x', x);
  if (x.rank === 0) throw new ShapeError('split: a single number has no dimension to cut');
  const at = normalizeDim('split', dim, x.rank);
  const list = pieces(sizes, x.shape[at]);
  const strides = denseStrides(x.shape);
  let from = 0;
  const results = list.map((length) => {
    const piece = walked(
      x,
      x.shape.map((size, i) => (i === at ? length : size)),
      length === 0 ? 0 : from * strides[at],
      strides,
    );
    from += length;
    return piece;
  });
  if (isRecorded([x])) {
    const { backend, dtype } = x;
    const shapes = results.map((piece) => piece.shape);
    recordAll(results, 'split', [x], [], (grads) => [
      concat(
        grads.map((grad, i) => grad ?? full(shapes[i], 0, { dtype, backend })),
        at,
      ),
    ]);
  }
  return results;
}

function pieces(sizes: number | readonly number[], length: number): number[] {
  if (typeof sizes === 'number') {
    if (!Number.isInteger(sizes) || sizes < 1) {
      throw new ArgumentError(`split: sizes is ${sizes}, expected a whole number from 1 up or a list`, {
        argument: 'sizes',
      });
    }
    return Array.from({ length: Math.max(1, Math.ceil(length / sizes)) }, (_, i) =>
      Math.min(sizes, length - i * sizes),
    );
  }
  if (
    sizes.some((size) => !Number.isInteger(size) || size < 0) ||
    sizes.reduce((sum, size) => sum + size, 0) !== length
  ) {
    throw new ArgumentError(
      `split: sizes [${sizes.join(', ')}] do not add up to the ${length} places of the dimension`,
      {
        argument: 'sizes',
      },
    );
  }
  return [...sizes];
}

/** Cut into `chunks` pieces of the same size, the last one smaller where it does not divide (then fewer may come, as in PyTorch). */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  checkTensor('chunk', 'x', x);
  if (!Number.isInteger(chunks) || chunks < 1) {
    throw new ArgumentError(`chunk: chunks is ${chunks}, expected a whole number from 1 up`, { argument: 'chunks' });
  }
  const size = x.shape[normalizeDim('chunk', dim, x.rank)] ?? 1;
  return split(x, Math.max(1, Math.ceil(size / chunks)), dim);
}

/** The places of a dimension one by one, without it: the steps of a sequence. */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  checkTensor('unbind', 'x', x);
  if (x.rank === 0) throw new ShapeError('unbind: a single number has no dimension to take apart');
  const at = normalizeDim('unbind', dim, x.rank);
  if (x.shape[at] === 0) return [];
  const rest = x.shape.filter((_, i) => i !== at);
  return split(x, 1, at).map((piece) => reshape(piece, rest));
}

/**
 * Tensors side by side along a dimension that they have.
 *
 * @param tensors - at least one; equal in all other dimensions, in type and place
 * @param dim - where to join
 * @returns the joined tensor
 */
export function concat(tensors: readonly Tensor[], dim = 0): Tensor {
  checkTensors('concat', tensors);
  const backend = placeOf('concat', tensors);
  const { rank, shape, dtype } = tensors[0];
  if (rank === 0) throw new ShapeError('concat: single numbers have no dimension to join along; use stack');
  const at = normalizeDim('concat', dim, rank);
  const odd = tensors.find((x) => x.rank !== rank || x.shape.some((size, i) => i !== at && size !== shape[i]));
  if (odd !== undefined) {
    throw new ShapeError(
      `concat: ${showShape(odd.shape)} does not fit ${showShape(shape)}; they may differ in dimension ${at} only`,
      {
        argument: 'tensors',
      },
    );
  }
  const lengths = tensors.map((x) => x.shape[at]);
  const joined = shape.map((size, i) => (i === at ? lengths.reduce((sum, length) => sum + length, 0) : size));
  const inner = sizeOf(shape.slice(at + 1));
  const parts = tensors.filter((x) => x.size > 0).map((x) => ({ storage: x.storage, run: x.shape[at] * inner }));
  const result =
    parts.length === 0
      ? empty(joined, dtype, backend)
      : wrap(backend, backend.concat(parts, sizeOf(shape.slice(0, at))), joined);
  if (isRecorded(tensors)) {
    recordAll([result], 'cat', tensors, [], ([grad]) => split(grad as Tensor, lengths, at));
  }
  return result;
}

/** Tensors of one shape side by side along a new dimension. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkTensors('stack', tensors);
  const { shape } = tensors[0];
  const odd = tensors.find((x) => !sameShape(x.shape, shape));
  if (odd !== undefined) {
    throw new ShapeError(`stack: shapes ${showShape(shape)} and ${showShape(odd.shape)} differ, expected equal ones`, {
      argument: 'tensors',
    });
  }
  const at = normalizeDim('stack', dim, shape.length + 1);
  return concat(
    tensors.map((x) => reshape(x, [...shape.slice(0, at), 1, ...shape.slice(at)])),
    at,
  );
}

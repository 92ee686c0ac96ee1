import type { Strided } from '../backend.js';
import { ArgumentError, DTypeError, ShapeError } from '../errors.js';
import { placeOf, record, refuseBackends, wrap } from '../record.js';
import { normalizeDim, sameShape, showShape, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { DType } from '../dtype.js';
import { reshape } from './broadcast.js';
import { arange } from './create.js';
import { add } from './arithmetic.js';
import { eq } from './comparison.js';
import { empty, zeros } from './fill.js';
import { to } from './convert.js';
import { slice, unsqueeze } from './movement.js';
import { checkTensor } from './operands.js';

/** Refuses indices of the wrong type, on another backend, or outside `[0, size)`. */
function checkIndex(operation: string, x: Tensor, index: Tensor, size: number): void {
  checkTensor(operation, 'index', index);
  if (index.backend !== x.backend) refuseBackends(operation, x.backend, index.backend);
  if (index.dtype !== 'int32') {
    throw new DTypeError(
      `${operation}: index is ${index.dtype}, expected int32; make it with tensor(values, { dtype: 'int32' })`,
      {
        argument: 'index',
        expected: 'int32',
        received: index.dtype,
      },
    );
  }
  if (index.size === 0) return;
  const bounds = boundsOf(index);
  if (bounds.min < 0 || bounds.max >= size) {
    throw new ArgumentError(
      `${operation}: index holds ${bounds.min < 0 ? bounds.min : bounds.max}, expected values from 0 to ${size - 1}`,
      { argument: 'index', expected: `0 to ${size - 1}`, received: `${bounds.min} to ${bounds.max}` },
    );
  }
}

/** Smallest and largest index: known from the upload, or read once. */
function boundsOf(index: Tensor): { min: number; max: number } {
  const { held } = index;
  if (held.bounds === undefined) {
    let min = Infinity;
    let max = -Infinity;
    for (const value of index.dataSync()) {
      if (value < min) min = value;
      if (value > max) max = value;
    }
    held.bounds = { min, max };
  }
  return held.bounds;
}

/**
 * Values picked along a dimension: `result[i][j] = x[i][index[i][j]]` for `dim` 1, and so on.
 *
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to pick along
 * @param index - int32, as many dimensions as `x`, none larger but `dim`
 * @returns the shape of `index`
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  checkTensor('gather', 'x', x);
  const at = normalizeDim('gather', dim, x.rank);
  checkIndex('gather', x, index, x.shape[at] ?? 1);
  const source = coveredBy(x, at, index, 'gather');
  const { backend } = x;
  const sizes = {
    outer: sizeOf(index.shape.slice(0, at)),
    size: x.shape[at],
    inner: sizeOf(index.shape.slice(at + 1)),
    count: index.shape[at],
  };
  const result =
    index.size === 0
      ? empty(index.shape, x.dtype, backend)
      : wrap(backend, backend.gather(source.storage, whole(index, sizes), sizes), index.shape);
  return record(result, {
    name: 'gather',
    inputs: [source],
    saved: [index],
    derivatives: [(grad, [index]) => scatterAdd(zeros(source.shape, { dtype: grad.dtype, backend }), at, index, grad)],
  });
}

/** `x` cut to the size of `index` in all dimensions but one, as PyTorch lets an index be smaller. */
function coveredBy(x: Tensor, at: number, index: Tensor, operation: string): Tensor {
  if (index.rank !== x.rank || x.rank === 0 || index.shape.some((size, i) => i !== at && size > x.shape[i])) {
    throw new ShapeError(
      `${operation}: index of shape ${showShape(index.shape)} does not fit ${showShape(x.shape)}: expected as many dimensions, none larger but dimension ${at}`,
      { argument: 'index', received: showShape(index.shape) },
    );
  }
  return index.shape.reduce((cut, size, i) => (i === at || size === x.shape[i] ? cut : slice(cut, i, 0, size)), x);
}

function whole(index: Tensor, { count, inner }: { count: number; inner: number }): Strided {
  return { storage: index.storage, offset: 0, strides: [count * inner, inner, 1] };
}

/**
 * Whole places of a dimension in the order of a list: rows of an embedding, a batch out of a data set.
 *
 * @example
 * ```ts
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, tensor([1, 1, 0], { dtype: 'int32' }));   // [[3, 4], [3, 4], [1, 2]]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to pick along
 * @param index - int32, one dimension
 * @returns the shape of `x` with the length of `index` at `dim`
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  checkTensor('indexSelect', 'x', x);
  const at = normalizeDim('indexSelect', dim, x.rank);
  if (x.rank === 0) throw new ShapeError('indexSelect: a single number has no dimension to pick along');
  checkIndex('indexSelect', x, index, x.shape[at]);
  if (index.rank !== 1) {
    throw new ShapeError(`indexSelect: index has shape ${showShape(index.shape)}, expected one dimension`, {
      argument: 'index',
    });
  }
  const { backend } = x;
  const shape = x.shape.map((size, i) => (i === at ? index.size : size));
  const sizes = {
    outer: sizeOf(x.shape.slice(0, at)),
    size: x.shape[at],
    inner: sizeOf(x.shape.slice(at + 1)),
    count: index.size,
  };
  const result =
    sizeOf(shape) === 0
      ? empty(shape, x.dtype, backend)
      : wrap(backend, backend.gather(x.storage, line(index), sizes), shape);
  return record(result, {
    name: 'indexSelect',
    inputs: [x],
    saved: [index],
    derivatives: [(grad, [index]) => indexAdd(grad, x.shape, at, index)],
  });
}

/** The same list of indices for every outer and inner place. */
function line(index: Tensor): Strided {
  return { storage: index.storage, offset: 0, strides: [0, 1, 0] };
}

/** The adjoint of `indexSelect`: places added up where the list names them. */
function indexAdd(source: Tensor, shape: readonly number[], at: number, index: Tensor): Tensor {
  const { backend, dtype } = source;
  const sizes = {
    outer: sizeOf(shape.slice(0, at)),
    size: shape[at],
    inner: sizeOf(shape.slice(at + 1)),
    count: index.size,
  };
  const result =
    source.size === 0
      ? zeros(shape, { dtype, backend })
      : wrap(backend, backend.scatterAdd(source.storage, line(index), sizes), [...shape]);
  return record(result, {
    name: 'indexAdd',
    inputs: [source],
    saved: [index],
    derivatives: [(grad, [index]) => indexSelect(grad, at, index)],
  });
}

/**
 * Values added at positions along a dimension: `result = x`, then `result[i][index[i][j]] += source[i][j]` for `dim` 1.
 *
 * @param x - any shape of rank at least 1
 * @param dim - the dimension that `index` speaks of
 * @param index - int32, as many dimensions as `x`; equal to `x` in all but `dim`
 * @param source - the shape of `index`
 * @returns the shape of `x`
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  checkTensor('scatterAdd', 'x', x);
  checkTensor('scatterAdd', 'source', source);
  const backend = placeOf('scatterAdd', [x, source]);
  const at = normalizeDim('scatterAdd', dim, x.rank);
  checkIndex('scatterAdd', x, index, x.shape[at] ?? 1);
  if (!sameShape(index.shape, source.shape)) {
    throw new ShapeError(
      `scatterAdd: index has shape ${showShape(index.shape)} and source ${showShape(source.shape)}, expected the same`,
      {
        argument: 'source',
      },
    );
  }
  if (x.rank === 0 || index.rank !== x.rank || index.shape.some((size, i) => i !== at && size !== x.shape[i])) {
    throw new ShapeError(
      `scatterAdd: index of shape ${showShape(index.shape)} does not fit ${showShape(x.shape)}: expected the same sizes in all dimensions but ${at}`,
      { argument: 'index' },
    );
  }
  if (source.size === 0) return reshape(x, x.shape);
  const sizes = {
    outer: sizeOf(x.shape.slice(0, at)),
    size: x.shape[at],
    inner: sizeOf(x.shape.slice(at + 1)),
    count: index.shape[at],
  };
  const scattered = wrap(backend, backend.scatterAdd(source.storage, whole(index, sizes), sizes), x.shape);
  record(scattered, {
    name: 'scatterAdd',
    inputs: [source],
    saved: [index],
    derivatives: [(grad, [index]) => gather(grad, at, index)],
  });
  return add(x, scattered);
}

/**
 * Ones at the places that indices name, zeros elsewhere.
 *
 * @param index - int32, any shape, values in `[0, numClasses)`
 * @param numClasses - size of the new last dimension
 * @returns the shape of `index` and one dimension more, float32 unless `dtype` says otherwise (PyTorch gives int64)
 */
export function oneHot(
  index: Tensor,
  numClasses: number,
  { dtype = 'float32' }: { readonly dtype?: DType } = {},
): Tensor {
  checkTensor('oneHot', 'index', index);
  if (!Number.isInteger(numClasses) || numClasses < 1) {
    throw new ArgumentError(`oneHot: numClasses is ${numClasses}, expected a whole number from 1 up`, {
      argument: 'numClasses',
    });
  }
  checkIndex('oneHot', index, index, numClasses);
  const classes = arange(0, numClasses, 1, { dtype: 'int32', backend: index.backend });
  return to(eq(unsqueeze(index, -1), classes), dtype);
}

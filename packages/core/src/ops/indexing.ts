import { placeDim } from './operands.js';
import { checkSupported } from '../checks/backends.js';
import { checkOptions } from '../checks/options.js';
import { refuse } from '../checks/refusal.js';
import { checkSameBackend, checkShapeIs, checkTensor } from '../checks/tensors.js';
import { checkCount } from '../checks/values.js';
import type { IndexSizes, Strided } from '../backend.js';
import type { DType, TypedArray } from '../dtype.js';
import { ArgumentError, BackendError, DTypeError, ShapeError } from '../errors.js';
import { placeOf, record, wrap } from '../record.js';
import { scope } from '../scope.js';
import { showShape, sizeOf, type Shape } from '../shape.js';
import { boundsOfPart, type Bounds, type SharedStorage } from '../shared-storage.js';
import type { Tensor } from '../tensor.js';
import { add } from './arithmetic.js';
import { eq } from './comparison.js';
import { to } from './convert.js';
import { arange } from './create.js';
import { empty, zeros } from './fill.js';
import { detach } from './identity.js';
import { unsqueeze } from './movement.js';
import { slice } from './slice.js';

/**
 * Refuses indices of the wrong type, on another backend, or outside `[0, size)`.
 *
 * @example
 * ```ts
 * checkIndex('gather', zeros([3]), tensor([0, 3], { dtype: 'int32' }), 3);
 * // ArgumentError: ...
 * ```
 * @param operation - what was called, for the message
 * @param x - what is indexed
 * @param index - what came; read from the device where nobody has seen its values yet
 * @param size - the number of places
 * @param argument - its name, for the message; index unless given
 * @throws DTypeError, BackendError, ArgumentError
 */
export function checkIndex(operation: string, x: Tensor, index: Tensor, size: number, argument = 'index'): void {
  checkTensor(operation, argument, index);
  checkSameBackend(operation, argument, index.backend, x.backend, 'x');
  if (index.dtype !== 'int32') {
    const hint = "make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)";
    refuse(DTypeError, operation, argument, { received: index.dtype, expected: 'int32', hint });
  }
  if (index.size === 0) return;
  const { held } = index;
  if (held.bounds !== undefined && isWithin(held.bounds, size)) return;
  // Inherited limits may be those of values that this part lacks: only its own can refuse it.
  if (held.bounds?.isTight !== true) held.bounds = readBounds(operation, argument, held);
  if (isWithin(held.bounds, size)) return;
  const { min, max } = held.bounds;
  const expected = size === 0 ? 'no index, as there is no place to pick' : `values from 0 to ${size - 1}`;
  refuse(ArgumentError, operation, argument, { has: 'the value', received: String(min < 0 ? min : max), expected });
}

/**
 * Whether indices are known to lie within `[0, size)`, without reading the device: those of values
 * that the host gave, not those that were computed.
 *
 * @example
 * ```ts
 * isKnownIndex(tensor([0, 2], { dtype: 'int32' }), 3); // true
 * ```
 * @param index - int32
 * @param size - the number of places
 * @returns whether `checkIndex` accepts them at once
 */
export function isKnownIndex(index: Tensor, size: number): boolean {
  if (index.dtype !== 'int32') return false;
  const { bounds } = index.held;
  return index.size === 0 || (bounds !== undefined && isWithin(bounds, size));
}

function isWithin({ min, max }: Bounds, size: number): boolean {
  return min >= 0 && max < size;
}

/** The smallest and the largest index. */
function readBounds(operation: string, argument: string, { backend, storage }: SharedStorage): Bounds {
  let values: TypedArray;
  try {
    values = backend.readSync(storage);
  } catch (cause) {
    if (backend.info.synchronous) throw cause;
    refuse(BackendError, operation, argument, {
      received: `on '${backend.info.name}', which answers only later, and was computed or is a part of indices of which some are out of range`,
      expected: 'values that can be checked now',
      hint: `call \`await ${argument}.data()\` before, or make it with tensor(values, { dtype: 'int32' })`,
      cause,
    });
  }
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max, isTight: true };
}

/** What a kernel needs to know of values of a shape and `count` indices along one dimension. */
function sizesOf(shape: Shape, at: number, count: number): IndexSizes {
  return { outer: sizeOf(shape.slice(0, at)), size: shape[at], inner: sizeOf(shape.slice(at + 1)), count };
}

/** An index for every element. */
function whole(index: Tensor, { count, inner }: IndexSizes): Strided {
  return { storage: index.storage, offset: 0, strides: [count * inner, inner, 1] };
}

/** The same list of indices for every outer and inner place. */
function line(index: Tensor): Strided {
  return { storage: index.storage, offset: 0, strides: [0, 1, 0] };
}

/**
 * Values picked along a dimension: `result[i][j] = x[i][index[i][j]]` for `dim` 1, and so on.
 *
 * @example
 * ```ts
 * gather(tensor([[1, 2], [3, 4]]), 1, tensor([[1], [0]], { dtype: 'int32' }));   // [[2], [3]]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to pick along
 * @param index - int32, as many dimensions as `x`, none larger but `dim`
 * @returns the shape of `index`
 * @throws DTypeError when `index` is not int32; ArgumentError when it points outside of `x`;
 *   ShapeError when it does not fit
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  const at = placeDim('gather', x, dim);
  checkIndex('gather', x, index, x.shape[at]);
  if (index.rank !== x.rank || index.shape.some((size, i) => i !== at && size > x.shape[i])) {
    refuseIndex('gather', index, `${x.rank} dimensions, none larger than in ${showShape(x.shape)} but dimension ${at}`);
  }
  return scope(() => {
    // PyTorch lets an index be smaller: then `x` is cut to its size.
    const source = index.shape.reduce(
      (cut, size, i) => (i === at || size === x.shape[i] ? cut : slice(cut, i, 0, size)),
      x,
    );
    const { backend, dtype, shape } = source;
    const sizes = sizesOf(shape, at, index.shape[at]);
    const result =
      index.size === 0
        ? empty(index.shape, dtype, backend)
        : wrap(
            backend,
            backend.gather(source.storage, whole(index, sizes), sizes),
            index.shape,
            boundsOfPart(x.held.bounds),
          );
    return record(result, {
      name: 'gather',
      inputs: [source],
      saved: [index],
      derivatives: [(grad, [index]) => scattered(grad, shape, at, index)],
    });
  });
}

function refuseIndex(operation: string, index: Tensor, expected: string): never {
  refuse(ShapeError, operation, 'index', { has: 'shape', received: showShape(index.shape), expected });
}

/** The adjoint of `gather`: values added up at their places, zeros elsewhere. */
export function scattered(source: Tensor, shape: Shape, at: number, index: Tensor): Tensor {
  const { backend, dtype } = source;
  const sizes = sizesOf(shape, at, index.shape[at]);
  const result =
    source.size === 0
      ? zeros(shape, { dtype, backend })
      : wrap(backend, backend.scatterAdd(source.storage, whole(index, sizes), sizes), shape);
  return record(result, {
    name: 'scatter',
    inputs: [source],
    saved: [index],
    derivatives: [(grad, [index]) => gather(grad, at, index)],
  });
}

/**
 * Whole places of a dimension in the order of a list: rows of an embedding, a batch out of a data
 * set.
 *
 * @example
 * ```ts
 * indexSelect(
 *   tensor([
 *     [1, 2],
 *     [3, 4],
 *   ]),
 *   0,
 *   tensor([1, 1, 0], { dtype: 'int32' }),
 * ); // [[3, 4], [3, 4], [1, 2]]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to pick along
 * @param index - int32, one dimension
 * @returns the shape of `x` with the length of `index` at `dim`
 * @throws DTypeError when `index` is not int32; ArgumentError when it points outside of `x`;
 *   ShapeError when it has another rank
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  const at = placeDim('indexSelect', x, dim);
  checkIndex('indexSelect', x, index, x.shape[at]);
  if (index.rank !== 1) refuseIndex('indexSelect', index, 'one dimension');
  const { backend, dtype, shape } = x;
  const target = shape.map((size, i) => (i === at ? index.size : size));
  const result =
    sizeOf(target) === 0
      ? empty(target, dtype, backend)
      : wrap(
          backend,
          backend.gather(x.storage, line(index), sizesOf(shape, at, index.size)),
          target,
          boundsOfPart(x.held.bounds),
        );
  return record(result, {
    name: 'indexSelect',
    inputs: [x],
    saved: [index],
    derivatives: [(grad, [index]) => indexAdd(grad, shape, at, index)],
  });
}

/** The adjoint of `indexSelect`: places added up where the list names them. */
function indexAdd(source: Tensor, shape: Shape, at: number, index: Tensor): Tensor {
  const { backend, dtype } = source;
  const result =
    source.size === 0
      ? zeros(shape, { dtype, backend })
      : wrap(backend, backend.scatterAdd(source.storage, line(index), sizesOf(shape, at, index.size)), shape);
  return record(result, {
    name: 'indexAdd',
    inputs: [source],
    saved: [index],
    derivatives: [(grad, [index]) => indexSelect(grad, at, index)],
  });
}

/**
 * Values added at positions along a dimension: `result = x`, then
 * `result[i][index[i][j]] += source[i][j]` for `dim` 1.
 *
 * @example
 * ```ts
 * scatterAdd(zeros([3]), 0, tensor([2, 0, 2], { dtype: 'int32' }), tensor([1, 2, 3])); // [2, 0, 4]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension that `index` speaks of
 * @param index - int32, as many dimensions as `x`; equal to `x` in all but `dim`
 * @param source - the shape of `index`, the type of `x`
 * @returns the shape of `x`
 * @throws DTypeError when `index` is not int32; ArgumentError when it points outside of `x`;
 *   ShapeError when shapes do not fit
 *
 * Differs from PyTorch: a smaller index is refused.
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const at = placeDim('scatterAdd', x, dim);
  checkTensor('scatterAdd', 'source', source);
  placeOf('scatterAdd', [x, source]);
  checkIndex('scatterAdd', x, index, x.shape[at]);
  if (index.rank !== x.rank || index.shape.some((size, i) => i !== at && size !== x.shape[i])) {
    refuseIndex('scatterAdd', index, `the sizes of ${showShape(x.shape)} in all dimensions but ${at}`);
  }
  checkShapeIs('scatterAdd', 'source', source, index.shape, 'that of index');
  return scope(() => {
    const [from, values] = [detach(x), detach(source)];
    return record(add(from, scattered(values, x.shape, at, index)), {
      name: 'scatterAdd',
      inputs: [x, source],
      saved: [index],
      derivatives: [(grad) => grad, (grad, [index]) => gather(grad, at, index)],
    });
  });
}

/**
 * Ones at the places that indices name, zeros elsewhere.
 *
 * @example
 * ```ts
 * oneHot(tensor([1, 0], { dtype: 'int32' }), 3);   // [[0, 1, 0], [1, 0, 0]]
 * ```
 * @param index - int32, any shape, values in `[0, numClasses)`
 * @param numClasses - size of the new last dimension
 * @param options - `dtype` of the result
 * @returns the shape of `index` and one dimension more, float32 unless `dtype` says otherwise
 *   (PyTorch gives int64)
 * @throws DTypeError when `index` is not int32; ArgumentError when it does not fit `numClasses`
 */
export function oneHot(index: Tensor, numClasses: number, options: { readonly dtype?: DType } = {}): Tensor {
  checkTensor('oneHot', 'index', index);
  checkCount('oneHot', 'numClasses', numClasses, 1, 2 ** 31 - 1);
  checkOptions('oneHot', options, ['dtype']);
  const { dtype = 'float32' } = options;
  checkIndex('oneHot', index, index, numClasses);
  const { backend } = index;
  checkSupported('oneHot', dtype, backend);
  return scope(() => to(eq(unsqueeze(index, -1), arange(0, numClasses, 1, { dtype: 'int32', backend })), dtype));
}

/**
 * Order: positions are found on the host, values are gathered on the backend and have a gradient.
 * NaN counts as larger than every number, as in PyTorch, and of equal values the first comes first
 * (there, only with `stable: true`).
 */
import { checkOptions } from '../checks/options.js';
import { refuse } from '../checks/refusal.js';
import { checkTensor } from '../checks/tensors.js';
import { checkCount, checkFlag } from '../checks/values.js';
import type { TypedArray } from '../dtype.js';
import { BackendError } from '../errors.js';
import { scope } from '../scope.js';
import { normalizeDim, sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { SortOptions, TopkOptions, ValuesAndIndices } from '../tensor-methods.js';
import { reshape } from './broadcast.js';
import { fromData } from './create.js';
import { gather } from './indexing.js';

/**
 * Values in ascending order along a dimension, with the positions where they were.
 *
 * @example
 * ```ts
 * const { values, indices } = sort(tensor([3, 1, 2]));   // [1, 2, 3], [1, 2, 0]
 * ```
 * @param x - any shape and type, on a backend that answers at once
 * @param dim - the dimension to sort along, the last unless given
 * @param options - `descending`: the largest first
 * @returns two tensors of the same shape; the indices are int32 (PyTorch: int64)
 * @throws ArgumentError when the dimension does not exist; BackendError on a backend that answers
 *   only later
 */
export function sort(x: Tensor, dim = -1, options: SortOptions = {}): ValuesAndIndices<Tensor> {
  const { descending, at } = checkSort('sort', x, dim, options);
  return ordered('sort', x, at, undefined, descending);
}

/**
 * The positions of `sort` alone; see there for the arguments.
 *
 * @example
 * ```ts
 * argsort(tensor([3, 1, 2]));   // [1, 2, 0]
 * ```
 */
export function argsort(x: Tensor, dim = -1, options: SortOptions = {}): Tensor {
  const { descending, at } = checkSort('argsort', x, dim, options);
  return positions('argsort', x, at, undefined, descending);
}

/**
 * The `k` largest values along a dimension, the largest first, with the positions where they were.
 *
 * @example
 * ```ts
 * const { values, indices } = topk(tensor([3, 1, 2]), 2);   // [3, 2], [0, 2]
 * ```
 * @param x - any shape and type, on a backend that answers at once
 * @param k - how many, no more than the dimension has places
 * @param dim - the dimension to choose along, the last unless given
 * @param options - `largest`: false for the smallest, in ascending order
 * @returns two tensors with `k` places at `dim`; the indices are int32 (PyTorch: int64)
 * @throws ArgumentError when the dimension does not exist or has fewer places; BackendError on a
 *   backend that answers only later
 */
export function topk(x: Tensor, k: number, dim = -1, options: TopkOptions = {}): ValuesAndIndices<Tensor> {
  checkTensor('topk', 'x', x);
  const at = normalizeDim('topk', dim, x.rank);
  checkCount('topk', 'k', k, x.rank === 0 ? 1 : 0, x.shape[at] ?? 1);
  checkOptions('topk', options, ['largest']);
  const { largest = true } = options;
  checkFlag('topk', 'largest', largest);
  return ordered('topk', x, at, k, largest);
}

/** The numbers of a tensor, read now; refuses a backend that cannot. */
export function hostNumbers(operation: string, x: Tensor): TypedArray {
  const { name, synchronous } = x.backend.info;
  if (synchronous) return x.dataSync();
  refuse(BackendError, operation, 'x', {
    received: `on '${name}', which answers only later`,
    expected: 'a backend that answers now',
    hint: 'write `await moveTo([x], await cpu())` before',
  });
}

function checkSort(
  operation: string,
  x: Tensor,
  dim: number,
  options: SortOptions,
): { descending: boolean; at: number } {
  checkTensor(operation, 'x', x);
  const at = normalizeDim(operation, dim, x.rank);
  checkOptions(operation, options, ['descending']);
  const { descending = false } = options;
  checkFlag(operation, 'descending', descending);
  return { descending, at };
}

function ordered(
  operation: string,
  x: Tensor,
  at: number,
  count: number | undefined,
  descending: boolean,
): ValuesAndIndices<Tensor> {
  const indices = positions(operation, x, at, count, descending);
  const values = scope(() =>
    x.rank === 0 ? reshape(gather(reshape(x, [1]), 0, reshape(indices, [1])), []) : gather(x, at, indices),
  );
  return { values, indices };
}

/** The first `count` positions of every line in order. */
function positions(operation: string, x: Tensor, at: number, count: number | undefined, descending: boolean): Tensor {
  const numbers = hostNumbers(operation, x);
  const { shape } = x;
  const size = shape[at] ?? 1;
  const kept = count ?? size;
  const inner = sizeOf(shape.slice(at + 1));
  const places = new Int32Array(sizeOf(shape.slice(0, at)) * kept * inner);
  const order = new Uint32Array(size);
  for (let line = 0; line < places.length / Math.max(kept, 1); line++) {
    const [outer, column] = [Math.floor(line / inner), line % inner];
    const first = outer * size * inner + column;
    for (let i = 0; i < size; i++) order[i] = i;
    order.sort((i, j) => {
      const sign = compare(numbers[first + i * inner], numbers[first + j * inner]);
      return (descending ? -sign : sign) || i - j;
    });
    for (let i = 0; i < kept; i++) places[(outer * kept + i) * inner + column] = order[i];
  }
  const target = shape.map((s, i) => (i === at ? kept : s));
  return fromData(places, target, { dtype: 'int32', backend: x.backend });
}

function compare(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

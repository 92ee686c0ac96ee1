import { ArgumentError, sizeOf, type Backend, type Generator, type TypedArray } from '@rnn/core';
import { checkCount, checkList, checkNumber, checkOptions, generatorOf, refuse } from '@rnn/core/checks';
import {
  givenNumbers,
  type Float16Values,
  type HostArray,
  type HostValues,
  type TypedHostArray,
} from '../host-array.js';
import { checkIndices, type Dataset } from './dataset.js';

/**
 * Some of the examples of a data set, as a data set.
 *
 * @example
 * ```ts
 * const firstTen = new Subset(data, Array.from({ length: 10 }, (_, i) => i));
 * ```
 * @param dataset - where the examples are
 * @param indices - their positions there, in the order that they are to have here; a position may
 *   be named more than once
 * @throws ArgumentError when there is no example at a position
 *
 * Differs from PyTorch: nothing but that a batch is taken at once.
 */
export class Subset<B> implements Dataset<B> {
  readonly dataset: Dataset<B>;
  readonly indices: Int32Array;
  readonly length: number;

  constructor(dataset: Dataset<B>, indices: ArrayLike<number>) {
    checkDataset('Subset', dataset);
    checkIndices('Subset', indices, dataset.length);
    this.dataset = dataset;
    this.indices = Int32Array.from(indices);
    this.length = this.indices.length;
  }

  /**
   * Some of the examples, in the given order.
   *
   * @example
   * ```ts
   * const data = new TensorDataset(tensor([1, 2, 3]), tensor([4, 5, 6]));
   * const [x] = new Subset(data, [2, 0]).batch([0]);
   * x?.toArray(); // [3]
   * ```
   * @param indices - positions here, 0 to `length - 1`
   * @param backend - where to put them; as the data set does when left out
   */
  batch(indices: ArrayLike<number>, backend?: Backend): B {
    checkIndices('Subset', indices, this.length);
    return this.dataset.batch(
      Int32Array.from(indices, (i) => this.indices[i]),
      backend,
    );
  }
}

/** One `T` for each part, so that as many names can take them as there are parts. */
type Parts<P extends readonly number[], T> = { -readonly [K in keyof P]: T };

/**
 * Cuts a data set at random into parts that share no example. For a series, whose windows overlap,
 * cut the series itself with `splitInTime`.
 *
 * @example
 * ```ts
 * const [train, validation] = randomSplit(data, [0.8, 0.2], { generator: new Generator(0) });
 * ```
 * @param dataset - what to cut
 * @param parts - sizes that add up to the data set's length, or fractions that add up to 1; what
 *   rounding down leaves over goes to the first parts, one each
 * @param options - `generator`; the one that `manualSeed` seeds unless given
 * @returns a `Subset` for each part
 * @throws ArgumentError when the parts do not add up, or one is empty
 *
 * Differs from PyTorch: nothing in the sizes, nor in the examples for the same seed; an empty part
 * is an error, where PyTorch warns.
 */
export function randomSplit<B, const P extends readonly number[]>(
  dataset: Dataset<B>,
  parts: P,
  options: { readonly generator?: Generator } = {},
): Parts<P, Subset<B>> {
  const owner = 'randomSplit';
  checkDataset(owner, dataset);
  checkOptions(owner, options, ['generator']);
  const sizes = sizesOf(owner, parts, dataset.length);
  const order = generatorOf(owner, options.generator).permutation(dataset.length);
  const subsets = startsOf(sizes).map((start, i) => new Subset(dataset, order.subarray(start, start + sizes[i])));
  return subsets as Parts<P, Subset<B>>;
}

/**
 * Cuts a series into parts that follow each other: training on the past, tests on what came later.
 *
 * @example
 * ```ts
 * const [train, validation, test] = splitInTime(series, [0.7, 0.15, 0.15], { overlap: 12 });
 * // the first window of 12 steps in validation ends where train ends, and forecasts the first
 * // step after it
 * ```
 * @param series - time along the first dimension: a list or typed array of numbers, a nested list
 *   `[N][F]`, or `{ shape: [N, ...], data }`
 * @param parts - numbers of steps that add up to N, or fractions that add up to 1
 * @param options - `overlap`: how many steps before its own each part but the first begins with, 0
 *   unless given: as many as a model sees, so that every step of a part is forecast
 * @returns `{ shape, data }` for each part, which share the memory of a typed array; the data of
 *   lists are lists
 * @throws ArgumentError when the parts do not add up, one is empty, or the overlap is longer than
 *   what comes before a part
 *
 * Differs from PyTorch: has no counterpart there.
 */
export function splitInTime<const P extends readonly number[]>(
  series: TypedArray | Float16Values | TypedHostArray,
  parts: P,
  options?: { readonly overlap?: number },
): Parts<P, TypedHostArray>;
export function splitInTime<const P extends readonly number[]>(
  series: HostValues,
  parts: P,
  options?: { readonly overlap?: number },
): Parts<P, HostArray>;
export function splitInTime<const P extends readonly number[]>(
  series: HostValues,
  parts: P,
  options: { readonly overlap?: number } = {},
): Parts<P, HostArray> {
  const owner = 'splitInTime';
  const { shape, data } = givenNumbers(owner, 'series', series);
  checkOptions(owner, options, ['overlap']);
  const { overlap = 0 } = options;
  const [steps, ...rest] = shape;
  const sizes = sizesOf(owner, parts, steps);
  checkCount(owner, 'overlap', overlap, 0, sizes.length > 1 ? sizes[0] : undefined);
  const width = sizeOf(rest);
  const cuts = startsOf(sizes).map((start, i): HostArray => {
    const from = i === 0 ? 0 : start - overlap;
    const to = start + sizes[i];
    return {
      shape: [to - from, ...rest],
      data: 'subarray' in data ? data.subarray(from * width, to * width) : data.slice(from * width, to * width),
    };
  });
  return cuts as Parts<P, HostArray>;
}

function checkDataset(owner: string, dataset: Dataset<unknown>): void {
  if (typeof (dataset as Partial<Dataset<unknown>> | null)?.batch !== 'function') {
    const expected = 'a Dataset with batch(indices), such as new TensorDataset(x, y)';
    refuse(ArgumentError, owner, 'dataset', { value: dataset, expected });
  }
}

/** Sizes from sizes or fractions, as PyTorch's `random_split` finds them. */
function sizesOf(owner: string, parts: readonly number[], length: number): number[] {
  checkList(owner, 'parts', parts, 'sizes or fractions', 1);
  for (const part of parts) checkNumber(owner, 'parts', part, { from: 0 });
  const sum = parts.reduce((total, part) => total + part, 0);
  const areFractions = parts.every((part) => part <= 1) && Math.abs(sum - 1) <= 1e-9;
  const sizes = areFractions ? parts.map((part) => Math.floor(length * part)) : [...parts];
  if (areFractions) {
    const left = length - sizes.reduce((total, size) => total + size, 0);
    for (let i = 0; i < left; i++) sizes[i % sizes.length]++;
  } else if (sum !== length || !parts.every((part) => Number.isSafeInteger(part))) {
    const expected = `sizes that add up to ${length}, or fractions that add up to 1`;
    refuse(ArgumentError, owner, 'parts', { received: `[${parts.join(', ')}]`, expected });
  }
  const empty = sizes.findIndex((size) => size === 0);
  if (empty >= 0) {
    const [received, expected] = [`empty for ${length} examples`, 'a part with at least one'];
    refuse(ArgumentError, owner, `parts[${empty}]`, { received, expected });
  }
  return sizes;
}

/** Where each part begins. */
function startsOf(sizes: readonly number[]): number[] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return start - size;
  });
}

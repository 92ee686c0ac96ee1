import { ArgumentError, defaultGenerator, type Backend, type Generator } from '@rnn/core';
import { checkBackend, checkCount, checkFlag, checkOptions, generatorOf, refuse } from '@rnn/core/checks';
import type { Dataset } from './dataset.js';

export interface BucketLoaderOptions {
  /**
   * Length of each example; the data set's own `lengths` unless given, which a `SequenceDataset`
   * has.
   */
  readonly lengths?: ArrayLike<number>;
  /** Examples in a batch; 1 unless given. */
  readonly batchSize?: number;
  /**
   * Whether each pass takes the examples in a new random order, as far as lengths allow; false
   * unless given.
   */
  readonly shuffle?: boolean;
  /**
   * How many batches' worth of examples are sorted by length together: fewer are more random, more
   * have less padding; 50 unless given.
   */
  readonly pool?: number;
  /** Where the order comes from; the generator that `manualSeed` seeds unless given. */
  readonly generator?: Generator;
  /** Where to put the batches; see the data set. */
  readonly backend?: Backend;
}

/**
 * A data set in batches of examples of about the same length, so that little is padded; each loop
 * over it is one pass.
 *
 * @example
 * ```ts
 * const data = new SequenceDataset(sequences, targets);
 * const loader = new BucketLoader(data, { batchSize: 32, shuffle: true });
 * ```
 * @param dataset - what to take the batches from
 * @param options - `lengths` those of the data set, `batchSize` 1, `shuffle` false, `pool` 50,
 *   `generator`, `backend`
 * @throws ArgumentError when an option makes no sense or there is not one length for each example
 *
 * With `shuffle` examples are drawn into pools of `pool` batches, sorted within each, and the
 * batches of all pools come in random order. Without it they come from the shortest to the longest.
 * Differs from PyTorch: it is torchtext's `bucket` of old.
 */
export class BucketLoader<B> implements Iterable<B> {
  readonly dataset: Dataset<B>;
  /** Number of batches in a pass. */
  readonly length: number;
  readonly batchSize: number;
  /** Where the order comes from, if it was given. */
  readonly generator: Generator | undefined;
  private readonly lengths: Float64Array;
  private readonly shuffle: boolean;
  private readonly pool: number;
  private readonly backend: Backend | undefined;

  constructor(dataset: Dataset<B> & { readonly lengths?: ArrayLike<number> }, options: BucketLoaderOptions = {}) {
    const owner = 'BucketLoader';
    if (typeof (dataset as Partial<Dataset<B>> | null)?.batch !== 'function') {
      const expected = 'a Dataset with batch(indices), such as a SequenceDataset';
      refuse(ArgumentError, owner, 'dataset', { value: dataset, expected });
    }
    checkOptions(owner, options, ['lengths', 'batchSize', 'shuffle', 'pool', 'generator', 'backend']);
    const { lengths = dataset.lengths, batchSize = 1, shuffle = false, pool = 50, generator, backend } = options;
    checkCount(owner, 'dataset.length', dataset.length, 0);
    if (!(Array.isArray(lengths) || ArrayBuffer.isView(lengths)) || lengths.length !== dataset.length) {
      const expected = `a list of ${dataset.length}, one for each example`;
      refuse(ArgumentError, owner, 'lengths', { value: lengths, expected });
    }
    this.lengths = Float64Array.from(lengths as ArrayLike<number>);
    this.lengths.forEach((value, i) => checkCount(owner, `lengths[${i}]`, value));
    checkCount(owner, 'batchSize', batchSize, 1);
    checkFlag(owner, 'shuffle', shuffle);
    checkCount(owner, 'pool', pool, 1);
    if (generator !== undefined) generatorOf(owner, generator);
    if (backend !== undefined) checkBackend(owner, 'backend', backend);
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.pool = pool;
    this.generator = generator;
    this.backend = backend;
    this.length = Math.ceil(dataset.length / batchSize);
  }

  /** One pass. With `shuffle` its order is drawn when the first batch is asked for. */
  *[Symbol.iterator](): Iterator<B> {
    for (const indices of this.batches()) yield this.dataset.batch(indices, this.backend);
  }

  private batches(): Int32Array[] {
    const { dataset, batchSize, lengths, shuffle, pool } = this;
    const count = dataset.length;
    const generator = this.generator ?? defaultGenerator();
    const order = shuffle ? generator.permutation(count) : Int32Array.from({ length: count }, (_, i) => i);
    const size = shuffle ? batchSize * pool : count;
    for (let from = 0; from < count; from += size) {
      order.subarray(from, from + size).sort((a, b) => lengths[a] - lengths[b] || a - b);
    }
    const batches = Array.from({ length: this.length }, (_, i) => order.subarray(i * batchSize, (i + 1) * batchSize));
    return shuffle ? Array.from(generator.permutation(this.length), (i) => batches[i]) : batches;
  }
}

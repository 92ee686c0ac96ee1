import { ArgumentError, defaultGenerator, type Backend, type Generator } from '@rnn/core';
import { checkBackend, checkCount, checkFlag, checkOptions, generatorOf, refuse } from '@rnn/core/checks';
import type { Dataset } from './dataset.js';

export interface DataLoaderOptions {
  /** Examples in a batch; 1 unless given. */
  readonly batchSize?: number;
  /** Whether each pass takes the examples in a new random order; false unless given. */
  readonly shuffle?: boolean;
  /** Whether to leave out a last batch that is not full; false unless given. */
  readonly dropLast?: boolean;
  /** Where the order comes from; the generator that `manualSeed` seeds unless given. */
  readonly generator?: Generator;
  /** Where to put the batches; see the data set. */
  readonly backend?: Backend;
}

/**
 * A data set in batches; each loop over it is one pass.
 *
 * @example
 * ```ts
 * const data = new TensorDataset([[1], [2], [3]], [2, 4, 6]);
 * const loader = new DataLoader(data, { batchSize: 2, shuffle: true });
 * for (const [x, y] of loader) console.log(x.shape, y.shape);
 * ```
 * @param dataset - what to take the batches from
 * @param options - `batchSize` 1, `shuffle` false, `dropLast` false, `generator`, `backend`
 * @throws ArgumentError when an option makes no sense or the data set is none
 *
 * The tensors of a batch belong to whoever asked for it: take a batch in a `scope`, as `fit` does,
 * and they are freed with it.
 * Differs from PyTorch: no workers; a batch is made when it is asked for, synchronously.
 */
export class DataLoader<B> implements Iterable<B> {
  readonly dataset: Dataset<B>;
  /** Number of batches in a pass. */
  readonly length: number;
  readonly batchSize: number;
  private readonly shuffle: boolean;
  /** Where the order comes from, if it was given. */
  readonly generator: Generator | undefined;
  private readonly backend: Backend | undefined;

  constructor(dataset: Dataset<B>, options: DataLoaderOptions = {}) {
    const owner = 'DataLoader';
    if (typeof (dataset as Partial<Dataset<B>> | null)?.batch !== 'function') {
      const expected = 'a Dataset with batch(indices), such as new TensorDataset(x, y)';
      refuse(ArgumentError, owner, 'dataset', { value: dataset, expected });
    }
    checkOptions(owner, options, ['batchSize', 'shuffle', 'dropLast', 'generator', 'backend']);
    const { batchSize = 1, shuffle = false, dropLast = false, generator, backend } = options;
    if (generator !== undefined) generatorOf(owner, generator);
    if (backend !== undefined) checkBackend(owner, 'backend', backend);
    checkCount(owner, 'dataset.length', dataset.length, 0);
    checkCount(owner, 'batchSize', batchSize, 1);
    checkFlag(owner, 'shuffle', shuffle);
    checkFlag(owner, 'dropLast', dropLast);
    if (dropLast && batchSize > dataset.length && dataset.length > 0) {
      const expected = `at most ${dataset.length}, the length of the data set, as dropLast leaves smaller batches out`;
      refuse(ArgumentError, owner, 'batchSize', { value: batchSize, expected });
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.generator = generator;
    this.backend = backend;
    this.length = dropLast ? Math.floor(dataset.length / batchSize) : Math.ceil(dataset.length / batchSize);
  }

  /** One pass. With `shuffle` its order is drawn when the first batch is asked for. */
  *[Symbol.iterator](): Iterator<B> {
    const { dataset, batchSize } = this;
    const order = this.shuffle
      ? (this.generator ?? defaultGenerator()).permutation(dataset.length)
      : Int32Array.from({ length: dataset.length }, (_, i) => i);
    for (let i = 0; i < this.length; i++) {
      yield dataset.batch(order.subarray(i * batchSize, (i + 1) * batchSize), this.backend);
    }
  }
}

import { ShapeError, type Backend, type Tensor } from '@rnn/core';
import { checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { HostValues, TypedHostArray } from '../host-array.js';
import { anyNumber, checkPadding, hostSequences, padded } from './collate-sequences.js';
import { checkIndices, type Dataset } from './dataset.js';
import type { SequenceDatasetOptions } from './sequence-dataset.js';

/** Sequences with sequences of other lengths that belong to them. */
export interface PairBatch {
  /** `[S, B, ...]`, or `[B, S, ...]` with `batchFirst`; S is the longest length of the batch. */
  readonly source: Tensor;
  readonly sourceLengths: readonly number[];
  /** `[T, B, ...]`, or `[B, T, ...]` with `batchFirst`. */
  readonly target: Tensor;
  readonly targetLengths: readonly number[];
  /** Whether the rows come before time; false unless given. */
  readonly batchFirst?: boolean;
}

/**
 * Pairs of sequences, each of its own length: a text and its translation, for `Seq2Seq`.
 *
 * @example
 * ```ts
 * const data = new SequencePairs([Int32Array.of(3, 4, 5)], [Int32Array.of(5, 4, 3, EOS)]);
 * const { source, sourceLengths, target, targetLengths } = data.batch([0]); // [3, 1], [3], [4, 1], [4]
 * ```
 * @param sources - each as a sequence of a `SequenceDataset`
 * @param targets - as many, each as a sequence of a `SequenceDataset`
 * @param options - `batchFirst` false, `paddingValue` 0, `targetPadding` 0
 * @throws ShapeError when the counts differ, or the steps of two sequences do in shape or type
 *
 * Differs from PyTorch: has no counterpart there; it stands for a data set with a `collate_fn` that
 * pads.
 */
export class SequencePairs implements Dataset<PairBatch> {
  readonly length: number;
  private readonly sources: readonly TypedHostArray[];
  private readonly targets: readonly TypedHostArray[];
  private readonly options: SequenceDatasetOptions;

  constructor(sources: readonly HostValues[], targets: readonly HostValues[], options: SequenceDatasetOptions = {}) {
    const owner = 'SequencePairs';
    checkOptions(owner, options, ['batchFirst', 'paddingValue', 'targetPadding']);
    checkPadding(owner, options);
    if (options.targetPadding !== undefined) checkNumber(owner, 'targetPadding', options.targetPadding, anyNumber);
    this.sources = hostSequences(owner, 'sources', sources);
    this.targets = hostSequences(owner, 'targets', targets);
    this.length = this.sources.length;
    this.options = options;
    if (this.targets.length !== this.length) {
      const expected = `${this.length}, one for each source`;
      refuse(ShapeError, owner, 'targets', { has: 'length', received: String(this.targets.length), expected });
    }
  }

  /** Number of steps of each source. */
  get lengths(): number[] {
    return this.sources.map(({ shape }) => shape[0]);
  }

  /**
   * Some of the pairs, in the given order, sources and targets padded to the longest of them.
   *
   * @param indices - positions, 0 to `length - 1`
   * @param backend - where to put them; the one of `setBackend` when left out
   */
  batch(indices: ArrayLike<number>, backend?: Backend): PairBatch {
    checkIndices('SequencePairs', indices, this.length);
    const { batchFirst, paddingValue, targetPadding } = this.options;
    const positions = Array.from(indices);
    const source = padded(
      positions.map((i) => this.sources[i]),
      { batchFirst, paddingValue, backend },
    );
    const target = padded(
      positions.map((i) => this.targets[i]),
      { batchFirst, paddingValue: targetPadding, backend },
    );
    return {
      source: source.padded,
      sourceLengths: source.lengths,
      target: target.padded,
      targetLengths: target.lengths,
      ...(batchFirst === true && { batchFirst }),
    };
  }
}

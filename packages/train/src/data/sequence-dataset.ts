import { ShapeError, type Backend, type Tensor } from '@rnn/core';
import { checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { HostValues, TypedHostArray } from '../host-array.js';
import { anyNumber, checkPadding, hostSequences, padded } from './collate-sequences.js';
import { checkIndices, type Dataset } from './dataset.js';
import { rowsOf, sourceOf, type Column, type Source } from './tensor-dataset.js';

/** Sequences of different lengths with what is to be learnt about them. */
export interface SequenceBatch {
  /** `[T, B, ...]`, or `[B, T, ...]` with `batchFirst`; T is the longest length of the batch. */
  readonly input: Tensor;
  /** Number of steps of each sequence. */
  readonly lengths: readonly number[];
  /** One row a sequence, `[B, ...]`; or, where targets are sequences, padded as the input is. */
  readonly target: Tensor;
}

export interface SequenceDatasetOptions {
  /** Whether the batch comes before time; false unless given, as for the recurrent layers. */
  readonly batchFirst?: boolean;
  /** What stands past the end of an input; 0 unless given. */
  readonly paddingValue?: number;
  /**
   * What stands past the end of a target that is a sequence; 0 unless given, -100 for
   * `crossEntropy` to pass over.
   */
  readonly targetPadding?: number;
}

/**
 * Sequences of different lengths, padded batch by batch to the longest one in it.
 *
 * @example
 * ```ts
 * const data = new SequenceDataset(
 *   [
 *     [
 *       [1, 2],
 *       [3, 4],
 *     ],
 *     [[5, 6]],
 *   ],
 *   Int32Array.of(0, 1),
 * );
 * const { input, lengths, target } = data.batch([1, 0]); // input [2, 2, 2], lengths [1, 2], target [1, 0]
 * ```
 * @param sequences - each with time along its first dimension: a nested list `[T][F]` (float32), a
 *   typed array or list of single numbers or indices, or `{ shape: [T, ...], data }`; T may be 0
 * @param targets - one row a sequence (an `Int32Array` of class indices, a list of numbers, a
 *   tensor, `{ shape, data }`), or a list of as many sequences of the same lengths
 * @param options - `batchFirst` false, `paddingValue` 0, `targetPadding` 0
 * @throws ShapeError when the counts differ, or the steps of two sequences do in shape or type
 *
 * Differs from PyTorch: has no counterpart there; it stands for a data set with a `collate_fn` that
 * pads.
 */
export class SequenceDataset implements Dataset<SequenceBatch> {
  readonly length: number;
  private readonly inputs: readonly TypedHostArray[];
  private readonly targets: Source | readonly TypedHostArray[];
  private readonly options: SequenceDatasetOptions;

  constructor(
    sequences: readonly HostValues[],
    targets: Column | readonly HostValues[],
    options: SequenceDatasetOptions = {},
  ) {
    const owner = 'SequenceDataset';
    checkOptions(owner, options, ['batchFirst', 'paddingValue', 'targetPadding']);
    checkPadding(owner, options);
    if (options.targetPadding !== undefined) checkNumber(owner, 'targetPadding', options.targetPadding, anyNumber);
    this.inputs = hostSequences(owner, 'sequences', sequences);
    this.length = this.inputs.length;
    this.options = options;
    if (isListOfSequences(targets)) {
      const list = hostSequences(owner, 'targets', targets);
      const odd = list.findIndex(({ shape }, i) => shape[0] !== this.inputs[i]?.shape[0]);
      if (odd >= 0) {
        const expected = `as many as its sequence, ${this.inputs[odd]?.shape[0] ?? 'which is missing'}`;
        refuse(ShapeError, owner, `targets[${odd}]`, { has: 'steps', received: String(list[odd].shape[0]), expected });
      }
      this.targets = list;
    } else this.targets = sourceOf(owner, 'targets', targets);
    const count = Array.isArray(this.targets) ? this.targets.length : (this.targets as Source).shape[0];
    if (count !== this.length) {
      const expected = `${this.length}, one for each sequence`;
      refuse(ShapeError, owner, 'targets', { has: 'length', received: String(count), expected });
    }
  }

  /** Number of steps of each sequence. */
  get lengths(): number[] {
    return this.inputs.map(({ shape }) => shape[0]);
  }

  /**
   * Some of the sequences, in the given order, padded to the longest of them.
   *
   * @param indices - positions, 0 to `length - 1`
   * @param backend - where to put them; the one of `setBackend` when left out
   */
  batch(indices: ArrayLike<number>, backend?: Backend): SequenceBatch {
    checkIndices('SequenceDataset', indices, this.length);
    const { batchFirst, paddingValue, targetPadding } = this.options;
    const positions = Array.from(indices);
    const { padded: input, lengths } = padded(
      positions.map((i) => this.inputs[i]),
      { batchFirst, paddingValue, backend },
    );
    const target = isSequences(this.targets)
      ? padded(pick(this.targets, positions), { batchFirst, paddingValue: targetPadding, backend }).padded
      : rowsOf(this.targets, positions, backend);
    return { input, lengths, target };
  }
}

function isListOfSequences(targets: Column | readonly HostValues[]): targets is readonly HostValues[] {
  return Array.isArray(targets) && typeof targets[0] === 'object';
}

function isSequences(targets: Source | readonly TypedHostArray[]): targets is readonly TypedHostArray[] {
  return Array.isArray(targets);
}

function pick<T>(list: readonly T[], positions: readonly number[]): T[] {
  return positions.map((i) => list[i]);
}

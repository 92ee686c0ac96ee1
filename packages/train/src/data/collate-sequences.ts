import { dtypeOf, ShapeError, sizeOf, type Backend, type Tensor } from '@rnn/core';
import { checkBackend, checkFlag, checkList, checkNumber, checkOptions, refuse, type Interval } from '@rnn/core/checks';
import { hostArrayOf, uploaded, zerosLikeArray, type HostValues, type TypedHostArray } from '../host-array.js';

export interface CollateOptions {
  /** Whether the batch comes before time; false unless given, as for the recurrent layers. */
  readonly batchFirst?: boolean;
  /** What stands past the end of a sequence; 0 unless given. */
  readonly paddingValue?: number;
  /** Where to put the batch; the one of `setBackend` unless given. */
  readonly backend?: Backend;
}

/** Sequences side by side, and how far each goes. */
export interface PaddedSequences {
  /** `[T, B, ...]`, or `[B, T, ...]` with `batchFirst`; T is the longest length. */
  readonly padded: Tensor;
  readonly lengths: readonly number[];
}

/**
 * Puts sequences of different lengths into one tensor.
 *
 * @example
 * ```ts
 * const { padded, lengths } = collateSequences([
 *   [
 *     [1, 2],
 *     [3, 4],
 *   ],
 *   [[5, 6]],
 * ]); // padded [2, 2, 2], lengths [2, 1]
 * const [output, hN] = gru.forward(padded, undefined, { lengths });
 * ```
 * @param sequences - each with time along its first dimension: a nested list `[T][F]` (float32), a
 *   typed array or list of single numbers or indices, or `{ shape: [T, ...], data }`; T may be 0
 * @param options - `batchFirst` false, `paddingValue` 0, `backend`
 * @returns `padded` of shape [T, B, ...] and `lengths`
 * @throws ShapeError when the steps of two sequences differ in shape or type; ArgumentError when
 *   there is no sequence
 *
 * Differs from PyTorch: it is `pad_sequence` for values on the host, and gives the lengths along.
 */
export function collateSequences(sequences: readonly HostValues[], options: CollateOptions = {}): PaddedSequences {
  checkOptions('collateSequences', options, ['batchFirst', 'paddingValue', 'backend']);
  checkPadding('collateSequences', options);
  if (options.backend !== undefined) checkBackend('collateSequences', 'backend', options.backend);
  return padded(hostSequences('collateSequences', 'sequences', sequences), options);
}

/** Any number, infinite ones too. */
export const anyNumber: Interval = { from: -Infinity, to: Infinity };

/** Refuses values of `batchFirst` and `paddingValue` that are none. */
export function checkPadding(owner: string, { batchFirst, paddingValue }: CollateOptions): void {
  if (batchFirst !== undefined) checkFlag(owner, 'batchFirst', batchFirst);
  if (paddingValue !== undefined) checkNumber(owner, 'paddingValue', paddingValue, anyNumber);
}

/** Sequences in one form, each step of one shape and type. */
export function hostSequences(owner: string, argument: string, sequences: readonly HostValues[]): TypedHostArray[] {
  checkList(owner, argument, sequences, 'sequence', 1);
  const list = sequences.map((sequence, i) => hostArrayOf(owner, `${argument}[${i}]`, sequence));
  // An empty list says nothing of its steps: it takes the form of the others.
  const model = list.find(({ data }) => data.length > 0) ?? list[0];
  const step = model.shape.slice(1);
  return list.map((sequence, i) => {
    if (sequence.data.length === 0 && sequence.shape[0] === 0)
      return { shape: [0, ...step], data: zerosLikeArray(model.data, 0) };
    const own = sequence.shape.slice(1);
    if (sequence.shape.length === 0 || String(own) !== String(step) || dtypeOf(sequence.data) !== dtypeOf(model.data)) {
      const received = `a ${classOf(sequence)} of shape [${sequence.shape.join(', ')}]`;
      const expected = `a ${classOf(model)} of shape [T${step.map((size) => `, ${size}`).join('')}] like the others`;
      refuse(ShapeError, owner, argument, { part: `entry ${i}`, received, expected });
    }
    return sequence;
  });
}

/** The class of an array of this element type, for messages. */
function classOf({ data }: TypedHostArray): string {
  return zerosLikeArray(data, 0).constructor.name;
}

/** The padded tensor of sequences that `hostSequences` has checked. */
export function padded(
  sequences: readonly TypedHostArray[],
  { batchFirst = false, paddingValue = 0, backend }: CollateOptions,
): PaddedSequences {
  const lengths = sequences.map(({ shape }) => shape[0]);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const count = sequences.length;
  const step = sequences[0].shape.slice(1);
  const width = sizeOf(step);
  const values = zerosLikeArray(sequences[0].data, longest * count * width).fill(paddingValue);
  sequences.forEach(({ data }, b) => {
    if (batchFirst) {
      values.set(data, b * longest * width);
      return;
    }
    for (let t = 0; t < lengths[b]; t++) values.set(data.subarray(t * width, (t + 1) * width), (t * count + b) * width);
  });
  const shape = batchFirst ? [count, longest, ...step] : [longest, count, ...step];
  return { padded: uploaded(values, shape, backend), lengths };
}

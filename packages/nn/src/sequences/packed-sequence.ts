import {
  ArgumentError,
  checkLengths,
  type Lengths,
  scope,
  ShapeError,
  showShape,
  slice,
  type Tensor,
  transpose,
  where,
} from '@rnn/core';
import { checkFlag, checkNumber, checkOptions, checkTensor, checkTensors, refuse } from '@rnn/core/checks';
import { padded, padSequence, unpadSequence } from './pad-sequence.js';
import { stepMask } from './valid-steps.js';

/**
 * Sequences of different lengths, as recurrent layers take and give them. It is nothing but padded
 * data and lengths.
 *
 * Differs from PyTorch: there the steps are stored without padding, in order of length; here rows
 * stay where they are.
 *
 * @example
 * ```ts
 * const packed = packPaddedSequence(randn([3, 2, 4]), [3, 1]);
 * packed instanceof PackedSequence; // true
 * packed.lengths; // [3, 1]
 * ```
 */
export class PackedSequence {
  /** [T, B, ...], T the longest length. What stands past a row's length counts for nothing. */
  readonly padded: Tensor;
  /** Valid steps of each row. */
  readonly lengths: readonly number[];

  constructor(padded: Tensor, lengths: readonly number[]) {
    this.padded = padded;
    this.lengths = lengths;
  }
}

/** What `packPaddedSequence` takes. */
export interface PackOptions {
  /** The input is `[B, T, ...]`. */
  readonly batchFirst?: boolean;
  /** Whether lengths have to come in descending order. */
  readonly enforceSorted?: boolean;
}

/** What `padPackedSequence` takes. */
export interface UnpackOptions {
  /** The result is to be `[B, T, ...]`. */
  readonly batchFirst?: boolean;
  /** What stands past the end of a row. */
  readonly paddingValue?: number;
  /** How many steps the result is to have; the longest length unless given. */
  readonly totalLength?: number;
}

/**
 * Joins a padded batch and its lengths, so that a layer passes over the padding.
 *
 * @example
 * ```ts
 * const packed = packPaddedSequence(padded, [5, 3, 1]);
 * const [output, hN] = gru.forward(packed);
 * const [states, lengths] = padPackedSequence(output);
 * ```
 * @param input - `[T, B, ...]`
 * @param lengths - one for each row
 * @param options - `batchFirst` (false), `enforceSorted` (true)
 * @returns the packed sequence, cut to the longest length
 * @throws ShapeError, ArgumentError when lengths do not fit the input, or are not sorted though
 *   they have to be
 *
 * Differs from PyTorch: a length may be 0, and nothing is sorted. Layers take lengths without
 * packing, too:
 * `gru.forward(padded, undefined, { lengths })`.
 */
export function packPaddedSequence(input: Tensor, lengths: Lengths, options: PackOptions = {}): PackedSequence {
  const name = 'packPaddedSequence';
  checkOptions(name, options, ['batchFirst', 'enforceSorted']);
  const { batchFirst = false, enforceSorted = true } = options;
  checkFlag(name, 'batchFirst', batchFirst);
  checkFlag(name, 'enforceSorted', enforceSorted);
  checkTensor(name, 'input', input);
  if (input.rank < 2 || input.size === 0) {
    const expected = `${batchFirst ? '[B, T, ...]' : '[T, B, ...]'} with every size at least 1`;
    refuse(ShapeError, name, 'input', { has: 'shape', received: showShape(input.shape), expected });
  }
  const [steps, batch] = batchFirst ? [input.shape[1], input.shape[0]] : input.shape;
  const list = checkLengths(name, lengths, batch, steps);
  const unsorted = list.findIndex((length, row) => row > 0 && length > list[row - 1]);
  if (enforceSorted && unsorted >= 0) {
    const [received, expected] = [`[${list.join(', ')}]`, `descending order (row ${unsorted} is longer)`];
    const hint = 'sort the batch or pass { enforceSorted: false }';
    refuse(ArgumentError, name, 'lengths', { received, expected, hint });
  }
  return scope(() => {
    const ordered = batchFirst ? transpose(input, 0, 1) : input;
    const longest = list.reduce((a, b) => Math.max(a, b), 1);
    return new PackedSequence(longest === steps ? ordered : slice(ordered, 0, 0, longest), list);
  });
}

/**
 * Packs a list of sequences.
 *
 * @example
 * ```ts
 * packSequence([ones([3, 2]), ones([1, 2])]).lengths;   // [3, 1]
 * ```
 * @param sequences - each `[T, ...]` with its own T
 * @param options - `enforceSorted` (true): the longest first
 * @returns the packed sequence
 */
export function packSequence(
  sequences: readonly Tensor[],
  options: Pick<PackOptions, 'enforceSorted'> = {},
): PackedSequence {
  checkOptions('packSequence', options, ['enforceSorted']);
  checkTensors('packSequence', 'sequences', sequences);
  return scope(() =>
    packPaddedSequence(
      padSequence(sequences),
      sequences.map((sequence) => sequence.shape[0]),
      options,
    ),
  );
}

/**
 * The padded batch and the lengths of a packed sequence.
 *
 * @example
 * ```ts
 * const packed = packSequence([ones([3, 2]), ones([1, 2])]);
 * const [padded, lengths] = padPackedSequence(packed);   // [3, 2, 2], [3, 1]
 * ```
 * @param packed - what `packPaddedSequence` or a layer gave
 * @param options - `batchFirst` (false), `paddingValue` (0), `totalLength`
 * @returns `[T, B, ...]` (or `[B, T, ...]`), and the length of each row
 * @throws ArgumentError when `totalLength` is less than the longest length
 *
 * Differs from PyTorch: lengths are an array of numbers.
 */
export function padPackedSequence(
  packed: PackedSequence,
  options: UnpackOptions = {},
): [padded: Tensor, lengths: readonly number[]] {
  const name = 'padPackedSequence';
  checkOptions(name, options, ['batchFirst', 'paddingValue', 'totalLength']);
  const { batchFirst = false, paddingValue = 0, totalLength } = options;
  checkFlag(name, 'batchFirst', batchFirst);
  checkNumber(name, 'paddingValue', paddingValue, { from: -Infinity, to: Infinity });
  checkPacked(name, packed);
  const { lengths } = packed;
  const [steps] = packed.padded.shape;
  const total = totalLength === undefined ? steps : totalLength;
  if (!Number.isInteger(total) || total < steps) {
    const expected = `a whole number from ${steps}, the longest length, up`;
    refuse(ArgumentError, name, 'totalLength', { value: total, expected });
  }
  const result = scope(() => {
    const filled = where(stepMask(lengths, packed.padded), packed.padded, paddingValue);
    const whole = padded(filled, total, paddingValue);
    return batchFirst ? transpose(whole, 0, 1) : whole;
  });
  return [result, lengths];
}

/**
 * The sequences of a packed sequence, each as long as it is.
 *
 * @example
 * ```ts
 * const packed = packSequence([ones([3, 2]), ones([1, 2])]);
 * unpackSequence(packed).map(({ shape }) => shape);   // [[3, 2], [1, 2]]
 * ```
 * @param packed - what `packSequence` or a layer gave
 * @returns one tensor for each row, `[length, ...]`
 * @throws ArgumentError for anything but a packed sequence
 */
export function unpackSequence(packed: PackedSequence): Tensor[] {
  checkPacked('unpackSequence', packed);
  return unpadSequence(packed.padded, packed.lengths);
}

function checkPacked(name: string, packed: unknown): asserts packed is PackedSequence {
  if (packed instanceof PackedSequence) return;
  const hint = 'make one with packPaddedSequence';
  refuse(ArgumentError, name, 'packed', { value: packed, expected: 'a PackedSequence', hint });
}

import {
  checkLengths,
  concat,
  full,
  type Lengths,
  sameShape,
  scope,
  select,
  ShapeError,
  showShape,
  slice,
  stack,
  type Tensor,
} from '@rnn/core';
import {
  checkChoice,
  checkFlag,
  checkNumber,
  checkOptions,
  checkPlace,
  checkTensor,
  checkTensors,
  refuse,
} from '@rnn/core/checks';

/** What `padSequence` takes. */
export interface PadOptions {
  /** The result is to be `[B, T, ...]`. */
  readonly batchFirst?: boolean;
  /** What fills the shorter ones. */
  readonly paddingValue?: number;
  /** Where the filling goes. */
  readonly paddingSide?: 'right' | 'left';
}

/**
 * Sequences of different lengths as one batch, the shorter ones filled up.
 *
 * @example
 * ```ts
 * padSequence([ones([3, 2]), ones([5, 2])]).shape;   // [5, 2, 2]
 * ```
 * @param sequences - each `[T, ...]` with its own T, equal in all other dimensions, in type and
 *   place
 * @param options - `batchFirst` (false), `paddingValue` (0), `paddingSide` ('right')
 * @returns `[T, B, ...]` with the longest T
 * @throws ShapeError when the sequences differ in more than their length
 */
export function padSequence(sequences: readonly Tensor[], options: PadOptions = {}): Tensor {
  const name = 'padSequence';
  checkOptions(name, options, ['batchFirst', 'paddingValue', 'paddingSide']);
  const { batchFirst = false, paddingValue = 0, paddingSide = 'right' } = options;
  checkFlag(name, 'batchFirst', batchFirst);
  checkChoice(name, 'paddingSide', paddingSide, ['right', 'left']);
  checkNumber(name, 'paddingValue', paddingValue, { from: -Infinity, to: Infinity });
  checkTensors(name, 'sequences', sequences);
  const list = sequences;
  const [first] = list;
  list.forEach((sequence, i) => {
    checkPlace(name, `sequences[${i}]`, sequence, first, 'sequences[0]');
    if (sequence.rank > 0 && sameShape(sequence.shape.slice(1), first.shape.slice(1))) return;
    const expected = `[T, ...] like ${showShape(first.shape)} with any T`;
    refuse(ShapeError, name, `sequences[${i}]`, { has: 'shape', received: showShape(sequence.shape), expected });
  });
  const steps = list.reduce((most, { shape }) => Math.max(most, shape[0]), 0);
  return scope(() =>
    stack(
      list.map((sequence) => padded(sequence, steps, paddingValue, paddingSide)),
      batchFirst ? 0 : 1,
    ),
  );
}

/**
 * The sequences of a padded batch, each as long as it was: the inverse of `padSequence`.
 *
 * @example
 * ```ts
 * const padded = padSequence([ones([3, 2]), ones([1, 2])]);
 * unpadSequence(padded, [3, 1]).map(({ shape }) => shape);   // [[3, 2], [1, 2]]
 * ```
 * @param padded - `[T, B, ...]`, filled up on the right
 * @param lengths - one for each row, from 0 to T
 * @param options - `batchFirst` (false): the input is `[B, T, ...]`
 * @returns B tensors, `[length, ...]` each
 * @throws ShapeError, ArgumentError when lengths do not fit the input
 */
export function unpadSequence(
  padded: Tensor,
  lengths: Lengths,
  options: Pick<PadOptions, 'batchFirst'> = {},
): Tensor[] {
  const name = 'unpadSequence';
  checkOptions(name, options, ['batchFirst']);
  const { batchFirst = false } = options;
  checkFlag(name, 'batchFirst', batchFirst);
  checkTensor(name, 'padded', padded);
  if (padded.rank < 2) {
    const expected = batchFirst ? '[B, T, ...]' : '[T, B, ...]';
    refuse(ShapeError, name, 'padded', { has: 'shape', received: showShape(padded.shape), expected });
  }
  const rows = batchFirst ? 0 : 1;
  const list = checkLengths(name, lengths, padded.shape[rows], padded.shape[1 - rows]);
  return scope(() => list.map((length, row) => slice(select(padded, rows, row), 0, 0, length)));
}

/**
 * A sequence filled up to a number of steps.
 *
 * @param sequence - `[T, ...]`
 * @param steps - at least T
 * @param value - what fills it up
 * @param side - where the filling goes
 * @returns `[steps, ...]`; the sequence itself where it is long enough
 */
export function padded(sequence: Tensor, steps: number, value: number, side: 'right' | 'left' = 'right'): Tensor {
  const [own, ...rest] = sequence.shape;
  if (own === steps) return sequence;
  const { dtype, backend } = sequence;
  const filling = full([steps - own, ...rest], value, { dtype, backend });
  return concat(side === 'right' ? [sequence, filling] : [filling, sequence]);
}

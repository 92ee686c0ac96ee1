import { concat, full, sameShape, scope, ShapeError, showShape, stack, type Tensor } from '@rnn/core';
import { checkChoice, checkFlag, checkNumber, checkOptions, checkPlace, checkTensors, refuse } from '@rnn/core/checks';

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
  const steps = Math.max(...list.map((sequence) => sequence.shape[0]));
  return scope(() =>
    stack(
      list.map((sequence) => padded(sequence, steps, paddingValue, paddingSide)),
      batchFirst ? 0 : 1,
    ),
  );
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

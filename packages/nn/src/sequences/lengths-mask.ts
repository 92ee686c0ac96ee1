import { ArgumentError, type Backend, checkLengths, type DType, fromData, type Lengths, Tensor, to } from '@rnn/core';
import { checkCount, checkFlag, checkList, checkOptions, refuse } from '@rnn/core/checks';
import { stepMarks } from './valid-steps.js';

/** What `lengthsMask` takes. */
export interface LengthsMaskOptions {
  /** T; the longest length unless given. */
  readonly steps?: number;
  /** The result is to be `[B, T]`. */
  readonly batchFirst?: boolean;
  /** `int32` unless said otherwise. */
  readonly dtype?: DType;
  /** The one of `setBackend` unless said otherwise. */
  readonly backend?: Backend;
}

/**
 * Which steps of a padded batch are valid.
 *
 * @example
 * ```ts
 * lengthsMask([3, 1], { batchFirst: true });   // [[1, 1, 1], [1, 0, 0]]
 * ```
 * @param lengths - valid steps of each row
 * @param options - `steps` (the longest length), `batchFirst` (false), `dtype` ('int32'), `backend`
 * @returns `[T, B]` (or `[B, T]`): 1 for a valid step, 0 for padding
 * @throws ArgumentError for lengths that are no whole numbers from 0 to T
 *
 * Differs from PyTorch: has no counterpart there, where it is `arange(T)[:, None] < lengths`.
 */
export function lengthsMask(lengths: Lengths, options: LengthsMaskOptions = {}): Tensor {
  const name = 'lengthsMask';
  checkOptions(name, options, ['steps', 'batchFirst', 'dtype', 'backend']);
  const { batchFirst = false, dtype = 'int32', backend } = options;
  checkFlag(name, 'batchFirst', batchFirst);
  if (!ArrayBuffer.isView(lengths) && !(lengths instanceof Tensor)) checkList(name, 'lengths', lengths, 'lengths');
  const list = Array.from<number>(lengths instanceof Tensor ? lengths.dataSync() : lengths);
  if (list.length === 0) {
    refuse(ArgumentError, name, 'lengths', { value: list, expected: 'one length for each row, and at least one row' });
  }
  list.forEach((length, row) => checkCount(name, `lengths[${row}]`, length));
  const { steps = list.reduce((a, b) => Math.max(a, b), 0) } = options;
  checkCount(name, 'steps', steps);
  const shape = batchFirst ? [list.length, steps] : [steps, list.length];
  return to(
    fromData(stepMarks(checkLengths(name, list, list.length, steps), steps, batchFirst), shape, { backend }),
    dtype,
  );
}

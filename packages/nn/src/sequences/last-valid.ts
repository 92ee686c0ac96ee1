import {
  checkLengths,
  fromData,
  indexSelect,
  type Lengths,
  reshape,
  scope,
  ShapeError,
  showShape,
  type Tensor,
  where,
} from '@rnn/core';
import { checkFlag, checkOptions, checkTensor, refuse } from '@rnn/core/checks';

/** How a padded batch lies. */
export interface BatchOptions {
  /** It is `[B, T, ...]`. */
  readonly batchFirst?: boolean;
}

/**
 * The last valid step of each row.
 *
 * @example
 * ```ts
 * const [output] = lstm.forward(x, undefined, { lengths });
 * lastValid(output, lengths);   // from [T, B, H] to [B, H]
 * ```
 * @param x - `[T, B, ...]`, or `[B, T, ...]` if batch first
 * @param lengths - valid steps of each row
 * @param options - `batchFirst` (false)
 * @returns `[B, ...]`; 0 for a row without a step
 * @throws ShapeError, ArgumentError when the lengths do not fit
 *
 * Of a bidirectional layer this is no summary, since its second direction has then seen a single
 * step: take `lastHidden`.
 */
export function lastValid(x: Tensor, lengths: Lengths, options: BatchOptions = {}): Tensor {
  const { steps, batch, batchFirst } = checkBatch('lastValid', x, options);
  const list = checkLengths('lastValid', lengths, batch, steps);
  return scope(() => {
    const { backend } = x;
    const places = list.map((length, row) => {
      const t = Math.max(length - 1, 0);
      return batchFirst ? row * steps + t : t * batch + row;
    });
    const rest = x.shape.slice(2);
    const flat = reshape(x, [steps * batch, ...rest]);
    const last = indexSelect(flat, 0, fromData(Int32Array.from(places), [batch], { backend }));
    if (list.every((length) => length > 0)) return last;
    const marks = Int32Array.from(list, (length) => (length > 0 ? 1 : 0));
    return where(fromData(marks, [batch, ...rest.map(() => 1)], { backend }), last, 0);
  });
}

/** Refuses what is no padded batch. */
export function checkBatch(
  owner: string,
  x: Tensor,
  options: BatchOptions,
): { readonly steps: number; readonly batch: number; readonly batchFirst: boolean } {
  checkTensor(owner, 'x', x);
  checkOptions(owner, options, ['batchFirst']);
  const { batchFirst = false } = options;
  checkFlag(owner, 'batchFirst', batchFirst);
  if (x.rank < 2 || x.size === 0) {
    const expected = `${batchFirst ? '[B, T, ...]' : '[T, B, ...]'} with every size at least 1`;
    refuse(ShapeError, owner, 'x', { has: 'shape', received: showShape(x.shape), expected });
  }
  const [steps, batch] = batchFirst ? [x.shape[1], x.shape[0]] : x.shape;
  return { steps, batch, batchFirst };
}

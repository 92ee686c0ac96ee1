import { ArgumentError, slice, Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import { isPlainObject } from '../tree.js';

/** A stretch of time: steps `from` to `to - 1` of `steps`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly batchFirst: boolean;
}

/** The number of time steps of a batch, which all of its tensors have. */
export function stepsOf(owner: string, tensors: readonly Tensor[], batchFirst: boolean): number {
  const dim = batchFirst ? 1 : 0;
  const sizes = new Set(tensors.map(({ shape }) => shape[dim]));
  const [steps] = sizes;
  if (sizes.size === 1 && typeof steps === 'number') return steps;
  const shapes = tensors.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
  return refuse(ArgumentError, owner, 'tbptt', {
    received: tensors.length === 0 ? 'given, but the batch has no tensor' : `given, and the batch has ${shapes}`,
    expected: `tensors of as many steps each, as dimension ${dim}`,
    hint: 'leave values of whole rows to the loss, or set tbptt.batchFirst',
  });
}

/**
 * The part of a batch that lies in a stretch of time: of every tensor and of lists of marks (by
 * step and row) the steps, of a list `lengths` the steps that are left of each row. Structure and
 * everything else are the same.
 */
export function cutBatch<B>(batch: B, stretch: Stretch): B {
  return cut(batch, stretch, undefined) as B;
}

function cut(value: unknown, stretch: Stretch, name: string | undefined): unknown {
  const { from, to, batchFirst } = stretch;
  if (value instanceof Tensor) return slice(value, batchFirst ? 1 : 0, from, to);
  if (Array.isArray(value)) {
    const list = value as readonly unknown[];
    if (name === 'lengths') {
      return list.map((length) => Math.min(Math.max(Number(length) - from, 0), to - from));
    }
    if (isMarks(list, stretch)) return batchFirst ? list.map((row) => row.slice(from, to)) : list.slice(from, to);
    return list.map((item) => cut(item, stretch, undefined));
  }
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cut(item, stretch, key)]));
}

/** Marks of steps as the layers take them: lists of numbers or truth values, by step and row. */
function isMarks(
  list: readonly unknown[],
  { steps, batchFirst }: Stretch,
): list is readonly (readonly (number | boolean)[])[] {
  const isRow = (row: unknown): boolean =>
    Array.isArray(row) &&
    (!batchFirst || row.length === steps) &&
    row.every((mark) => typeof mark === 'number' || typeof mark === 'boolean');
  return list.length > 0 && (batchFirst || list.length === steps) && list.every(isRow);
}

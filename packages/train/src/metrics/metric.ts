import { ArgumentError, checkLengths, type Lengths, ShapeError, Tensor, type Shape } from '@rnn/core';
import { checkFlag, refuse } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import { givenNumbers, type HostArray } from '../host-array.js';

/**
 * A measure of many batches, taken batch by batch: each `update` adds one, `compute` tells the
 * measure of all so far.
 */
export interface Metric<V = number> {
  /** The measure of everything since the start or the last `reset`. */
  compute(): V;
  /** Forgets everything. */
  reset(): void;
}

/** How far the sequences of a batch go; what lies past their ends is not counted. */
export interface LengthOptions {
  /** Number of steps of each sequence of the batch; all of them unless given. */
  readonly lengths?: Lengths;
  /**
   * Whether the batch comes before time; false unless given, as for the recurrent layers. Read with
   * `lengths` only.
   */
  readonly batchFirst?: boolean;
}

/**
 * Values of a tensor (read when asked, so the device must answer at once) or on the host, in one
 * form.
 */
export function readValues(owner: string, argument: string, values: Column): HostArray {
  if (values instanceof Tensor) return { shape: values.shape, data: values.dataSync() };
  return givenNumbers(owner, argument, values);
}

/**
 * Calls `visit` with each position of an array that lies within its sequence.
 *
 * @param owner - for messages
 * @param shape - `[T, B, ...]`, or `[B, T, ...]` with `batchFirst`; any where there are no lengths
 * @param options - `lengths`, `batchFirst`
 * @param visit - gets the position of one element in row-major order
 */
export function visitWithin(
  owner: string,
  shape: Shape,
  { lengths, batchFirst = false }: LengthOptions,
  visit: (position: number) => void,
): void {
  const size = shape.reduce((product, n) => product * n, 1);
  checkFlag(owner, 'batchFirst', batchFirst);
  if (lengths === undefined) {
    for (let i = 0; i < size; i++) visit(i);
    return;
  }
  if (shape.length < 2) {
    const expected = batchFirst ? '[B, T, ...], as there are lengths' : '[T, B, ...], as there are lengths';
    refuse(ShapeError, owner, 'target', { has: 'shape', received: `[${shape.join(', ')}]`, expected });
  }
  const [steps, count] = batchFirst ? [shape[1], shape[0]] : [shape[0], shape[1]];
  const counts = checkLengths(owner, lengths, count, steps);
  const width = count * steps === 0 ? 0 : size / (count * steps);
  for (let i = 0; i < count * steps; i++) {
    const [row, column] = [Math.floor(i / shape[1]), i % shape[1]];
    const isWithin = batchFirst ? column < counts[row] : row < counts[column];
    if (isWithin) for (let f = 0; f < width; f++) visit(i * width + f);
  }
}

/** Refuses to measure nothing. */
export function checkSeen(owner: string, count: number): void {
  if (count > 0) return;
  const expected = 'at least one value since the start or the last reset';
  refuse(ArgumentError, `${owner}.compute`, 'update', { received: 'not called, or with nothing to count', expected });
}

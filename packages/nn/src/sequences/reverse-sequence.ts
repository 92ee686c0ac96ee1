import { checkLengths, fromData, indexSelect, type Lengths, reshape, scope, type Tensor } from '@rnn/core';
import { checkBatch, type BatchOptions } from './last-valid.js';

/**
 * Each row's valid steps in the opposite order; the padding stays where it is.
 *
 * @example
 * ```ts
 * reverseSequence(
 *   tensor([
 *     [1, 2, 3],
 *     [4, 5, 0],
 *   ]),
 *   [3, 2],
 *   { batchFirst: true },
 * ); // [[3, 2, 1], [5, 4, 0]]
 * ```
 * @param x - `[T, B, ...]`, or `[B, T, ...]` if batch first
 * @param lengths - valid steps of each row
 * @param options - `batchFirst` (false)
 * @returns the shape of `x`
 * @throws ShapeError, ArgumentError when the lengths do not fit
 *
 * Differs from PyTorch: has no counterpart there; it is `reverse_sequence` of TensorFlow.
 */
export function reverseSequence(x: Tensor, lengths: Lengths, options: BatchOptions = {}): Tensor {
  const { steps, batch, batchFirst } = checkBatch('reverseSequence', x, options);
  const list = checkLengths('reverseSequence', lengths, batch, steps);
  const places = new Int32Array(steps * batch);
  list.forEach((length, row) => {
    for (let t = 0; t < steps; t++) {
      const from = t < length ? length - 1 - t : t;
      const place = (step: number): number => (batchFirst ? row * steps + step : step * batch + row);
      places[place(t)] = place(from);
    }
  });
  return scope(() => {
    const flat = reshape(x, [steps * batch, ...x.shape.slice(2)]);
    return reshape(indexSelect(flat, 0, fromData(places, [places.length], { backend: x.backend })), x.shape);
  });
}

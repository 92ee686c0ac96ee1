import { fromData, type Tensor } from '@rnn/core';

/**
 * Which steps lie within each row's length.
 *
 * @param lengths - valid steps of each row, already checked
 * @param steps - T
 * @param batchFirst - whether the order is `[B, T]`
 * @returns `[T, B]` (or `[B, T]`) in row-major order: 1 within the length, else 0
 */
export function stepMarks(lengths: readonly number[], steps: number, batchFirst: boolean): Int32Array {
  const batch = lengths.length;
  const marks = new Int32Array(steps * batch);
  lengths.forEach((length, row) => {
    for (let t = 0; t < length; t++) marks[batchFirst ? row * steps + t : t * batch + row] = 1;
  });
  return marks;
}

/**
 * The same as a mask for a tensor.
 *
 * @param like - what the mask is to broadcast to, `[T, B, ...]` (or `[B, T, ...]`)
 * @returns `[T, B, 1, ...]` (or `[B, T, 1, ...]`) of that rank, int32, on the same backend
 */
export function stepMask(lengths: readonly number[], like: Tensor, batchFirst = false): Tensor {
  const [first, second, ...rest] = like.shape;
  const marks = stepMarks(lengths, batchFirst ? second : first, batchFirst);
  return fromData(marks, [first, second, ...rest.map(() => 1)], { backend: like.backend });
}

import { ArgumentError, type Backend } from '@rnn/core';

/**
 * A collection of examples that gives any of them as a batch. Whatever has these two members can be loaded in batches.
 *
 * @example
 * ```ts
 * const squares: Dataset<Tensor> = {
 *   length: 100,
 *   batch: (indices, backend) => tensor(Array.from(indices, (i) => i * i), { backend }),
 * };
 * ```
 */
export interface Dataset<B> {
  /** Number of examples. */
  readonly length: number;
  /**
   * Some of the examples, in the given order.
   *
   * @param indices - positions, 0 to `length - 1`
   * @param backend - where to put the tensors; where they are, or the one of `setBackend`, when left out
   */
  batch(indices: ArrayLike<number>, backend?: Backend): B;
}

/** Refuses positions at which there is no example, and an empty list of them. */
export function checkIndices(owner: string, indices: ArrayLike<number>, length: number): void {
  const expected = `whole numbers from 0 to ${length - 1}`;
  if (indices.length === 0) {
    throw new ArgumentError(`${owner}: indices is empty, expected ${expected}`, { argument: 'indices', expected });
  }
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (Number.isInteger(index) && index >= 0 && index < length) continue;
    throw new ArgumentError(`${owner}: indices[${i}] is ${index}, expected ${expected}`, {
      argument: 'indices',
      expected,
      received: String(index),
    });
  }
}

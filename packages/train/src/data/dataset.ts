import { ArgumentError, type Backend } from '@rnn/core';
import { checkCount, refuse } from '@rnn/core/checks';

/**
 * A collection of examples that gives any of them as a batch. Whatever has these two members can be
 * loaded in batches.
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
   * @param backend - where to put the tensors; where they are, or the one of `setBackend`, when
   *   left out
   */
  batch(indices: ArrayLike<number>, backend?: Backend): B;
}

/** Refuses positions at which there is no example, and an empty list of them. */
export function checkIndices(owner: string, indices: ArrayLike<number>, length: number): void {
  if (!(Array.isArray(indices) || ArrayBuffer.isView(indices)) || indices.length === 0) {
    refuse(ArgumentError, owner, 'indices', { value: indices, expected: 'an array of at least one position' });
  }
  for (let i = 0; i < indices.length; i++) checkCount(owner, `indices[${i}]`, indices[i], 0, length - 1);
}

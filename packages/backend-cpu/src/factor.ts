import type { TypedArray } from '@rnn/core';

/**
 * One factor of a matrix product, for both sides in the same terms: `lines` are the rows of the
 * left matrix or the columns of the right one, and `k` is the dimension that is summed over.
 * Element j of line i lies at `offset + i * line + j * along`, so a transposed matrix differs in
 * its two strides only.
 */
export interface Factor {
  readonly values: TypedArray;
  readonly offset: number;
  /** From one line to the next. */
  readonly line: number;
  /** From one element of a line to the next. */
  readonly along: number;
}

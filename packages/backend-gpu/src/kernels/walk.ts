/**
 * Index arithmetic of kernels. All numbers in it are whole and below 2^24, so that float32 holds
 * them exactly.
 */
import { BackendError } from '@rnn/core';

/**
 * Kernels are written for these numbers of dimensions; a walk of another number is padded with
 * sizes of 1.
 */
const RANKS: readonly number[] = [1, 2, 4, 8];

/**
 * Statements that declare `q` and `r`, the quotient and the rest of `x` divided by `by`. The
 * quotient is corrected, since on some devices a division is not rounded correctly and 6 / 3 may be
 * a little less than 2.
 */
export function divide(x: string, by: string, q: string, r: string): string {
  return (
    `let ${q} = Math.floor(${x} / ${by}); let ${r} = ${x} - ${q} * ${by}; ` +
    `if (${r} < 0) { ${q} = ${q} - 1.0; ${r} = ${r} + ${by}; } if (${r} >= ${by}) { ${q} = ${q} + 1.0; ${r} = ${r} - ${by}; }`
  );
}

/** Strides of a walk, from an offset. */
export interface Strides {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** The number of dimensions of the kernel for a walk. */
export function rankOf(sizes: readonly number[]): number {
  const rank = RANKS.find((each) => each >= sizes.length);
  if (rank !== undefined) return rank;
  const most = RANKS[RANKS.length - 1];
  throw new BackendError(
    `gpu: a walk has ${sizes.length} dimensions that cannot be merged, at most ${most} are possible`,
  );
}

/** A walk as a kernel sees it: names of its whole numbers, statements that find the places. */
export interface WalkCode {
  readonly ints: readonly string[];
  /** Declares `NAMEp`, the place in the operand NAME of element `x`, for each operand. */
  readonly code: string;
}

/**
 * A walk of element `x` over some operands. The numbers to pass are those of `walkNumbers`.
 *
 * @param rank - of `rankOf`
 * @param names - of the operands
 * @param x - the name of the element's number
 */
export function walkCode(rank: number, names: readonly string[], x: string): WalkCode {
  const ints: string[] = [];
  for (let dim = 1; dim < rank; dim++) ints.push(`size${dim}`);
  for (const name of names) {
    ints.push(`${name}o`);
    for (let dim = 0; dim < rank; dim++) ints.push(`${name}s${dim}`);
  }
  const lines: string[] = [];
  // dimension d has the index r_d, the first one the quotient that is left
  let rest = x;
  for (let dim = rank - 1; dim > 0; dim--) {
    lines.push(divide(rest, `size${dim}`, `q${dim}`, `r${dim}`));
    rest = `q${dim}`;
  }
  for (const name of names) {
    const terms = [`${name}o`, `${rest} * ${name}s0`];
    for (let dim = 1; dim < rank; dim++) terms.push(`r${dim} * ${name}s${dim}`);
    lines.push(`let ${name}p = ${terms.join(' + ')};`);
  }
  return { ints, code: lines.join('\n') };
}

/** The numbers that `walkCode` names, in its order. */
export function walkNumbers(rank: number, sizes: readonly number[], operands: readonly Strides[]): number[] {
  const missing = rank - sizes.length;
  const numbers: number[] = [];
  for (let dim = 1; dim < rank; dim++) numbers.push(dim < missing ? 1 : sizes[dim - missing]);
  for (const { offset, strides } of operands) {
    numbers.push(offset);
    for (let dim = 0; dim < rank; dim++) numbers.push(dim < missing ? 0 : strides[dim - missing]);
  }
  return numbers;
}

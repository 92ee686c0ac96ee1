/** How the elementwise kernels walk their operands. */
import { BackendError, type Strided } from '@rnn/core';
import { WALK, WALK_DIMS } from './layout.js';
import type { Memory } from './memory.js';

/** An operand of an elementwise kernel. */
export interface Prepared {
  readonly at: number;
  /** 1 if it is dense along the last dimension, 0 if it is constant there. */
  readonly isDense: number;
  readonly strides: readonly number[];
}

/**
 * Writes the outer dimensions, all but the last `inner` ones, to where the kernels read them;
 * returns their number.
 */
export function describeWalk(
  { i32 }: Memory,
  sizes: readonly number[],
  operands: readonly { readonly strides: readonly number[] }[],
  inner: number,
): number {
  const dims = sizes.length - inner;
  if (dims <= 0) return 0;
  if (dims > WALK_DIMS) {
    throw new BackendError(
      `wasm: a walk has ${sizes.length} dimensions that cannot be merged, at most ${WALK_DIMS} are possible`,
    );
  }
  for (let dim = 0; dim < dims; dim++) {
    const at = (WALK >>> 2) + dim * 4;
    i32[at] = sizes[dim];
    for (let i = 0; i < operands.length; i++) i32[at + 1 + i] = operands[i].strides[dim] * 4;
  }
  return dims;
}

/** Whether an operand is its whole storage, in order. */
export function isDense({ storage, offset, strides }: Strided, sizes: readonly number[]): boolean {
  return offset === 0 && strides.length === 1 && strides[0] === 1 && storage.size === sizes[0];
}

export function denseStrides(sizes: readonly number[]): number[] {
  const strides = sizes.map(() => 1);
  for (let i = sizes.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * sizes[i + 1];
  return strides;
}

export function product(sizes: readonly number[]): number {
  let size = 1;
  for (const s of sizes) size *= s;
  return size;
}

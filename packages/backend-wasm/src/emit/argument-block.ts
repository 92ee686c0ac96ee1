/**
 * The argument block: what an emitted function finds in memory, and how it walks the rows from
 * there.
 */
import type { Location } from './layout-of.js';
import { I32, type Code } from './writer.js';

/**
 * What the argument block begins with, in bytes; the pointers follow. Rows to compute here: all of
 * the batch, or a thread's share of it.
 */
export const ROWS = 0;
/**
 * Rows of the whole batch: how far apart steps are, and what decides between kernels, so that
 * results do not depend on the shares.
 */
export const ALL_ROWS = 4;
const POINTERS = 8;

/** Where a pointer stands in the argument block. */
export function pointerAt(slot: number): number {
  return POINTERS + slot * 4;
}

/**
 * Pointers of one function: each distinct pointer and row stride is one local that walks down the
 * rows.
 */
export class Streams {
  private readonly code: Code;
  private readonly locals = new Map<string, { readonly local: number; readonly rowStride: number }>();

  constructor(code: Code) {
    this.code = code;
  }

  /**
   * The local that points to the current row; loads the pointer at its first use, so use every
   * place once ahead of the loop.
   */
  at({ slot, rowStride }: Location): number {
    const key = `${slot} ${rowStride}`;
    let stream = this.locals.get(key);
    if (stream === undefined) {
      stream = { local: this.code.local(I32), rowStride };
      this.code.get(0).loadI32(pointerAt(slot)).set(stream.local);
      this.locals.set(key, stream);
    }
    return stream.local;
  }

  nextRow(): void {
    for (const { local, rowStride } of this.locals.values()) if (rowStride !== 0) this.code.advance(local, rowStride);
  }
}

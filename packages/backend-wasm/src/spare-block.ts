/** What compiled programs ask of linear memory beside storages. */
import { BY_HAND, type Memory } from './memory.js';

/** A borrowed block of at most so many bytes stays for the next borrower. */
const KEPT: number = 2 ** 20;

/**
 * A block for one computation at a time, of whichever program. Costs less than `take` where little
 * is needed.
 */
export class SpareBlock {
  /** One for each memory: its programs borrow one after the other. */
  static readonly #byMemory = new WeakMap<Memory, SpareBlock>();
  readonly #memory: Memory;
  /** The block that stays for the next borrower, if there is one, and its bytes. */
  #kept = 0;
  #bytes = 0;

  private constructor(memory: Memory) {
    this.#memory = memory;
  }

  static of(memory: Memory): SpareBlock {
    let spare = SpareBlock.#byMemory.get(memory);
    if (spare === undefined) SpareBlock.#byMemory.set(memory, (spare = new SpareBlock(memory)));
    return spare;
  }

  /** A block, which `giveBack` returns; nobody else borrows in the meantime. */
  borrow(bytes: number): number {
    if (bytes > KEPT) return this.#memory.take(bytes);
    if (bytes > this.#bytes) {
      if (this.#kept !== 0) this.#memory.give(this.#kept);
      this.#kept = 0;
      this.#bytes = 0;
      this.#kept = this.#memory.take(bytes);
      this.#bytes = bytes;
    }
    return this.#kept;
  }

  giveBack(address: number): void {
    if (address !== this.#kept) this.#memory.give(address);
  }
}

/** Moves elements: `count` numbers from one address to another. */
export function moveElements({ f32, i32 }: Memory, to: number, from: number, count: number): void {
  const [target, source] = [to >>> 2, from >>> 2];
  // As whole numbers, which keep every bit of a NaN.
  if (count > BY_HAND) f32.copyWithin(target, source, source + count);
  else for (let i = 0; i < count; i++) i32[target + i] = i32[source + i];
}

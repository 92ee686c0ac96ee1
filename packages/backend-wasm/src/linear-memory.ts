import { Memory, PAGE } from './memory.js';

/** A memory that may not grow to as much as this is not taken, unless the user wants it so. */
export const LEAST_LIMIT: number = 2 ** 28;

/**
 * Engines reserve addresses for all that a memory may grow to; some give less than was asked for,
 * or nothing.
 */
export function linearMemory(limit: number, shared: boolean): Memory | undefined {
  for (let most = limit; ; most = Math.floor(most / 2)) {
    try {
      const maximum = Math.floor(most / PAGE);
      return new Memory(new WebAssembly.Memory({ initial: 1, maximum, shared }), most);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (most / 2 < LEAST_LIMIT) return undefined;
    }
  }
}

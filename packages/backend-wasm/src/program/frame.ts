import type { Program } from '@rnn/core';
import type { Base } from './nodes.js';
import type { Schedule } from './schedule.js';

/** Words at the beginning of every frame. */
export const ROWS = 0;
export const TIME = 1;
export const STEPS = 2;
/** Address of the first row's length, or 0. */
export const LENGTHS = 3;
/** Address of the first row's mark at the current step, or 0. */
export const RESETS = 4;
/** Bytes from one step's marks to the next. */
export const RESETS_STEP = 5;
/** 1 if the products read their factors as they lie in memory, for a few rows; 0 if they are packed. */
export const FEW = 6;
const FIXED_WORDS = 7;

/**
 * The frame of a run: a block of words in linear memory with everything that compiled code has to know. All addresses are those of a run's first row,
 * of stacked values at the current step.
 */
export class Frame {
  readonly words: number;
  private readonly starts: Record<Base['kind'] | 'stackedStep' | 'outputStep' | 'outputRow' | 'initial' | 'spare' | 'last' | 'aside' | 'packed', number>;

  constructor({ stacked, carried, fixed, outputs }: Program, { temporaries, scratch }: Schedule) {
    let next = FIXED_WORDS;
    const reserve = (count: number): number => {
      const start = next;
      next += count;
      return start;
    };
    this.starts = {
      stacked: reserve(stacked.length),
      stackedStep: reserve(stacked.length),
      output: reserve(outputs.length),
      outputStep: reserve(outputs.length),
      outputRow: reserve(outputs.length),
      // the state before the step and after it
      carried: reserve(carried.length),
      next: reserve(carried.length),
      initial: reserve(carried.length),
      // two places that the state alternates between, and where the last one goes
      spare: reserve(2 * carried.length),
      last: reserve(carried.length),
      aside: reserve(carried.length),
      fixed: reserve(fixed.length),
      packed: reserve(fixed.length),
      temporary: reserve(temporaries.length),
      scratch: reserve(scratch.length),
    };
    this.words = next;
  }

  /** The word of a base or of one of the other things that a frame has several of. */
  word(kind: keyof Frame['starts'], index: number): number {
    return this.starts[kind] + index;
  }
}

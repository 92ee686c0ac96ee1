/** Results of steps, one after another in time. */
import type { Arena } from './compile-arena.js';
import { copyColumns, MOST_PIECES } from './compile-columns.js';
import type { DeviceArray } from './device.js';

/** Some steps: `[steps, rows, pitch]`, of which the columns from `from` on are of interest. */
interface Chunk {
  readonly array: DeviceArray;
  readonly steps: number;
  readonly pitch: number;
  readonly from: number;
}

/**
 * Collects what every step of a loop hands out. A kernel cannot write into a part of an array, so
 * the results of many steps have to be copied together: as many as a kernel has operands at a time,
 * then as many of those, and so on, which makes little more than one launch for every dozen of
 * steps. At the end each output is taken out of what is there.
 */
export class OutputChunks {
  private readonly arena: Arena;
  private readonly rows: number;
  private readonly reverse: boolean;
  /** Columns of a step and the first one that is kept. */
  private readonly pitch: number;
  private readonly from: number;
  private readonly most: number;
  /**
   * The steps not yet copied, then chunks of them, chunks of chunks ..., each in the order in which
   * they were made.
   */
  private readonly levels: Chunk[][] = [[]];

  constructor(arena: Arena, rows: number, pitch: number, from: number, reverse: boolean) {
    this.arena = arena;
    this.rows = rows;
    this.pitch = pitch;
    this.from = from;
    this.reverse = reverse;
    this.most = Math.min(arena.device.description.maxTensors, MOST_PIECES);
  }

  /**
   * The next step; the list releases its array, but not before the step after that is pushed.
   */
  push(array: DeviceArray): void {
    if (this.pitch === this.from) {
      // Nothing is kept: only the state is of interest, and only until the next step.
      for (const { array: previous } of this.levels[0]) this.arena.release(previous);
      this.levels[0] = [];
    }
    this.add({ array, steps: 1, pitch: this.pitch, from: this.from }, 0);
  }

  /** Takes outputs out: columns of the steps, as `[steps, rows, width]` each. */
  finish(outputs: readonly { readonly column: number; readonly width: number }[]): DeviceArray[] {
    const chunks = outputs.length > 0 ? this.joined() : this.levels.flat();
    const found = outputs.map(({ column, width }) => {
      // In a chunk of chunks the first column is the first one that is kept.
      const origin = chunks[0].from === this.from ? 0 : this.from;
      let list: Chunk[] = chunks.map((chunk) => ({ ...chunk, from: column - origin }));
      do {
        const next: Chunk[] = [];
        for (let i = 0; i < list.length; i += this.most) next.push(this.copied(list.slice(i, i + this.most), width));
        if (list[0].array !== chunks[0].array) for (const { array } of list) this.arena.release(array);
        list = next;
      } while (list.length > 1);
      return list[0].array;
    });
    for (const { array } of chunks) this.arena.release(array);
    return found;
  }

  private add(chunk: Chunk, level: number): void {
    const list = (this.levels[level] ??= []);
    if (list.length >= this.most && this.fits(list)) this.promote(level);
    this.levels[level].push(chunk);
  }

  /** Copies the chunks of a level into one of the next level. */
  private promote(level: number): void {
    const list = this.levels[level];
    this.levels[level] = [];
    if (level > 0 && list.length === 1) {
      this.add(list[0], level + 1);
      return;
    }
    const group = list.slice(0, this.most);
    const merged = this.copied(this.inTime(group), this.pitch - this.from);
    for (const { array } of group) this.arena.release(array);
    this.add(merged, level + 1);
    this.levels[level].push(...list.slice(this.most));
  }

  /** Whether chunks are small enough to be one. */
  private fits(list: readonly Chunk[]): boolean {
    const steps = list.slice(0, this.most).reduce((total, chunk) => total + chunk.steps, 0);
    return steps * this.rows * (this.pitch - this.from) <= this.arena.device.maxSize;
  }

  /** Few chunks of one kind, in the order of time. */
  private joined(): Chunk[] {
    // Steps have a pitch of their own, so all of them are copied where others are copied already.
    for (let level = 0; level < this.levels.length - 1; level++) {
      while (this.levels[level].length > 0) {
        if (level > 0 && !this.fits(this.levels[level])) break;
        this.promote(level);
      }
    }
    const top = this.levels.length - 1;
    if (this.levels[top].length > this.most && this.fits(this.levels[top])) this.promote(top);
    return this.inTime([...this.levels].reverse().flat());
  }

  private inTime(chunks: readonly Chunk[]): Chunk[] {
    return this.reverse ? [...chunks].reverse() : [...chunks];
  }

  /** Chunks of one pitch, in the order of time, as one of `width` columns. */
  private copied(chunks: readonly Chunk[], width: number): Chunk {
    const { rows } = this;
    const { pitch, from } = chunks[0];
    const steps = chunks.reduce((total, chunk) => total + chunk.steps, 0);
    const array = copyColumns(
      this.arena,
      chunks.map((chunk) => ({ array: chunk.array, rows: chunk.steps * rows })),
      { pitch, from, width },
    );
    return { array, steps, pitch: width, from: 0 };
  }
}

import { fromData, indexSelect, reshape, type Tensor, where } from '@rnn/core';

/**
 * The steps of a batch that count, moved to the front of each row: what a recurrence makes of these
 * is what it makes of the whole batch when it holds the state at all other steps.
 */
export class StepSelection {
  /** How many steps of each row count. */
  readonly lengths: readonly number[];
  /** The largest of these, at least 1. */
  readonly steps: number;
  readonly #marks: Uint8Array;
  readonly #rows: number;
  /** For each step that counts, row after row, its place `t * rows + row`. */
  readonly #places: readonly (readonly number[])[];

  /**
   * @param marks - `[T, B]`, 1 for a step that counts
   * @param rows - B
   */
  constructor(marks: Uint8Array, rows: number) {
    const places = Array.from({ length: rows }, (): number[] => []);
    for (let i = 0; i < marks.length; i++) if (marks[i] !== 0) places[i % rows].push(i);
    this.#marks = marks;
    this.#rows = rows;
    this.#places = places;
    this.lengths = places.map((row) => row.length);
    this.steps = this.lengths.reduce((a, b) => Math.max(a, b), 1);
  }

  /**
   * From `[T, B, ...]` to `[steps, B, ...]`; past a row's length stands its first step, which
   * counts for nothing.
   */
  gather(x: Tensor): Tensor {
    const rows = this.#rows;
    const index = new Int32Array(this.steps * rows);
    this.#places.forEach((row, b) => {
      for (let t = 0; t < this.steps; t++) index[t * rows + b] = row[t] ?? b;
    });
    return picked(x, index, this.steps, rows);
  }

  /** From `[steps, B, ...]` back to `[T, B, ...]`, zero at the steps that do not count. */
  scatter(y: Tensor): Tensor {
    const [rows, marks] = [this.#rows, this.#marks];
    const index = new Int32Array(marks.length);
    this.#places.forEach((row, b) => row.forEach((place, t) => (index[place] = t * rows + b)));
    const spread = picked(y, index, marks.length / rows, rows);
    const mask = fromData(Int32Array.from(marks), [marks.length / rows, rows, ...y.shape.slice(2).map(() => 1)], {
      backend: y.backend,
    });
    return where(mask, spread, 0);
  }

  /**
   * Marks of all steps as marks of those that count: a mark at a step that does not count falls on
   * the next one of its row that does.
   *
   * @param resets - `[T, B]`
   * @param reverse - whether "next" is the one before, as in a walk from the end
   * @returns `[steps, B]`
   */
  resets(resets: Uint8Array, reverse: boolean): Uint8Array {
    const rows = this.#rows;
    const result = new Uint8Array(this.steps * rows);
    const steps = resets.length / rows;
    this.#places.forEach((row, b) => {
      let taken = 0;
      let isMarked = false;
      for (let i = 0; i < steps; i++) {
        const place = (reverse ? steps - 1 - i : i) * rows + b;
        isMarked ||= resets[place] !== 0;
        if (this.#marks[place] === 0) continue;
        if (isMarked) result[(reverse ? row.length - 1 - taken : taken) * rows + b] = 1;
        isMarked = false;
        taken += 1;
      }
    });
    return result;
  }
}

/** Steps of a batch by their places: `[steps, rows, ...]`. */
function picked(x: Tensor, index: Int32Array, steps: number, rows: number): Tensor {
  const rest = x.shape.slice(2);
  const flat = reshape(x, [x.shape[0] * rows, ...rest]);
  return reshape(indexSelect(flat, 0, fromData(index, [index.length], { backend: x.backend })), [steps, rows, ...rest]);
}

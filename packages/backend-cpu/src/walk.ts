import type { TypedArray } from '@rnn/core';

/**
 * A typed array walked with strides: element `[i, j, ...]` lies at
 * `offset + i * strides[0] + j * strides[1] + ...`.
 */
export interface View {
  readonly values: TypedArray;
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * Cuts a walk of any number of dimensions into runs along the last one, so that a kernel is a
 * single plain loop over one run:
 * whatever is dense, broadcast, transposed or reversed differs only in where a run begins and how
 * far apart its elements are.
 * Core merges dimensions before it calls, so a dense walk is one run.
 *
 * The dimensions before the last count like an odometer; nothing is allocated after the
 * constructor.
 */
export class Runs {
  /** Elements in a run. */
  readonly length: number;
  /** For each operand, how far apart the elements of a run are. */
  readonly steps: readonly number[];
  /** For each operand, where the current run begins. */
  readonly at: number[];
  private readonly sizes: readonly number[];
  private readonly strides: readonly (readonly number[])[];
  private readonly place: number[];

  constructor(sizes: readonly number[], views: readonly Pick<View, 'offset' | 'strides'>[]) {
    const last = sizes.length - 1;
    this.sizes = sizes;
    this.strides = views.map((view) => view.strides);
    this.length = sizes[last];
    this.steps = this.strides.map((strides) => strides[last]);
    this.at = views.map((view) => view.offset);
    this.place = sizes.slice(0, last).fill(0);
  }

  /** Goes on to the next run; after the last one it is back at the first. */
  advance(): void {
    const { place, sizes, strides, at } = this;
    for (let dim = place.length - 1; dim >= 0; dim--) {
      place[dim]++;
      if (place[dim] < sizes[dim]) {
        for (let i = 0; i < at.length; i++) at[i] += strides[i][dim];
        return;
      }
      for (let i = 0; i < at.length; i++) at[i] -= strides[i][dim] * (sizes[dim] - 1);
      place[dim] = 0;
    }
  }
}

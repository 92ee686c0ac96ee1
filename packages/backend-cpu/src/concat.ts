import type { TypedArray } from '@rnn/core';
import { copyRun } from './copy.js';

/** A piece with its elements: `outer` runs of `run` elements each, one after another. */
export interface Piece {
  readonly values: TypedArray;
  readonly run: number;
}

/** Writes `outer` rows, each made of one run of every piece in turn. */
export function concat(out: TypedArray, pieces: readonly Piece[], outer: number): void {
  let o = 0;
  for (let row = 0; row < outer; row++) {
    for (const { values, run } of pieces) {
      copyRun(out, o, run, values, row * run, 1);
      o += run;
    }
  }
}

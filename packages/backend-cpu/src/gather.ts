import type { IndexSizes, TypedArray } from '@rnn/core';
import { copyRun } from './copy.js';
import type { View } from './walk.js';

/** Writes `x[o, index[o, c, i], i]` at `[o, c, i]`. */
export function gather(out: TypedArray, x: TypedArray, index: View, { outer, size, inner, count }: IndexSizes): void {
  const { values: positions, offset, strides } = index;
  const [outerStep, countStep, innerStep] = strides;
  let at = 0;
  for (let o = 0; o < outer; o++) {
    const block = o * size * inner;
    for (let c = 0; c < count; c++, at += inner) {
      const first = offset + o * outerStep + c * countStep;
      if (innerStep === 0) {
        // one position for the whole row: rows of an embedding, a batch out of a data set
        copyRun(out, at, inner, x, block + positions[first] * inner, 1);
      } else {
        for (let i = 0; i < inner; i++) out[at + i] = x[block + positions[first + i * innerStep] * inner + i];
      }
    }
  }
}

/**
 * Adds `source[o, c, i]` to `[o, index[o, c, i], i]` of zeros. The rows of an embedding may meet
 * thousands of summands, so float32 sums are kept in float64 until all are in.
 */
export function scatterAdd(
  out: TypedArray,
  source: TypedArray,
  index: View,
  { outer, size, inner, count }: IndexSizes,
): void {
  const { values: positions, offset, strides } = index;
  const [outerStep, countStep, innerStep] = strides;
  const sums = out instanceof Float32Array ? new Float64Array(out.length) : out.fill(0);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    const block = o * size * inner;
    for (let c = 0; c < count; c++, at += inner) {
      const first = offset + o * outerStep + c * countStep;
      for (let i = 0; i < inner; i++) {
        sums[block + positions[first + i * innerStep] * inner + i] += source[at + i];
      }
    }
  }
  if (sums !== out) out.set(sums);
}

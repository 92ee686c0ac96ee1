/** Sequences between the form that the caller sees and the one that `scan` takes. */
import { concat, squeeze, type Tensor, transpose, unsqueeze } from '@rnn/core';
import type { CheckedSequence } from './layer-checks.js';

/** The outputs of the directions of one layer as one tensor. */
export function concatDirections(outputs: readonly Tensor[]): Tensor {
  return outputs.length === 1 ? outputs[0] : concat(outputs, -1);
}

/** A sequence as `scan` walks it, `[T, B, ...]`. */
export function timeMajor({ x, batch, batchFirst, selection }: CheckedSequence): Tensor {
  const whole = batch === undefined ? unsqueeze(x, 1) : batchFirst ? transpose(x, 0, 1) : x;
  return selection === undefined ? whole : selection.gather(whole);
}

/** An output `[T, B, ...]` in the form of the input. */
export function restoreLayout(output: Tensor, { batch, batchFirst, selection }: CheckedSequence): Tensor {
  const whole = selection === undefined ? output : selection.scatter(output);
  if (batch === undefined) return squeeze(whole, 1);
  return batchFirst ? transpose(whole, 0, 1) : whole;
}

/** Sequences and states between the form that the caller sees and the one that `scan` takes. */
import { concat, stack, type Tensor } from '@rnn/core';
import type { CheckedSequence } from './layer-checks.js';

/** The outputs of the directions of one layer as one tensor. */
export function sideBySide(outputs: readonly Tensor[]): Tensor {
  return outputs.length === 1 ? outputs[0] : concat(outputs, -1);
}

/** A sequence as `scan` walks it, `[T, B, ...]`. */
export function timeMajor({ x, batch, batchFirst }: CheckedSequence): Tensor {
  if (batch === undefined) return x.unsqueeze(1);
  return batchFirst ? x.transpose(0, 1) : x;
}

/** An output `[T, B, ...]` in the form of the input. */
export function asGiven(output: Tensor, { batch, batchFirst }: CheckedSequence): Tensor {
  if (batch === undefined) return output.squeeze(1);
  return batchFirst ? output.transpose(0, 1) : output;
}

/** `stack`, which for a single tensor copies nothing. */
export function joined(tensors: readonly Tensor[]): Tensor {
  return tensors.length === 1 ? tensors[0].unsqueeze(0) : stack(tensors);
}

/** `unbind`, which for a single part copies nothing. */
export function apart(tensor: Tensor): Tensor[] {
  return tensor.shape[0] === 1 ? [tensor.squeeze(0)] : tensor.unbind(0);
}

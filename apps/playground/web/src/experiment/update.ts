import type { Tensor } from '@rnn/core';
import type { Module } from '@rnn/nn';
import { clipGradNorm, type Optimizer } from '@rnn/train';

/** What learns. */
export interface Learner {
  readonly model: Module;
  readonly optimizer: Optimizer;
}

/**
 * One update by the gradient of a loss.
 *
 * @param clip - the norm beyond which the gradient is scaled down; 0 for none
 * @returns the loss, without what it was made of
 */
export function update({ model, optimizer }: Learner, loss: Tensor, clip = 1): Tensor {
  optimizer.zeroGrad();
  loss.backward();
  if (clip > 0) clipGradNorm(model.parameters(), clip);
  optimizer.step();
  return loss.detach();
}

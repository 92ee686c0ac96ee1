import { ArgumentError, Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { LossFunction } from '../loop/loss-function.js';

/** The loss of a model on a batch, after a check that it is a single number. */
export function lossOf<M, B>(owner: string, loss: LossFunction<M, B>, model: M, batch: B): Tensor {
  const value: unknown = loss(model, batch);
  if (value instanceof Tensor && value.size === 1) return value;
  refuse(ArgumentError, owner, 'loss', { part: 'the result', value, expected: 'a Tensor with one element' });
}

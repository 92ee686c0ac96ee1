import { expand, scope, type Tensor, type Tensors } from '@rnn/core';
import { Parameter } from '../parameter.js';
import { initialStateOf, type Cell } from './cell.js';

/**
 * A state before the first step that is learned: a parameter for each tensor of it, without the
 * batch.
 */
export type LearnedState = Parameter | readonly Parameter[];

/**
 * The parameters of a learned state; they begin as what the cell starts from.
 *
 * @param owner - for the message
 * @param cell - whose state it is
 * @throws ArgumentError when the cell has no state of itself
 */
export function learnedStateOf(owner: string, cell: Cell<Tensors>): LearnedState {
  return scope(() => {
    const start = initialStateOf(owner, cell, undefined);
    return isOne(start) ? new Parameter(start) : start.map((tensor) => new Parameter(tensor));
  });
}

/**
 * The same as a state.
 *
 * @param batch - `undefined` for a single sequence
 * @returns each parameter as it is, or the same for every row
 */
export function startOf(learned: LearnedState, batch: number | undefined): Tensors {
  const rows = (tensor: Tensor): Tensor => (batch === undefined ? tensor : expand(tensor, [batch, ...tensor.shape]));
  return isOne(learned) ? rows(learned) : learned.map(rows);
}

function isOne<T extends Tensor>(state: T | readonly T[]): state is T {
  return !Array.isArray(state);
}

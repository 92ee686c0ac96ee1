import { ArgumentError, Tensor, type Tensors } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/**
 * What a cell may have as its state: a tensor or a list of tensors; several cells on top of each
 * other have a list of such.
 */
export type CellState = Tensors | readonly Tensors[] | [];

/**
 * What `Recurrent` runs over a sequence: a step from an input and the state before to the state
 * after. Any module (or object) with such a `forward` is one. The state is a tensor or a list of
 * tensors; the first of them is the output.
 */
export interface Cell<S extends CellState = Tensor> {
  /**
   * One step: `x` is `[B, ...]` (or without the batch), every tensor of the state likewise. What it
   * returns is the type of the state; as an argument the state may be optional or read-only.
   */
  forward(x: Tensor, state: NoInfer<S>): S;
  /**
   * The state before the first step, for a batch or for a single sequence. Without it the caller
   * gives the state.
   */
  initialState?(batch?: number): NoInfer<S>;
  /**
   * `true` promises that a step depends on nothing but its arguments and the fields of this object
   * (and of objects in it), which may change:
   * then a trace of the step serves again while the fields are as they were, tensors' values apart.
   * Without it `Recurrent` traces the step at each call. The cells of this package promise it.
   */
  readonly pure?: boolean;
}

/** Refuses what cannot be called as a cell. */
export function checkCell(owner: string, argument: string, cell: unknown): void {
  if (typeof (cell as Partial<Cell> | undefined | null)?.forward === 'function') return;
  refuse(ArgumentError, owner, argument, { value: cell, expected: 'a cell with forward(x, state), such as LSTMCell' });
}

/** Refuses what is neither a state nor left out. */
export function checkState(owner: string, argument: string, state: unknown): void {
  if (state === undefined || state instanceof Tensor) return;
  if (Array.isArray(state) && state.length > 0 && state.every((part) => part instanceof Tensor)) return;
  refuse(ArgumentError, owner, argument, {
    value: state,
    expected: 'a Tensor or an array of Tensors',
    hint: 'leave it out (undefined, not null) for what the cell starts from',
  });
}

/**
 * The state before the first step.
 *
 * @param owner - for the message
 * @param cell - whose state it is
 * @param batch - `undefined` for a single sequence
 * @throws ArgumentError when the cell has none of itself
 */
export function initialStateOf<S extends CellState>(owner: string, cell: Cell<S>, batch: number | undefined): S {
  if (cell.initialState !== undefined) return cell.initialState(batch);
  refuse(ArgumentError, owner, 'h0', {
    received: 'left out',
    expected: `the first state, as ${cell.constructor.name} has no initialState(batch)`,
    hint: 'write forward(x, h0)',
  });
}

/** The output of a cell: the first tensor of its state. */
export function firstOf(state: Tensors): Tensor {
  return state instanceof Tensor ? state : state[0];
}

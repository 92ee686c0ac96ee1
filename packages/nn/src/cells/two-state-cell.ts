import { ArgumentError, compileFn, scope, type Tensor } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import { RecurrentCell } from './recurrent-cell.js';

/** Hidden state h and cell state c. */
export type LSTMState = readonly [h: Tensor, c: Tensor];

/**
 * What the LSTM and its relatives have in common: a hidden state h, which is the output, and a cell
 * state c.
 *
 * @example
 * ```ts
 * const cell: TwoStateCell = new LSTMCell(3, 4);
 * const [h, c] = cell.forward(zeros([2, 3]));
 * [h.shape, c.shape]; // [[2, 4], [2, 4]]
 * ```
 */
export abstract class TwoStateCell extends RecurrentCell {
  static readonly #run = /* @__PURE__ */ compileFn(
    ([x, h, c]: readonly Tensor[], cell: TwoStateCell): [h: Tensor, c: Tensor] => cell.step(x, [h, c]),
  );

  /** One step on checked arguments. It reads shapes only, so that it can be traced. */
  protected abstract step(x: Tensor, state: LSTMState): [h: Tensor, c: Tensor];

  /**
   * Zeros for h and c, `[batch, hiddenSize]` or `[hiddenSize]` each.
   *
   * @example
   * ```ts
   * const [h, c] = new LSTMCell(3, 4).initialState(2);
   * [h.shape, c.shape]; // [[2, 4], [2, 4]]
   * ```
   */
  initialState(batch?: number): [h: Tensor, c: Tensor] {
    return [this.zeroState(batch), this.zeroState(batch)];
  }

  /**
   * @param x - `[B, inputSize]` or `[inputSize]`
   * @param state - h and c before, `[B, hiddenSize]` or `[hiddenSize]` each; zeros unless given
   * @returns h and c after, of the same shape
   * @throws ShapeError when sizes do not fit
   */
  forward(x: Tensor, state?: LSTMState): [h: Tensor, c: Tensor] {
    const isPair = Array.isArray(state) && state.length === 2;
    // A call that came before has passed the checks.
    const bound = isPair ? TwoStateCell.#run.bound([x, state[0], state[1]], this) : undefined;
    if (bound !== undefined) return bound;
    if (state !== undefined && !isPair) {
      refuse(ArgumentError, this.kind().name, 'state', {
        value: state,
        expected: 'the array [h, c]',
        hint: 'leave it out (undefined, not null) for zeros',
      });
    }
    const batch = this.checkStep(x, { h: state?.[0], c: state?.[1] });
    return scope(() => {
      const [h, c] = state ?? this.initialState(batch);
      return this.pure ? TwoStateCell.#run([x, h, c], this) : this.step(x, [h, c]);
    });
  }
}

import { compileFn, scope, type Tensor } from '@rnn/core';
import { RecurrentCell } from './recurrent-cell.js';

/**
 * What cells with a single tensor as their state have in common.
 *
 * @example
 * ```ts
 * const cell: OneStateCell = new GRUCell(3, 4);
 * let h = cell.initialState(2);
 * for (const x of unbind(randn([5, 2, 3]))) h = cell.forward(x, h);
 * h.shape; // [2, 4]
 * ```
 */
export abstract class OneStateCell extends RecurrentCell {
  static readonly #run = /* @__PURE__ */ compileFn(([x, h]: readonly Tensor[], cell: OneStateCell) => cell.step(x, h));

  /** One step on checked arguments. It reads shapes only, so that it can be traced. */
  protected abstract step(x: Tensor, h: Tensor): Tensor;

  /** Zeros, `[batch, hiddenSize]` or `[hiddenSize]`. */
  initialState(batch?: number): Tensor {
    return this.zeroState(batch);
  }

  /**
   * @param x - `[B, inputSize]` or `[inputSize]`
   * @param h - the state before, `[B, hiddenSize]` or `[hiddenSize]`; zeros unless given
   * @returns the state after, of the same shape
   * @throws ShapeError when sizes do not fit
   */
  forward(x: Tensor, h?: Tensor): Tensor {
    // A call that came before has passed the checks.
    const bound = h === undefined ? undefined : OneStateCell.#run.bound([x, h], this);
    if (bound !== undefined) return bound;
    const batch = this.checkStep(x, { h });
    return scope(() => {
      const before = h ?? this.zeroState(batch);
      return this.pure ? OneStateCell.#run([x, before], this) : this.step(x, before);
    });
  }
}

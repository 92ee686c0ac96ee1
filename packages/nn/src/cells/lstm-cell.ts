import { ArgumentError, linear, scope, type Tensor } from '@rnn/core';
import { checkOptions, placeOptions } from '../options.js';
import { setForgetGateBias } from './forget-gate.js';
import { RecurrentCell, type CellOptions, type StepWeights } from './recurrent-cell.js';

/** Hidden state h and cell state c. */
export type LSTMState = readonly [h: Tensor, c: Tensor];

export interface LSTMCellOptions extends CellOptions {
  /** What the two biases of the forget gate add up to at first, in the place of random draws; 1 helps to remember from the start. */
  readonly forgetGateBias?: number;
}

/**
 * One step of an LSTM, with gates in PyTorch's order i, f, g, o:
 *
 *     i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh)      g = tanh(the same with its own weights)
 *     c' = f c + i g                                   h' = o tanh(c'), with a projection W_hr (o tanh(c'))
 *
 * @param weights - of four gates
 * @param x - `[..., inputSize]`
 * @param state - h `[..., hiddenSize or projSize]` and c `[..., hiddenSize]`
 * @returns the next h and c
 */
export function lstmStep(weights: StepWeights, x: Tensor, [h, c]: LSTMState): [h: Tensor, c: Tensor] {
  const { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr } = weights;
  const [i, f, g, o] = linear(x, weight_ih, bias_ih)
    .add(linear(h, weight_hh, bias_hh))
    .chunk(4, -1);
  const cNext = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
  const hNext = o.sigmoid().mul(cNext.tanh());
  return [weight_hr === undefined ? hNext : linear(hNext, weight_hr), cNext];
}

/**
 * The long short-term memory cell.
 *
 * @example
 * ```ts
 * const cell = new LSTMCell(3, 2);
 * const [h, c] = cell.forward(ones([5, 3]));   // both [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of h and c
 * @param options - `bias` (true), `forgetGateBias`, `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Differs from PyTorch: options go in one object; `forgetGateBias`. Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and
 * Cummins 2000.
 */
export class LSTMCell extends RecurrentCell {
  readonly forgetGateBias: number | undefined;

  constructor(inputSize: number, hiddenSize: number, options: LSTMCellOptions = {}) {
    checkOptions('LSTMCell', options, ['bias', 'forgetGateBias', ...placeOptions]);
    super({ name: 'LSTMCell', gates: 4 }, inputSize, hiddenSize, options);
    this.forgetGateBias = options.forgetGateBias;
    this.resetParameters();
  }

  override resetParameters(): void {
    super.resetParameters();
    if (this.forgetGateBias !== undefined) setForgetGateBias('LSTMCell', this, this.forgetGateBias);
  }

  /** Zeros for h and c, `[batch, hiddenSize]` or `[hiddenSize]` each. */
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
    if (state !== undefined && (!Array.isArray(state) || state.length !== 2)) {
      throw new ArgumentError('LSTMCell: state is not a pair, expected the array [h, c]', {
        argument: 'state',
        expected: '[h, c]',
      });
    }
    const batch = this.checkStep(x, { h: state?.[0], c: state?.[1] });
    return scope(() => lstmStep(this, x, state ?? this.initialState(batch)));
  }
}

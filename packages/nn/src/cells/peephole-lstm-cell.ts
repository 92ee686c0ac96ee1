import { add, chunk, mul, sigmoid, tanh, tap, type Tensor } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import type { Parameter } from '../parameter.js';
import { cellOptions, type CellKind, type CellOptions } from './recurrent-cell.js';
import { TwoStateCell, type LSTMState } from './two-state-cell.js';

const kind: CellKind = { name: 'PeepholeLSTMCell', gates: 4 };

/**
 * The LSTM with peepholes: its gates see the cell state, each unit its own. Input and forget gate
 * look at the cell state before the step, the output gate at the one after it:
 *
 *     i, f = σ(W_ih x + b_ih + W_hh h + b_hh + w_c c)      g = tanh(the same with its own weights,
 *     without c) c' = f c + i g
 *     o = σ(W_io x + b_io + W_ho h + b_ho + w_co c')       h' = o tanh(c')
 *
 * @example
 * ```ts
 * const cell = new PeepholeLSTMCell(3, 2);
 * const [h, c] = cell.forward(ones([5, 3]));   // both [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of h and c
 * @param options - `bias` (true), `recurrentDropout`, `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: those of `LSTMCell`, gates in its order i, f, g, o, and the peepholes `weight_ci`,
 * `weight_cf`, `weight_co` [hiddenSize].
 * Not in PyTorch. Source: Gers, Schraudolph and Schmidhuber 2002; Graves 2013.
 */
export class PeepholeLSTMCell extends TwoStateCell {
  weight_ci: Parameter;
  weight_cf: Parameter;
  weight_co: Parameter;

  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    checkOptions('PeepholeLSTMCell', options, cellOptions);
    super(inputSize, hiddenSize, options);
    this.weight_ci = this.extraParameter(hiddenSize);
    this.weight_cf = this.extraParameter(hiddenSize);
    this.weight_co = this.extraParameter(hiddenSize);
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  protected step(x: Tensor, [h, c]: LSTMState): [h: Tensor, c: Tensor] {
    const [iSum, fSum, gSum, oSum] = chunk(add(this.fromInput(x), this.fromState(h)), 4, -1);
    const i = tap('i', sigmoid(add(iSum, mul(c, this.weight_ci))));
    const f = tap('f', sigmoid(add(fSum, mul(c, this.weight_cf))));
    const g = tap('g', tanh(gSum));
    const cNext = tap('c', add(mul(f, c), mul(i, this.drop.candidate(g))));
    const o = tap('o', sigmoid(add(oSum, mul(cNext, this.weight_co))));
    return [tap('h', mul(o, tanh(cNext))), cNext];
  }
}

import { add, chunk, linear, mul, sigmoid, tanh, tap, type Tensor } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { setForgetGateBias } from './forget-gate.js';
import { cellOptions, type CellKind, type CellOptions, type StepWeights } from './recurrent-cell.js';
import { keepAll, type StepDropout } from './recurrent-dropout.js';
import { TwoStateCell, type LSTMState } from './two-state-cell.js';

export interface LSTMCellOptions extends CellOptions {
  /**
   * What the two biases of the forget gate add up to at first, in the place of random draws; 1
   * helps to remember from the start.
   */
  readonly forgetGateBias?: number;
}

/**
 * One step of an LSTM, with gates in PyTorch's order i, f, g, o:
 *
 *     i, f, o = σ(W_ih x + b_ih + W_hh h + b_hh)      g = tanh(the same with its own weights)
 *     c' = f c + i g                                   h' = o tanh(c'), with a projection W_hr (o
 *     tanh(c'))
 *
 * @param weights - of four gates
 * @param x - `[..., inputSize]`
 * @param state - h `[..., hiddenSize or projSize]` and c `[..., hiddenSize]`
 * @param drop - what a training drops
 * @returns the next h and c
 *
 * Taps `preactivation` (of all gates, `[..., 4 hiddenSize]`), the gates `i`, `f`, `g`, `o`, and
 * `c`, `h`, the next state.
 */
export function lstmStep(
  weights: StepWeights,
  x: Tensor,
  [h, c]: LSTMState,
  drop: StepDropout = keepAll,
): [h: Tensor, c: Tensor] {
  const { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr } = weights;
  const sums = add(linear(x, weight_ih, bias_ih), linear(drop.state(h), weight_hh, bias_hh));
  const [iSum, fSum, gSum, oSum] = chunk(tap('preactivation', sums), 4, -1);
  const f = tap('f', sigmoid(fSum));
  const i = tap('i', sigmoid(iSum));
  const g = tap('g', tanh(gSum));
  const cNext = tap('c', add(mul(f, c), mul(i, drop.candidate(g))));
  const o = tap('o', sigmoid(oSum));
  const hNext = mul(o, tanh(cNext));
  return [tap('h', weight_hr === undefined ? hNext : linear(hNext, weight_hr)), cNext];
}

const kind: CellKind = { name: 'LSTMCell', gates: 4 };

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
 * @param options - `bias` (true), `forgetGateBias`, `recurrentDropout`, `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Differs from PyTorch: options go in one object; `forgetGateBias`. Source: Hochreiter and
 * Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000.
 */
export class LSTMCell extends TwoStateCell {
  readonly forgetGateBias: number | undefined;

  constructor(inputSize: number, hiddenSize: number, options: LSTMCellOptions = {}) {
    checkOptions('LSTMCell', options, [...cellOptions, 'forgetGateBias']);
    super(inputSize, hiddenSize, options);
    this.forgetGateBias = options.forgetGateBias;
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  override resetParameters(): void {
    super.resetParameters();
    if (this.forgetGateBias !== undefined) setForgetGateBias('LSTMCell', this, this.forgetGateBias);
  }

  protected step(x: Tensor, state: LSTMState): [h: Tensor, c: Tensor] {
    return lstmStep(this, x, state, this.drop);
  }
}

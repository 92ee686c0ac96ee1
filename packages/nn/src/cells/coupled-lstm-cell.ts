import { add, chunk, mul, sigmoid, sub, tanh, tap, type Tensor } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { cellOptions, type CellKind, type CellOptions } from './recurrent-cell.js';
import { TwoStateCell, type LSTMState } from './two-state-cell.js';

const kind: CellKind = { name: 'CoupledLSTMCell', gates: 3 };

/**
 * The LSTM with coupled input and forget gates (CIFG): it forgets as much as it takes in, with a
 * quarter fewer weights.
 *
 *     i, o = σ(W_ih x + b_ih + W_hh h + b_hh)      g = tanh(the same with its own weights)
 *     c' = (1 - i) c + i g                         h' = o tanh(c')
 *
 * @example
 * ```ts
 * const cell = new CoupledLSTMCell(3, 2);
 * const [h, c] = cell.forward(ones([5, 3]));   // both [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of h and c
 * @param options - `bias` (true), `recurrentDropout`, `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: those of `LSTMCell` without the forget gate: three gates in the order i, g, o. Not in
 * PyTorch; ONNX has it as `input_forget`. Source: Greff, Srivastava, Koutník, Steunebrink and
 * Schmidhuber 2017.
 */
export class CoupledLSTMCell extends TwoStateCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    checkOptions('CoupledLSTMCell', options, cellOptions);
    super(inputSize, hiddenSize, options);
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  protected step(x: Tensor, [h, c]: LSTMState): [h: Tensor, c: Tensor] {
    const [iSum, gSum, oSum] = chunk(add(this.fromInput(x), this.fromState(h)), 3, -1);
    const i = tap('i', sigmoid(iSum));
    const g = tap('g', tanh(gSum));
    const cNext = tap('c', add(c, mul(i, sub(this.drop.candidate(g), c)))); // (1 - i) c + i g with one product
    const o = tap('o', sigmoid(oSum));
    return [tap('h', mul(o, tanh(cNext))), cNext];
  }
}

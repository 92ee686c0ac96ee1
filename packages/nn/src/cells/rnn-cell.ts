import { add, linear, relu, tanh, tap, type Tensor } from '@rnn/core';
import { checkChoice, checkOptions } from '@rnn/core/checks';
import { OneStateCell } from './one-state-cell.js';
import { cellOptions, type CellKind, type CellOptions, type StepWeights } from './recurrent-cell.js';

/** The activation of a plain recurrent network. */
export type RNNNonlinearity = 'tanh' | 'relu';

export interface RNNCellOptions extends CellOptions {
  readonly nonlinearity?: RNNNonlinearity;
}

/**
 * One step of Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu in the place of
 * tanh.
 *
 * @param weights - of one gate
 * @param nonlinearity - the activation
 * @param x - `[..., inputSize]`
 * @param h - `[..., hiddenSize]`
 * @returns the next state, `[..., hiddenSize]`
 *
 * Taps `preactivation`, the sum, and `h`, the next state.
 */
export function rnnStep(weights: StepWeights, nonlinearity: RNNNonlinearity, x: Tensor, h: Tensor): Tensor {
  const { weight_ih, weight_hh, bias_ih, bias_hh } = weights;
  const sum = tap('preactivation', add(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh)));
  return tap('h', nonlinearity === 'tanh' ? tanh(sum) : relu(sum));
}

const kind: CellKind = { name: 'RNNCell', gates: 1, drops: 'state' };

/**
 * The plain recurrent cell: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).
 *
 * @example
 * ```ts
 * const cell = new RNNCell(3, 2);
 * const h = cell.forward(ones([5, 3]));   // [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state
 * @param options - `nonlinearity` ('tanh' or 'relu'), `bias` (true), `recurrentDropout`, `dtype`,
 *   `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Differs from PyTorch: options go in one object. Source: Elman 1990.
 */
export class RNNCell extends OneStateCell {
  readonly nonlinearity: RNNNonlinearity;

  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    checkOptions('RNNCell', options, [...cellOptions, 'nonlinearity']);
    const { nonlinearity = 'tanh' } = options;
    checkChoice('RNNCell', 'nonlinearity', nonlinearity, ['tanh', 'relu']);
    super(inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  protected override extraRepr(): string {
    return `${super.extraRepr()}${this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`}`;
  }

  protected step(x: Tensor, h: Tensor): Tensor {
    return rnnStep(this, this.nonlinearity, x, this.drop.state(h));
  }
}

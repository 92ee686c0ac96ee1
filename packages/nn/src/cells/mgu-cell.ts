import { add, chunk, linear, mul, sigmoid, sub, tanh, tap, type Tensor } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { OneStateCell } from './one-state-cell.js';
import { cellOptions, type CellKind, type CellOptions } from './recurrent-cell.js';

const kind: CellKind = { name: 'MGUCell', gates: 2 };

/**
 * The minimal gated unit: one gate both resets and updates, with a third fewer weights than a GRU.
 *
 *     f = σ(W_if x + b_if + W_hf h + b_hf)
 *     n = tanh(W_in x + b_in + W_hn (f h) + b_hn)
 *     h' = (1 - f) h + f n
 *
 * @example
 * ```ts
 * const cell = new MGUCell(3, 2);
 * const h = cell.forward(ones([5, 3]));   // [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state
 * @param options - `bias` (true), `recurrentDropout`, `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, as in `GRUCell`, with the two gates f
 * and n. Not in PyTorch. Source: Zhou, Wu, Zhang and Zhou 2016.
 */
export class MGUCell extends OneStateCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    checkOptions('MGUCell', options, cellOptions);
    super(inputSize, hiddenSize, options);
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  protected step(x: Tensor, h: Tensor): Tensor {
    const before = this.drop.state(h);
    const [xf, xn] = chunk(this.fromInput(x), 2, -1);
    const [whf, whn] = chunk(this.weight_hh, 2);
    const [bhf, bhn] = (this.bias_hh && chunk(this.bias_hh, 2)) ?? [];
    const f = tap('f', sigmoid(add(xf, linear(before, whf, bhf))));
    const n = this.drop.candidate(tap('n', tanh(add(xn, linear(mul(f, before), whn, bhn)))));
    return tap('h', add(h, mul(f, sub(n, h)))); // (1 - f) h + f n with one product
  }
}

import { add, chunk, mul, neg, sigmoid, softplus, sub, tap, type Tensor } from '@rnn/core';
import { InputGatedCell, type InputGatedCellOptions } from './input-gated-cell.js';

/**
 * An LSTM whose gates and candidate see the input alone, with one state: all its products come
 * before the loop over time. The two gates are brought to a sum of 1.
 *
 *     f, i = σ(W x + b)        n = W_n x + b_n        h' = (f h + i n) / (f + i)
 *
 * A long loop of it runs parallel in time where the backend compiles no loops, and step by step
 * where it does, which is faster on a processor; `explain` says which.
 *
 * @example
 * ```ts
 * const [output, hN] = new Recurrent(new MinLSTMCell(3, 2)).forward(ones([7, 5, 3])); // [7, 5, 2], [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state
 * @param options - `bias` (true), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight_ih` [3 hiddenSize, inputSize] and `bias_ih` [3 hiddenSize], in the order f,
 * i, n; see `InputGatedCell`. Taps `f` and `i` (with a sum of 1), `n` and `h`. Not in PyTorch.
 * Source: Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024.
 */
export class MinLSTMCell extends InputGatedCell {
  constructor(inputSize: number, hiddenSize: number, options: InputGatedCellOptions = {}) {
    super(inputSize, hiddenSize, 3, options);
  }

  protected override kindName(): string {
    return 'MinLSTMCell';
  }

  protected step(gates: Tensor, h: Tensor): Tensor {
    const [fSum, iSum, nSum] = chunk(gates, 3, -1);
    // σ(a) / (σ(a) + σ(b)) by softplus, so that gates which are both closed divide no zero by zero.
    const f = tap('f', sigmoid(sub(softplus(neg(iSum)), softplus(neg(fSum)))));
    const i = tap('i', add(neg(f), 1));
    const n = tap('n', nSum);
    return tap('h', add(mul(f, h), mul(i, n)));
  }
}

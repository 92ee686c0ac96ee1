import { add, chunk, mul, sigmoid, sub, tap, type Tensor } from '@rnn/core';
import { InputGatedCell, type InputGatedCellOptions } from './input-gated-cell.js';

/**
 * A GRU whose gate and candidate see the input alone: all its products come before the loop over
 * time, and a step is a weighted mean.
 *
 *     z = σ(W_z x + b_z)        n = W_n x + b_n        h' = (1 - z) h + z n
 *
 * A long loop of it runs parallel in time where the backend compiles no loops, and step by step
 * where it does, which is faster on a processor; `explain` says which.
 *
 * @example
 * ```ts
 * const layer = new Recurrent(new MinGRUCell(3, 2));
 * const [output, hN] = layer.forward(ones([7, 5, 3]));   // [7, 5, 2], [5, 2]
 * layer.explain(ones([7, 5, 3]))[0].products;            // { before: 1, loop: 0, after: 0 }
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state
 * @param options - `bias` (true), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight_ih` [2 hiddenSize, inputSize] and `bias_ih` [2 hiddenSize], in the order z,
 * n; see `InputGatedCell`. Taps `z`, `n` and `h`. Not in PyTorch. Source: Feng, Tung, Ahmed, Bengio
 * and Hajimirsadeghi 2024.
 */
export class MinGRUCell extends InputGatedCell {
  constructor(inputSize: number, hiddenSize: number, options: InputGatedCellOptions = {}) {
    super(inputSize, hiddenSize, 2, options);
  }

  protected override kindName(): string {
    return 'MinGRUCell';
  }

  protected step(gates: Tensor, h: Tensor): Tensor {
    const [zSum, nSum] = chunk(gates, 2, -1);
    const z = tap('z', sigmoid(zSum));
    const n = tap('n', nSum);
    return tap('h', add(h, mul(z, sub(n, h)))); // (1 - z) h + z n with one product
  }
}

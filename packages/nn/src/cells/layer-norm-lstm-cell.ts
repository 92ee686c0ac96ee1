import { add, chunk, mul, sigmoid, tanh, tap, type Tensor } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { LayerNorm } from '../layer-norm.js';
import { cellOptions, type CellKind, type CellOptions } from './recurrent-cell.js';
import { TwoStateCell, type LSTMState } from './two-state-cell.js';

/** What the layer-normalised cells take. */
export interface LayerNormCellOptions extends CellOptions {
  /** Added to each variance, so that nothing is divided by zero. */
  readonly eps?: number;
}

const kind: CellKind = { name: 'LayerNormLSTMCell', gates: 4 };

/**
 * The layer-normalised LSTM: what comes from the input, what comes from the state, and the cell
 * state on its way out are each brought to mean 0 and variance 1 over their features (LN, with
 * factors and summands of its own).
 *
 *     i, f, o = σ(LN(W_ih x) + LN(W_hh h))      g = tanh(the same with its own weights)
 *     c' = f c + i g                            h' = o tanh(LN(c'))
 *
 * @example
 * ```ts
 * const cell = new LayerNormLSTMCell(3, 2);
 * const [h, c] = cell.forward(ones([5, 3]));   // both [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of h and c
 * @param options - `bias` (true): the summands, `eps` (1e-5), `recurrentDropout`, `dtype`,
 *   `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight_ih` [4 * hiddenSize, inputSize] and `weight_hh` [4 * hiddenSize, hiddenSize]
 * with gates in the order i, f, g, o;
 * `weight` and `bias` of `norm_ih` and `norm_hh` [4 * hiddenSize] and of `norm_c` [hiddenSize]. The
 * mean and variance are those of all four gates together, as in the paper. Not in PyTorch. Source:
 * Ba, Kiros and Hinton 2016.
 */
export class LayerNormLSTMCell extends TwoStateCell {
  norm_ih: LayerNorm;
  norm_hh: LayerNorm;
  norm_c: LayerNorm;

  constructor(inputSize: number, hiddenSize: number, options: LayerNormCellOptions = {}) {
    checkOptions('LayerNormLSTMCell', options, [...cellOptions, 'eps']);
    const { bias = true, eps, dtype, backend } = options;
    super(inputSize, hiddenSize, { ...options, bias: false });
    const norm = (size: number): LayerNorm => new LayerNorm(size, { bias, eps, dtype, backend });
    this.norm_ih = norm(4 * hiddenSize);
    this.norm_hh = norm(4 * hiddenSize);
    this.norm_c = norm(hiddenSize);
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  override resetParameters(): void {
    super.resetParameters();
    for (const norm of [this.norm_ih, this.norm_hh, this.norm_c]) norm.resetParameters();
  }

  protected step(x: Tensor, [h, c]: LSTMState): [h: Tensor, c: Tensor] {
    const sums = add(this.norm_ih.forward(this.fromInput(x)), this.norm_hh.forward(this.fromState(h)));
    const [iSum, fSum, gSum, oSum] = chunk(sums, 4, -1);
    const i = tap('i', sigmoid(iSum));
    const f = tap('f', sigmoid(fSum));
    const g = tap('g', tanh(gSum));
    const cNext = tap('c', add(mul(f, c), mul(i, this.drop.candidate(g))));
    const o = tap('o', sigmoid(oSum));
    return [tap('h', mul(o, tanh(this.norm_c.forward(cNext)))), cNext];
  }
}

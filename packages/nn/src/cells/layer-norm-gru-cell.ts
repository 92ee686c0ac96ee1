import { add, chunk, mul, sigmoid, split, sub, tanh, tap, type Tensor } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { LayerNorm } from '../layer-norm.js';
import type { LayerNormCellOptions } from './layer-norm-lstm-cell.js';
import { OneStateCell } from './one-state-cell.js';
import { cellOptions, type CellKind } from './recurrent-cell.js';

const kind: CellKind = { name: 'LayerNormGRUCell', gates: 3 };

/**
 * The layer-normalised GRU: what comes from the input and what comes from the state are each
 * brought to mean 0 and variance 1 over their features (LN, with factors and summands of its own),
 * the two gates together, the candidate by itself.
 *
 *     r, z = σ(LN(W_ih x) + LN(W_hh h))
 *     n = tanh(LN(W_in x) + r LN(W_hn h))
 *     h' = (1 - z) n + z h
 *
 * @example
 * ```ts
 * const cell = new LayerNormGRUCell(3, 2);
 * const h = cell.forward(ones([5, 3]));   // [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state
 * @param options - `bias` (true): the summands, `eps` (1e-5), `recurrentDropout`, `dtype`,
 *   `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight_ih` [3 * hiddenSize, inputSize] and `weight_hh` [3 * hiddenSize, hiddenSize]
 * in the order r, z, n; `weight` and `bias` of `norm_ih` and `norm_hh` [2 * hiddenSize], which
 * serve r and z, and of `norm_in` and `norm_hn` [hiddenSize]. Not in PyTorch. Source:
 * Ba, Kiros and Hinton 2016, with z where PyTorch has it.
 */
export class LayerNormGRUCell extends OneStateCell {
  norm_ih: LayerNorm;
  norm_hh: LayerNorm;
  norm_in: LayerNorm;
  norm_hn: LayerNorm;

  constructor(inputSize: number, hiddenSize: number, options: LayerNormCellOptions = {}) {
    checkOptions('LayerNormGRUCell', options, [...cellOptions, 'eps']);
    const { bias = true, eps, dtype, backend } = options;
    super(inputSize, hiddenSize, { ...options, bias: false });
    const norm = (size: number): LayerNorm => new LayerNorm(size, { bias, eps, dtype, backend });
    this.norm_ih = norm(2 * hiddenSize);
    this.norm_hh = norm(2 * hiddenSize);
    this.norm_in = norm(hiddenSize);
    this.norm_hn = norm(hiddenSize);
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  override resetParameters(): void {
    super.resetParameters();
    for (const norm of [this.norm_ih, this.norm_hh, this.norm_in, this.norm_hn]) norm.resetParameters();
  }

  protected step(x: Tensor, h: Tensor): Tensor {
    const sizes = [2 * this.hiddenSize, this.hiddenSize];
    const [xGates, xn] = split(this.fromInput(x), sizes, -1);
    const [hGates, hn] = split(this.fromState(h), sizes, -1);
    const [r, z] = chunk(sigmoid(add(this.norm_ih.forward(xGates), this.norm_hh.forward(hGates))), 2, -1);
    tap('r', r);
    tap('z', z);
    const reset = mul(r, this.norm_hn.forward(hn));
    const n = this.drop.candidate(tap('n', tanh(add(this.norm_in.forward(xn), reset))));
    return tap('h', add(n, mul(z, sub(h, n)))); // (1 - z) n + z h with one product
  }
}

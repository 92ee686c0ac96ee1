import { add, chunk, linear, mul, sigmoid, split, sub, tanh, tap, type Tensor } from '@rnn/core';
import { checkFlag, checkOptions } from '@rnn/core/checks';
import { OneStateCell } from './one-state-cell.js';
import { cellOptions, type CellKind, type CellOptions, type StepWeights } from './recurrent-cell.js';
import { keepAll, type StepDropout } from './recurrent-dropout.js';

export interface GRUCellOptions extends CellOptions {
  /**
   * Whether the reset gate multiplies the product with h (PyTorch, cuDNN) or h itself, before the
   * product (Cho 2014).
   */
  readonly resetAfter?: boolean;
}

/**
 * One step of a GRU, with gates in PyTorch's order r, z, n. The reset gate multiplies the product,
 * bias included:
 *
 *     r, z = σ(W_ih x + b_ih + W_hh h + b_hh)
 *     n = tanh(W_in x + b_in + r (W_hn h + b_hn))
 *     h' = (1 - z) n + z h
 *
 * @param weights - of three gates
 * @param x - `[..., inputSize]`
 * @param h - `[..., hiddenSize]`
 * @param drop - what a training drops
 * @returns the next state, `[..., hiddenSize]`
 *
 * Taps `r`, `z`, `n` and `h`, the next state.
 */
export function gruStep(weights: StepWeights, x: Tensor, h: Tensor, drop: StepDropout = keepAll): Tensor {
  const { weight_ih, weight_hh, bias_ih, bias_hh } = weights;
  const [xr, xz, xn] = chunk(linear(x, weight_ih, bias_ih), 3, -1);
  const [hr, hz, hn] = chunk(linear(drop.state(h), weight_hh, bias_hh), 3, -1);
  const r = tap('r', sigmoid(add(xr, hr)));
  const z = tap('z', sigmoid(add(xz, hz)));
  const n = drop.candidate(tap('n', tanh(add(xn, mul(r, hn)))));
  return tap('h', add(n, mul(z, sub(h, n)))); // (1 - z) n + z h with one product
}

/**
 * One step of a GRU as it was first published: the reset gate multiplies the state, before the
 * product.
 *
 *     r, z = σ(W_ih x + b_ih + W_hh h + b_hh)
 *     n = tanh(W_in x + b_in + W_hn (r h) + b_hn)
 *     h' = (1 - z) n + z h
 *
 * @param weights - of three gates
 * @param x - `[..., inputSize]`
 * @param h - `[..., hiddenSize]`
 * @param drop - what a training drops
 * @returns the next state, `[..., hiddenSize]`
 */
export function gruStepResetBefore(weights: StepWeights, x: Tensor, h: Tensor, drop: StepDropout = keepAll): Tensor {
  const { weight_ih, weight_hh, bias_ih, bias_hh } = weights;
  const before = drop.state(h);
  const size = h.shape[h.rank - 1];
  const [xGates, xn] = split(linear(x, weight_ih, bias_ih), [2 * size, size], -1);
  const [whGates, whn] = split(weight_hh, [2 * size, size]);
  const [bhGates, bhn] = (bias_hh && split(bias_hh, [2 * size, size])) ?? [];
  const [r, z] = chunk(sigmoid(add(xGates, linear(before, whGates, bhGates))), 2, -1);
  tap('r', r);
  tap('z', z);
  const n = drop.candidate(tap('n', tanh(add(xn, linear(mul(r, before), whn, bhn)))));
  return tap('h', add(n, mul(z, sub(h, n))));
}

const kind: CellKind = { name: 'GRUCell', gates: 3 };

/**
 * The gated recurrent unit.
 *
 * @example
 * ```ts
 * const cell = new GRUCell(3, 2);
 * const h = cell.forward(ones([5, 3]));   // [5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state
 * @param options - `bias` (true), `resetAfter` (true), `recurrentDropout`, `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Differs from PyTorch: options go in one object; `resetAfter: false`, which Keras has as
 * `reset_after` and ONNX as `linear_before_reset`, puts the reset gate before the product: n =
 * tanh(W_in x + b_in + W_hn (r h) + b_hn). Source: Cho et al. 2014, by default with the reset
 * gate after the product as in cuDNN.
 */
export class GRUCell extends OneStateCell {
  readonly resetAfter: boolean;

  constructor(inputSize: number, hiddenSize: number, options: GRUCellOptions = {}) {
    checkOptions('GRUCell', options, [...cellOptions, 'resetAfter']);
    const { resetAfter = true } = options;
    checkFlag('GRUCell', 'resetAfter', resetAfter);
    super(inputSize, hiddenSize, options);
    this.resetAfter = resetAfter;
    this.resetParameters();
  }

  protected override kind(): CellKind {
    return kind;
  }

  protected override extraRepr(): string {
    return `${super.extraRepr()}${this.resetAfter ? '' : ', reset_after=False'}`;
  }

  protected step(x: Tensor, h: Tensor): Tensor {
    return (this.resetAfter ? gruStep : gruStepResetBefore)(this, x, h, this.drop);
  }
}

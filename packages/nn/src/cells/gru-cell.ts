import { linear, scope, type Tensor } from '@rnn/core';
import { checkOptions, placeOptions } from '../options.js';
import { RecurrentCell, type CellOptions, type StepWeights } from './recurrent-cell.js';

/**
 * One step of a GRU, with gates in PyTorch's order r, z, n. The reset gate multiplies the product, bias included:
 *
 *     r, z = σ(W_ih x + b_ih + W_hh h + b_hh)
 *     n = tanh(W_in x + b_in + r (W_hn h + b_hn))
 *     h' = (1 - z) n + z h
 *
 * @param weights - of three gates
 * @param x - `[..., inputSize]`
 * @param h - `[..., hiddenSize]`
 * @returns the next state, `[..., hiddenSize]`
 */
export function gruStep(weights: StepWeights, x: Tensor, h: Tensor): Tensor {
  const { weight_ih, weight_hh, bias_ih, bias_hh } = weights;
  const [xr, xz, xn] = linear(x, weight_ih, bias_ih).chunk(3, -1);
  const [hr, hz, hn] = linear(h, weight_hh, bias_hh).chunk(3, -1);
  const r = xr.add(hr).sigmoid();
  const z = xz.add(hz).sigmoid();
  const n = xn.add(r.mul(hn)).tanh();
  return n.add(z.mul(h.sub(n))); // (1 - z) n + z h with one product
}

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
 * @param options - `bias` (true), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Differs from PyTorch: options go in one object. Source: Cho et al. 2014, with the reset gate after the product as in cuDNN.
 */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    checkOptions('GRUCell', options, ['bias', ...placeOptions]);
    super({ name: 'GRUCell', gates: 3 }, inputSize, hiddenSize, options);
    this.resetParameters();
  }

  /** Zeros, `[batch, hiddenSize]` or `[hiddenSize]`. */
  initialState(batch?: number): Tensor {
    return this.zeroState(batch);
  }

  /**
   * @param x - `[B, inputSize]` or `[inputSize]`
   * @param h - the state before, `[B, hiddenSize]` or `[hiddenSize]`; zeros unless given
   * @returns the state after, of the same shape
   * @throws ShapeError when sizes do not fit
   */
  forward(x: Tensor, h?: Tensor): Tensor {
    const batch = this.checkStep(x, { h });
    return scope(() => gruStep(this, x, h ?? this.zeroState(batch)));
  }
}

import type { Tensor } from '@rnn/core';
import { checkFlag, checkOptions } from '@rnn/core/checks';
import { gruStep, gruStepResetBefore } from '../cells/gru-cell.js';
import { layerOptions, type LayerOptions } from './layer-options.js';
import type { LayerKind } from './layer-parts.js';
import { RecurrentLayer } from './recurrent-layer.js';

export interface GRUOptions extends LayerOptions {
  /**
   * Whether the reset gate multiplies the product with h (PyTorch, cuDNN) or h itself, before the
   * product (Cho 2014).
   */
  readonly resetAfter?: boolean;
}

function kindOf(step: typeof gruStep): LayerKind {
  return {
    name: 'GRU',
    gates: 3,
    states: ['h0'],
    taps: ['r', 'z', 'n', 'h'],
    step: (x, [h], weights) => {
      const next = step(weights, x, h);
      return [next, [next]];
    },
  };
}

/**
 * One step function for each place of the reset gate, since traces are remembered by the function.
 */
const afterProduct = /* @__PURE__ */ kindOf(gruStep);
const beforeProduct = /* @__PURE__ */ kindOf(gruStepResetBefore);

/**
 * Layers of gated recurrent units over a sequence; the formulas are those of `GRUCell`.
 *
 * @example
 * ```ts
 * const gru = new GRU(3, 2, { bidirectional: true });
 * const [output, hN] = gru.forward(ones([7, 5, 3]), undefined, { lengths: [7, 4, 4, 1, 0] }); // [7, 5, 4] and [2, 5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state; a list has one number for each layer
 * @param options - `numLayers` (1), `bias` (true), `batchFirst` (false), `dropout` between layers
 *   (0), `bidirectional` (false), `resetAfter` (true), `learnInitialState` (false), `dtype`,
 *   `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, options out of range, or
 *   unknown options
 *
 * Parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on; see
 * `RecurrentLayer`. Gates are in the order r, z, n.
 * Names for `record`: the gates `r` and `z`, the candidate `n`, and `h`.
 * Differs from PyTorch: options go in one object; `forward` takes `lengths`, `mask` and `resets`;
 * `hiddenSize` may be a list; `resetAfter:
 * false`, as in `GRUCell`; `learnInitialState`. Source: Cho et al. 2014.
 */
export class GRU extends RecurrentLayer<Tensor> {
  readonly resetAfter: boolean;

  constructor(inputSize: number, hiddenSize: number | readonly number[], options: GRUOptions = {}) {
    checkOptions('GRU', options, [...layerOptions, 'resetAfter']);
    const { resetAfter = true } = options;
    checkFlag('GRU', 'resetAfter', resetAfter);
    super(resetAfter ? afterProduct : beforeProduct, inputSize, hiddenSize, 0, options);
    this.resetAfter = resetAfter;
    this.resetParameters();
  }

  protected override extraRepr(): string {
    return `${super.extraRepr()}${this.resetAfter ? '' : ', reset_after=False'}`;
  }
}

import type { Tensor } from '@rnn/core';
import { checkChoice, checkOptions } from '@rnn/core/checks';
import { rnnStep, type RNNNonlinearity } from '../cells/rnn-cell.js';
import { layerOptions, type LayerOptions } from './layer-options.js';
import type { LayerKind } from './layer-parts.js';
import { RecurrentLayer } from './recurrent-layer.js';

export interface RNNOptions extends LayerOptions {
  readonly nonlinearity?: RNNNonlinearity;
}

function kindOf(nonlinearity: RNNNonlinearity): LayerKind {
  return {
    name: 'RNN',
    gates: 1,
    states: ['h0'],
    taps: ['preactivation', 'h'],
    step: (x, [h], weights) => {
      const next = rnnStep(weights, nonlinearity, x, h);
      return [next, [next]];
    },
  };
}

/** One step function for each nonlinearity, since traces are remembered by the function. */
const kinds: Record<RNNNonlinearity, LayerKind> = {
  tanh: /* @__PURE__ */ kindOf('tanh'),
  relu: /* @__PURE__ */ kindOf('relu'),
};

/**
 * Layers of plain recurrent cells over a sequence: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).
 *
 * @example
 * ```ts
 * const rnn = new RNN(3, 2);
 * const [output, hN] = rnn.forward(ones([7, 5, 3]));   // [7, 5, 2] and [1, 5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the state; a list has one number for each layer
 * @param options - `numLayers` (1), `nonlinearity` ('tanh' or 'relu'), `bias` (true), `batchFirst`
 *   (false), `dropout` between layers (0), `bidirectional` (false), `learnInitialState` (false),
 *   `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, options out of range, or
 *   unknown options
 *
 * Parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on; see
 * `RecurrentLayer`.
 * Names for `record`: `preactivation` (W_ih x + b_ih + W_hh h + b_hh) and `h`.
 * Differs from PyTorch: options go in one object; `forward` takes `lengths`, `mask` and `resets`;
 * `hiddenSize` may be a list;
 * `learnInitialState`. Source: Elman 1990.
 */
export class RNN extends RecurrentLayer<Tensor> {
  readonly nonlinearity: RNNNonlinearity;

  constructor(inputSize: number, hiddenSize: number | readonly number[], options: RNNOptions = {}) {
    checkOptions('RNN', options, [...layerOptions, 'nonlinearity']);
    const { nonlinearity = 'tanh' } = options;
    checkChoice('RNN', 'nonlinearity', nonlinearity, ['tanh', 'relu']);
    super(kinds[nonlinearity], inputSize, hiddenSize, 0, options);
    this.nonlinearity = nonlinearity;
    this.resetParameters();
  }
}

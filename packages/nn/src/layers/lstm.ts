import { ArgumentError } from '@rnn/core';
import { checkCount, checkOptions, refuse } from '@rnn/core/checks';
import { setForgetGateBias } from '../cells/forget-gate.js';
import { lstmStep } from '../cells/lstm-cell.js';
import type { LSTMState } from '../cells/two-state-cell.js';
import { isList, layerOptions, type LayerOptions } from './layer-options.js';
import type { LayerKind } from './layer-parts.js';
import { RecurrentLayer } from './recurrent-layer.js';

export interface LSTMOptions extends LayerOptions {
  /** Size of a projection of the output, smaller than hiddenSize; 0 for none. */
  readonly projSize?: number;
  /**
   * What the two biases of the forget gates add up to at first, in the place of random draws; 1
   * helps to remember from the start.
   */
  readonly forgetGateBias?: number;
}

const kind: LayerKind = {
  name: 'LSTM',
  gates: 4,
  states: ['h0', 'c0'],
  taps: ['i', 'f', 'g', 'o', 'c', 'h', 'preactivation'],
  step: (x, [h, c], weights) => {
    const next = lstmStep(weights, x, [h, c]);
    return [next[0], next];
  },
};

/**
 * Layers of long short-term memory cells over a sequence; the formulas are those of `LSTMCell`.
 *
 * @example
 * ```ts
 * const lstm = new LSTM(3, 2, { numLayers: 2 });
 * const [output, [hN, cN]] = lstm.forward(ones([7, 5, 3]));   // [7, 5, 2], [2, 5, 2] and [2, 5, 2]
 * ```
 * @param inputSize - features of the input
 * @param hiddenSize - features of the cell state; a list has one number for each layer
 * @param options - `numLayers` (1), `bias` (true), `batchFirst` (false), `dropout` between layers
 *   (0), `bidirectional` (false), `projSize` (0), `forgetGateBias`, `learnInitialState` (false),
 *   `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, options out of range, or
 *   unknown options
 *
 * Parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on; see
 * `RecurrentLayer`. Gates are in the order i, f, g, o.
 * Names for `record`: the gates `i`, `f`, `o`, the candidate `g`, the cell state `c`, `h`, and
 * `preactivation` (of i, f, g, o, 4 hiddenSize wide).
 * Differs from PyTorch: options go in one object; `forward` takes `lengths`, `mask` and `resets`;
 * `hiddenSize` may be a list;
 * `forgetGateBias`; `learnInitialState`. Source: Hochreiter and Schmidhuber 1997;
 * projection by Sak, Senior and Beaufays 2014.
 */
export class LSTM extends RecurrentLayer<LSTMState> {
  readonly forgetGateBias: number | undefined;

  constructor(inputSize: number, hiddenSize: number | readonly number[], options: LSTMOptions = {}) {
    checkOptions('LSTM', options, [...layerOptions, 'projSize', 'forgetGateBias']);
    const { projSize = 0, forgetGateBias } = options;
    checkCount('LSTM', 'projSize', projSize, 0);
    const smallest = isList(hiddenSize) ? Math.min(...hiddenSize) : hiddenSize;
    if (projSize > 0 && projSize >= smallest) {
      refuse(ArgumentError, 'LSTM', 'projSize', { value: projSize, expected: `less than hiddenSize, ${smallest}` });
    }
    super(kind, inputSize, hiddenSize, projSize, options);
    this.forgetGateBias = forgetGateBias;
    this.resetParameters();
  }

  override resetParameters(): void {
    super.resetParameters();
    if (this.forgetGateBias === undefined) return;
    for (const weights of this.stepWeights()) setForgetGateBias('LSTM', weights, this.forgetGateBias);
  }
}

import { ArgumentError, type Records, type Tensor } from '@rnn/core';
import { checkCount, checkOptions, refuse } from '@rnn/core/checks';
import { setForgetGateBias } from '../cells/forget-gate.js';
import { lstmStep } from '../cells/lstm-cell.js';
import type { LSTMState } from '../cells/two-state-cell.js';
import type { PackedSequence } from '../sequences/packed-sequence.js';
import type { LayerExplanation } from './layer-explanation.js';
import {
  isList,
  layerOptions,
  type LayerOptions,
  type RecordingOptions,
  type SequenceOptions,
} from './layer-options.js';
import type { LayerKind } from './layer-parts.js';
import { RecurrentLayer } from './recurrent-layer.js';

export interface LSTMOptions extends LayerOptions {
  /** Size of a projection of the output, smaller than hiddenSize; 0 for none. */
  readonly projSize?: number;
  /** What the two biases of the forget gates add up to at first, in the place of random draws; 1 helps to remember from the start. */
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
 * @param options - `numLayers` (1), `bias` (true), `batchFirst` (false), `dropout` between layers (0), `bidirectional` (false), `projSize`
 *   (0), `forgetGateBias`, `learnInitialState` (false), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, options out of range, or unknown options
 *
 * Parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on; see `RecurrentLayer`. Gates are in the order i, f, g, o.
 * Differs from PyTorch: options go in one object; `forward` takes `lengths`, `mask` and `resets`; `hiddenSize` may be a list;
 * `forgetGateBias`; `learnInitialState`. Source: Hochreiter and Schmidhuber 1997;
 * projection by Sak, Senior and Beaufays 2014.
 */
export class LSTM extends RecurrentLayer {
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

  /**
   * @param x - `[T, B, inputSize]`, `[B, T, inputSize]` with `batchFirst`, `[T, inputSize]`, or packed
   * @param state - h0 `[numLayers * directions, B, hiddenSize or projSize]` and c0 `[numLayers * directions, B, hiddenSize]` (both without B
   *   for a single sequence), or `[directions, B, sum over the layers]` for a list of sizes; zeros, or what was learned, unless given
   * @param options - `lengths` of the rows; `mask` of steps to pass over; `resets` where a new piece begins; `record`: names of inner values, here the gates `i`, `f`, `o`, the candidate `g`, the cell state `c`, `h`, and `preactivation` (of i, f, g, o, 4 hiddenSize wide)
   * @returns `output` `[T, B, directions * (hiddenSize or projSize)]` in the form of the input, and `[hN, cN]` in the form of the state; with `record` also an object with the named
   *   values, `[T, B, width]` each in the form of the output (padded for a packed input), zero past the end of a row; the names have suffixes
   *   such as `_l0_reverse` where there are several layers or directions
   * @throws ShapeError, ArgumentError, DTypeError, BackendError when input, state and lengths do not fit, or `record` has an unknown name
   */
  forward(
    x: Tensor,
    state: LSTMState | undefined,
    options: RecordingOptions<SequenceOptions>,
  ): [output: Tensor, state: [hN: Tensor, cN: Tensor], records: Records];
  forward(x: Tensor, state?: LSTMState, options?: SequenceOptions): [output: Tensor, state: [hN: Tensor, cN: Tensor]];
  forward(
    x: PackedSequence,
    state: LSTMState | undefined,
    options: RecordingOptions<Pick<SequenceOptions, 'record'>>,
  ): [output: PackedSequence, state: [hN: Tensor, cN: Tensor], records: Records];
  forward(x: PackedSequence, state?: LSTMState): [output: PackedSequence, state: [hN: Tensor, cN: Tensor]];
  forward(
    x: Tensor | PackedSequence,
    state?: LSTMState,
    options?: SequenceOptions,
  ): [output: Tensor | PackedSequence, state: [hN: Tensor, cN: Tensor], records?: Records] {
    checkPair(state);
    const [output, [hN, cN], records] = this.run(x, state, options);
    return options?.record === undefined ? [output, [hN, cN]] : [output, [hN, cN], records];
  }

  /**
   * Says which mode each layer and direction runs in, with the programs that run. Nothing is computed.
   *
   * @example
   * ```ts
   * const [{ mode, products }] = new LSTM(3, 2).explain(ones([7, 5, 3]));   // 'compiled', { before: 1, loop: 1, after: 0 }
   * ```
   * @param x - as for `forward`
   * @param state - as for `forward`
   * @param options - as for `forward`
   * @returns one entry for each layer and direction: name (`l0`, `l0_reverse`), mode, reason, products and text
   * @throws what `forward` throws
   */
  explain(x: Tensor | PackedSequence, state?: LSTMState, options?: SequenceOptions): LayerExplanation[] {
    checkPair(state);
    return this.explainRuns(x, state, options);
  }
}

function checkPair(state: LSTMState | undefined): void {
  if (state === undefined || (Array.isArray(state) && state.length === 2)) return;
  refuse(ArgumentError, 'LSTM', 'state', {
    value: state,
    expected: 'the array [h0, c0]',
    hint: 'leave it out (undefined, not null) for zeros',
  });
}

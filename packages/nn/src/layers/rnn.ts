import type { Records, Tensor } from '@rnn/core';
import { checkChoice, checkOptions } from '@rnn/core/checks';
import { rnnStep, type RNNNonlinearity } from '../cells/rnn-cell.js';
import type { PackedSequence } from '../sequences/packed-sequence.js';
import type { LayerExplanation } from './layer-explanation.js';
import { layerOptions, type LayerOptions, type RecordingOptions, type SequenceOptions } from './layer-options.js';
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
 * @param options - `numLayers` (1), `nonlinearity` ('tanh' or 'relu'), `bias` (true), `batchFirst` (false), `dropout` between layers (0),
 *   `bidirectional` (false), `learnInitialState` (false), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, options out of range, or unknown options
 *
 * Parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on; see `RecurrentLayer`.
 * Differs from PyTorch: options go in one object; `forward` takes `lengths`, `mask` and `resets`; `hiddenSize` may be a list;
 * `learnInitialState`. Source: Elman 1990.
 */
export class RNN extends RecurrentLayer {
  readonly nonlinearity: RNNNonlinearity;

  constructor(inputSize: number, hiddenSize: number | readonly number[], options: RNNOptions = {}) {
    checkOptions('RNN', options, [...layerOptions, 'nonlinearity']);
    const { nonlinearity = 'tanh' } = options;
    checkChoice('RNN', 'nonlinearity', nonlinearity, ['tanh', 'relu']);
    super(kinds[nonlinearity], inputSize, hiddenSize, 0, options);
    this.nonlinearity = nonlinearity;
    this.resetParameters();
  }

  /**
   * @param x - `[T, B, inputSize]`, `[B, T, inputSize]` with `batchFirst`, `[T, inputSize]`, or packed
   * @param h0 - `[numLayers * directions, B, hiddenSize]` (without B for a single sequence), or `[directions, B, sum of hiddenSize]` for a list of
   *   sizes; zeros, or what was learned, unless given
   * @param options - `lengths` of the rows; `mask` of steps to pass over; `resets` where a new piece begins; `record`: names of inner values, here `preactivation` (W_ih x + b_ih + W_hh h + b_hh) and `h`
   * @returns `output` `[T, B, directions * hiddenSize]` in the form of the input, and `hN` in the form of `h0`; with `record` also an object with the named
   *   values, `[T, B, width]` each in the form of the output (padded for a packed input), zero past the end of a row; the names have suffixes
   *   such as `_l0_reverse` where there are several layers or directions
   * @throws ShapeError, ArgumentError, DTypeError, BackendError when input, state and lengths do not fit, or `record` has an unknown name
   */
  forward(
    x: Tensor,
    h0: Tensor | undefined,
    options: RecordingOptions<SequenceOptions>,
  ): [output: Tensor, hN: Tensor, records: Records];
  forward(x: Tensor, h0?: Tensor, options?: SequenceOptions): [output: Tensor, hN: Tensor];
  forward(
    x: PackedSequence,
    h0: Tensor | undefined,
    options: RecordingOptions<Pick<SequenceOptions, 'record'>>,
  ): [output: PackedSequence, hN: Tensor, records: Records];
  forward(x: PackedSequence, h0?: Tensor): [output: PackedSequence, hN: Tensor];
  forward(
    x: Tensor | PackedSequence,
    h0?: Tensor,
    options?: SequenceOptions,
  ): [output: Tensor | PackedSequence, hN: Tensor, records?: Records] {
    const [output, [hN], records] = this.run(x, h0 === undefined ? undefined : [h0], options);
    return options?.record === undefined ? [output, hN] : [output, hN, records];
  }

  /**
   * Says which mode each layer and direction runs in, with the programs that run. Nothing is computed.
   *
   * @example
   * ```ts
   * const [{ mode, products }] = new RNN(3, 2).explain(ones([7, 5, 3]));   // 'compiled', { before: 1, loop: 1, after: 0 }
   * ```
   * @param x - as for `forward`
   * @param h0 - as for `forward`
   * @param options - as for `forward`
   * @returns one entry for each layer and direction: name (`l0`, `l0_reverse`), mode, reason, products and text
   * @throws what `forward` throws
   */
  explain(x: Tensor | PackedSequence, h0?: Tensor, options?: SequenceOptions): LayerExplanation[] {
    return this.explainRuns(x, h0 === undefined ? undefined : [h0], options);
  }
}

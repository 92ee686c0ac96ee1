import { ArgumentError, scope, zeros, type Records, type Tensor } from '@rnn/core';
import { checkCount, checkTensor, refuse } from '@rnn/core/checks';
import { putBeside } from '../beside.js';
import type { StepWeights } from '../cells/recurrent-cell.js';
import type { LSTMState } from '../cells/two-state-cell.js';
import { uniform_, zeros_ } from '../init/index.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { PackedSequence } from '../sequences/packed-sequence.js';
import { warnOnce } from '../warn-once.js';
import type { LayerExplanation } from './layer-explanation.js';
import { isList, settingsOf, type LayerOptions, type RecordingOptions, type SequenceOptions } from './layer-options.js';
import { learnedOf, partsOf, weightsOf, type LayerKind, type LayerParts } from './layer-parts.js';
import { checkedBy, planOf, throughLayers } from './layer-pass.js';
import { runsOf } from './layer-runs.js';
import { LayerStates } from './layer-states.js';
import { installedLayerTools, layerTools } from './layer-tools.js';

/** A last state, in the form of the first. */
export type LastState<S> = S extends Tensor ? Tensor : [hN: Tensor, cN: Tensor];

/**
 * What RNN, LSTM and GRU have in common: the weights of all layers and directions under PyTorch's
 * names, and the way of a sequence through them. Every layer and direction is one `scan`.
 *
 * Parameters of layer n: `weight_ih_ln` [gates * hiddenSize, features below], `weight_hh_ln`
 * [gates * hiddenSize, hiddenSize], `bias_ih_ln` and `bias_hh_ln` [gates * hiddenSize]; of the
 * second direction the same with `_reverse`; with a projection `weight_hr_ln` [projSize,
 * hiddenSize]. All are uniform within ± 1/√hiddenSize, as in PyTorch.
 *
 * @example
 * ```ts
 * const layer: RecurrentLayer = new LSTM(3, 4, { numLayers: 2 });
 * layer.weight_hh_l1.shape; // [16, 4]
 * ```
 */
export abstract class RecurrentLayer<S extends Tensor | LSTMState = Tensor | LSTMState> extends Module {
  [weight: `weight_${string}`]: Parameter;
  [bias: `bias_${string}`]: Parameter;
  [state: `h0_${string}` | `c0_${string}`]: Parameter;
  readonly inputSize: number;
  /** Features of the last layer's state. */
  readonly hiddenSize: number;
  /** Features of each layer's state. */
  readonly hiddenSizes: readonly number[];
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** Size of the projected output of an LSTM; 0 without a projection. */
  readonly projSize: number;
  /** Whether the state before the first step is learned. */
  readonly learnInitialState: boolean;

  protected constructor(
    kind: LayerKind,
    inputSize: number,
    hiddenSize: number | readonly number[],
    projSize: number,
    options: LayerOptions,
  ) {
    super();
    const { name, gates } = kind;
    checkCount(name, 'inputSize', inputSize, 1);
    const settings = settingsOf(name, hiddenSize, options);
    const { sizes } = settings;
    this.inputSize = inputSize;
    this.hiddenSize = sizes[sizes.length - 1];
    this.hiddenSizes = Object.freeze(sizes);
    this.numLayers = settings.numLayers;
    this.bias = settings.bias;
    this.batchFirst = settings.batchFirst;
    this.dropout = settings.dropout;
    if (this.dropout > 0 && this.numLayers === 1) {
      warnOnce(
        'dropout of a single layer',
        `${name}: dropout is ${this.dropout}, but it acts after all layers but the last, and numLayers is 1, so it does nothing; use more layers, a Dropout after this one, or a cell's recurrentDropout`,
      );
    }
    this.bidirectional = settings.bidirectional;
    this.projSize = projSize;
    this.learnInitialState = settings.learnInitialState;
    const directions = this.bidirectional ? 2 : 1;
    const runs = runsOf(this.numLayers, directions);
    const states = new LayerStates({
      names: kind.states,
      widths: kind.states.map((_, i) => sizes.map((size) => (i === 0 && projSize > 0 ? projSize : size))),
      widthNames: kind.states.map((_, i) => (i === 0 && projSize > 0 ? 'projSize' : 'hiddenSize')),
      directions,
      isConcatenated: isList(hiddenSize),
    });
    putBeside(this, { kind, runs, states } satisfies LayerParts);
    const { dtype, backend } = options;
    const make = (key: string, ...shape: number[]): void => {
      this.registerParameter(
        key,
        scope(() => new Parameter(zeros(shape, { dtype, backend }))),
      );
    };
    for (const { layer, names } of runs) {
      const rows = gates * sizes[layer];
      make(names.weight_ih, rows, layer === 0 ? inputSize : states.width(0, layer - 1) * directions);
      make(names.weight_hh, rows, states.width(0, layer));
      if (this.bias) {
        make(names.bias_ih, rows);
        make(names.bias_hh, rows);
      }
      if (projSize > 0) make(names.weight_hr, projSize, sizes[layer]);
    }
    if (!this.learnInitialState) return;
    for (const { layer, suffix } of runs) {
      kind.states.forEach((state, i) => make(`${state}${suffix}`, states.width(i, layer)));
    }
  }

  /**
   * Draws the weights anew; a learned initial state is zero again.
   *
   * @example
   * ```ts
   * const gru = new GRU(3, 4);
   * gru.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    for (const run of partsOf(this).runs) {
      const bound = 1 / Math.sqrt(this.hiddenSizes[run.layer]);
      for (const weight of Object.values(weightsOf(this, run)) as (Parameter | undefined)[]) {
        if (weight !== undefined) uniform_(weight, -bound, bound);
      }
      for (const start of learnedOf(this, run) ?? []) zeros_(start);
    }
  }

  protected override extraRepr(): string {
    return layerTools(partsOf(this).kind.name, 'extraRepr').described(this);
  }

  /**
   * The last layer's hidden state after the last step of each row, the directions side by side:
   * what a classifier of whole sequences takes.
   *
   * @example
   * ```ts
   * const [, state] = new LSTM(3, 2, { bidirectional: true }).forward(ones([7, 5, 3]));
   * lstm.lastHidden(state);   // [5, 4]
   * ```
   * @param state - the state that `forward` gave
   * @returns `[B, directions * width]`, without B for a single sequence
   * @throws ArgumentError when it is none
   *
   * Differs from PyTorch: there it is put together from `h_n` by hand.
   */
  lastHidden(state: Tensor | readonly Tensor[]): Tensor {
    const { name, states } = partsOf(this).kind;
    const h = Array.isArray(state) ? (state as readonly unknown[])[0] : state;
    checkTensor(name, states[0], h);
    return scope(() => partsOf(this).states.lastHidden(name, h));
  }

  /** The weights of every layer and direction. */
  protected stepWeights(): StepWeights[] {
    return partsOf(this).runs.map((run) => weightsOf(this, run));
  }

  /**
   * Runs a sequence through all layers.
   *
   * @param x - `[T, B, inputSize]`, `[B, T, inputSize]` with `batchFirst`, `[T, inputSize]`, or
   *   packed
   * @param state - the state before the first step, h0 (of an LSTM h0 and c0),
   *   `[numLayers * directions, B, width]` each (without B for a single sequence), or
   *   `[directions, B, sum over the layers]` for a list of sizes; zeros, or what was learned,
   *   unless given
   * @param options - `lengths` of the rows; `mask` of steps to pass over; `resets` where a new
   *   piece begins, and `resetTo` with which state; `record`: names of inner values, which the
   *   class lists; `compile`
   * @returns `output` `[T, B, directions * width]` in the form of the input, and the last state in
   *   the form of the first; with `record` also an object with the named values, `[T, B, width]`
   *   each in the form of the output (padded for a packed input), zero past the end of a row; the
   *   names have suffixes such as `_l0_reverse` where there are several layers or directions
   * @throws ShapeError, ArgumentError, DTypeError, BackendError when input, state and lengths do
   *   not fit, or `record` has an unknown name
   */
  forward(
    x: Tensor,
    state: S | undefined,
    options: RecordingOptions<SequenceOptions>,
  ): [output: Tensor, state: LastState<S>, records: Records];
  forward(x: Tensor, state?: S, options?: SequenceOptions): [output: Tensor, state: LastState<S>];
  forward(
    x: PackedSequence,
    state: S | undefined,
    options: RecordingOptions<Pick<SequenceOptions, 'record'>>,
  ): [output: PackedSequence, state: LastState<S>, records: Records];
  forward(x: PackedSequence, state?: S): [output: PackedSequence, state: LastState<S>];
  forward(
    x: Tensor | PackedSequence,
    state?: S,
    options: SequenceOptions = noOptions,
  ): [output: Tensor | PackedSequence, state: LastState<S>, records?: Records] {
    const first = listOf(this, state);
    const bound = options === noOptions ? installedLayerTools()?.runBound(this, x, first) : undefined;
    if (bound !== undefined) return [bound[0], lastOf<S>(bound[1])];
    const sequence = checkedBy(this, x, first, options);
    const [padded, states, records] = scope(() => throughLayers(this, sequence, first, options));
    const output = x instanceof PackedSequence ? new PackedSequence(padded, x.lengths) : padded;
    const last = lastOf<S>(states);
    return options.record === undefined ? [output, last] : [output, last, records];
  }

  /**
   * Says which mode each layer and direction runs in, with the programs that run. Nothing is
   * computed.
   *
   * @example
   * ```ts
   * const [{ mode, products }] = new LSTM(3, 2).explain(ones([7, 5, 3])); // 'compiled', { before: 1, loop: 1, after: 0 }
   * ```
   * @param x - as for `forward`
   * @param state - as for `forward`
   * @param options - as for `forward`
   * @returns one entry for each layer and direction: name (`l0`, `l0_reverse`), mode, reason,
   *   products, carry and text
   * @throws what `forward` throws
   */
  explain(x: Tensor | PackedSequence, state?: S, options: SequenceOptions = noOptions): LayerExplanation[] {
    const tools = layerTools(partsOf(this).kind.name, 'explain');
    const first = listOf(this, state);
    const sequence = checkedBy(this, x, first, options);
    return scope(() => tools.explain(this, sequence, planOf(this, sequence, first, options.record), options.compile));
  }
}

const noOptions: SequenceOptions = {};

/** A state as a list of tensors. */
function listOf(layer: object, state: unknown): readonly Tensor[] | undefined {
  if (state === undefined) return undefined;
  const { name, states } = partsOf(layer).kind;
  if (states.length === 1) return [state as Tensor];
  if (Array.isArray(state) && state.length === states.length) return state as readonly Tensor[];
  refuse(ArgumentError, name, 'state', {
    value: state,
    expected: `the array [${states.join(', ')}]`,
    hint: 'leave it out (undefined, not null) for zeros',
  });
}

function lastOf<S>(states: readonly Tensor[]): LastState<S> {
  return (states.length === 1 ? states[0] : states) as LastState<S>;
}

import { explain, isGradEnabled, scan, scope, zeros, type Records, type Step, type Tensor } from '@rnn/core';
import { checkCount, checkOptions, checkTensor } from '@rnn/core/checks';
import { listed } from '../describe.js';
import type { StepWeights } from '../cells/recurrent-cell.js';
import { dropout } from '../dropout.js';
import { uniform_, zeros_ } from '../init/index.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { PackedSequence } from '../sequences/packed-sequence.js';
import { checkSequence, checkStates, type CheckedSequence } from './layer-checks.js';
import type { LayerExplanation } from './layer-explanation.js';
import { asGiven, sideBySide, timeMajor } from './layer-forms.js';
import { isList, sequenceOptions, settingsOf, type LayerOptions, type SequenceOptions } from './layer-options.js';
import { checkRecord, namedRecords, recordsOfRuns, type RunRecords } from './layer-records.js';
import { runsOf, type LayerRun } from './layer-runs.js';
import { LayerStates } from './layer-states.js';
import { warnOnce } from '../warn-once.js';

/** One layer's step in one direction: the state is a list, the output its first tensor. */
type LayerStep = Step<Tensor, readonly Tensor[], Tensor, StepWeights>;

/** What tells RNN, LSTM and GRU apart. */
export interface LayerKind {
  readonly name: string;
  /** How many weights are stacked. */
  readonly gates: number;
  /** Names of the tensors of the state, the hidden state first. */
  readonly states: readonly string[];
  /** Names of the values that the step taps. */
  readonly taps: readonly string[];
  /** Depends on its arguments alone, so that it is traced once for all layers. */
  readonly step: LayerStep;
}

const noRecords: Records = {};

/**
 * What RNN, LSTM and GRU have in common: the weights of all layers and directions under PyTorch's names, and the way of a sequence through
 * them. Every layer and direction is one `scan`.
 *
 * Parameters of layer n: `weight_ih_ln` [gates * hiddenSize, features below], `weight_hh_ln` [gates * hiddenSize, hiddenSize], `bias_ih_ln`
 * and `bias_hh_ln` [gates * hiddenSize]; of the second direction the same with `_reverse`; with a projection `weight_hr_ln` [projSize,
 * hiddenSize]. All are uniform within ± 1/√hiddenSize, as in PyTorch.
 */
export abstract class RecurrentLayer extends Module {
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
  readonly #kind: LayerKind;
  readonly #runs: readonly LayerRun[];
  readonly #states: LayerStates;

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
    this.hiddenSizes = sizes;
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
    this.#kind = kind;
    const directions = this.bidirectional ? 2 : 1;
    this.#runs = runsOf(this.numLayers, directions);
    this.#states = new LayerStates({
      names: kind.states,
      widths: kind.states.map((_, i) => sizes.map((size) => (i === 0 && projSize > 0 ? projSize : size))),
      widthNames: kind.states.map((_, i) => (i === 0 && projSize > 0 ? 'projSize' : 'hiddenSize')),
      directions,
      sideBySide: isList(hiddenSize),
    });
    const { dtype, backend } = options;
    const make = (key: string, ...shape: number[]): void => {
      this.registerParameter(
        key,
        scope(() => new Parameter(zeros(shape, { dtype, backend }))),
      );
    };
    for (const { layer, names } of this.#runs) {
      const rows = gates * sizes[layer];
      make(names.weight_ih, rows, layer === 0 ? inputSize : this.#states.width(0, layer - 1) * directions);
      make(names.weight_hh, rows, this.#states.width(0, layer));
      if (this.bias) {
        make(names.bias_ih, rows);
        make(names.bias_hh, rows);
      }
      if (projSize > 0) make(names.weight_hr, projSize, sizes[layer]);
    }
    if (!this.learnInitialState) return;
    for (const { layer, suffix } of this.#runs) {
      kind.states.forEach((state, i) => make(`${state}${suffix}`, this.#states.width(i, layer)));
    }
  }

  /** Draws the weights anew; a learned initial state is zero again. */
  resetParameters(): void {
    for (const run of this.#runs) {
      const bound = 1 / Math.sqrt(this.hiddenSizes[run.layer]);
      for (const weight of Object.values(this.#weights(run)) as (Parameter | undefined)[]) {
        if (weight !== undefined) uniform_(weight, -bound, bound);
      }
      for (const start of this.#learned(run) ?? []) zeros_(start);
    }
  }

  protected override extraRepr(): string {
    const { inputSize, hiddenSize, numLayers, projSize, bias, batchFirst, dropout: drop, bidirectional } = this;
    const sizes = this.#states.sideBySide ? `[${this.hiddenSizes.join(', ')}]` : hiddenSize;
    const options = listed({
      ...(projSize > 0 && { proj_size: projSize }),
      ...(numLayers > 1 && { num_layers: numLayers }),
      ...(!bias && { bias }),
      ...(batchFirst && { batch_first: batchFirst }),
      ...(drop > 0 && { dropout: drop }),
      ...(bidirectional && { bidirectional }),
      ...(this.learnInitialState && { learn_initial_state: true }),
    });
    return [inputSize, sizes, ...(options === '' ? [] : [options])].join(', ');
  }

  /**
   * The last layer's hidden state after the last step of each row, the directions side by side: what a classifier of whole sequences takes.
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
    const { name, states } = this.#kind;
    const h = Array.isArray(state) ? (state as readonly unknown[])[0] : state;
    checkTensor(name, states[0], h);
    return scope(() => this.#states.lastHidden(name, h));
  }

  /** The weights of every layer and direction. */
  protected stepWeights(): StepWeights[] {
    return this.#runs.map((run) => this.#weights(run));
  }

  /**
   * Runs a sequence through all layers.
   *
   * @param input - `[T, B, inputSize]` (`[B, T, inputSize]` with `batchFirst`), `[T, inputSize]`, or packed
   * @param state - the tensors of the initial state, `[numLayers * directions, B, width]` each, or `[directions, B, width of all layers]`
   *   where `hiddenSize` is a list; zeros, or what was learned, unless given
   * @param options - `lengths`, `mask`, `resets`, `record`, `compile`
   * @returns the last layer's output in the form of the input, the final states in the form of the initial ones, and the recorded values
   */
  protected run(
    input: Tensor | PackedSequence,
    state: readonly Tensor[] | undefined,
    options: SequenceOptions = {},
  ): [output: Tensor | PackedSequence, states: Tensor[], records: Records] {
    const sequence = this.#checked(input, state, options);
    const [output, states, records] = scope(() => this.#throughLayers(sequence, state, options));
    return [input instanceof PackedSequence ? new PackedSequence(output, input.lengths) : output, states, records];
  }

  /** See `explain` of each layer. */
  protected explainRuns(
    input: Tensor | PackedSequence,
    state: readonly Tensor[] | undefined,
    options: SequenceOptions = {},
  ): LayerExplanation[] {
    const sequence = this.#checked(input, state, options);
    return scope(() => this.#explanations(sequence, state, options));
  }

  #checked(
    input: Tensor | PackedSequence,
    state: readonly Tensor[] | undefined,
    options: SequenceOptions,
  ): CheckedSequence {
    const { name: owner } = this.#kind;
    checkOptions(owner, options, sequenceOptions);
    checkRecord(owner, options.record);
    const { inputSize, batchFirst } = this;
    const sequence = checkSequence({ owner, inputSize, batchFirst, parameter: this.weight_ih_l0 }, input, options);
    if (state !== undefined) checkStates(owner, state, this.#states.rules, sequence);
    return sequence;
  }

  #throughLayers(
    sequence: CheckedSequence,
    state: readonly Tensor[] | undefined,
    { record = [], compile }: SequenceOptions,
  ): [output: Tensor, states: Tensor[], records: Records] {
    const { batch, lengths, resets } = sequence;
    const initial = this.#initialStates(state, batch);
    const wanted = this.#wanted(record);
    const records: [name: string, value: Tensor][] = [];
    const finals: (readonly Tensor[])[] = [];
    let below = timeMajor(sequence);
    let outputs: Tensor[] = [];
    for (let i = 0; i < this.#runs.length; i++) {
      const run = this.#runs[i];
      const { layer, isReverse } = run;
      if (layer > 0 && !isReverse) {
        below = dropout(sideBySide(outputs), { p: this.dropout, training: this.training });
        outputs = [];
      }
      const options = {
        parameters: this.#weights(run),
        lengths,
        resets: resets?.[isReverse ? 'reverse' : 'forward'],
        reverse: isReverse,
        compile,
      };
      if (wanted === undefined || wanted[i].taps.length === 0) {
        const [ys, last] = scan(this.#kind.step, below, initial[i], options);
        outputs.push(ys);
        finals.push(last);
      } else {
        const [ys, last, values] = scan(this.#kind.step, below, initial[i], { ...options, record: wanted[i].taps });
        outputs.push(ys);
        finals.push(last);
        records.push(...namedRecords(wanted[i], values, (value) => asGiven(value, sequence)));
      }
    }
    const states = this.#states.joined(finals);
    return [
      asGiven(sideBySide(outputs), sequence),
      batch === undefined ? states.map((tensor) => tensor.squeeze(1)) : states,
      wanted === undefined ? noRecords : Object.fromEntries(records),
    ];
  }

  /** What each run is to record; nothing where nothing is. */
  #wanted(record: readonly string[]): readonly RunRecords[] | undefined {
    const { name, taps } = this.#kind;
    if (record.length === 0) return undefined;
    return recordsOfRuns(
      name,
      record,
      taps,
      this.#runs.map(({ suffix }) => suffix),
    );
  }

  /** Explains every scan of a pass, the upper layers' on zeros in the place of the output below. */
  #explanations(
    sequence: CheckedSequence,
    state: readonly Tensor[] | undefined,
    { record = [], compile }: SequenceOptions,
  ): LayerExplanation[] {
    const { batch, lengths, resets, steps } = sequence;
    const initial = this.#initialStates(state, batch);
    const wanted = this.#wanted(record);
    const { dtype, backend } = this.weight_ih_l0;
    const x = timeMajor(sequence);
    const requiresGrad =
      isGradEnabled() && (sequence.x.requiresGrad || this.parameters().some((parameter) => parameter.requiresGrad));
    const inputOf = (layer: number): Tensor => {
      if (layer === 0) return x;
      const width = this.#states.width(0, layer - 1) * (this.bidirectional ? 2 : 1);
      return zeros([steps, batch ?? 1, width], { dtype, backend, requiresGrad });
    };
    return this.#runs.map((run, i) => ({
      name: run.suffix.slice(1),
      ...explain(this.#kind.step, inputOf(run.layer), initial[i], {
        parameters: this.#weights(run),
        lengths,
        resets: resets?.[run.isReverse ? 'reverse' : 'forward'],
        reverse: run.isReverse,
        record: wanted?.[i].taps,
        compile,
      }),
    }));
  }

  /** One list of tensors for every layer and direction. */
  #initialStates(state: readonly Tensor[] | undefined, batch: number | undefined): (readonly Tensor[])[] {
    if (state !== undefined) {
      return this.#states.apart(batch === undefined ? state.map((tensor) => tensor.unsqueeze(1)) : state);
    }
    const { dtype, backend } = this.weight_ih_l0;
    const starts = new Map<number, Tensor>();
    const zeroState = (width: number): Tensor => {
      const start = starts.get(width) ?? zeros([batch ?? 1, width], { dtype, backend });
      starts.set(width, start);
      return start;
    };
    return this.#runs.map((run) => {
      const learned = this.#learned(run)?.map((start) => start.expand([batch ?? 1, start.size]));
      return learned ?? this.#kind.states.map((_, i) => zeroState(this.#states.width(i, run.layer)));
    });
  }

  /** The learned state before the first step, if there is one. */
  #learned({ suffix }: LayerRun): Parameter[] | undefined {
    if (!this.learnInitialState) return undefined;
    return this.#kind.states.map((name) => this[`${name as 'h0' | 'c0'}${suffix as `_${string}`}`]);
  }

  #weights({ names }: LayerRun): StepWeights {
    return {
      weight_ih: this[names.weight_ih],
      weight_hh: this[names.weight_hh],
      bias_ih: this.bias ? this[names.bias_ih] : undefined,
      bias_hh: this.bias ? this[names.bias_hh] : undefined,
      weight_hr: this.projSize > 0 ? this[names.weight_hr] : undefined,
    };
  }
}

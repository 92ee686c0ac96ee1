import { explain, isGradEnabled, scan, scope, zeros, type Records, type Step, type Tensor } from '@rnn/core';
import { checkCount, checkOptions } from '@rnn/core/checks';
import type { StepWeights } from '../cells/recurrent-cell.js';
import { dropout } from '../dropout.js';
import { uniform_ } from '../init/index.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';
import { PackedSequence } from '../sequences/packed-sequence.js';
import { checkSequence, checkStates, type CheckedSequence } from './layer-checks.js';
import type { LayerExplanation } from './layer-explanation.js';
import { apart, asGiven, joined, sideBySide, timeMajor } from './layer-forms.js';
import { settingsOf, type LayerOptions, type SequenceOptions } from './layer-options.js';
import { checkRecord, namedRecords, recordsOfRuns, type RunRecords } from './layer-records.js';
import { runsOf, type LayerRun } from './layer-runs.js';
import { listed } from '../describe.js';
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
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** Size of the projected output of an LSTM; 0 without a projection. */
  readonly projSize: number;
  readonly #kind: LayerKind;
  readonly #runs: readonly LayerRun[];

  protected constructor(
    kind: LayerKind,
    inputSize: number,
    hiddenSize: number,
    projSize: number,
    options: LayerOptions,
  ) {
    super();
    const { name, gates } = kind;
    checkCount(name, 'inputSize', inputSize, 1);
    checkCount(name, 'hiddenSize', hiddenSize, 1);
    const settings = settingsOf(name, options);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
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
    this.#kind = kind;
    this.#runs = runsOf(this.numLayers, this.bidirectional ? 2 : 1);
    const { dtype, backend } = options;
    const make = (key: string, ...shape: number[]): void => {
      this.registerParameter(
        key,
        scope(() => new Parameter(zeros(shape, { dtype, backend }))),
      );
    };
    const rows = gates * hiddenSize;
    for (const { layer, names } of this.#runs) {
      make(names.weight_ih, rows, layer === 0 ? inputSize : this.#width(0) * this.#directions);
      make(names.weight_hh, rows, this.#width(0));
      if (this.bias) {
        make(names.bias_ih, rows);
        make(names.bias_hh, rows);
      }
      if (projSize > 0) make(names.weight_hr, projSize, hiddenSize);
    }
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  protected override extraRepr(): string {
    const { inputSize, hiddenSize, numLayers, projSize, bias, batchFirst, dropout: drop, bidirectional } = this;
    const options = listed({
      ...(projSize > 0 && { proj_size: projSize }),
      ...(numLayers > 1 && { num_layers: numLayers }),
      ...(!bias && { bias }),
      ...(batchFirst && { batch_first: batchFirst }),
      ...(drop > 0 && { dropout: drop }),
      ...(bidirectional && { bidirectional }),
    });
    return [inputSize, hiddenSize, ...(options === '' ? [] : [options])].join(', ');
  }

  /** The weights of every layer and direction. */
  protected stepWeights(): StepWeights[] {
    return this.#runs.map((run) => this.#weights(run));
  }

  /**
   * Runs a sequence through all layers.
   *
   * @param input - `[T, B, inputSize]` (`[B, T, inputSize]` with `batchFirst`), `[T, inputSize]`, or packed
   * @param state - the tensors of the initial state, `[numLayers * directions, B, width]` each; zeros unless given
   * @param options - `lengths`, `record`, `compile`
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
    const { name: owner, states: names } = this.#kind;
    checkOptions(owner, options, ['lengths', 'record', 'compile']);
    checkRecord(owner, options.record);
    const { lengths } = options;
    const { inputSize, batchFirst } = this;
    const sequence = checkSequence({ owner, inputSize, batchFirst, parameter: this.weight_ih_l0 }, input, lengths);
    if (state !== undefined) {
      const rules = names.map((name, i) => ({
        name,
        runs: this.#runs.length,
        width: this.#width(i),
        widthName: this.#width(i) === this.projSize ? 'projSize' : 'hiddenSize',
      }));
      checkStates(owner, state, rules, sequence);
    }
    return sequence;
  }

  #throughLayers(
    sequence: CheckedSequence,
    state: readonly Tensor[] | undefined,
    { record = [], compile }: SequenceOptions,
  ): [output: Tensor, states: Tensor[], records: Records] {
    const { batch, lengths } = sequence;
    const initial = this.#initialStates(state, batch);
    const wanted = this.#wanted(record);
    const records: [name: string, value: Tensor][] = [];
    const finals: (readonly Tensor[])[] = [];
    let below = timeMajor(sequence);
    let outputs: Tensor[] = [];
    this.#runs.forEach((run, i) => {
      const { layer, isReverse } = run;
      if (layer > 0 && !isReverse) {
        below = dropout(sideBySide(outputs), { p: this.dropout, training: this.training });
        outputs = [];
      }
      const options = { parameters: this.#weights(run), lengths, reverse: isReverse, compile };
      if (wanted === undefined || wanted[i].taps.length === 0) {
        const [ys, last] = scan(this.#kind.step, below, initial[i], options);
        outputs.push(ys);
        finals.push(last);
        return;
      }
      const [ys, last, values] = scan(this.#kind.step, below, initial[i], { ...options, record: wanted[i].taps });
      outputs.push(ys);
      finals.push(last);
      records.push(...namedRecords(wanted[i], values, (value) => asGiven(value, sequence)));
    });
    const states = this.#kind.states.map((_, i) => joined(finals.map((final) => final[i])));
    return [
      asGiven(sideBySide(outputs), sequence),
      batch === undefined ? states.map((tensor) => tensor.squeeze(1)) : states,
      Object.fromEntries(records),
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
    const { batch, lengths, steps } = sequence;
    const initial = this.#initialStates(state, batch);
    const wanted = this.#wanted(record);
    const { dtype, backend } = this.weight_ih_l0;
    const below = zeros([steps, batch ?? 1, this.#width(0) * this.#directions], {
      dtype,
      backend,
      requiresGrad: isGradEnabled() && (sequence.x.requiresGrad || this.parameters().some((p) => p.requiresGrad)),
    });
    const x = timeMajor(sequence);
    return this.#runs.map((run, i) => ({
      name: run.suffix.slice(1),
      ...explain(this.#kind.step, run.layer === 0 ? x : below, initial[i], {
        parameters: this.#weights(run),
        lengths,
        reverse: run.isReverse,
        record: wanted?.[i].taps,
        compile,
      }),
    }));
  }

  /** One list of tensors for every layer and direction. */
  #initialStates(state: readonly Tensor[] | undefined, batch: number | undefined): (readonly Tensor[])[] {
    if (state === undefined) {
      const { dtype, backend } = this.weight_ih_l0;
      const start = this.#kind.states.map((_, i) => zeros([batch ?? 1, this.#width(i)], { dtype, backend }));
      return this.#runs.map(() => start);
    }
    const parts = state.map((tensor) => apart(batch === undefined ? tensor.unsqueeze(1) : tensor));
    return this.#runs.map((_, run) => parts.map((part) => part[run]));
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

  get #directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** Features of a tensor of the state: a projection makes the first one, the hidden state, smaller. */
  #width(state: number): number {
    return state === 0 && this.projSize > 0 ? this.projSize : this.hiddenSize;
  }
}

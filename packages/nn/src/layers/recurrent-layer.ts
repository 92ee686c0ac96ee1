import { concat, scan, scope, stack, zeros, type Step, type Tensor } from '@rnn/core';
import type { StepWeights } from '../cells/recurrent-cell.js';
import { dropout } from '../dropout.js';
import { uniform_ } from '../init/index.js';
import { Module } from '../module.js';
import { checkOptions, checkSize } from '../options.js';
import { Parameter } from '../parameter.js';
import { PackedSequence } from '../sequences/packed-sequence.js';
import { checkSequence, checkStates, type CheckedSequence } from './layer-checks.js';
import { settingsOf, type LayerOptions, type SequenceOptions } from './layer-options.js';

/** One layer's step in one direction: the state is a list, the output its first tensor. */
type LayerStep = Step<Tensor, readonly Tensor[], Tensor, StepWeights>;

/** What tells RNN, LSTM and GRU apart. */
export interface LayerKind {
  readonly name: string;
  /** How many weights are stacked. */
  readonly gates: number;
  /** Names of the tensors of the state, the hidden state first. */
  readonly states: readonly string[];
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

  protected constructor(
    kind: LayerKind,
    inputSize: number,
    hiddenSize: number,
    projSize: number,
    options: LayerOptions,
  ) {
    super();
    const { name, gates } = kind;
    checkSize(name, 'inputSize', inputSize);
    checkSize(name, 'hiddenSize', hiddenSize);
    const settings = settingsOf(name, options);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = settings.numLayers;
    this.bias = settings.bias;
    this.batchFirst = settings.batchFirst;
    this.dropout = settings.dropout;
    this.bidirectional = settings.bidirectional;
    this.projSize = projSize;
    this.#kind = kind;
    const { dtype, backend } = options;
    const make = (key: string, ...shape: number[]): void => {
      this.registerParameter(
        key,
        scope(() => new Parameter(zeros(shape, { dtype, backend }))),
      );
    };
    const rows = gates * hiddenSize;
    for (let layer = 0; layer < this.numLayers; layer++) {
      for (const suffix of this.#suffixes(layer)) {
        make(`weight_ih${suffix}`, rows, layer === 0 ? inputSize : this.#width(0) * this.#directions);
        make(`weight_hh${suffix}`, rows, this.#width(0));
        if (this.bias) {
          make(`bias_ih${suffix}`, rows);
          make(`bias_hh${suffix}`, rows);
        }
        if (projSize > 0) make(`weight_hr${suffix}`, projSize, hiddenSize);
      }
    }
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /** The weights of every layer and direction. */
  protected stepWeights(): StepWeights[] {
    return Array.from({ length: this.numLayers }, (_, layer) => this.#suffixes(layer)).flatMap((suffixes) =>
      suffixes.map((suffix) => this.#weights(suffix)),
    );
  }

  /**
   * Runs a sequence through all layers.
   *
   * @param input - `[T, B, inputSize]` (`[B, T, inputSize]` with `batchFirst`), `[T, inputSize]`, or packed
   * @param state - the tensors of the initial state, `[numLayers * directions, B, width]` each; zeros unless given
   * @param options - `lengths`
   * @returns the last layer's output in the form of the input, and the final states in the form of the initial ones
   */
  protected run(
    input: Tensor | PackedSequence,
    state: readonly Tensor[] | undefined,
    options: SequenceOptions = {},
  ): [output: Tensor | PackedSequence, states: Tensor[]] {
    const { name: owner, states: names } = this.#kind;
    checkOptions(owner, options, ['lengths']);
    const { lengths } = options;
    const { inputSize, batchFirst } = this;
    const sequence = checkSequence({ owner, inputSize, batchFirst, parameter: this.weight_ih_l0 }, input, lengths);
    if (state !== undefined) {
      const rules = names.map((name, i) => ({
        name,
        runs: this.numLayers * this.#directions,
        width: this.#width(i),
        widthName: this.#width(i) === this.projSize ? 'projSize' : 'hiddenSize',
      }));
      checkStates(owner, state, rules, sequence);
    }
    const [output, states] = scope(() => this.#throughLayers(sequence, state));
    return [input instanceof PackedSequence ? new PackedSequence(output, input.lengths) : output, states];
  }

  #throughLayers(sequence: CheckedSequence, state: readonly Tensor[] | undefined): [output: Tensor, states: Tensor[]] {
    const { batch, lengths } = sequence;
    const initial = this.#initialStates(state, batch);
    const finals: (readonly Tensor[])[] = [];
    let current = timeMajor(sequence);
    for (let layer = 0; layer < this.numLayers; layer++) {
      const x = layer === 0 ? current : dropout(current, { p: this.dropout, training: this.training });
      const outputs = this.#suffixes(layer).map((suffix, direction) => {
        const run = layer * this.#directions + direction;
        const parameters = this.#weights(suffix);
        const [ys, last] = scan(this.#kind.step, x, initial[run], { parameters, lengths, reverse: direction === 1 });
        finals.push(last);
        return ys;
      });
      current = outputs.length === 1 ? outputs[0] : concat(outputs, -1);
    }
    const states = this.#kind.states.map((_, i) => joined(finals.map((final) => final[i])));
    return [asGiven(current, sequence), batch === undefined ? states.map((tensor) => tensor.squeeze(1)) : states];
  }

  /** One list of tensors for every layer and direction. */
  #initialStates(state: readonly Tensor[] | undefined, batch: number | undefined): (readonly Tensor[])[] {
    const runs = this.numLayers * this.#directions;
    if (state === undefined) {
      const { dtype, backend } = this.weight_ih_l0;
      const start = this.#kind.states.map((_, i) => zeros([batch ?? 1, this.#width(i)], { dtype, backend }));
      return Array.from({ length: runs }, () => start);
    }
    const parts = state.map((tensor) => apart(batch === undefined ? tensor.unsqueeze(1) : tensor));
    return Array.from({ length: runs }, (_, run) => parts.map((part) => part[run]));
  }

  #weights(suffix: string): StepWeights {
    return {
      weight_ih: this[`weight_ih${suffix}`],
      weight_hh: this[`weight_hh${suffix}`],
      bias_ih: this.bias ? this[`bias_ih${suffix}`] : undefined,
      bias_hh: this.bias ? this[`bias_hh${suffix}`] : undefined,
      weight_hr: this.projSize > 0 ? this[`weight_hr${suffix}`] : undefined,
    };
  }

  /** The ends of the parameters' names in one layer, one for each direction. */
  #suffixes(layer: number): string[] {
    return this.bidirectional ? [`_l${layer}`, `_l${layer}_reverse`] : [`_l${layer}`];
  }

  get #directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** Features of a tensor of the state: a projection makes the first one, the hidden state, smaller. */
  #width(state: number): number {
    return state === 0 && this.projSize > 0 ? this.projSize : this.hiddenSize;
  }
}

/** A sequence as `scan` walks it, `[T, B, ...]`. */
function timeMajor({ x, batch, batchFirst }: CheckedSequence): Tensor {
  if (batch === undefined) return x.unsqueeze(1);
  return batchFirst ? x.transpose(0, 1) : x;
}

/** An output `[T, B, ...]` in the form of the input. */
function asGiven(output: Tensor, { batch, batchFirst }: CheckedSequence): Tensor {
  if (batch === undefined) return output.squeeze(1);
  return batchFirst ? output.transpose(0, 1) : output;
}

/** `stack`, which for a single tensor copies nothing. */
function joined(tensors: readonly Tensor[]): Tensor {
  return tensors.length === 1 ? tensors[0].unsqueeze(0) : stack(tensors);
}

/** `unbind`, which for a single part copies nothing. */
function apart(tensor: Tensor): Tensor[] {
  return tensor.shape[0] === 1 ? [tensor.squeeze(0)] : tensor.unbind(0);
}

import { scope, zeros, type Tensor, type Tensors } from '@rnn/core';
import { uniform_ } from '../init/index.js';
import { checkFeatures, checkNotEmpty, checkPlace, checkRank, checkShapeIs, checkTensor } from '../input-checks.js';
import { Module } from '../module.js';
import { checkFlag, checkSize, type PlaceOptions } from '../options.js';
import { Parameter } from '../parameter.js';

/**
 * What `Recurrent` runs over a sequence: a step from an input and the state before to the state after. Any module (or object) with such a
 * `forward` is one. The state is a tensor or a list of tensors; the first of them is the output.
 */
export interface Cell<S extends Tensors = Tensor> {
  /**
   * One step: `x` is `[B, ...]` (or without the batch), every tensor of the state likewise. What it returns is the type of the state; as an
   * argument the state may be optional or read-only.
   */
  forward(x: Tensor, state: NoInfer<S>): S;
  /** The state before the first step, for a batch or for a single sequence. Without it the caller gives the state. */
  initialState?(batch?: number): NoInfer<S>;
}

/** The weights of one step. Gates are stacked along the first dimension, as PyTorch stacks them. */
export interface StepWeights {
  /** [gates * hiddenSize, inputSize] */
  readonly weight_ih: Tensor;
  /** [gates * hiddenSize, hiddenSize] (the projected size, if there is a projection) */
  readonly weight_hh: Tensor;
  /** [gates * hiddenSize] */
  readonly bias_ih?: Tensor | undefined;
  /** [gates * hiddenSize] */
  readonly bias_hh?: Tensor | undefined;
  /** [projSize, hiddenSize]: the projection of an LSTM's output. */
  readonly weight_hr?: Tensor | undefined;
}

/** What the built-in cells take. */
export interface CellOptions extends PlaceOptions {
  /** Whether the two biases are added. */
  readonly bias?: boolean;
}

/** What tells the built-in cells apart, for their common base. */
interface CellKind {
  readonly name: string;
  /** How many weights are stacked. */
  readonly gates: number;
}

/**
 * What the built-in cells have in common: sizes, weights and checks.
 *
 * Parameters: `weight_ih` [gates * hiddenSize, inputSize], `weight_hh` [gates * hiddenSize, hiddenSize], `bias_ih` and `bias_hh`
 * [gates * hiddenSize], all uniform within ± 1/√hiddenSize, as in PyTorch.
 */
export abstract class RecurrentCell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weight_ih: Parameter;
  weight_hh: Parameter;
  bias_ih: Parameter | undefined;
  bias_hh: Parameter | undefined;
  readonly #kind: CellKind;

  protected constructor(
    kind: CellKind,
    inputSize: number,
    hiddenSize: number,
    { bias = true, dtype, backend }: CellOptions,
  ) {
    super();
    checkSize(kind.name, 'inputSize', inputSize);
    checkSize(kind.name, 'hiddenSize', hiddenSize);
    checkFlag(kind.name, 'bias', bias);
    const rows = kind.gates * hiddenSize;
    const made = (...shape: number[]): Parameter => scope(() => new Parameter(zeros(shape, { dtype, backend })));
    this.#kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.weight_ih = made(rows, inputSize);
    this.weight_hh = made(rows, hiddenSize);
    this.bias_ih = bias ? made(rows) : undefined;
    this.bias_hh = bias ? made(rows) : undefined;
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /** Zeros for one tensor of the state. */
  protected zeroState(batch: number | undefined): Tensor {
    const { dtype, backend } = this.weight_hh;
    return zeros(batch === undefined ? [this.hiddenSize] : [batch, this.hiddenSize], { dtype, backend });
  }

  /**
   * Refuses an input or a state that this cell cannot take. Reads shapes only, so that a step can be traced.
   *
   * @returns the batch size, `undefined` without a batch
   */
  protected checkStep(x: Tensor, state: Readonly<Record<string, Tensor | undefined>>): number | undefined {
    const { name } = this.#kind;
    const form = `[B, ${this.inputSize}] or [${this.inputSize}]`;
    checkTensor(name, 'input', x);
    checkRank(name, x, [1, 2], form);
    checkFeatures(name, x, { size: this.inputSize, name: 'inputSize', form });
    checkNotEmpty(name, x, form);
    const shape = [...x.shape.slice(0, -1), this.hiddenSize];
    for (const [argument, tensor] of Object.entries(state)) {
      if (tensor === undefined) continue;
      checkTensor(name, argument, tensor);
      checkShapeIs(name, argument, tensor, shape, x.rank === 1 ? 'hiddenSize' : 'batch, hiddenSize');
      checkPlace(name, argument, tensor, x);
    }
    return x.rank === 2 ? x.shape[0] : undefined;
  }
}

import { linear, scope, zeros, type Tensor } from '@rnn/core';
import { checkCount, checkFlag, checkPlace, checkShapeIs, checkTensor } from '@rnn/core/checks';
import { uniform_ } from '../init/index.js';
import { checkFeatures, checkNotEmpty, checkRank } from '../input-checks.js';
import { Module } from '../module.js';
import { placeOptions, type PlaceOptions } from '../options.js';
import { Parameter } from '../parameter.js';
import { checkRecurrentDropout, stepDropout, type RecurrentDropout, type StepDropout } from './recurrent-dropout.js';

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
  /** Whether biases are added. */
  readonly bias?: boolean;
  /**
   * What is dropped in each step of a training; a number drops that share of the candidates (in
   * `RNNCell`, of the state).
   */
  readonly recurrentDropout?: number | RecurrentDropout;
}

/** The names of `CellOptions`, for `checkOptions`. */
export const cellOptions: readonly string[] = /* @__PURE__ */ ['bias', 'recurrentDropout'].concat(placeOptions);

/** What tells the built-in cells apart, for their common base. */
export interface CellKind {
  readonly name: string;
  /** How many weights are stacked. */
  readonly gates: number;
  /** What `recurrentDropout` drops unless it says. */
  readonly drops?: 'candidate' | 'state';
}

/**
 * What the built-in cells have in common: sizes, weights and checks.
 *
 * Parameters: `weight_ih` [gates * hiddenSize, inputSize], `weight_hh` [gates * hiddenSize,
 * hiddenSize], `bias_ih` and `bias_hh` [gates * hiddenSize], all uniform within ± 1/√hiddenSize, as
 * in PyTorch.
 *
 * @example
 * ```ts
 * const cells: RecurrentCell[] = [new RNNCell(3, 4), new LSTMCell(3, 4)];
 * cells.map(({ weight_ih }) => weight_ih.shape[0]); // [4, 16]
 * ```
 */
export abstract class RecurrentCell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weight_ih: Parameter;
  weight_hh: Parameter;
  bias_ih: Parameter | undefined;
  bias_hh: Parameter | undefined;
  /** What is dropped in training mode; nothing unless the option says so. */
  readonly recurrentDropout: Required<RecurrentDropout> | undefined;

  protected constructor(
    inputSize: number,
    hiddenSize: number,
    { bias = true, recurrentDropout, dtype, backend }: CellOptions,
  ) {
    super();
    const kind = this.kind();
    checkCount(kind.name, 'inputSize', inputSize, 1);
    checkCount(kind.name, 'hiddenSize', hiddenSize, 1);
    checkFlag(kind.name, 'bias', bias);
    const rows = kind.gates * hiddenSize;
    const made = (...shape: number[]): Parameter => scope(() => new Parameter(zeros(shape, { dtype, backend })));
    this.recurrentDropout = checkRecurrentDropout(kind.name, recurrentDropout, kind.drops ?? 'candidate');
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.weight_ih = made(rows, inputSize);
    this.weight_hh = made(rows, hiddenSize);
    this.bias_ih = bias ? made(rows) : undefined;
    this.bias_hh = bias ? made(rows) : undefined;
  }

  /**
   * Steps depend on nothing but arguments and fields: see `Cell`. A subclass whose step depends on
   * more has to say `false`.
   */
  get pure(): boolean {
    return true;
  }

  /** What tells this kind of cell apart. */
  protected abstract kind(): CellKind;

  /** What a step calls on the values that `recurrentDropout` may drop. */
  protected get drop(): StepDropout {
    return stepDropout(this.recurrentDropout, this.training);
  }

  /** What comes from the input to all gates, `[..., gates * hiddenSize]`. */
  protected fromInput(x: Tensor): Tensor {
    return linear(x, this.weight_ih, this.bias_ih);
  }

  /** What comes from the state to all gates, `[..., gates * hiddenSize]`. */
  protected fromState(h: Tensor): Tensor {
    return linear(this.drop.state(h), this.weight_hh, this.bias_hh);
  }

  /** A parameter that a kind of cell has besides. */
  protected extraParameter(...shape: number[]): Parameter {
    const { dtype, backend } = this.weight_hh;
    return scope(() => new Parameter(zeros(shape, { dtype, backend })));
  }

  protected override extraRepr(): string {
    const { inputSize, hiddenSize, bias_ih } = this;
    return `${inputSize}, ${hiddenSize}${bias_ih === undefined ? ', bias=False' : ''}`;
  }

  /**
   * Draws the parameters anew.
   *
   * @example
   * ```ts
   * const cell = new GRUCell(3, 4);
   * cell.resetParameters(); // as if it were made now
   * ```
   */
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
   * Refuses an input or a state that this cell cannot take. Reads shapes only, so that a step can
   * be traced.
   *
   * @returns the batch size, `undefined` without a batch
   */
  protected checkStep(x: Tensor, state: Readonly<Record<string, Tensor | undefined>>): number | undefined {
    const { name } = this.kind();
    checkTensor(name, 'input', x);
    const { rank } = x;
    // The messages are put together only where there is one.
    if (rank < 1 || rank > 2 || x.shape[rank - 1] !== this.inputSize || x.size === 0) {
      const form = `[B, ${this.inputSize}] or [${this.inputSize}]`;
      checkRank(name, x, [1, 2], form);
      checkFeatures(name, x, { size: this.inputSize, name: 'inputSize', form });
      checkNotEmpty(name, x, form);
    }
    checkPlace(name, 'input', x, this.weight_ih, 'the parameters');
    const shape = [...x.shape.slice(0, -1), this.hiddenSize];
    for (const argument in state) {
      const tensor = state[argument];
      if (tensor === undefined) continue;
      checkTensor(name, argument, tensor, true);
      checkShapeIs(name, argument, tensor, shape, x.rank === 1 ? 'hiddenSize' : 'batch, hiddenSize');
      checkPlace(name, argument, tensor, x);
    }
    return x.rank === 2 ? x.shape[0] : undefined;
  }
}

import { compileFn, linear, scope, zeros, type Tensor } from '@rnn/core';
import { checkCount, checkFlag, checkOptions, checkPlace, checkShapeIs, checkTensor } from '@rnn/core/checks';
import { uniform_ } from '../init/index.js';
import { checkFeatures, checkNotEmpty, checkRank } from '../input-checks.js';
import { Module } from '../module.js';
import { placeOptions, type PlaceOptions } from '../options.js';
import { Parameter } from '../parameter.js';

/** What cells take whose gates see the input alone. */
export interface InputGatedCellOptions extends PlaceOptions {
  /** Whether a bias is added. */
  readonly bias?: boolean;
}

/**
 * What cells have in common whose gates see the input alone, not the state: a step is linear in the
 * state, and all products come before the loop over time.
 *
 * Parameters: `weight_ih` [gates * hiddenSize, inputSize] and `bias_ih` [gates * hiddenSize], both
 * uniform within ± 1/√inputSize.
 *
 * @example
 * ```ts
 * const cell: InputGatedCell = new MinGRUCell(3, 4);
 * cell.forward(zeros([2, 3])).shape; // [2, 4]
 * ```
 */
export abstract class InputGatedCell extends Module {
  static readonly #run = /* @__PURE__ */ compileFn(([x, h]: readonly Tensor[], cell: InputGatedCell) =>
    cell.next(x, h),
  );

  readonly inputSize: number;
  readonly hiddenSize: number;
  weight_ih: Parameter;
  bias_ih: Parameter | undefined;

  protected constructor(inputSize: number, hiddenSize: number, gates: number, options: InputGatedCellOptions) {
    super();
    const owner = this.kindName();
    checkOptions(owner, options, ['bias', ...placeOptions]);
    const { bias = true, ...place } = options;
    checkCount(owner, 'inputSize', inputSize, 1);
    checkCount(owner, 'hiddenSize', hiddenSize, 1);
    checkFlag(owner, 'bias', bias);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.weight_ih = scope(() => new Parameter(zeros([gates * hiddenSize, inputSize], place)));
    this.bias_ih = bias ? scope(() => new Parameter(zeros([gates * hiddenSize], place))) : undefined;
    this.resetParameters();
  }

  /** The class's name, for messages. */
  protected abstract kindName(): string;

  /**
   * The state after, from what `weight_ih` makes of the input, `[..., gates * hiddenSize]`, and the
   * state before.
   */
  protected abstract step(gates: Tensor, h: Tensor): Tensor;

  /**
   * Steps depend on nothing but arguments and fields: see `Cell`. A subclass whose step depends on
   * more has to say `false`.
   */
  get pure(): boolean {
    return true;
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
   * const cell = new MinGRUCell(3, 4);
   * cell.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.inputSize);
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound);
  }

  /**
   * Zeros, `[batch, hiddenSize]` or `[hiddenSize]`.
   *
   * @example
   * ```ts
   * new MinGRUCell(3, 4).initialState(2).shape; // [2, 4]
   * ```
   */
  initialState(batch?: number): Tensor {
    const { dtype, backend } = this.weight_ih;
    return zeros(batch === undefined ? [this.hiddenSize] : [batch, this.hiddenSize], { dtype, backend });
  }

  /**
   * @param x - `[B, inputSize]` or `[inputSize]`
   * @param h - the state before, `[B, hiddenSize]` or `[hiddenSize]`; zeros unless given
   * @returns the state after, of the same shape
   * @throws ShapeError when sizes do not fit
   */
  forward(x: Tensor, h?: Tensor): Tensor {
    // A call that came before has passed the checks.
    const bound = h === undefined ? undefined : InputGatedCell.#run.bound([x, h], this);
    if (bound !== undefined) return bound;
    const owner = this.kindName();
    checkTensor(owner, 'input', x);
    const form = `[B, ${this.inputSize}] or [${this.inputSize}]`;
    checkRank(owner, x, [1, 2], form);
    checkFeatures(owner, x, { size: this.inputSize, name: 'inputSize', form });
    checkNotEmpty(owner, x, form);
    checkPlace(owner, 'input', x, this.weight_ih, 'the parameters');
    if (h !== undefined) {
      checkTensor(owner, 'h', h, true);
      const meaning = x.rank === 1 ? 'hiddenSize' : 'batch, hiddenSize';
      checkShapeIs(owner, 'h', h, [...x.shape.slice(0, -1), this.hiddenSize], meaning);
      checkPlace(owner, 'h', h, x);
    }
    return scope(() => {
      const before = h ?? this.initialState(x.rank === 2 ? x.shape[0] : undefined);
      return this.pure ? InputGatedCell.#run([x, before], this) : this.next(x, before);
    });
  }

  private next(x: Tensor, h: Tensor): Tensor {
    return this.step(linear(x, this.weight_ih, this.bias_ih), h);
  }
}

import {
  type Backend,
  detach,
  type DType,
  explain,
  fromData,
  scan,
  type Shape,
  ShapeError,
  sizeOf,
  squeeze,
  type Tensor,
  type TensorOptions,
  transpose,
  type Tree,
  type TypedArray,
  unsqueeze,
} from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { zerosLikeArray, type TypedHostArray } from '../host-array.js';
import { disposeTree, leavesOf, withLeaves } from '../tree.js';
import { StepRunner, type SequenceStep } from './carried-state.js';

/** A state of several rows as a list of tensors `[B, ...]`, whatever form it has for the model. */
export type RowState = readonly Tensor[];

interface RowArguments {
  readonly samples: TypedHostArray;
  readonly state: RowState | undefined;
}

/** What is known of a model's state from its first step on. */
interface StateForm<S> {
  /** The tree, with tensors that are gone. */
  readonly tree: S;
  /** Which dimension of each tensor counts the rows. */
  readonly dims: readonly number[];
}

/**
 * Up to so many rows the step of a model is one program, which saves calls. The program is of one
 * size and takes all rows for one, so that from some eight rows on the programs of the layers,
 * which know rows, take half the time, and another number of rows costs no compilation.
 */
const ONE_PROGRAM_ROWS = 4;

/** A model as a step over rows: one program of the backend where the whole step can be compiled. */
export class RowStep<M extends Module, S extends Tree> {
  private readonly owner: string;
  private readonly runner: StepRunner<M, S>;
  private form: StateForm<S> | undefined;
  /** How steps after the first run: known from the second one on. */
  private mode: 'compiled' | 'eager' | undefined;
  private readonly first: Tensor | undefined;
  private readonly options: { readonly parameters: M; readonly compile: 'auto' };
  private readonly evaluated: () => [output: Tensor, state: RowState];
  /** What `run` was called with; a field, so that its calls make no closures. */
  private arguments: RowArguments | undefined;
  /** The shape and the place of the last input: the next one mostly has the same. */
  private shape: Shape = [];
  private place: TensorOptions = {};

  constructor(owner: string, model: M, step: SequenceStep<M, S>) {
    this.owner = owner;
    this.runner = new StepRunner(owner, model, step);
    [this.first] = model.parameters();
    this.options = { parameters: model, compile: 'auto' };
    this.evaluated = this.runner.evaluated(() => this.advance());
  }

  /** Where the model is: it may move. */
  get backend(): Backend | undefined {
    return this.first?.backend;
  }

  /**
   * Makes a step.
   *
   * @param samples - `[B, ...]`
   * @param state - of B rows; it stays with the caller. Without it the rows begin
   * @returns the output, a row for each sample, and the state after the step; the caller frees both
   */
  run(samples: TypedHostArray, state: RowState | undefined): [output: Tensor, state: RowState] {
    this.form ??= this.formOf(samples);
    this.arguments = { samples, state };
    return this.evaluated();
  }

  /** The step of `run`, in evaluation mode. */
  private readonly advance = (): [output: Tensor, state: RowState] => {
    const { samples, state } = this.arguments as RowArguments;
    this.arguments = undefined;
    const x = this.input(samples);
    if (state === undefined || samples.shape[0] > ONE_PROGRAM_ROWS || this.modeOf(x, state) === 'eager') {
      // A model may give one tensor twice, or one of its parameters.
      const [output, next] = this.rowsOf(this.form as StateForm<S>, x, state);
      return [detach(output).keep(), next.map((part) => detach(part).keep())];
    }
    const [output, next] = scan(this.step, x, state, this.options);
    for (let i = 0; i < next.length; i++) next[i].keep();
    return [output.keep(), next];
  };

  /** Samples as a sequence of one step. */
  private input({ shape, data }: TypedHostArray): Tensor {
    const { backend } = this;
    if (this.place.backend !== backend) this.place = { backend };
    let isKnown = this.shape.length === shape.length + 1;
    for (let i = 0; isKnown && i < shape.length; i++) isKnown = this.shape[i + 1] === shape[i];
    if (!isKnown) this.shape = [1, ...shape];
    const dtype = this.otherType(data);
    return fromData(data, this.shape, dtype === undefined ? this.place : { backend, dtype });
  }

  /** The model's type where samples have another; indices are no numbers to compute with. */
  private otherType(data: TypedArray): DType | undefined {
    const own = this.first?.dtype;
    if (own === undefined || data instanceof Int32Array) return undefined;
    return (data.BYTES_PER_ELEMENT === 8) === (own === 'float64') ? undefined : own;
  }

  /** Refuses a state that the model does not have. */
  checkState(state: RowState): void {
    if (this.form === undefined) return; // the model's first step will look at it
    const { tree, dims } = this.form;
    const expected = leavesOf(tree).map(({ shape }, i) => swapped(shape, dims[i]));
    const text = (shapes: readonly Shape[]): string => shapes.map((shape) => `[${shape.join(', ')}]`).join(', ');
    const [received, wanted] = [text(state.map(({ shape }) => shape)), text(expected)];
    if (received !== wanted) refuse(ShapeError, this.owner, 'saved', { has: 'shapes', received, expected: wanted });
  }

  /** The step as `scan` takes it. */
  private readonly step = (x: Tensor, state: RowState, model: M): [output: Tensor, state: RowState] => {
    const { form } = this;
    if (form === undefined) throw new TypeError('the form of a state is known before it is carried');
    return this.rowsOf(form, unsqueeze(x, 0), state, model);
  };

  /** The model's own step, with the rows in front in all that goes out and in. */
  private rowsOf(
    { tree, dims }: StateForm<S>,
    x: Tensor,
    state: RowState | undefined,
    model: M = this.options.parameters,
  ): [output: Tensor, state: RowState] {
    const rows = x.shape[1];
    const before =
      state &&
      withLeaves(
        tree,
        state.map((part, i) => transpose(part, 0, dims[i])),
      );
    const [output, next] = this.runner.call(model, x, before);
    const [first, second] = output.shape;
    if (first !== rows && (first !== 1 || second !== rows)) {
      const received = `[${output.shape.join(', ')}]`;
      const expected = `[1, ${rows}, ...] or [${rows}, ...], a row for each session`;
      refuse(ShapeError, this.owner, 'output', { has: 'shape', received, expected });
    }
    const leaves = leavesOf(next).map((part, i) => transpose(part, 0, dims[i]));
    return [first === rows ? output : squeeze(output, 0), leaves];
  }

  private modeOf(x: Tensor, state: RowState): 'compiled' | 'eager' {
    return (this.mode ??= explain(this.step, x, state, this.options).mode);
  }

  /** Finds out by steps of zeros in which dimensions states of one row and of two differ. */
  private formOf({ shape: [, ...features], data }: TypedHostArray): StateForm<S> {
    const stateOf = (rows: number): S => {
      const shape = [1, rows, ...features];
      const place = { backend: this.backend, dtype: this.otherType(data) };
      const zeros = (): Tensor => fromData(zerosLikeArray(data, sizeOf(shape)), shape, place);
      const [output, state] = this.runner.run(zeros, undefined);
      disposeTree([output, state]);
      return state;
    };
    const tree = stateOf(1);
    const two = leavesOf(stateOf(2));
    const dims = leavesOf(tree).map(({ shape }, i) => {
      const dim = shape.findIndex((size, d) => size === 1 && two[i]?.shape[d] === 2);
      if (dim >= 0) return dim;
      const received = `[${shape.join(', ')}] for one row and [${two[i]?.shape.join(', ')}] for two`;
      const expected = 'a dimension that counts the rows';
      return refuse(ShapeError, this.owner, 'the state', { has: 'shape', received, expected });
    });
    return { tree, dims };
  }
}

function swapped(shape: Shape, dim: number): Shape {
  const result = [...shape];
  [result[0], result[dim]] = [shape[dim], shape[0]];
  return result;
}

/** What `explain` and `lower` give. */
import type { Backend, Storage } from './backend.js';
import type { DType } from './dtype.js';
import type { Program } from './program.js';
import type { Shape } from './shape.js';
import type { Tensor } from './tensor.js';

/**
 * The new value of a carried tensor as a function of the carried tensors before the step:
 *
 * - `elementwise`: `h' = a * h + b`, feature by feature, of itself alone;
 * - `linear`: a linear map of any of them plus a summand, `h' = W h + b`;
 * - `nonlinear`: anything else.
 *
 * `a`, `W` and `b` may depend on the inputs of the step, not on what is carried. Each kind includes
 * those before it; a step whose carries are all `elementwise` or `linear` is a linear recurrence.
 */
export type CarryKind = 'elementwise' | 'linear' | 'nonlinear';

/** What `explain` says of a step. */
export interface Explanation {
  readonly mode: 'compiled' | 'eager';
  /** Why it is eager; `undefined` where it is compiled. */
  readonly reason: string | undefined;
  /** Products before the loop, in it and after it, for a forward pass. */
  readonly products: { readonly before: number; readonly loop: number; readonly after: number };
  /**
   * One for each tensor of the state, in its order: how a step changes it. Empty where the mode is
   * eager or no state is carried.
   */
  readonly carry: readonly CarryKind[];
  /** The programs in words, after a line with the kinds of the carried tensors. */
  readonly text: string;
}

/**
 * A program with the names of its operands and outputs, in the program's order. Names are those of
 * one `Lowered`.
 */
export interface LoweredStage {
  /**
   * `once`: of what is the same at all steps; `before` and `after` the loop: for all steps at once;
   * `loop`: step after step.
   */
  readonly when: 'once' | 'before' | 'loop' | 'after';
  readonly program: Program;
  readonly xs: readonly string[];
  readonly perRow: readonly string[];
  readonly consts: readonly string[];
  readonly ys: readonly string[];
}

/** A value that one call of a primitive, or one sum over rows and steps, makes of others. */
export interface LoweredCall {
  readonly name: string;
  readonly kind: 'primitive' | 'sumRows' | 'productRows';
  readonly inputs: readonly string[];
  /** What is computed, in words. */
  readonly text: string;
  /** Performs a primitive; `undefined` for sums, whose operands are batched values. */
  readonly run: ((backend: Backend, inputs: readonly Storage[]) => Storage) | undefined;
}

/** What runs, in this order: calls on weights, stages, sums. */
export interface LoweredPass {
  readonly constants: readonly LoweredCall[];
  readonly stages: readonly LoweredStage[];
  readonly reduced: readonly LoweredCall[];
}

/** A tensor that goes in, without time and batch. */
export interface LoweredInput {
  readonly name: string;
  readonly width: number;
  readonly dtype: DType;
}

/** What `lower` gives. */
export interface Lowered {
  readonly inputs: readonly LoweredInput[];
  readonly states: readonly LoweredInput[];
  /** Random tensors that the step draws: further stacked inputs. */
  readonly drawn: readonly LoweredInput[];
  /** Tensors that the step uses besides its arguments. */
  readonly captured: readonly { readonly name: string; readonly tensor: Tensor }[];
  /** The step's outputs, with a row's shape. */
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
  readonly reverse: boolean;
  readonly forward: LoweredPass;
  /**
   * Where a gradient is wanted: the forward pass that also keeps what the backward pass reads, and
   * the backward pass.
   */
  readonly training: { readonly forward: LoweredPass; readonly backward: LoweredPass } | undefined;
}

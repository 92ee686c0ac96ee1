/** A scan that is bound to the shapes of its tensors: see `bindScan`. */
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** The tensors of a scan in the shapes in which its caller has them. */
export interface ScanShapes {
  /** The sequence, the steps in front: without the batch where it is a single one. */
  readonly xs: Tensor;
  /** Of the outputs, between the steps and the features. */
  readonly batch: Shape;
  /** The tensors of the state before the first step; an empty list stands for zeros. */
  readonly state: readonly Tensor[];
  /** The shapes of the last state, as many elements as the state has. */
  readonly last: readonly Shape[];
}

/** A scan bound for a layer that makes the same call again and again. */
export interface BoundScan {
  /**
   * Whether a call is the one that was bound, but for the values and the number of steps. What its
   * step reads of parameters that are an object of some class is compared; the fields of a plain
   * object are the caller's care.
   *
   * @param xs - the sequence
   * @param state - the tensors of the state before the first step, an empty list for zeros; left
   *   out, all but the state is compared
   */
  serves(xs: Tensor, state?: readonly Tensor[]): boolean;
  /**
   * Runs a call that this serves.
   *
   * @param xs - the sequence
   * @param state - the state before the first step; zeros where the list is empty
   * @returns the outputs stacked over time, and the state after the last step
   */
  run(xs: Tensor, state: readonly Tensor[]): { readonly outputs: readonly Tensor[]; readonly last: readonly Tensor[] };
}

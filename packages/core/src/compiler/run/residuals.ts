/**
 * What a compiled run saves for its derivative, by name. The autograd graph keeps it as one list.
 */
import type { Tensor } from '../../tensor.js';

export interface Residuals {
  readonly inputs: readonly Tensor[];
  readonly states: readonly Tensor[];
  /** Tensors that the step used besides its arguments. */
  readonly captured: readonly Tensor[];
  /** Values of the forward pass that the backward pass reads. */
  readonly kept: readonly Tensor[];
  /**
   * Inputs of the backward pass that the run made: random numbers, and inputs without their
   * padding.
   */
  readonly made: readonly Tensor[];
}

/** How many there are of the first four. */
export type ResidualCounts = readonly [inputs: number, states: number, captured: number, kept: number];

export function countsOf({ inputs, states, captured, kept }: Residuals): ResidualCounts {
  return [inputs.length, states.length, captured.length, kept.length];
}

export function listOfResiduals({ inputs, states, captured, kept, made }: Residuals): readonly Tensor[] {
  return [...inputs, ...states, ...captured, ...kept, ...made];
}

/** The residuals of such a list. */
export function residualsOf(list: readonly Tensor[], counts: ResidualCounts): Residuals {
  let at = 0;
  const [inputs, states, captured, kept] = counts.map((count) => list.slice(at, (at += count)));
  return { inputs, states, captured, kept, made: list.slice(at) };
}

/** The tensors that gradients are asked of: inputs, states and captured ones. */
export function endsOf({ inputs, states, captured }: Residuals): readonly Tensor[] {
  return [...inputs, ...states, ...captured];
}

/**
 * The derivative of a compiled run, taken through single operations, so that it can be
 * differentiated again.
 */
import { grad } from '../../backward.js';
import { enableGrad } from '../../grad-mode.js';
import { add, mul } from '../../ops/arithmetic.js';
import { sum } from '../../ops/broadcast.js';
import { clone } from '../../ops/identity.js';
import type { Tensor } from '../../tensor.js';

/** What is to be derived, and by what. */
export interface StepwiseDerivative {
  /** Gradients of the results. */
  readonly grads: readonly (Tensor | undefined)[];
  /** The arguments and the captured tensors, as they were saved. */
  readonly ends: readonly Tensor[];
  /** Which of their gradients are wanted. */
  readonly wanted: readonly boolean[];
  /** Runs what was recorded by single operations, on the arguments and the captured tensors. */
  readonly run: (ends: readonly Tensor[]) => readonly Tensor[];
}

/**
 * Every argument and every captured tensor gets a place of its own in the graph: two of them may be
 * one tensor, and one may be made of another, but each is to get what comes to it directly.
 * Captured tensors have the values that were saved, also where the tensor itself was freed, or got
 * other values, in the meantime.
 *
 * @returns `undefined` for what is not wanted
 */
export function deriveBySteps({ grads, ends, wanted, run }: StepwiseDerivative): (Tensor | undefined)[] {
  return enableGrad(() => {
    const places = wanted.map((_, i) => clone(ends[i]));
    const terms = run(places).flatMap((result, i) => {
      const gradient = grads[i];
      return gradient === undefined || !result.requiresGrad ? [] : [sum(mul(result, gradient))];
    });
    if (terms.length === 0) return wanted.map(() => undefined);
    const total = terms.reduce((a, b) => add(a, b));
    const found = grad(
      total,
      places.filter((_, i) => wanted[i]),
      { createGraph: true },
    );
    let next = 0;
    return wanted.map((isWanted) => (isWanted ? found[next++] : undefined));
  });
}

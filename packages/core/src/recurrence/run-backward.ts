/** Runs the derivative of a step by its plan. */
import type { Backend, Storage } from '../backend.js';
import { wrap } from '../record.js';
import { Tensor } from '../tensor.js';
import { masked, maskOf, padded } from './masks.js';
import type { Plans } from './plans.js';
import { previousStates } from './previous-states.js';
import { readyBackward } from './ready-passes.js';
import type { Extent } from './ready-plan.js';

/** A backward pass that has come to a recorded program. */
export interface BackwardRun {
  readonly grads: readonly (Tensor | undefined)[];
  readonly saved: readonly Tensor[];
  readonly wanted: readonly boolean[];
  readonly run: Extent;
  readonly backend: Backend;
  readonly counts: readonly [inputs: number, states: number, captured: number];
  readonly isMasked: boolean;
}

/**
 * The gradients of inputs, states and captured tensors, in this order. To be called in a scope, which frees what is not handed on.
 *
 * @param plans - with a derivative
 * @param run - gradients of the results; what the forward pass saved: inputs, states, captured tensors, kept values and inputs that it made
 * @returns `undefined` for what is not wanted or zero
 */
export function runBackward(
  plans: Plans,
  { grads, saved, wanted, run, backend, counts, isMasked }: BackwardRun,
): (Tensor | undefined)[] {
  const [inputs, states, captured] = counts;
  const { plan, drawn, kept, shifted, keptInputs, hasPoles, seeds, results } = readyBackward(backend, plans);
  const all = inputs + states + captured;
  const mask = maskOf(backend, run);
  const filled = (size: number): Tensor => wrap(backend, backend.fill(0, size, saved[0].dtype), [size]);
  for (let i = 0; i < inputs; i++) plan.lend(i, saved[i].storage);
  let source = inputs + drawn;
  for (let i = 0; i < captured; i++) plan.lend(source++, saved[inputs + states + i].storage);
  const values = saved.slice(all, all + kept).map((value) => {
    if (mask === undefined || !hasPoles) return value;
    return wrap(backend, padded(backend, run, value.storage), [value.size]);
  });
  for (const value of values) plan.lend(source++, value.storage);
  for (const { state, kept: at } of shifted) {
    const [initial, after] = [saved[inputs + state], values[at].storage];
    const before =
      run.steps === 1
        ? initial
        : wrap(backend, previousStates(backend, after, initial.storage, run, plans.reverse), [after.size]);
    plan.lend(source++, before.storage);
  }
  // Inputs that the forward pass made: without their padding, or drawn.
  let at = all + kept;
  for (const input of keptInputs) if (isMasked || input >= inputs) plan.lend(input, saved[at++].storage);
  seeds.forEach((width, i) => {
    const gradient = grads[i];
    let seed: Tensor;
    if (gradient === undefined) seed = filled(run.steps * run.rows * width);
    else if (mask === undefined) seed = gradient;
    else seed = wrap(backend, masked(backend, mask, gradient.storage), gradient.shape);
    plan.lend(source++, seed.storage);
  });
  const carried = Array.from({ length: states }, (_, i) => {
    return (grads[seeds.length + i] ?? filled(saved[inputs + i].size)).storage;
  });
  const made: Storage[] = [];
  const last = plan.run(carried, run, made);
  const gradients = made.map((storage) => wrap(backend, storage, [storage.size]));
  const first = last.map((storage, i) => wrap(backend, storage, saved[inputs + i].shape));
  return wanted.map((isWanted, i) => {
    if (i >= inputs && i < inputs + states) return first[i - inputs];
    const at = results[i];
    return at === undefined || !isWanted ? undefined : new Tensor(gradients[at].held.retain(), saved[i].shape);
  });
}

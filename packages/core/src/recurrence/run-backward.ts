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
  const ready = readyBackward(backend, plans);
  const { plan, drawn, kept, shifted, keptInputs, hasPoles, seeds, results } = ready;
  const all = inputs + states + captured;
  const { dtype } = saved[0];
  const zerosLike = ({ shape, size }: Tensor): Tensor => wrap(backend, backend.fill(0, size, dtype), shape);
  // What a gradient was asked of, and reaches, has one, if only zeros.
  const ofEnds = (gradientOf: (end: number) => Tensor | undefined): (Tensor | undefined)[] =>
    wanted.map((isWanted, end) => (isWanted ? (gradientOf(end) ?? zerosLike(saved[end])) : undefined));
  const stateGradient = (i: number): Tensor | undefined => grads[seeds.length + i];
  // Where no row has a step nothing is computed, so there is nothing to derive: the state is handed through.
  if (run.lengths?.every((length) => length === 0) === true)
    return ofEnds((end) => (end >= inputs && end < inputs + states ? stateGradient(end - inputs) : undefined));

  const mask = maskOf(backend, run);
  // Past the end of a row stand values of one of its own steps, all of the same one, so that they belong together.
  const unpadded = mask === undefined || !hasPoles;
  const clean = (value: Tensor): Tensor =>
    unpadded ? value : wrap(backend, padded(backend, run, value.storage), [value.size]);
  for (let i = 0; i < inputs; i++) plan.lend(i, saved[i].storage);
  let source = inputs + drawn;
  for (let i = 0; i < captured; i++) plan.lend(source++, saved[inputs + states + i].storage);
  const values = saved.slice(all, all + kept);
  for (const value of values) plan.lend(source++, clean(value).storage);
  for (const { state, kept: at } of shifted) {
    const [initial, after] = [saved[inputs + state], values[at].storage];
    const before =
      run.steps === 1
        ? initial
        : wrap(backend, previousStates(backend, after, initial.storage, run, plans.reverse), [after.size]);
    plan.lend(source++, clean(before).storage);
  }
  // Inputs that the forward pass made: without their padding, or drawn.
  let at = all + kept;
  for (const input of keptInputs) {
    if (input >= inputs) plan.lend(input, clean(saved[at++]).storage);
    else if (isMasked) plan.lend(input, saved[at++].storage);
  }
  seeds.forEach((width, i) => {
    const gradient = grads[i];
    let seed: Tensor;
    if (gradient === undefined) {
      const size = run.steps * run.rows * width;
      seed = wrap(backend, backend.fill(0, size, dtype), [size]);
    } else if (mask === undefined) seed = gradient;
    else seed = wrap(backend, masked(backend, mask, gradient.storage), gradient.shape);
    plan.lend(source++, seed.storage);
  });
  const carried: Storage[] = [];
  for (let i = 0; i < states; i++) carried.push((stateGradient(i) ?? zerosLike(saved[inputs + i])).storage);
  const made: Storage[] = [];
  const last = plan.run(carried, run, made);
  const gradients = made.map((storage) => wrap(backend, storage, [storage.size]));
  const first = last.map((storage, i) => wrap(backend, storage, saved[inputs + i].shape));
  return ofEnds((end) => {
    if (end >= inputs && end < inputs + states) return first[end - inputs];
    const result = results[end];
    if (result === undefined) return undefined;
    // A derivative may be infinite at the very step whose values stand past the end, and infinity times zero is none.
    if (mask !== undefined && hasPoles && end < inputs)
      return wrap(backend, masked(backend, mask, gradients[result].storage), saved[end].shape);
    return new Tensor(gradients[result].held.retain(), saved[end].shape);
  });
}

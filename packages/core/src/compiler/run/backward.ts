/** The derivative of a run: by its plan, or by single operations where it is derived again. */
import { grad } from '../../backward.js';
import { enableGrad } from '../../grad-mode.js';
import { add, mul } from '../../ops/arithmetic.js';
import { sum } from '../../ops/broadcast.js';
import { clone } from '../../ops/identity.js';
import type { Storage } from '../../backend.js';
import { wrap } from '../../record.js';
import { Tensor } from '../../tensor.js';
import { masked, maskOf, padded } from './masks.js';
import type { Plans } from '../lower/passes.js';
import { previousStates } from './previous-states.js';
import { backwardExecutable } from './executables.js';
import type { LoopBounds, Storages } from './executable.js';

/** What a run saves for its derivative, by name. The autograd graph keeps it as one list. */
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
type ResidualCounts = readonly [inputs: number, states: number, captured: number, kept: number];

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

/** A backward pass that has come to a recorded program. */
interface BackwardRun {
  /** Of the results. */
  readonly grads: readonly (Tensor | undefined)[];
  readonly residuals: Residuals;
  readonly wanted: readonly boolean[];
  readonly extent: LoopBounds;
  /** Whether the inputs had padding that was taken out. */
  readonly isMasked: boolean;
}

/**
 * The gradients of inputs, states and captured tensors, in this order. To be called in a scope,
 * which frees what is not handed on.
 *
 * @param plans - with a derivative
 * @param run - gradients of the results, and what the forward pass saved
 * @returns `undefined` for what is not wanted or zero
 */
export function runBackward(
  plans: Plans,
  { grads, residuals, wanted, extent, isMasked }: BackwardRun,
): (Tensor | undefined)[] {
  const { captured, kept, made } = residuals;
  const ends = endsOf(residuals);
  const [{ backend, dtype }] = ends;
  const [inputs, states] = [residuals.inputs.length, residuals.states.length];
  const { plan, drawn, shifted, residualInputs, hasPoles, cotangents, results, sums } = backwardExecutable(
    backend,
    plans,
  );
  const zerosLike = ({ shape, size }: Tensor): Tensor => wrap(backend, backend.fill(0, size, dtype), shape);
  // What a gradient was asked of, and reaches, has one, if only zeros.
  const ofEnds = (gradientOf: (end: number) => Tensor | undefined): (Tensor | undefined)[] =>
    wanted.map((isWanted, end) => (isWanted ? (gradientOf(end) ?? zerosLike(ends[end])) : undefined));
  const stateGradient = (i: number): Tensor | undefined => grads[cotangents.length + i];
  // Where no row has a step nothing is computed, so there is nothing to derive: the state is handed
  // through.
  if (extent.lengths?.every((length) => length === 0) === true)
    return ofEnds((end) => (end >= inputs && end < inputs + states ? stateGradient(end - inputs) : undefined));

  const mask = maskOf(backend, extent);
  // Past the end of a row stand values of one of its own steps, all of the same one, so that they
  // belong together.
  const unpadded = mask === undefined || !hasPoles;
  const clean = (value: Tensor): Tensor =>
    unpadded ? value : wrap(backend, padded(backend, extent, value.storage), [value.size]);
  const sources: Storages = residuals.inputs.map(({ storage }) => storage);
  for (let i = 0; i < drawn; i++) sources.push(undefined); // those that are read come below
  for (const tensor of captured) sources.push(tensor.storage);
  for (const value of kept) sources.push(clean(value).storage);
  for (const { state, kept: at } of shifted) {
    const [initial, after] = [residuals.states[state], kept[at].storage];
    const before =
      extent.steps === 1
        ? initial
        : wrap(backend, previousStates(backend, after, initial.storage, extent, plans.reverse), [after.size]);
    sources.push(clean(before).storage);
  }
  // Inputs that the forward pass made: without their padding, or drawn.
  let at = 0;
  for (const input of residualInputs) {
    if (input >= inputs) sources[input] = clean(made[at++]).storage;
    else if (isMasked) sources[input] = made[at++].storage;
  }
  cotangents.forEach((width, i) => {
    const gradient = grads[i];
    let seed: Tensor;
    if (gradient === undefined) {
      const size = extent.steps * extent.rows * width;
      seed = wrap(backend, backend.fill(0, size, dtype), [size]);
    } else if (mask === undefined) seed = gradient;
    else seed = wrap(backend, masked(backend, mask, gradient.storage), gradient.shape);
    sources.push(seed.storage);
  });
  const carried: Storage[] = [];
  for (let i = 0; i < states; i++) carried.push((stateGradient(i) ?? zerosLike(residuals.states[i])).storage);
  // Behind the gradients of the state, sums over the steps: the gradients of per-row constants.
  const constants = captured.filter((_, i) => sums[i] !== undefined);
  for (const constant of constants) carried.push(zerosLike(constant).storage);
  const { ys: found, carry } = plan.run(sources, carried, extent);
  const gradients = found.map((storage) => wrap(backend, storage, [storage.size]));
  const shapes = [...residuals.states, ...constants];
  const first = carry.map((storage, i) => wrap(backend, storage, shapes[i].shape));
  return ofEnds((end) => {
    if (end >= inputs && end < inputs + states) return first[end - inputs];
    const sum = end < inputs ? undefined : sums[end - inputs - states];
    if (sum !== undefined) return first[sum];
    const result = results[end];
    if (result === undefined) return undefined;
    // A derivative may be infinite at the very step whose values stand past the end, and infinity
    // times zero is none.
    if (mask !== undefined && hasPoles && end < inputs)
      return wrap(backend, masked(backend, mask, gradients[result].storage), ends[end].shape);
    return new Tensor(gradients[result].held.retain(), ends[end].shape);
  });
}

/** What is to be derived, and by what. */
interface StepwiseDerivative {
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
 * The derivative of a compiled run, taken through single operations, so that it can be
 * differentiated again.
 *
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

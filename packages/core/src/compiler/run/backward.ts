/** The derivative of a run: by its plan, or by single operations where it is derived again. */
import { grad } from '../../backward.js';
import { enableGrad } from '../../grad-mode.js';
import { add, mul } from '../../ops/arithmetic.js';
import { sum } from '../../ops/broadcast.js';
import { clone } from '../../ops/identity.js';
import type { Backend, Storage } from '../../backend.js';
import { Saved } from '../../grad-node.js';
import { savedOf, wrap } from '../../record.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor } from '../../tensor.js';
import { masked, maskOf, padded, previousStates, type LoopBounds } from './masks.js';
import type { Value } from '../ir/graph.js';
import type { Plans } from '../lower/passes.js';
import { Executable, type Storages } from './executable.js';

/** What a run saves for its derivative. */
export interface Residuals {
  readonly inputs: readonly Tensor[];
  readonly states: readonly Tensor[];
  /** Tensors that the step used besides its arguments. */
  readonly captured: readonly Tensor[];
  /** Values of the forward pass that the backward pass reads. */
  readonly kept: readonly SharedStorage[];
  /**
   * Inputs of the backward pass that the run made: random numbers, and inputs without their
   * padding.
   */
  readonly made: readonly Tensor[];
}

type SavedList = readonly Saved<Tensor>[];

/** Residuals as they are kept, by name. */
export class SavedRun {
  /** All of them, which is what the autograd graph keeps. */
  readonly list: SavedList;
  readonly inputs: number;
  readonly states: number;
  /** The tensors that gradients are asked of: inputs, states and captured ones. */
  readonly ends: SavedList;
  readonly kept: SavedList;
  readonly made: SavedList;

  constructor({ inputs, states, captured, kept, made }: Residuals) {
    this.inputs = inputs.length;
    this.states = states.length;
    // Just as long as they will be: `push` makes room for more.
    const ends = new Array<Saved<Tensor>>(inputs.length + states.length + captured.length);
    let end = 0;
    for (let i = 0; i < inputs.length; i++) ends[end++] = savedOf(inputs[i]);
    for (let i = 0; i < states.length; i++) ends[end++] = savedOf(states[i]);
    for (let i = 0; i < captured.length; i++) ends[end++] = savedOf(captured[i]);
    this.ends = ends;
    this.kept = kept.map((value) => new Saved<Tensor>(value.retain(), [value.storage.size], undefined));
    this.made = made.map(savedOf);
    this.list = ends.concat(this.kept, this.made);
  }
}

/** A backward pass that has come to a recorded program. */
interface BackwardRun {
  /** Of the results. */
  readonly grads: readonly (Tensor | undefined)[];
  readonly saved: SavedRun;
  readonly wanted: readonly boolean[];
  readonly extent: LoopBounds;
  /** Whether the inputs had padding that was taken out. */
  readonly isMasked: boolean;
  /** Whether the outputs are means. */
  readonly isMean: boolean;
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
  { grads, saved, wanted, extent, isMasked, isMean }: BackwardRun,
): (Tensor | undefined)[] {
  const { inputs, states, ends, kept, made } = saved;
  const [{ held, storage: firstEnd }] = ends;
  const { backend } = held;
  const { dtype } = firstEnd;
  const { plan, drawn, shifted, residualInputs, hasPoles, cotangents, results, sums } = backwardExecutable(
    backend,
    plans,
  );
  const gradients = new Array<Tensor | undefined>(ends.length);
  /** The gradient of a last state. */
  const cotangentOf = (state: number): Tensor | undefined => grads[cotangents.length + state];
  /** A gradient that was asked for, or is zeros. */
  const arrive = (end: number, held: SharedStorage | undefined): void => {
    if (!wanted[end]) return;
    const { storage, shape } = ends[end];
    gradients[end] =
      held === undefined
        ? wrap(backend, backend.fill(0, storage.size, dtype), shape)
        : new Tensor(held.retain(), shape);
  };
  // Where no row has a step nothing is computed, so there is nothing to derive: the state is handed
  // through.
  if (extent.lengths?.every((length) => length === 0) === true) {
    for (let end = 0; end < ends.length; end++)
      arrive(end, end >= inputs && end < inputs + states ? cotangentOf(end - inputs)?.held : undefined);
    return gradients;
  }

  /** Storages that are made for this run, and freed at its end. */
  const own: SharedStorage[] = [];
  const temporary = (storage: Storage): Storage => {
    own.push(new SharedStorage(backend, storage));
    return storage;
  };
  let zeros: Storage | undefined;
  /** Zeros of a size; one storage serves for neighbours. */
  const zerosOf = (size: number): Storage => {
    if (zeros?.size !== size) zeros = temporary(backend.fill(0, size, dtype));
    return zeros;
  };
  try {
    const mask = maskOf(backend, extent);
    // Past the end of a row stand values of one of its own steps, all of the same one, so that they
    // belong together.
    const unpadded = mask === undefined || !hasPoles;
    const clean = (storage: Storage): Storage => (unpadded ? storage : temporary(padded(backend, extent, storage)));
    const sources: Storages = new Array<Storage | undefined>(plan.places); // just as long: `push` makes room for more
    for (let i = 0; i < inputs; i++) sources[i] = ends[i].storage;
    let place = inputs + drawn; // the random ones that are read come below
    for (let end = inputs + states; end < ends.length; end++) sources[place++] = ends[end].storage;
    for (let i = 0; i < kept.length; i++) sources[place++] = clean(kept[i].storage);
    for (let i = 0; i < shifted.length; i++) {
      const { state, kept: at } = shifted[i];
      const [initial, after] = [ends[inputs + state].storage, kept[at].storage];
      const isSingle = extent.steps === 1;
      sources[place++] = clean(
        isSingle ? initial : temporary(previousStates(backend, after, initial, extent, plans.reverse)),
      );
    }
    // Inputs that the forward pass made: without their padding, or drawn.
    let at = 0;
    for (let i = 0; i < residualInputs.length; i++) {
      const input = residualInputs[i];
      if (input >= inputs) sources[input] = clean(made[at++].storage);
      else if (isMasked) sources[input] = made[at++].storage;
    }
    for (let i = 0; i < cotangents.length; i++) {
      const gradient = grads[i]?.storage;
      const size = extent.steps * extent.rows * cotangents[i];
      if (gradient === undefined) sources[place++] = zerosOf(size);
      else if (isMean)
        sources[place++] = temporary(
          backend.binary('div', { storage: gradient, offset: 0, strides: [0] }, size, [size]),
        );
      else sources[place++] = mask === undefined ? gradient : temporary(masked(backend, mask, gradient));
    }
    const carried = new Array<Storage>(states);
    for (let i = 0; i < states; i++) carried[i] = cotangentOf(i)?.storage ?? zerosOf(ends[inputs + i].storage.size);
    // Behind the gradients of the state, sums over the steps: the gradients of per-row constants.
    for (let i = 0; i < sums.length; i++)
      if (sums[i] !== undefined) carried.push(zerosOf(ends[inputs + states + i].storage.size));
    const { ys, carry } = plan.run(sources, carried, extent);
    const first = own.length;
    for (let i = 0; i < ys.length; i++) temporary(ys[i]);
    for (let i = 0; i < carry.length; i++) temporary(carry[i]);
    const found = (i: number): SharedStorage => own[first + i];
    for (let end = 0; end < ends.length; end++) {
      if (end >= inputs && end < inputs + states) arrive(end, found(ys.length + end - inputs));
      else {
        const sum = end < inputs ? undefined : sums[end - inputs - states];
        const result = results[end];
        if (sum !== undefined) arrive(end, found(ys.length + sum));
        else if (result === undefined) arrive(end, undefined);
        // A derivative may be infinite at the very step whose values stand past the end, and
        // infinity times zero is none.
        else if (wanted[end] && mask !== undefined && hasPoles && end < inputs)
          gradients[end] = wrap(backend, masked(backend, mask, ys[result]), ends[end].shape);
        else arrive(end, found(result));
      }
    }
    return gradients;
  } finally {
    for (let i = 0; i < own.length; i++) own[i].release();
  }
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

/**
 * A backward pass made ready for a backend. Its sources are the inputs, the random ones, the
 * captured values, what was kept, the states that are made of kept ones, and the adjoints that come
 * from behind.
 */
interface BackwardExecutable {
  readonly plan: Executable;
  /** How many random inputs there are. */
  readonly drawn: number;
  readonly shifted: NonNullable<Plans['training']>['shifted'];
  /** The inputs and random inputs that are read, by number. */
  readonly residualInputs: readonly number[];
  readonly hasPoles: boolean;
  /** Widths of the adjoints from behind. */
  readonly cotangents: readonly number[];
  /** For each input, state and captured tensor, which result is its gradient. */
  readonly results: readonly (number | undefined)[];
  /** For each captured tensor, which carried value is its gradient. */
  readonly sums: readonly (number | undefined)[];
}

function makeBackward(backend: Backend, { step, training }: Plans): BackwardExecutable {
  if (training === undefined) throw new TypeError('expected plans with a derivative');
  const { derivative, kept, residualInputs, shifted, hasPoles, backward } = training;
  const gradients: readonly (Value | undefined)[] = [
    ...derivative.inputs,
    ...step.states.map(() => undefined),
    ...derivative.captured,
  ];
  const results = [...new Set(gradients.filter((value) => value !== undefined))];
  const inputs = [...step.inputs, ...step.drawn];
  const before = shifted.map(({ state }) => step.states[state]);
  const sources = [...inputs, ...step.capturedValues, ...kept, ...before, ...derivative.cotangents];
  return {
    plan: new Executable(backend, backward, sources, results),
    drawn: step.drawn.length,
    shifted,
    residualInputs: residualInputs.map((value) => inputs.indexOf(value)),
    hasPoles,
    cotangents: derivative.cotangents.map(({ width }) => width),
    sums: derivative.sums,
    results: gradients.map((value) => (value === undefined ? undefined : results.indexOf(value))),
  };
}

const known = new WeakMap<Backend, WeakMap<Plans, BackwardExecutable>>();

function backwardExecutable(backend: Backend, plans: Plans): BackwardExecutable {
  let here = known.get(backend);
  if (here === undefined) known.set(backend, (here = new WeakMap()));
  let made = here.get(plans);
  if (made === undefined) here.set(plans, (made = makeBackward(backend, plans)));
  return made;
}

/**
 * Runs a traced step by its programs and records the whole run as one operation: a scan, or one
 * step of a row-wise function.
 */
import type { Storage } from '../../backend.js';
import { isGradEnabled } from '../../grad-mode.js';
import { attachAll, isRecorded, restored, wrap } from '../../record.js';
import type { Shape } from '../../shape.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor } from '../../tensor.js';
import { dependenceOf, isReached, recordedResults } from '../trace/dependence.js';
import { drawingAgain, generatorStates, type GeneratorStates } from '../../scan/random.js';
import type { FoundPlans } from '../cache/program-cache.js';
import { masked, maskOf, padded } from './masks.js';
import { meanOf } from './mean.js';
import type { LoopBounds, Storages } from './executable.js';
import { forwardExecutable } from './executables.js';
import { deriveBySteps, runBackward, SavedRun, type Residuals } from './backward.js';

/** A traced step with the tensors of one call. */
interface CompiledRun {
  /** What the operation is called in the graph. */
  readonly name: string;
  readonly traced: FoundPlans;
  readonly inputs: readonly Tensor[];
  readonly states: readonly Tensor[];
  readonly extent: LoopBounds;
  readonly reverse: boolean;
  /** The dimensions of the outputs in front of a row's. */
  readonly lead: Shape;
  /** The shapes of the last state, where the caller wants others than those of the first. */
  readonly lastShapes?: readonly Shape[] | undefined;
  /** Whether each element is a row, so that `lead` is the whole shape. */
  readonly isElementwise: boolean;
  /** Whether the mean over all elements of an output is the result; without lengths. */
  readonly isMean: boolean;
  /** Draws what the step draws. */
  readonly draw: () => readonly Tensor[];
  /**
   * Does the same by single operations, on the inputs, states and captured tensors: for derivatives
   * that are to be derived again.
   */
  readonly again: (ends: readonly Tensor[]) => readonly Tensor[];
}

/** What a run makes. */
export interface RunResults {
  readonly outputs: readonly Tensor[];
  readonly last: readonly Tensor[];
}

export function runCompiled(run: CompiledRun): RunResults {
  const { traced, inputs, states, extent, lead, lastShapes, isElementwise, isMean } = run;
  const { plans, captured, draws } = traced;
  const { lengths } = extent;
  const [{ backend }] = inputs;
  const training = isRecorded(inputs) || isRecorded(states) || isRecorded(captured) ? plans.training : undefined;
  const pass = forwardExecutable(backend, plans, training, extent);
  /** What is freed in the end: nothing in most runs that are not recorded. */
  const temporaries: Tensor[] = [];
  /** What the run made, by the number of the result; held by those who want it. */
  const values: SharedStorage[] = [];
  try {
    const mask = lengths === undefined ? undefined : maskOf(backend, extent);
    if (mask !== undefined) temporaries.push(mask);
    const given = mask === undefined ? inputs : cleaned(inputs, extent, mask, training?.hasPoles === true, temporaries);
    const generators = training && draws.length > 0 ? generatorStates(draws) : undefined;
    const drawn = draws.length === 0 ? nothing : run.draw();
    for (let i = 0; i < drawn.length; i++) temporaries.push(drawn[i]);
    const storages: Storages = new Array<Storage>(pass.plan.places); // just as long: `push` makes room for more
    let place = 0;
    for (let i = 0; i < given.length; i++) storages[place++] = given[i].storage;
    for (let i = 0; i < drawn.length; i++) storages[place++] = drawn[i].storage;
    for (let i = 0; i < captured.length; i++) storages[place++] = captured[i].storage;
    const carried = new Array<Storage>(states.length);
    for (let i = 0; i < carried.length; i++) carried[i] = states[i].storage;
    const { ys, carry } = pass.plan.run(storages, carried, extent);
    for (let i = 0; i < ys.length; i++) values.push(new SharedStorage(backend, ys[i]));
    const last = new Array<Tensor>(carry.length);
    for (let i = 0; i < last.length; i++) last[i] = wrap(backend, carry[i], lastShapes?.[i] ?? states[i].shape);
    const outputs = new Array<Tensor>(pass.outputs.length);
    for (let i = 0; i < outputs.length; i++) {
      const { at, isMasked } = pass.outputs[i];
      const value = values[at];
      if (isMean) {
        outputs[i] = meanOf(backend, value.storage);
        continue;
      }
      const shape = pass.outputShape(i, lead, isElementwise);
      // What the loop itself puts out is masked already.
      const isFinal = mask === undefined || isMasked;
      outputs[i] = isFinal
        ? new Tensor(value.retain(), shape)
        : wrap(backend, masked(backend, mask, value.storage), shape);
    }
    if (training !== undefined) {
      const kept = pass.kept.map((at) => values[at]);
      // Inputs are saved as such; those that this run made are kept where they are read.
      const own: Tensor[] = [];
      for (const i of pass.residualInputs) {
        if (i >= given.length) own.push(drawn[i - given.length]);
        else if (mask !== undefined) own.push(given[i]);
      }
      record(run, [...outputs, ...last], { inputs, states, captured, kept, made: own }, mask !== undefined, generators);
    }
    return { outputs, last };
  } finally {
    for (let i = 0; i < values.length; i++) values[i].release();
    for (let i = 0; i < temporaries.length; i++) temporaries[i].dispose();
  }
}

/** Inputs with their padding taken out. */
function cleaned(
  inputs: readonly Tensor[],
  extent: LoopBounds,
  mask: Tensor,
  hasPoles: boolean,
  temporaries: Tensor[],
): readonly Tensor[] {
  const { backend } = mask;
  return inputs.map(({ storage, shape }) => {
    const clean = wrap(backend, hasPoles ? padded(backend, extent, storage) : masked(backend, mask, storage), shape);
    temporaries.push(clean);
    return clean;
  });
}

/**
 * Hangs the results into the graph. Apart from the run itself, which has no closures to prepare.
 */
function record(
  { name, traced, extent, reverse, isMean, again }: CompiledRun,
  results: readonly Tensor[],
  residuals: Residuals,
  isMasked: boolean,
  generators: GeneratorStates | undefined,
): void {
  const { plans, recording } = traced;
  const { inputs, states, captured } = residuals;
  const ends = [...inputs, ...states, ...captured];
  const dependsOn = dependenceOf(recording, extent, reverse);
  const recorded = recordedResults(results, dependsOn, ends);
  if (recorded === undefined) return;
  const saved = new SavedRun(residuals);
  const node = attachAll(recorded, name, ends, (grads, _, wanted) => {
    const reached = wanted.map((isWanted, end) => isWanted && isReached(end, grads, dependsOn));
    if (!isGradEnabled()) return runBackward(plans, { grads, saved, wanted: reached, extent, isMasked, isMean });
    // A derivative that is to be derived again is taken through single operations.
    return deriveBySteps({
      grads,
      ends: restored(saved.ends),
      wanted: reached,
      run: generators === undefined ? again : (places) => drawingAgain(generators, () => again(places)),
    });
  });
  node.saved = saved.list;
}

const nothing: readonly Tensor[] = [];

/** Runs a compiled scan and records the whole loop as one operation. */
import type { Storage } from '../backend.js';
import { isGradEnabled } from '../grad-mode.js';
import { isRecorded, recordAll, wrap } from '../record.js';
import { Tensor } from '../tensor.js';
import { dependenceOf, reachedBy, recordedResults } from './dependence.js';
import { deriveBySteps, type StepwiseDerivative } from './derive-by-steps.js';
import { drawAll, drawingAgain, generatorStates, type GeneratorStates } from './drawing.js';
import { runEagerly, type Scan } from './eager.js';
import { replayedStep } from './replay.js';
import { masked, maskOf, padded } from './masks.js';
import type { Extent } from './ready-plan.js';
import { readyForward } from './ready-passes.js';
import type { CompiledDispatch } from './remembered.js';
import { runBackward } from './run-backward.js';

/** Whether a run makes tensors besides its results: masks, random numbers, and what a derivative reads. */
export function makesTemporaries({ inputs, states, extent }: Scan, { captured, draws }: CompiledDispatch): boolean {
  if (extent.lengths !== undefined || draws.length > 0) return true;
  return isRecorded(inputs) || isRecorded(states) || isRecorded(captured);
}

/**
 * Runs a step by its plans and records the whole loop as one operation. Where `makesTemporaries` says so it is to be called in a scope, which
 * frees what is not returned.
 */
export function runCompiled(scan: Scan, how: CompiledDispatch): [outputs: readonly Tensor[], last: readonly Tensor[]] {
  const { plans, captured, batched, draws } = how;
  const { inputs, states, extent } = scan;
  const { steps, resets } = extent;
  const { backend } = inputs[0];
  const rows = batched ? inputs[0].shape[1] : 1;
  const lengths = extent.lengths && Int32Array.from(extent.lengths);
  const run: Extent = { steps, rows, lengths, resets };
  const everything = isGradEnabled() ? inputs.concat(states, captured) : nothing;
  const training = isRecorded(everything) ? plans.training : undefined;
  const pass = readyForward(backend, plans, training);

  const mask = lengths === undefined ? undefined : maskOf(backend, run);
  const given = mask === undefined ? inputs : cleaned(inputs, run, mask, training?.hasPoles === true);
  const generators = training && draws.length > 0 ? generatorStates(draws) : undefined;
  const drawn = draws.length === 0 ? nothing : drawAll(draws, extent, rows, scan.reverse, backend);
  const made: Storage[] = [];
  const carried: Storage[] = [];
  let source = 0;
  for (let i = 0; i < given.length; i++) pass.plan.lend(source++, given[i].storage);
  for (let i = 0; i < drawn.length; i++) pass.plan.lend(source++, drawn[i].storage);
  for (let i = 0; i < captured.length; i++) pass.plan.lend(source++, captured[i].storage);
  for (let i = 0; i < states.length; i++) carried.push(states[i].storage);
  const after = pass.plan.run(carried, run, made);

  const last: Tensor[] = [];
  for (let i = 0; i < after.length; i++) last.push(wrap(backend, after[i], states[i].shape));
  const values: Tensor[] = []; // by the number of the result
  const outputs: Tensor[] = [];
  for (let i = 0; i < made.length; i++) values.push(wrap(backend, made[i], pass.shapeOf(i, steps, rows, batched)));
  for (let i = 0; i < pass.outputs.length; i++) {
    const { at, isFirst, isMasked } = pass.outputs[i];
    const value = values[at];
    // What the loop itself puts out is masked already.
    if (mask !== undefined && !isMasked)
      outputs.push(wrap(backend, masked(backend, mask, value.storage), pass.outputShape(i, steps, rows, batched)));
    else outputs.push(isFirst ? value : new Tensor(value.held.retain(), pass.outputShape(i, steps, rows, batched)));
  }
  if (training !== undefined) {
    // Inputs are saved as such; those that this run made are kept where they are read.
    const read: Tensor[] = pass.kept.map((at) => values[at]);
    for (const i of pass.keptInputs) {
      if (i >= given.length) read.push(drawn[i - given.length]);
      else if (mask !== undefined) read.push(given[i]);
    }
    recordScan(scan, how, {
      results: [...outputs, ...last],
      everything,
      read,
      run,
      isMasked: mask !== undefined,
      generators,
    });
  }
  return [outputs, last];
}

/** Inputs with their padding taken out. */
function cleaned(inputs: readonly Tensor[], run: Extent, mask: Tensor, hasPoles: boolean): readonly Tensor[] {
  const { backend } = mask;
  return inputs.map(({ storage, shape }) =>
    wrap(backend, hasPoles ? padded(backend, run, storage) : masked(backend, mask, storage), shape),
  );
}

/** What the derivative of a run needs. */
interface RecordedRun {
  readonly results: readonly Tensor[];
  /** Inputs, states and captured tensors. */
  readonly everything: readonly Tensor[];
  /** What the derivative reads besides. */
  readonly read: readonly Tensor[];
  readonly run: Extent;
  readonly isMasked: boolean;
  readonly generators: GeneratorStates | undefined;
}

/** Hangs the results into the graph. Apart from the run itself, which has no closures to prepare. */
function recordScan(
  scan: Scan,
  how: CompiledDispatch,
  { results, everything, read, run, isMasked, generators }: RecordedRun,
): void {
  const { plans, captured, recording } = how;
  const { inputs, states } = scan;
  const [{ backend }] = inputs;
  const dependsOn = dependenceOf(recording, scan.extent, scan.reverse).results;
  const recorded = recordedResults(results, dependsOn, everything);
  if (recorded === undefined) return;
  recordAll(recorded, 'scan', everything, [...everything, ...read], (grads, saved, wanted) => {
    const isReached = reachedBy(grads, dependsOn);
    const reached = wanted.map((isWanted, end) => isWanted && isReached[end]);
    if (isGradEnabled()) return deriveEagerly(scan, how, generators, { grads, saved, wanted: reached });
    const counts = [inputs.length, states.length, captured.length] as const;
    return runBackward(plans, { grads, saved, wanted: reached, run, backend, counts, isMasked });
  });
}

const nothing: readonly Tensor[] = [];

/** A derivative that is to be differentiated again is taken through single operations: those that were recorded when the scan ran. */
function deriveEagerly(
  scan: Scan,
  { recording, draws }: CompiledDispatch,
  generators: GeneratorStates | undefined,
  derivative: Omit<StepwiseDerivative, 'run'>,
): (Tensor | undefined)[] {
  const [inputs, states] = [scan.inputs.length, scan.states.length];
  return deriveBySteps({
    ...derivative,
    run: (ends) => {
      const step = replayedStep(recording, ends.slice(inputs + states), draws);
      const again = (): readonly Tensor[] => {
        const { outputs, last } = runEagerly({
          ...scan,
          step,
          inputs: ends.slice(0, inputs),
          states: ends.slice(inputs, inputs + states),
        });
        return [...outputs, ...last];
      };
      return generators === undefined ? again() : drawingAgain(generators, again);
    },
  });
}

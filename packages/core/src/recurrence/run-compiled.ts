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
import type { CompiledRoad } from './road.js';
import { runBackward } from './run-backward.js';

/** Runs a step by its plans and records the whole loop as one operation. To be called in a scope, which frees what is not returned. */
export function runCompiled(scan: Scan, road: CompiledRoad): [outputs: readonly Tensor[], last: readonly Tensor[]] {
  const { plans, captured, batched, draws, recording } = road;
  const { inputs, states, extent } = scan;
  const { steps, resets } = extent;
  const { backend } = inputs[0];
  const rows = batched ? inputs[0].shape[1] : 1;
  const lengths = extent.lengths && Int32Array.from(extent.lengths);
  const run: Extent = { steps, rows, lengths, resets };
  const everything = isGradEnabled() ? [...inputs, ...states, ...captured] : [];
  const training = isRecorded(everything) ? plans.training : undefined;
  const pass = readyForward(backend, plans, training);

  const mask = maskOf(backend, run);
  const cleaned = (storage: Storage, by: Tensor): Storage =>
    training?.hasPoles === true ? padded(backend, run, storage) : masked(backend, by, storage);
  const given = mask === undefined ? inputs : inputs.map((x) => wrap(backend, cleaned(x.storage, mask), x.shape));
  const before = training && draws.length > 0 ? generatorStates(draws) : undefined;
  const drawn = draws.length === 0 ? [] : drawAll(draws, extent, rows, scan.reverse, backend);
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
    const kept = pass.kept.map((at) => values[at]);
    // Inputs are saved as such; those that this run made are kept where they are read.
    const madeInputs = pass.keptInputs.flatMap((i) =>
      i >= given.length ? [drawn[i - given.length]] : mask === undefined ? [] : [given[i]],
    );
    const dependsOn = dependenceOf(recording, extent, scan.reverse).results;
    const results = recordedResults([...outputs, ...last], dependsOn, everything);
    if (results === undefined) return [outputs, last];
    recordAll(results, 'scan', everything, [...everything, ...kept, ...madeInputs], (grads, saved, wanted) => {
      const isReached = reachedBy(grads, dependsOn);
      const reached = wanted.map((isWanted, end) => isWanted && isReached[end]);
      if (isGradEnabled()) return deriveEagerly(scan, road, before, { grads, saved, wanted: reached });
      return runBackward(plans, {
        grads,
        saved,
        wanted: reached,
        run,
        backend,
        counts: [inputs.length, states.length, captured.length],
        isMasked: mask !== undefined,
      });
    });
  }
  return [outputs, last];
}

/** A derivative that is to be differentiated again is taken through single operations: those that were recorded when the scan ran. */
function deriveEagerly(
  scan: Scan,
  { recording, draws }: CompiledRoad,
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

/** Runs a compiled scan and records the whole loop as one operation. */
import type { Backend, Storage } from '../backend.js';
import { grad } from '../backward.js';
import { enableGrad, isGradEnabled } from '../grad-mode.js';
import { add, mul } from '../ops/arithmetic.js';
import { sum } from '../ops/broadcast.js';
import { isRecorded, recordAll } from '../record.js';
import type { Shape } from '../shape.js';
import { SharedStorage } from '../shared-storage.js';
import { Tensor } from '../tensor.js';
import { runEagerly, type Scan } from './eager.js';
import type { Value } from './graph.js';
import type { Plans, TrainingPlans } from './plans.js';
import type { CompiledRoad } from './road.js';
import { masked, runPlan, uploadMask, Values, type Extent } from './run-plan.js';

/** Runs a step by its plans and records the whole loop as one operation. */
export function runCompiled(
  scan: Scan,
  { plans, captured, batched }: CompiledRoad,
): [outputs: readonly Tensor[], last: readonly Tensor[]] {
  const { inputs, states, extent } = scan;
  const { step: traced } = plans;
  const { backend } = inputs[0];
  const rows = batched ? inputs[0].shape[1] : 1;
  const run: Extent = {
    steps: extent.steps,
    rows,
    lengths: extent.lengths && Int32Array.from(extent.lengths),
    resets: extent.resets,
  };
  const everything = [...inputs, ...states, ...captured];
  const training = isRecorded(everything) ? plans.training : undefined;
  const plan = training?.forward ?? plans.inference;

  const values = new Values(backend);
  const mask = uploadMask(backend, run);
  const tensors = new Map<Value, Tensor>();
  const results = ((): Tensor[] => {
    try {
      inputs.forEach((x, i) => {
        if (mask === undefined) values.lend(traced.inputs[i], x.storage);
        else values.make(traced.inputs[i], masked(backend, mask, x.storage));
      });
      captured.forEach((t, i) => values.lend(traced.capturedValues[i], t.storage));
      const last = runPlan(
        plan,
        values,
        states.map((s) => s.storage),
        run,
      );
      const lead = batched ? [extent.steps, rows] : [extent.steps];
      const inLoop = new Set(plan.loop?.outputs);
      const outputs = traced.outputs.map((value, i) => {
        const shape = [...lead, ...traced.outputShapes[i]];
        // What the loop itself puts out is masked already.
        if (mask !== undefined && !inLoop.has(value))
          return wrapped(backend, masked(backend, mask, values.get(value)), shape);
        return tensorOf(tensors, values, value, shape);
      });
      for (const value of [...(training?.kept ?? []), ...(mask === undefined ? [] : (training?.keptInputs ?? []))]) {
        if (!tensors.has(value)) tensorOf(tensors, values, value, [extent.steps * rows * value.width]);
      }
      return [...outputs, ...last.map((storage, i) => wrapped(backend, storage, states[i].shape))];
    } finally {
      values.release();
      if (mask !== undefined) backend.release(mask);
    }
  })();
  const outputs = results.slice(0, traced.outputs.length);
  const last = results.slice(traced.outputs.length);
  if (training !== undefined) {
    const kept = [...training.kept, ...(mask === undefined ? [] : training.keptInputs)].map(
      (value) => tensors.get(value) as Tensor,
    );
    recordAll(results, 'scan', everything, [...everything, ...kept], (grads, saved, wanted) => {
      if (isGradEnabled()) return deriveEagerly(scan, grads, saved, wanted);
      return runBackward(plans, training, {
        grads,
        saved,
        wanted,
        run,
        backend,
        counts: [inputs.length, states.length, captured.length],
        isMasked: mask !== undefined,
      });
    });
    for (const tensor of kept) if (!results.includes(tensor)) tensor.dispose();
  }
  return [outputs, last];
}

function wrapped(backend: Backend, storage: Storage, shape: Shape): Tensor {
  return new Tensor(new SharedStorage(backend, storage), shape);
}

/** The tensor of a value; a value that is asked for twice shares its memory. */
function tensorOf(tensors: Map<Value, Tensor>, values: Values, value: Value, shape: Shape): Tensor {
  const before = tensors.get(value);
  const tensor =
    before === undefined ? wrapped(values.backend, values.take(value), shape) : new Tensor(before.held.retain(), shape);
  if (before === undefined) tensors.set(value, tensor);
  return tensor;
}

interface BackwardRun {
  readonly grads: readonly (Tensor | undefined)[];
  readonly saved: readonly Tensor[];
  readonly wanted: readonly boolean[];
  readonly run: Extent;
  readonly backend: Backend;
  readonly counts: readonly [inputs: number, states: number, captured: number];
  readonly isMasked: boolean;
}

function runBackward(
  { step }: Plans,
  training: TrainingPlans,
  { grads, saved, wanted, run, backend, counts, isMasked }: BackwardRun,
): (Tensor | undefined)[] {
  const { derivative, backward, kept, keptInputs } = training;
  const [inputs, states, captured] = counts;
  const all = inputs + states + captured;
  const values = new Values(backend);
  const mask = uploadMask(backend, run);
  const made: Storage[] = [];
  const zero = (size: number, like: Tensor): Storage => {
    const storage = backend.fill(0, size, like.dtype);
    made.push(storage);
    return storage;
  };
  try {
    const x = saved.slice(0, inputs);
    const s = saved.slice(inputs, inputs + states);
    x.forEach((t, i) => values.lend(step.inputs[i], t.storage));
    step.capturedValues.forEach((value, i) => values.lend(value, saved[inputs + states + i].storage));
    [...kept, ...(isMasked ? keptInputs : [])].forEach((value, i) => values.lend(value, saved[all + i].storage));
    derivative.seeds.forEach((seed, i) => {
      const gradient = grads[i];
      if (gradient === undefined) values.lend(seed, zero(run.steps * run.rows * seed.width, x[0]));
      else if (mask === undefined) values.lend(seed, gradient.storage);
      else values.make(seed, masked(backend, mask, gradient.storage));
    });
    const initial = s.map((t, i) => grads[derivative.seeds.length + i]?.storage ?? zero(t.size, t));
    const last = runPlan(backward, values, initial, run).map((storage, i) => wrapped(backend, storage, s[i].shape));
    const tensors = new Map<Value, Tensor>();
    const gradients = [...derivative.inputs, ...s.map(() => undefined), ...derivative.captured].map((value, i) => {
      if (i >= inputs && i < inputs + states) return last[i - inputs];
      return value === undefined || !wanted[i] ? undefined : tensorOf(tensors, values, value, saved[i].shape);
    });
    return gradients;
  } finally {
    values.release();
    for (const storage of made) backend.release(storage);
    if (mask !== undefined) backend.release(mask);
  }
}

/** A derivative that is to be differentiated again is taken through single operations. */
function deriveEagerly(
  scan: Scan,
  grads: readonly (Tensor | undefined)[],
  saved: readonly Tensor[],
  wanted: readonly boolean[],
): (Tensor | undefined)[] {
  const inputs = saved.slice(0, scan.inputs.length);
  const states = saved.slice(inputs.length, inputs.length + scan.states.length);
  const { outputs, last } = enableGrad(() => runEagerly({ ...scan, inputs, states }));
  const terms = [...outputs, ...last].flatMap((result, i) => {
    const gradient = grads[i];
    return gradient === undefined || !result.requiresGrad ? [] : [sum(mul(result, gradient))];
  });
  const positions = wanted.flatMap((isWanted, i) => (isWanted ? [i] : []));
  const found =
    terms.length === 0
      ? []
      : grad(
          terms.reduce((a, b) => add(a, b)),
          positions.map((i) => saved[i]),
          { createGraph: true },
        );
  return wanted.map((_, i) => found[positions.indexOf(i)]);
}

/** The loop over time as one operation: which road a step takes, and the run of the compiled one. */
import type { Backend, Storage } from '../backend.js';
import { grad } from '../backward.js';
import { isFloating } from '../dtype.js';
import { TraceError } from '../errors.js';
import { enableGrad, isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import { add, mul } from '../ops/arithmetic.js';
import { sum } from '../ops/broadcast.js';
import { isRecorded, recordAll } from '../record.js';
import type { Shape } from '../shape.js';
import { SharedStorage } from '../shared-storage.js';
import { Tensor } from '../tensor.js';
import { showProgram } from '../program.js';
import type { Value } from './graph.js';
import { plansOf, type Plans, type TrainingPlans } from './plans.js';
import { masked, runPlan, uploadMask, Values } from './run-plan.js';
import { runEagerly, type ListStep, type Scan } from './eager.js';
import { traceStep, type Slot, type TracedStep, type TraceRequest } from './traced-step.js';

/** Two primes that no number of features is a multiple of: a step that treats them differently uses the size of the batch as a number. */
const ROWS = 65_537;
const OTHER_ROWS = 65_539;

/** Plans by the key of what they compute, the least recently used first. */
const known = new Map<string, Plans>();
const KNOWN_AT_MOST = 256;

/** The road that a step takes, and why. */
export type Road = CompiledRoad | EagerRoad;

export interface CompiledRoad {
  readonly kind: 'compiled';
  readonly plans: Plans;
  /** Whether the tensors have a batch; else the step works on single vectors. */
  readonly batched: boolean;
  /** What the step used besides its arguments, in the order of the first use. */
  readonly captured: readonly Tensor[];
}

interface EagerRoad {
  readonly kind: 'eager';
  readonly reason: string;
}

/** Finds the road for a scan. Unless it is remembered, calls the step on symbols. */
export function findRoad(scan: Scan): Road {
  if (isAnomalyEnabled()) return { kind: 'eager', reason: 'the anomaly mode looks at every operation' };
  const { parameters } = scan;
  if (parameters === undefined) return traceRoad(scan);
  const entries = remembered.get(scan.source) ?? [];
  const found = entries.find((entry) => fits(entry, scan));
  if (found !== undefined) return roadOf(found, parameters);
  const road = traceRoad(scan);
  // Only a step that used nothing but its arguments can be trusted to compute the same next time.
  const order = road.kind === 'eager' ? [] : road.captured.map((tensor) => parameters.indexOf(tensor));
  if (road.kind === 'compiled' && !order.includes(-1)) {
    if (entries.length >= REMEMBERED_AT_MOST) entries.shift();
    entries.push({ ...signatureOf(scan), plans: road.plans, batched: road.batched, order });
    remembered.set(scan.source, entries);
  }
  return road;
}

/** A trace that serves again for arguments of the same signature. */
interface Remembered extends Signature {
  readonly plans: Plans;
  readonly batched: boolean;
  /** Which parameter each captured tensor is. */
  readonly order: readonly number[];
}

interface Signature {
  readonly needsBatch: boolean;
  readonly reverse: boolean;
  readonly recorded: boolean;
  readonly backend: Backend;
  /** For each tensor that goes in: its shape, without time and batch for inputs and states, its type, and whether it wants a gradient. */
  readonly slots: readonly Slot[];
}

const remembered = new WeakMap<object, Remembered[]>();
const REMEMBERED_AT_MOST = 16;

function roadOf({ plans, batched, order }: Remembered, parameters: readonly Tensor[]): Road {
  return { kind: 'compiled', plans, batched, captured: order.map((i) => parameters[i]) };
}

function needsBatch({ extent }: Scan): boolean {
  return extent.lengths !== undefined || extent.resets !== undefined;
}

function signatureOf(scan: Scan): Signature {
  const { inputs, states, parameters = [], reverse } = scan;
  const slots = [...inputs, ...states, ...parameters].map((t) => ({
    shape: t.shape,
    dtype: t.dtype,
    wantsGrad: t.requiresGrad,
  }));
  return { needsBatch: needsBatch(scan), reverse, recorded: isGradEnabled(), backend: inputs[0].backend, slots };
}

/** Whether a trace serves for a scan; compares without allocating. */
function fits(entry: Remembered, scan: Scan): boolean {
  const { inputs, states, parameters = [] } = scan;
  const { slots, batched } = entry;
  if (entry.reverse !== scan.reverse || entry.recorded !== isGradEnabled() || entry.needsBatch !== needsBatch(scan))
    return false;
  if (slots.length !== inputs.length + states.length + parameters.length) return false;
  const lead = batched ? 1 : 0;
  let at = 0;
  for (const tensor of inputs) if (!fitsSlot(tensor, slots[at++], lead + 1, entry.backend)) return false;
  for (const tensor of states) if (!fitsSlot(tensor, slots[at++], lead, entry.backend)) return false;
  for (const tensor of parameters) if (!fitsSlot(tensor, slots[at++], 0, entry.backend)) return false;
  if (batched) {
    const batch = inputs[0].shape[1];
    for (const tensor of inputs) if (tensor.shape[1] !== batch) return false;
    for (const tensor of states) if (tensor.shape[0] !== batch) return false;
  }
  return true;
}

/** Whether a tensor has a slot's type and, beyond the leading dimensions of time and batch, its shape. */
function fitsSlot(tensor: Tensor, { shape, dtype, wantsGrad }: Slot, lead: number, backend: Backend): boolean {
  if (
    tensor.backend !== backend ||
    tensor.dtype !== dtype ||
    tensor.requiresGrad !== wantsGrad ||
    tensor.rank !== shape.length
  )
    return false;
  for (let i = lead; i < shape.length; i++) if (tensor.shape[i] !== shape[i]) return false;
  return true;
}

function traceRoad(scan: Scan): Road {
  const { step, inputs, states, reverse } = scan;
  const { backend, dtype } = inputs[0];
  const all = [...inputs, ...states];
  if (all.some((t) => t.backend !== backend || t.dtype !== dtype || !isFloating(t.dtype))) {
    return { kind: 'eager', reason: `the arguments are of ${[...new Set(all.map((t) => t.dtype))].join(' and ')}` };
  }
  const batch = inputs[0].shape[1];
  const canBeBatched =
    inputs.every((x) => x.rank > 1 && x.shape[1] === batch) && states.every((s) => s.rank > 0 && s.shape[0] === batch);
  const reasons: string[] = [];
  for (const batched of [true, false]) {
    if (batched ? !canBeBatched : needsBatch(scan)) continue;
    const slot = (t: Tensor, lead: number): Slot => ({
      shape: t.shape.slice(lead + Number(batched)),
      dtype,
      wantsGrad: t.requiresGrad,
    });
    const request: TraceRequest = {
      backend,
      batched,
      rows: batched ? ROWS : 1,
      inputs: inputs.map((x) => slot(x, 1)),
      states: states.map((s) => slot(s, 0)),
      recorded: isGradEnabled(),
      isKnown: (key) => known.has(nameOf(key, batched, reverse, dtype)),
    };
    try {
      const traced = traceStep(step, request);
      const name = nameOf(traced.key, batched, reverse, dtype);
      return {
        kind: 'compiled',
        plans: known.get(name) ?? learn(name, traced, step, request, reverse),
        captured: traced.captured,
        batched,
      };
    } catch (error) {
      // Whatever is wrong with the step itself shows again, with real tensors, on the eager road.
      if (!(error instanceof Error)) throw error;
      reasons.push(error.message);
    }
  }
  return { kind: 'eager', reason: reasons.join('; ') };
}

function nameOf(key: string, batched: boolean, reverse: boolean, dtype: string): string {
  return `${dtype} ${batched ? 'batch' : 'single'} ${reverse ? 'reverse' : ''} ${key}`;
}

function learn(name: string, traced: TracedStep, step: ListStep, request: TraceRequest, reverse: boolean): Plans {
  if (request.batched) {
    const other = traceStep(step, { ...request, rows: OTHER_ROWS, isKnown: () => true });
    if (other.key !== traced.key) throw new TraceError('the step uses the size of the batch as a number');
  }
  const plans = plansOf(traced, request.inputs[0].dtype, reverse);
  if (known.size >= KNOWN_AT_MOST)
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  known.set(name, plans);
  return plans;
}

/** Runs a step by its plans and records the whole loop as one operation. */
export function runCompiled(
  scan: Scan,
  { plans, captured, batched }: CompiledRoad,
): [outputs: readonly Tensor[], last: readonly Tensor[]] {
  const { inputs, states, extent } = scan;
  const { step: traced } = plans;
  const { backend } = inputs[0];
  const rows = batched ? inputs[0].shape[1] : 1;
  const run = {
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
  readonly run: {
    readonly steps: number;
    readonly rows: number;
    readonly lengths: Int32Array | undefined;
    readonly resets: Uint8Array | undefined;
  };
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

/** What `explain` says of a road. */
export interface Explanation {
  readonly road: 'compiled' | 'eager';
  /** Why the eager road; `undefined` on the compiled one. */
  readonly reason: string | undefined;
  /** Products before the loop, in it and after it, for a forward pass. */
  readonly products: { readonly before: number; readonly loop: number; readonly after: number };
  /** The programs in words. */
  readonly text: string;
}

export function explainRoad(road: Road): Explanation {
  if (road.kind === 'eager')
    return {
      road: 'eager',
      reason: road.reason,
      products: { before: 0, loop: 0, after: 0 },
      text: `eager: ${road.reason}`,
    };
  const { inference, training } = road.plans;
  const count = (stage: typeof inference.loop): number =>
    stage?.program.body.filter(({ kind }) => kind === 'matmul').length ?? 0;
  const parts = (title: string, plan: typeof inference | undefined): string[] =>
    (['before', 'loop', 'after'] as const).flatMap((part) => {
      const stage = plan?.[part];
      return stage === undefined ? [] : [`${title}, ${part}:\n${showProgram(stage.program)}`];
    });
  return {
    road: 'compiled',
    reason: undefined,
    products: { before: count(inference.before), loop: count(inference.loop), after: count(inference.after) },
    text: [...parts('forward', training?.forward ?? inference), ...parts('backward', training?.backward)].join('\n\n'),
  };
}

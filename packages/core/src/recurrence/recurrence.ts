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
import { runEagerly } from './eager.js';
import type { Value } from './graph.js';
import { plansOf, type Plans, type TrainingPlans } from './plans.js';
import { masked, runPlan, uploadMask, Values } from './run-plan.js';
import { formedAs, listOf, type ScanExtent, type Step, type Tensors } from './scan-arguments.js';
import { traceStep, type ListStep, type Slot, type TracedStep, type TraceRequest } from './traced-step.js';

/** Two primes that no number of features is a multiple of: a step that treats them differently uses the size of the batch as a number. */
const ROWS = 65_537;
const OTHER_ROWS = 65_539;

/** Plans by the key of what they compute, the least recently used first. */
const known = new Map<string, Plans>();
const KNOWN_AT_MOST = 256;

/** The road that a step takes, and why. */
export type Road =
  | { readonly kind: 'compiled'; readonly plans: Plans; readonly captured: readonly Tensor[]; readonly batched: boolean }
  | { readonly kind: 'eager'; readonly reason: string };

/** Finds the road for a step on these arguments. Calls the step on symbols. */
export function findRoad<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  extent: ScanExtent,
  reverse: boolean,
): Road {
  if (isAnomalyEnabled()) return { kind: 'eager', reason: 'the anomaly mode looks at every operation' };
  const inputs = listOf(xs);
  const states = listOf(state);
  const [{ backend, dtype }] = inputs as readonly [Tensor];
  const odd = [...inputs, ...states].find((t) => t.backend !== backend || t.dtype !== dtype || !isFloating(t.dtype));
  if (odd !== undefined) return { kind: 'eager', reason: `the arguments are of ${[...new Set([...inputs, ...states].map((t) => t.dtype))].join(' and ')}` };
  const listStep: ListStep = (x, s) => {
    const [y, next] = step(formedAs(xs, x), formedAs(state, s));
    return { outputs: listOf(y), next: listOf(next), isSingle: y instanceof Tensor };
  };
  const batch = inputs[0].shape[1];
  const canBeBatched = inputs.every((x) => x.rank > 1 && x.shape[1] === batch) && states.every((s) => s.rank > 0 && s.shape[0] === batch);
  const needsBatch = extent.lengths !== undefined || extent.resets !== undefined;
  const reasons: string[] = [];
  for (const batched of [true, false]) {
    if (batched ? !canBeBatched : needsBatch) continue;
    const slot = (t: Tensor, lead: number): Slot => ({ shape: t.shape.slice(lead + Number(batched)), dtype, wantsGrad: t.requiresGrad });
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
      const traced = traceStep(listStep, request);
      const name = nameOf(traced.key, batched, reverse, dtype);
      return { kind: 'compiled', plans: known.get(name) ?? learn(name, traced, listStep, request, reverse), captured: traced.captured, batched };
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
  if (known.size >= KNOWN_AT_MOST) for (const oldest of known.keys()) { known.delete(oldest); break; }
  known.set(name, plans);
  return plans;
}

/** Runs a step by its plans and records the whole loop as one operation. */
export function runCompiled<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  extent: ScanExtent,
  reverse: boolean,
  road: Road & { kind: 'compiled' },
): [outputs: readonly Tensor[], last: readonly Tensor[]] {
  const { plans, captured, batched } = road;
  const { step: traced } = plans;
  const inputs = listOf(xs);
  const states = listOf(state);
  const [{ backend }] = inputs as readonly [Tensor];
  const rows = batched ? inputs[0].shape[1] : 1;
  const run = { steps: extent.steps, rows, lengths: extent.lengths && Int32Array.from(extent.lengths), resets: extent.resets };
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
      const last = runPlan(plan, values, states.map((s) => s.storage), run);
      const lead = batched ? [extent.steps, rows] : [extent.steps];
      const inLoop = new Set(plan.loop?.outputs);
      const outputs = traced.outputs.map((value, i) => {
        const shape = [...lead, ...traced.outputShapes[i]];
        // What the loop itself puts out is masked already.
        if (mask !== undefined && !inLoop.has(value)) return wrapped(backend, masked(backend, mask, values.get(value)), shape);
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
    const kept = [...training.kept, ...(mask === undefined ? [] : training.keptInputs)].map((value) => tensors.get(value) as Tensor);
    recordAll(results, 'scan', everything, [...everything, ...kept], (grads, saved, wanted) => {
      if (isGradEnabled()) return deriveEagerly(step, xs, state, extent, reverse, grads, saved, wanted);
      return runBackward(plans, training, { grads, saved, wanted, run, backend, counts: [inputs.length, states.length, captured.length], isMasked: mask !== undefined });
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
  const tensor = before === undefined ? wrapped(values.backend, values.take(value), shape) : new Tensor(before.held.retain(), shape);
  if (before === undefined) tensors.set(value, tensor);
  return tensor;
}

interface BackwardRun {
  readonly grads: readonly (Tensor | undefined)[];
  readonly saved: readonly Tensor[];
  readonly wanted: readonly boolean[];
  readonly run: { readonly steps: number; readonly rows: number; readonly lengths: Int32Array | undefined; readonly resets: Uint8Array | undefined };
  readonly backend: Backend;
  readonly counts: readonly [inputs: number, states: number, captured: number];
  readonly isMasked: boolean;
}

function runBackward({ step }: Plans, training: TrainingPlans, { grads, saved, wanted, run, backend, counts, isMasked }: BackwardRun): (Tensor | undefined)[] {
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
function deriveEagerly<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  extent: ScanExtent,
  reverse: boolean,
  grads: readonly (Tensor | undefined)[],
  saved: readonly Tensor[],
  wanted: readonly boolean[],
): (Tensor | undefined)[] {
  const inputs = listOf(xs).length;
  const states = listOf(state).length;
  const again = formedAs(xs, saved.slice(0, inputs));
  const from = formedAs(state, saved.slice(inputs, inputs + states));
  const [ys, last] = enableGrad(() => runEagerly(step, again, from, extent, reverse));
  const terms = [...listOf(ys), ...listOf(last)].flatMap((result, i) => {
    const gradient = grads[i];
    return gradient === undefined || !result.requiresGrad ? [] : [sum(mul(result, gradient))];
  });
  const positions = wanted.flatMap((isWanted, i) => (isWanted ? [i] : []));
  const found = terms.length === 0 ? [] : grad(terms.reduce((a, b) => add(a, b)), positions.map((i) => saved[i]), { createGraph: true });
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
  if (road.kind === 'eager') return { road: 'eager', reason: road.reason, products: { before: 0, loop: 0, after: 0 }, text: `eager: ${road.reason}` };
  const { inference, training } = road.plans;
  const count = (stage: typeof inference.loop): number => stage?.program.body.filter(({ kind }) => kind === 'matmul').length ?? 0;
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

/** Which road a step takes over the time of a sequence: compiled, from a trace that may be remembered, or eager. */
import type { Backend } from '../backend.js';
import { isFloating } from '../dtype.js';
import { TraceError } from '../errors.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import type { Tensor } from '../tensor.js';
import type { ListStep, Scan } from './eager.js';
import { plansOf, type Plans } from './plans.js';
import { traceStep, type Slot, type TracedStep, type TraceRequest } from './traced-step.js';

/** Two primes that no number of features is a multiple of: a step that treats them differently uses the size of the batch as a number. */
const ROWS = 65_537;
const OTHER_ROWS = 65_539;

/** Plans by the key of what they compute, the oldest first. */
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

/**
 * Traces that serve again. A step that is given what it works with as `parameters`, and that
 * captured nothing else, computes the same when its arguments have the same form and the
 * parameters' fields are as they were.
 */
import type { Backend } from '../../backend.js';
import { isGradEnabled } from '../../grad-mode.js';
import type { Scan } from '../../scan/eager.js';
import { sameGenerators } from '../../scan/random.js';
import { sameShape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import type { Plans } from '../lower/passes.js';
import type { RecordedStep, TensorSpec, TraceRequest } from '../trace/record-step.js';
import type { Recording } from '../trace/recording.js';
import { isPlain, guardsHold, type Fields } from './guards.js';
import { countTrace, keepRecent } from './program-cache.js';

/** What of the parameters a trace depends on. */
export interface ParameterGuards {
  readonly fields: Fields['guards'];
  /** Of the tensors in the parameters. */
  readonly slots: readonly TensorSpec[];
  /** Which of them each captured tensor is. */
  readonly order: readonly number[];
}

/** A call whose step was traced, now or earlier, with the tensors that it captures now. */
export interface Traced extends RecordedStep {
  readonly plans: Plans;
  /** Whether the tensors have a batch; else the step works on single vectors. */
  readonly batched: boolean;
  /** What of the parameters the trace depends on, if it serves again. */
  readonly guards?: ParameterGuards | undefined;
}

/** A trace with what it depends on. */
interface Entry
  extends
    ParameterGuards,
    Pick<Traced, 'plans' | 'batched' | 'draws'>,
    Pick<Scan, 'inputForm' | 'stateForm' | 'reverse'>,
    Pick<TraceRequest, 'inputs' | 'states'> {
  readonly needsBatch: boolean;
  readonly record: string;
  /**
   * The backend's number. The backend itself is not held: one that is not used any more should go,
   * with all its memory.
   */
  readonly backend: number;
  readonly recorded: boolean;
  /**
   * What the step did, for each number of rows that it was called with: it may look at that number.
   */
  readonly recordings: Map<number, Recording>;
}

const REMEMBERED_AT_MOST = 16;
const RECORDINGS_AT_MOST = 64;

/**
 * By the step, then by the parameters where they are an object of some class; those that are a
 * plain object, which says all about itself, by the step again.
 */
const traces = new WeakMap<object, WeakMap<object, Entry[]>>();

/** An earlier trace that serves for a call. */
export function getTrace(scan: Scan): Traced | undefined {
  const { source, inputs, parameters } = scan;
  const entries = parameters && traces.get(source)?.get(isPlain(parameters) ? source : parameters);
  if (entries === undefined) return undefined;
  const [{ backend }] = inputs;
  const place = numberOf(backend);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (entry.recorded !== isGradEnabled() || entry.backend !== place || !serves(entry, scan, backend)) continue;
    const { plans, batched, draws, recordings } = entry;
    const recording = scan.rowwise?.anyRows === true ? first(recordings) : recordings.get(rowsOf(scan, batched));
    if (recording === undefined) continue;
    const captured = capturedIn(parameters as object, entry, backend);
    if (captured === undefined) continue;
    countTrace(true);
    return { plans, batched, draws, captured, recording, guards: entry };
  }
  return undefined;
}

/**
 * Keeps a trace for later calls, if it can serve again.
 *
 * @param scan - whose trace it is; with parameters
 * @param traced - what was found
 * @param before - the fields of the parameters before the step was called
 * @returns what of the parameters it depends on, if it was kept
 */
export function setTrace(
  scan: Scan,
  { plans, batched, draws, captured, recording }: Traced,
  { guards: fields, tensors }: Fields,
): ParameterGuards | undefined {
  const { source, inputForm, stateForm, reverse, record } = scan;
  const parameters = scan.parameters as object;
  const [{ backend }] = scan.inputs;
  const now: Tensor[] = [];
  if (!guardsHold(fields, parameters, now)) return undefined; // the step changes what it depends on
  if (now.some((tensor, i) => tensor !== tensors[i])) return undefined;
  // One tensor in two places: next time two may come, and the trace knows of one.
  if (new Set(tensors).size < tensors.length) return undefined;
  const order = captured.map((tensor) => tensors.indexOf(tensor));
  if (order.includes(-1)) return undefined;
  const made: Entry = {
    plans,
    batched,
    draws,
    inputForm,
    stateForm,
    reverse,
    ...specsOf(scan, batched),
    needsBatch: needsBatch(scan),
    record: record.join('\n'),
    fields,
    slots: tensors.map(specOf),
    order,
    backend: numberOf(backend),
    recorded: isGradEnabled(),
    recordings: new Map([[recording.rows, recording]]),
  };
  let byOwner = traces.get(source);
  if (byOwner === undefined) traces.set(source, (byOwner = new WeakMap<object, Entry[]>()));
  const owner = isPlain(parameters) ? source : parameters;
  let entries = byOwner.get(owner);
  if (entries === undefined) byOwner.set(owner, (entries = []));
  const known = entries.find((entry) => isAlike(entry, made) && guardsHold(entry.fields, parameters, []));
  if (known !== undefined) {
    keepRecent(known.recordings, RECORDINGS_AT_MOST, recording.rows, recording);
    return known;
  }
  if (entries.length >= REMEMBERED_AT_MOST) entries.shift();
  entries.push(made);
  return made;
}

/** Whether two traces serve for the same calls, as far as the fields of the parameters allow. */
function isAlike(a: Entry, b: Entry): boolean {
  const same = ['plans', 'batched', 'needsBatch', 'inputForm', 'stateForm', 'reverse', 'record', 'backend'] as const;
  return (
    same.every((name) => a[name] === b[name]) &&
    a.recorded === b.recorded &&
    sameGenerators(a.draws, b.draws) &&
    sameSpecs(a.inputs, b.inputs) &&
    sameSpecs(a.states, b.states) &&
    sameSpecs(a.slots, b.slots) &&
    a.order.join() === b.order.join()
  );
}

/** Whether the arguments must have a batch in front. */
export function needsBatch({ extent }: Pick<Scan, 'extent'>): boolean {
  return extent.lengths !== undefined || extent.resets !== undefined;
}

/** Whether a trace serves for the arguments of a call. */
function serves(entry: Entry, scan: Scan, backend: Backend): boolean {
  const { inputs, states, record, rowwise } = scan;
  if (entry.inputForm !== scan.inputForm || entry.stateForm !== scan.stateForm) return false;
  if (entry.reverse !== scan.reverse || entry.needsBatch !== needsBatch(scan)) return false;
  if (entry.record !== (record.length === 0 ? '' : record.join('\n'))) return false;
  const lead = entry.batched ? 1 : 0;
  const hasBatch = entry.batched && rowwise === undefined;
  const batch = inputs[0].shape[1];
  for (let i = 0; i < inputs.length; i++) {
    if (!hasForm(inputs[i], entry.inputs[i], backend, rowwise === undefined ? lead + 1 : undefined)) return false;
    if (hasBatch && inputs[i].shape[1] !== batch) return false;
  }
  for (let i = 0; i < states.length; i++) {
    if (!hasForm(states[i], entry.states[i], backend, lead)) return false;
    if (hasBatch && states[i].shape[0] !== batch) return false;
  }
  return true;
}

/** The rows that the step of a call gets. */
export function rowsOf({ inputs: [{ shape, size }], rowwise }: Scan, batched: boolean): number {
  if (rowwise === undefined) return batched ? shape[1] : 1;
  return rowwise.elementwise ? size : size / shape[shape.length - 1];
}

/** What the step of a call is traced as. */
export function requestOf(scan: Scan, batched: boolean): TraceRequest {
  const { inputs, states } = specsOf(scan, batched);
  const isColumn = scan.rowwise?.elementwise === true;
  return {
    backend: scan.inputs[0].backend,
    batched,
    rows: rowsOf(scan, batched),
    inputs: isColumn ? inputs.map((spec) => ({ ...spec, shape: [1] })) : inputs,
    states,
    recorded: isGradEnabled(),
  };
}

/** The forms of a call's tensors, as one row has them; an element has no dimensions. */
function specsOf({ inputs, states, rowwise }: Scan, batched: boolean): Pick<TraceRequest, 'inputs' | 'states'> {
  const lead = Number(batched);
  const row = (tensor: Tensor, front: number): TensorSpec => ({ ...specOf(tensor), shape: tensor.shape.slice(front) });
  return {
    inputs: inputs.map((x) => row(x, rowwise === undefined ? lead + 1 : x.rank - Number(!rowwise.elementwise))),
    states: states.map((s) => row(s, lead)),
  };
}

/** The form of a tensor. */
export function specOf({ shape, dtype, requiresGrad }: Tensor): TensorSpec {
  return { shape, dtype, wantsGrad: requiresGrad };
}

/**
 * The tensors that stand in parameters where a trace captured some.
 *
 * @returns `undefined` where the parameters are not as they were
 */
export function capturedIn(
  parameters: object,
  { fields, slots, order }: ParameterGuards,
  backend: Backend,
): readonly Tensor[] | undefined {
  const tensors: Tensor[] = [];
  if (!guardsHold(fields, parameters, tensors) || !haveForms(tensors, slots, backend)) return undefined;
  const captured: Tensor[] = [];
  for (let k = 0; k < order.length; k++) captured.push(tensors[order[k]]);
  return captured;
}

/** Numbers of backends: asking a weak reference at every call would take longer. */
const numbers = new WeakMap<Backend, number>();
let count = 0;

function numberOf(backend: Backend): number {
  let number = numbers.get(backend);
  if (number === undefined) numbers.set(backend, (number = count++));
  return number;
}

function first<T>(map: ReadonlyMap<unknown, T>): T | undefined {
  for (const value of map.values()) return value;
  return undefined;
}

/** Whether two lists of forms are the same. */
function sameSpecs(a: readonly TensorSpec[], b: readonly TensorSpec[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (slot, i) => slot.dtype === b[i].dtype && slot.wantsGrad === b[i].wantsGrad && sameShape(slot.shape, b[i].shape),
    )
  );
}

function haveForms(tensors: readonly Tensor[], slots: readonly TensorSpec[], backend: Backend): boolean {
  if (tensors.length !== slots.length) return false;
  for (let i = 0; i < tensors.length; i++) if (!hasForm(tensors[i], slots[i], backend, 0)) return false;
  return true;
}

/**
 * Whether a tensor has a slot's type and place, wants a gradient where that matters, and has the
 * slot's shape behind `lead` dimensions.
 * Without `lead` there may be any number in front.
 */
export function hasForm(
  { shape, backend: place, dtype, requiresGrad }: Tensor,
  slot: TensorSpec,
  backend: Backend,
  lead?: number,
): boolean {
  if (place !== backend || dtype !== slot.dtype) return false;
  if (requiresGrad !== slot.wantsGrad && isGradEnabled()) return false;
  const front = shape.length - slot.shape.length;
  if (lead === undefined ? front < 0 : front !== lead) return false;
  for (let i = 0; i < slot.shape.length; i++) if (shape[front + i] !== slot.shape[i]) return false;
  return true;
}

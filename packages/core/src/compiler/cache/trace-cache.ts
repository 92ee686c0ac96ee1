/**
 * Traces that serve again. A function that is given what it works with as `parameters`, and that
 * captured nothing else, computes the same when its arguments have the same form and the
 * parameters' fields are as they were.
 */
import type { Backend } from '../../backend.js';
import { isGradEnabled } from '../../grad-mode.js';
import { sameShape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { isPlain, guardsHold, type Fields } from './guards.js';
import { countTrace } from './cache-info.js';
import type { TensorSpec } from '../trace/record-step.js';
import type { Recording } from '../trace/recording.js';

/** What of the parameters a trace depends on. */
export interface ParameterGuards {
  readonly fields: Fields['guards'];
  /** Of the tensors in the parameters. */
  readonly slots: readonly TensorSpec[];
  /** Which of them each captured tensor is. */
  readonly order: readonly number[];
}

/** A trace with what it depends on. */
interface Entry<T> extends ParameterGuards {
  readonly trace: T;
  /**
   * The backend's number. The backend itself is not held: one that is not used any more should go,
   * with all its memory.
   */
  readonly backend: number;
  readonly recorded: boolean;
  /**
   * What the function did, for each number of rows that it was called with: it may look at that
   * number.
   */
  readonly recordings: Map<number, Recording>;
}

/** A trace that serves, with the tensors that stand now where it captured some. */
interface Recalled<T> {
  readonly trace: T;
  readonly guards: ParameterGuards;
  readonly captured: readonly Tensor[];
  readonly recording: Recording;
}

const REMEMBERED_AT_MOST = 16;
const RECORDINGS_AT_MOST = 64;

/** A call whose trace may serve others. */
interface Remembering<T> {
  readonly trace: T;
  /** The tensors that the function used besides its arguments. */
  readonly captured: readonly Tensor[];
  readonly recording: Recording;
  /** Where it ran. */
  readonly backend: Backend;
  readonly parameters: object;
  /** How they looked before the function was called. */
  readonly before: Fields;
}

/** The traces of one function. */
export class TraceCache<T, Call> {
  private readonly serves: (trace: T, call: Call, backend: Backend) => boolean;
  private readonly isAlike: (a: T, b: T) => boolean;
  private readonly rowsOf: (trace: T, call: Call) => number | undefined;
  /** Of parameters that are a plain object, which says all about itself. */
  private readonly ofPlain: Entry<T>[] = [];
  /** By the parameters, where they are an object of some class. */
  private readonly ofObjects = new WeakMap<object, Entry<T>[]>();

  /**
   * @param serves - whether a trace serves for a call, as far as its own arguments go
   * @param isAlike - whether two traces serve for the same calls
   * @param rowsOf - how many rows a call has for a trace; `undefined` where the function does not
   *   look at their number
   */
  constructor(
    serves: (trace: T, call: Call, backend: Backend) => boolean,
    isAlike: (a: T, b: T) => boolean,
    rowsOf: (trace: T, call: Call) => number | undefined,
  ) {
    this.serves = serves;
    this.isAlike = isAlike;
    this.rowsOf = rowsOf;
  }

  /** An earlier trace that serves for a call. */
  get(call: Call, backend: Backend, parameters: object): Recalled<T> | undefined {
    const entries = this.entriesOf(parameters);
    if (entries.length === 0) return undefined;
    const place = numberOf(backend);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (entry.recorded !== isGradEnabled() || entry.backend !== place) continue;
      if (!this.serves(entry.trace, call, backend)) continue;
      const rows = this.rowsOf(entry.trace, call);
      const recording = rows === undefined ? first(entry.recordings) : entry.recordings.get(rows);
      if (recording === undefined) continue;
      const captured = capturedIn(parameters, entry, backend);
      if (captured === undefined) continue;
      countTrace(true);
      return { trace: entry.trace, guards: entry, captured, recording };
    }
    return undefined;
  }

  /**
   * Keeps a trace for later calls, if it can serve again.
   *
   * @returns what of the parameters it depends on, if it was kept
   */
  set({ trace, captured, recording, backend, parameters, before }: Remembering<T>): ParameterGuards | undefined {
    const { tensors } = before;
    const now: Tensor[] = [];
    if (!guardsHold(before.guards, parameters, now)) return undefined; // the function changes what it depends on
    if (now.some((tensor, i) => tensor !== tensors[i])) return undefined;
    // One tensor in two places: next time two may come, and the trace knows of one.
    if (new Set(tensors).size < tensors.length) return undefined;
    const order = captured.map((tensor) => tensors.indexOf(tensor));
    if (order.includes(-1)) return undefined;
    const entries = this.entriesOf(parameters);
    const isSame = (entry: Entry<T>): boolean =>
      entry.recorded === isGradEnabled() &&
      entry.backend === numberOf(backend) &&
      this.isAlike(entry.trace, trace) &&
      guardsHold(entry.fields, parameters, []) &&
      haveForms(tensors, entry.slots, backend) &&
      order.every((at, i) => entry.order[i] === at);
    const known = entries.find(isSame);
    if (known !== undefined) {
      if (known.recordings.size >= RECORDINGS_AT_MOST) known.recordings.clear();
      known.recordings.set(recording.rows, recording);
      return known;
    }
    if (entries.length >= REMEMBERED_AT_MOST) entries.shift();
    const entry: Entry<T> = {
      trace,
      backend: numberOf(backend),
      recorded: isGradEnabled(),
      fields: before.guards,
      slots: tensors.map(({ shape, dtype, requiresGrad }) => ({ shape, dtype, wantsGrad: requiresGrad })),
      order,
      recordings: new Map([[recording.rows, recording]]),
    };
    entries.push(entry);
    return entry;
  }

  private entriesOf(parameters: object): Entry<T>[] {
    if (isPlain(parameters)) return this.ofPlain;
    let entries = this.ofObjects.get(parameters);
    if (entries === undefined) this.ofObjects.set(parameters, (entries = []));
    return entries;
  }
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
export function sameSpecs(a: readonly TensorSpec[], b: readonly TensorSpec[]): boolean {
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

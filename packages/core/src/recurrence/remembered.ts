/**
 * Traces that serve again. A step that is given what it works with as `parameters`, and that captured nothing else, computes the same when
 * the arguments have the same form and the parameters' fields are as they were.
 */
import type { Backend } from '../backend.js';
import { isGradEnabled } from '../grad-mode.js';
import type { Tensor } from '../tensor.js';
import type { TracedDraw } from './drawing.js';
import type { Scan } from './eager.js';
import { isPlain, looksLike, picture, type Fields } from './fields.js';
import type { Plans } from './plans.js';
import type { Slot } from './traced-step.js';

/** What a trace gives: see `CompiledRoad`. */
export interface Trace {
  readonly plans: Plans;
  /** Whether the tensors have a batch; else the step works on single vectors. */
  readonly batched: boolean;
  /** What the step used besides its arguments, in the order of the first use. */
  readonly captured: readonly Tensor[];
  /** What the step draws, in the order of its calls. */
  readonly draws: readonly TracedDraw[];
}

interface Remembered extends Omit<Trace, 'captured'> {
  readonly needsBatch: boolean;
  readonly form: number;
  readonly inputs: number;
  readonly reverse: boolean;
  readonly recorded: boolean;
  /** Not held: a backend that is not used any more should go, with all its memory. */
  readonly backend: WeakRef<Backend>;
  readonly record: string;
  readonly fields: Fields['picture'];
  /** For each tensor that goes in: its shape, without time and batch for inputs and states, its type, and whether it wants a gradient. */
  readonly slots: readonly Slot[];
  /** Which tensor of the parameters each captured tensor is. */
  readonly order: readonly number[];
}

const REMEMBERED_AT_MOST = 16;

/** By the step, and then by the parameters themselves where they are no plain object. */
const remembered = new WeakMap<object, WeakMap<object, Remembered[]>>();

function entriesOf({ source }: Scan, parameters: object): Remembered[] {
  let known = remembered.get(source);
  if (known === undefined) remembered.set(source, (known = new WeakMap()));
  const key = isPlain(parameters) ? source : parameters;
  let entries = known.get(key);
  if (entries === undefined) known.set(key, (entries = []));
  return entries;
}

/** An earlier trace that serves for a scan. */
export function recall(scan: Scan): Trace | undefined {
  const { parameters } = scan;
  if (parameters === undefined) return undefined;
  for (const entry of entriesOf(scan, parameters)) {
    const tensors = fits(entry, scan, parameters);
    if (tensors === undefined) continue;
    const { plans, batched, order, draws } = entry;
    return { plans, batched, draws, captured: order.map((i) => tensors[i]) };
  }
  return undefined;
}

/** How the parameters of a scan look; nothing where no trace can be remembered. */
export function fieldsOf({ parameters }: Scan): Fields | undefined {
  return parameters && picture(parameters);
}

/**
 * Keeps a trace for later scans, if it can serve again.
 *
 * @param scan - whose trace it is
 * @param trace - what was found
 * @param fields - of the parameters before the step was called
 */
export function remember(
  scan: Scan,
  { plans, batched, captured, draws }: Trace,
  { picture: before, tensors }: Fields,
): void {
  const { inputs, states, parameters, reverse } = scan;
  const now: Tensor[] = [];
  if (parameters === undefined || !looksLike(before, parameters, now)) return; // the step changes what it depends on
  if (now.some((tensor, i) => tensor !== tensors[i])) return;
  // One tensor in two places: next time two may come, and the trace knows of one.
  if (new Set(tensors).size < tensors.length) return;
  const order = captured.map((tensor) => tensors.indexOf(tensor));
  if (order.includes(-1)) return;
  const entries = entriesOf(scan, parameters);
  if (entries.length >= REMEMBERED_AT_MOST) entries.shift();
  entries.push({
    plans,
    batched,
    draws,
    needsBatch: needsBatch(scan),
    form: scan.form,
    inputs: inputs.length,
    reverse,
    recorded: isGradEnabled(),
    backend: new WeakRef(inputs[0].backend),
    record: scan.record.join('\n'),
    fields: before,
    slots: [...inputs, ...states, ...tensors].map((t) => ({
      shape: t.shape,
      dtype: t.dtype,
      wantsGrad: t.requiresGrad,
    })),
    order,
  });
}

/** Whether the arguments must have a batch in front. */
export function needsBatch({ extent }: Pick<Scan, 'extent'>): boolean {
  return extent.lengths !== undefined || extent.resets !== undefined;
}

/** The tensors of the parameters, if a trace serves for a scan with them. */
function fits(entry: Remembered, scan: Scan, parameters: object): readonly Tensor[] | undefined {
  const { inputs, states, record } = scan;
  const { slots, batched } = entry;
  if (entry.form !== scan.form || entry.inputs !== inputs.length) return undefined;
  if (entry.reverse !== scan.reverse || entry.recorded !== isGradEnabled() || entry.needsBatch !== needsBatch(scan))
    return undefined;
  if (entry.record !== (record.length === 0 ? '' : record.join('\n'))) return undefined;
  const tensors: Tensor[] = [];
  if (!looksLike(entry.fields, parameters, tensors)) return undefined;
  if (slots.length !== inputs.length + states.length + tensors.length) return undefined;
  const { backend } = inputs[0];
  if (entry.backend.deref() !== backend) return undefined;
  const lead = batched ? 1 : 0;
  let at = 0;
  for (const tensor of inputs) if (!fitsSlot(tensor, slots[at++], lead + 1, backend)) return undefined;
  for (const tensor of states) if (!fitsSlot(tensor, slots[at++], lead, backend)) return undefined;
  for (const tensor of tensors) if (!fitsSlot(tensor, slots[at++], 0, backend)) return undefined;
  if (batched) {
    const batch = inputs[0].shape[1];
    for (const tensor of inputs) if (tensor.shape[1] !== batch) return undefined;
    for (const tensor of states) if (tensor.shape[0] !== batch) return undefined;
  }
  return tensors;
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

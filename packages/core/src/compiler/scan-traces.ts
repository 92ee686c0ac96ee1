/** The traces of scans that serve again, by the step. */
import type { Backend } from '../backend.js';
import type { Tensor } from '../tensor.js';
import type { TreeForm } from '../tree.js';
import { sameGenerators, type TracedDraw } from '../scan/random.js';
import type { Scan } from '../scan/eager.js';
import type { Fields } from './cache/guards.js';
import type { Plans } from './lower/passes.js';
import type { TensorSpec } from './trace/record-step.js';
import type { Recording } from './trace/recording.js';
import { hasForm, sameSpecs, TraceCache, type ParameterGuards } from './cache/trace-cache.js';

/** What a trace gives. */
export interface Trace {
  readonly plans: Plans;
  /** Whether the tensors have a batch; else the step works on single vectors. */
  readonly batched: boolean;
  /** What the step used besides its arguments, in the order of the first use. */
  readonly captured: readonly Tensor[];
  /** What the step draws, in the order of its calls. */
  readonly draws: readonly TracedDraw[];
  /** What the step did when it was traced. */
  readonly recording: Recording;
}

/** A scan that runs compiled: its step was traced. */
export interface CompiledDispatch extends Trace {
  readonly kind: 'compiled';
  /** What of the parameters the trace depends on, if it serves again. */
  readonly guards?: ParameterGuards | undefined;
}

interface Remembered extends Omit<Trace, 'captured' | 'recording'> {
  readonly needsBatch: boolean;
  readonly inputForm: TreeForm;
  readonly stateForm: TreeForm;
  readonly reverse: boolean;
  readonly record: string;
  /** Without time and batch. */
  readonly inputs: readonly TensorSpec[];
  readonly states: readonly TensorSpec[];
}

/** By the step. */
const memories = new WeakMap<object, TraceCache<Remembered, Scan>>();

/** An earlier trace that serves for a scan. */
export function getTrace(scan: Scan): CompiledDispatch | undefined {
  const { source, inputs, parameters } = scan;
  if (parameters === undefined) return undefined;
  const found = memories.get(source)?.get(scan, inputs[0].backend, parameters);
  if (found === undefined) return undefined;
  const { plans, batched, draws } = found.trace;
  const { captured, recording, guards } = found;
  return { kind: 'compiled', plans, batched, draws, captured, recording, guards };
}

function rowsOf({ batched }: Remembered, { inputs: [x] }: Scan): number {
  return batched ? x.shape[1] : 1;
}

/**
 * Keeps a trace for later scans, if it can serve again.
 *
 * @param scan - whose trace it is; with parameters
 * @param trace - what was found
 * @param before - the fields of the parameters before the step was called
 * @returns what of the parameters it depends on, if it was kept
 */
export function setTrace(
  scan: Scan,
  { plans, batched, captured, draws, recording }: Trace,
  before: Fields,
): ParameterGuards | undefined {
  const { source, inputs, states, parameters, inputForm, stateForm, reverse, record } = scan;
  if (parameters === undefined) return undefined;
  const slot = ({ shape, dtype, requiresGrad }: Tensor, lead: number): TensorSpec => ({
    shape: shape.slice(lead + Number(batched)),
    dtype,
    wantsGrad: requiresGrad,
  });
  const trace: Remembered = {
    plans,
    batched,
    draws,
    needsBatch: needsBatch(scan),
    inputForm,
    stateForm,
    reverse,
    record: record.join('\n'),
    inputs: inputs.map((x) => slot(x, 1)),
    states: states.map((s) => slot(s, 0)),
  };
  let memory = memories.get(source);
  if (memory === undefined) memories.set(source, (memory = new TraceCache(serves, isAlike, rowsOf)));
  return memory.set({ trace, captured, recording, backend: inputs[0].backend, parameters, before });
}

function isAlike(a: Remembered, b: Remembered): boolean {
  return (
    a.plans === b.plans &&
    a.batched === b.batched &&
    a.needsBatch === b.needsBatch &&
    a.inputForm === b.inputForm &&
    a.stateForm === b.stateForm &&
    a.reverse === b.reverse &&
    a.record === b.record &&
    sameGenerators(a.draws, b.draws) &&
    sameSpecs(a.inputs, b.inputs) &&
    sameSpecs(a.states, b.states)
  );
}

/** Whether the arguments must have a batch in front. */
export function needsBatch({ extent }: Pick<Scan, 'extent'>): boolean {
  return extent.lengths !== undefined || extent.resets !== undefined;
}

/** Whether a trace serves for the arguments of a scan. */
function serves(trace: Remembered, scan: Scan, backend: Backend): boolean {
  const { inputs, states, record } = scan;
  if (trace.inputForm !== scan.inputForm || trace.stateForm !== scan.stateForm) return false;
  if (trace.reverse !== scan.reverse || trace.needsBatch !== needsBatch(scan)) return false;
  if (trace.record !== (record.length === 0 ? '' : record.join('\n'))) return false;
  const lead = trace.batched ? 1 : 0;
  const batch = inputs[0].shape[1];
  for (let i = 0; i < inputs.length; i++) {
    if (!hasForm(inputs[i], trace.inputs[i], backend, lead + 1)) return false;
    if (trace.batched && inputs[i].shape[1] !== batch) return false;
  }
  for (let i = 0; i < states.length; i++) {
    if (!hasForm(states[i], trace.states[i], backend, lead)) return false;
    if (trace.batched && states[i].shape[0] !== batch) return false;
  }
  return true;
}

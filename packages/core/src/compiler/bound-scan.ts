/** Calls that come again as they were but for the tensors' values: see `BoundCall`. */
import { ambient } from '../ambient.js';
import type { Backend, Storage } from '../backend.js';
import { checkOptions } from '../checks/options.js';
import { isRecorded, wrap } from '../record.js';
import type { RowResults } from '../row-wise.js';
import type { BoundScan, ScanShapes } from '../compiler-slot.js';
import type { Scan } from '../scan/eager.js';
import { scanOptions, type ScanOptions } from '../scan/arguments.js';
import { sameShape, sizeOf, type Shape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { TreeForm, type Tree } from '../tree.js';
import { countTrace } from './cache/program-cache.js';
import { isPlain } from './cache/guards.js';
import { hasForm, rowsOf, specOf, type Traced } from './cache/trace-cache.js';
import { BoundCall, BoundParameters } from './run/bound-call.js';
import { leadOf, run, type RunResults } from './run/run.js';
import type { TensorSpec } from './trace/record-step.js';

/** A call that was bound, and what tells it from others. */
interface KnownCall {
  readonly source: object;
  readonly call: BoundCall;
  readonly parameters: BoundParameters;
  readonly stateForm: TreeForm;
  readonly outputForm: TreeForm;
  readonly reverse: boolean;
  /** The dimensions of the outputs in front of a row's. */
  readonly lead: Shape;
}

const KEPT_AT_MOST = 16;

/** Bound calls by what they belong to and by backend: both may go while the other stays. */
export class BoundCalls {
  private readonly byOwner = new WeakMap<object, WeakMap<Backend, KnownCall[]>>();

  /** In the order in which they were bound; `undefined` where there is none. */
  of(source: object, parameters: object, backend: Backend): readonly KnownCall[] | undefined {
    return this.byOwner.get(ownerOf(source, parameters))?.get(backend);
  }

  /**
   * Binds a call whose trace serves again, if it is of the kind that can be. The oldest one goes
   * where there are many.
   */
  bind(scan: Scan, traced: Traced): void {
    const { source, record, inputs, states, parameters, inputForm, stateForm, extent, reverse, rowwise } = scan;
    const { guards, captured, batched, plans } = traced;
    if (guards === undefined || parameters === undefined || record.length > 0) return;
    if (rowwise === undefined && inputForm !== TreeForm.tensor) return;
    if (extent.lengths !== undefined || extent.resets !== undefined) return;
    const call = BoundCall.of(traced, inputs, states, {
      hasSteps: rowwise === undefined,
      rows: rowsOf(scan, batched),
      isElementwise: rowwise?.elementwise === true,
      isAnyShape: rowwise?.elementwise === true && rowwise.anyRows,
      isMean: rowwise?.mean === true,
    });
    if (call === undefined) return;
    const owner = ownerOf(source, parameters);
    const [{ backend }] = inputs;
    let byBackend = this.byOwner.get(owner);
    if (byBackend === undefined) this.byOwner.set(owner, (byBackend = new WeakMap()));
    let calls = byBackend.get(backend);
    if (calls === undefined) byBackend.set(backend, (calls = []));
    if (calls.length >= KEPT_AT_MOST) calls.shift();
    calls.push({
      source,
      call,
      parameters: new BoundParameters(guards, parameters, captured),
      stateForm,
      outputForm: plans.step.form,
      reverse,
      lead: leadOf(scan, batched),
    });
  }

  /** Runs a row-wise call that was bound; nothing where none serves. */
  runRows(source: object, inputs: readonly Tensor[], parameters: object): RowResults | undefined {
    const list = this.of(source, parameters, inputs[0].backend);
    if (list === undefined) return undefined;
    for (let i = list.length - 1; i >= 0; i--) {
      const { call, parameters: known, lead, outputForm } = list[i];
      if (!call.serves(inputs, none)) continue;
      const captured = known.capturedIn(parameters, call);
      if (captured === undefined) continue;
      const { outputs } = call.run(inputs, noStorages, captured, call.isAnyShape ? inputs[0].shape : lead);
      return { outputs, form: outputForm };
    }
    return undefined;
  }
}

/** Parameters that are an object of some class, else the function. */
function ownerOf(source: object, parameters: object): object {
  return isPlain(parameters) ? source : parameters;
}

/** Those of `scan`. */
export const boundScans: BoundCalls = new BoundCalls();

const none: readonly Tensor[] = [];
const sequenceForm = { hasSteps: true, isElementwise: false, isAnyShape: false, isMean: false };
const noStorages: readonly Storage[] = [];

/**
 * Runs a scan that was bound.
 *
 * @returns `undefined` where none serves: the call may be anything, and is to be checked
 */
export function runBoundScan(
  step: object,
  xs: unknown,
  state: unknown,
  options: ScanOptions,
): [ys: Tree, last: Tree] | undefined {
  const { parameters, lengths, resets, record, compile = ambient.compile.value, reverse = false } = options;
  if (typeof parameters !== 'object' || parameters === null || !(xs instanceof Tensor)) return undefined;
  const list = boundScans.of(step, parameters, xs.backend);
  if (list === undefined || ambient.tracing.value) return undefined;
  checkOptions('scan', options, scanOptions);
  if (lengths !== undefined || resets !== undefined || record !== undefined) return undefined;
  if (compile !== 'auto' && compile !== 'required') return undefined;
  const inputs = [xs];
  for (let i = list.length - 1; i >= 0; i--) {
    const { source, call, parameters: known, stateForm, outputForm, reverse: isReverse, lead } = list[i];
    if (source !== step || reverse !== isReverse) continue;
    const states = stateForm.leavesOf(state);
    if (states === undefined || !call.serves(inputs, states)) continue;
    const captured = known.capturedIn(parameters, call);
    if (captured === undefined) continue;
    const [steps] = xs.shape;
    const carried = new Array<Storage>(states.length); // just as long: `push` makes room for more
    for (let k = 0; k < carried.length; k++) carried[k] = states[k].storage;
    const front = lead[0] === steps ? lead : [steps, ...lead.slice(1)];
    const { outputs, last } = call.run(inputs, carried, captured, front);
    return [outputForm.treeOf(outputs), stateForm.treeOf(last)];
  }
  return undefined;
}

/**
 * Binds a scan that a trace serves, for a caller that looks after step and parameters itself: see
 * `bindScan` of the package.
 *
 * @returns nothing for a scan that is recorded unless it starts from zeros, over a batch of
 *   sequences as its caller has them
 */
export function bindScan(scan: Scan, traced: Traced, shapes: ScanShapes): BoundScan | undefined {
  const { inputs, states, parameters } = scan;
  const { guards, captured, draws, batched } = traced;
  if (guards === undefined || parameters === undefined) return undefined;
  const rows = rowsOf(scan, batched);
  const call = BoundCall.of(traced, [shapes.xs], shapes.state, { ...sequenceForm, rows });
  if (call !== undefined) {
    const known = isPlain(parameters) ? undefined : new BoundParameters(guards, parameters, captured);
    return new BoundSequence(call, captured, shapes, known && (() => known.capturedIn(parameters, call)));
  }
  const isRecordedFromZeros =
    draws.length === 0 && batched && shapes.state.length === 0 && !isRecorded(states) && isPlain(parameters);
  return isRecordedFromZeros && sameShape(shapes.xs.shape, inputs[0].shape)
    ? new BoundTraining(scan, traced, shapes)
    : undefined;
}

/** A scan that is not recorded. */
class BoundSequence implements BoundScan {
  private readonly call: BoundCall;
  private captured: readonly Tensor[];
  /** What is captured of parameters that are compared; nothing where they are not as before. */
  private readonly recapture: (() => readonly Tensor[] | undefined) | undefined;
  private readonly batch: Shape;
  /** The dimensions of the outputs in front of a row's, at the last call. */
  private lead: Shape = [];
  /** Elements of each tensor of the state, where it is zero. */
  private readonly zeros: readonly number[];
  private readonly lastShapes: readonly Shape[];

  constructor(
    call: BoundCall,
    captured: readonly Tensor[],
    { batch, last }: ScanShapes,
    recapture: (() => readonly Tensor[] | undefined) | undefined,
  ) {
    this.call = call;
    this.captured = captured;
    this.recapture = recapture;
    this.batch = batch;
    this.zeros = last.map(sizeOf);
    this.lastShapes = last;
  }

  serves(xs: Tensor, state?: readonly Tensor[]): boolean {
    if (ambient.compile.value === 'never' || !this.call.serves([xs], state)) return false;
    if (this.recapture === undefined) return this.call.servesWith(this.captured);
    const captured = this.recapture();
    if (captured === undefined) return false;
    this.captured = captured;
    return true;
  }

  run(xs: Tensor, state: readonly Tensor[]): RunResults {
    const { shape, backend, dtype } = xs;
    const { zeros } = this;
    const carried = new Array<Storage>(zeros.length);
    try {
      for (let i = 0; i < carried.length; i++) {
        if (i < state.length) carried[i] = state[i].storage;
        // Tensors of one size start from the same zeros.
        else if (i > 0 && zeros[i] === zeros[i - 1]) carried[i] = carried[i - 1];
        else carried[i] = backend.fill(0, zeros[i], dtype);
      }
      if (this.lead[0] !== shape[0]) this.lead = [shape[0], ...this.batch];
      return this.call.run([xs], carried, this.captured, this.lead, this.lastShapes);
    } finally {
      for (let i = state.length; i < carried.length; i++)
        if (carried[i] !== undefined && (i === 0 || carried[i] !== carried[i - 1])) backend.release(carried[i]);
    }
  }
}

/**
 * A scan that is recorded for `backward`. What is checked, and found among the traces, once, is not
 * asked again; the run itself is that of any scan.
 */
class BoundTraining implements BoundScan {
  /** Without its tensors, which others may take the places of. */
  private readonly scan: Scan;
  private readonly traced: Traced;
  /** Without the steps, of which there may be any number. */
  private readonly input: TensorSpec;
  private readonly captured: readonly TensorSpec[];
  private readonly states: readonly Shape[];
  private readonly last: readonly Shape[];

  constructor(scan: Scan, traced: Traced, { last }: ScanShapes) {
    this.scan = { ...scan, inputs: none, states: none };
    this.traced = traced;
    const [x] = scan.inputs;
    this.input = { ...specOf(x), shape: x.shape.slice(1) };
    this.captured = traced.captured.map(specOf);
    this.states = scan.states.map(({ shape }) => shape);
    this.last = last;
  }

  serves(xs: Tensor, state: readonly Tensor[] = none): boolean {
    if (!ambient.recording.value || ambient.checking.value || ambient.tracing.value) return false;
    if (ambient.compile.value === 'never' || state.length > 0) return false;
    const { backend } = xs;
    if (!hasForm(xs, this.input, backend, 1) || xs.size === 0) return false;
    const { captured } = this.traced;
    for (let i = 0; i < captured.length; i++)
      if (captured[i].isDisposed || !hasForm(captured[i], this.captured[i], backend, 0)) return false;
    return true;
  }

  run(xs: Tensor): RunResults {
    const { backend, dtype } = xs;
    const states: Tensor[] = [];
    try {
      // Tensors of one shape start from the same zeros.
      for (const shape of this.states) {
        const before = states.at(-1);
        const isSame = before !== undefined && sameShape(before.shape, shape);
        states.push(isSame ? before : wrap(backend, backend.fill(0, shape[0] * shape[1], dtype), shape));
      }
      countTrace(true);
      const extent = { ...this.scan.extent, steps: xs.shape[0] };
      return run({ ...this.scan, inputs: [xs], states, extent }, this.traced, this.last);
    } finally {
      for (const state of states) state.dispose();
    }
  }
}

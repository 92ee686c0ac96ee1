/** Calls of `scan` that come again as they were but for the tensors' values: see `BoundCall`. */
import { ambient } from '../ambient.js';
import type { Storage } from '../backend.js';
import { checkOptions } from '../checks/options.js';
import type { BoundScan, ScanShapes } from '../scan/bound-scan.js';
import type { Scan } from '../scan/eager.js';
import { scanOptions, type ScanOptions } from '../scan/arguments.js';
import { sizeOf, type Shape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { TreeForm, type Tree } from '../tree.js';
import { isPlain } from './cache/guards.js';
import type { ParameterGuards } from './cache/trace-cache.js';
import { BoundCall, BoundCalls, BoundParameters } from './run/bound-call.js';
import type { RunResults } from './run/run.js';
import type { CompiledDispatch } from './scan-traces.js';

interface KnownScan {
  readonly step: object;
  readonly call: BoundCall;
  readonly parameters: BoundParameters;
  readonly stateForm: TreeForm;
  readonly outputForm: TreeForm;
  readonly reverse: boolean;
  /**
   * The size of the batch, which is a dimension of the outputs; `undefined` where there is none.
   */
  readonly batch: number | undefined;
}

/** By the parameters where they are an object of some class, else by the step. */
const known = new BoundCalls<KnownScan>();
const ownerOf = (step: object, parameters: object): object => (isPlain(parameters) ? step : parameters);

/** Binds a scan whose trace serves again, for later calls of `scan`. */
export function keepBound(scan: Scan, how: CompiledDispatch, guards: ParameterGuards): void {
  const { source, record, inputs, states, parameters, inputForm, stateForm, extent, reverse } = scan;
  if (parameters === undefined || inputForm !== TreeForm.tensor || record.length > 0) return;
  if (extent.lengths !== undefined || extent.resets !== undefined) return;
  const batch = how.batched ? inputs[0].shape[1] : undefined;
  const call = BoundCall.of(how, inputs, states, { hasSteps: true, rows: batch ?? 1, isElementwise: false });
  if (call === undefined) return;
  known.keep(ownerOf(source, parameters), inputs[0].backend, {
    step: source,
    call,
    parameters: new BoundParameters(guards, parameters, how.captured),
    stateForm,
    outputForm: how.plans.step.form,
    reverse,
    batch,
  });
}

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
  const list = known.of(ownerOf(step, parameters), xs.backend);
  if (list === undefined || ambient.tracing.value) return undefined;
  checkOptions('scan', options, scanOptions);
  if (lengths !== undefined || resets !== undefined || record !== undefined) return undefined;
  if (compile !== 'auto' && compile !== 'required') return undefined;
  const inputs = [xs];
  for (let i = list.length - 1; i >= 0; i--) {
    const { step: own, call, parameters: known, stateForm, outputForm, reverse: isReverse, batch } = list[i];
    if (own !== step || reverse !== isReverse) continue;
    const states = stateForm.leavesOf(state);
    if (states === undefined || !call.serves(inputs, states)) continue;
    const captured = known.capturedIn(parameters, call);
    if (captured === undefined) continue;
    const [steps] = xs.shape;
    const carried = [];
    for (let k = 0; k < states.length; k++) carried.push(states[k].storage);
    const { outputs, last }: RunResults = call.run(
      inputs,
      carried,
      captured,
      batch === undefined ? [steps] : [steps, batch],
    );
    return [outputForm.filled(outputs), stateForm.filled(last)];
  }
  return undefined;
}

/**
 * Binds a scan that a trace serves, for a caller that looks after step and parameters itself: see
 * `bindScan` of the package.
 */
export function bindScan(scan: Scan, known: CompiledDispatch, shapes: ScanShapes): BoundScan | undefined {
  const { parameters } = scan;
  if (known.guards === undefined || parameters === undefined) return undefined;
  const rows = known.batched ? scan.inputs[0].shape[1] : 1;
  const form = { hasSteps: true, rows, isElementwise: false };
  const call = BoundCall.of(known, [shapes.xs], shapes.state, form);
  if (call === undefined) return undefined;
  const guards = isPlain(parameters) ? undefined : new BoundParameters(known.guards, parameters, known.captured);
  return new BoundSequence(call, known.captured, shapes, guards && (() => guards.capturedIn(parameters, call)));
}

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

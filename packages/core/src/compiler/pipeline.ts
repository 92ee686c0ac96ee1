/**
 * The way of a call from its arguments to its results, as functions in a row:
 *
 * - *normalise* says what the step gets: the forms of its tensors, with a batch or without;
 * - *trace* calls the step on symbols and writes down what it does;
 * - *lower* makes programs of that, unless another step did the same;
 * - *bind* keeps the call for those that come again as it was but for the tensors' values;
 * - *run* runs the programs on a backend and records the whole run as one operation.
 *
 * A call is a scan, or that of a row-wise function, which is one step without time. Most calls find
 * the trace of an earlier one, and begin with *bind*; those that were bound come here no more.
 */
import { checkSameBackend } from '../checks/tensors.js';
import { compileModeOf, refuseEager } from '../compile-mode.js';
import { isFloating } from '../dtype.js';
import { TraceError } from '../errors.js';
import { isAnomalyEnabled } from '../grad-mode.js';
import { EagerRows, type RowFunction, type RowFunctionOptions, type RowResults } from '../row-wise.js';
import type { Scan, ScanResults } from '../scan/eager.js';
import { isGathering } from '../scan/tap.js';
import { sizeOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { isTracing } from '../tracing-mode.js';
import { TreeForm } from '../tree.js';
import { BoundCalls, boundScans } from './bound-scan.js';
import { guardsOf } from './cache/guards.js';
import { countTrace, plansFor } from './cache/program-cache.js';
import { getTrace, needsBatch, requestOf, setTrace, type Traced } from './cache/trace-cache.js';
import { run } from './run/run.js';
import { recordStep, type RecordedStep, type TraceRequest } from './trace/record-step.js';

/**
 * The results by programs; nothing where the step has to run by single operations.
 *
 * @param scan - the call
 * @param bound - where it is kept for those that come again
 * @throws TraceError for a call that requires to be compiled and cannot be
 */
export function compiledScan(scan: Scan, bound: BoundCalls = boundScans): ScanResults | undefined {
  const traced = dispatch(scan);
  if (typeof traced === 'string') return undefined;
  bound.bind(scan, traced);
  return run(scan, traced);
}

/**
 * The trace of a call, made now or for an earlier one that looked alike; or the reason why it runs
 * by single operations.
 *
 * @throws TraceError for a call that requires to be compiled and cannot be
 */
export function dispatch(scan: Scan): Traced | string {
  const reason = reasonForEager(scan);
  if (reason !== undefined) return reason;
  const known = getTrace(scan);
  if (known !== undefined) return known;
  const fields = scan.parameters && guardsOf(scan.parameters);
  const found = compile(scan);
  if (!(found instanceof TraceError)) return { ...found, guards: fields && setTrace(scan, found, fields) };
  if (compileModeOf(scan.compile) === 'required') refuseEager(scan.name, found);
  return found.message;
}

/** Why a call runs by single operations whatever its step does. */
export function reasonForEager({ compile, rowwise, inputs: [{ backend, size }] }: Scan): string | undefined {
  if (isAnomalyEnabled()) return 'the anomaly mode looks at every operation';
  if (isTracing()) return 'it is a part of a step that is being traced';
  const mode = compileModeOf(compile);
  if (mode === 'never') return "compile is 'never'";
  if (rowwise === undefined) return undefined;
  if (isGathering()) return 'it is a part of a step whose inner values are wanted';
  if (size === 0) return 'there are no rows';
  return mode === 'auto' && backend.compile === undefined ? 'the backend compiles nothing' : undefined;
}

/** Finds out what programs a step makes; the reason where it makes none. */
function compile(scan: Scan): Traced | TraceError {
  const requests = normalise(scan);
  if (requests instanceof TraceError) return requests;
  const failures: TraceError[] = [];
  for (const request of requests) {
    try {
      return lower(scan, request, trace(scan, request));
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      failures.push(error);
    }
  }
  // Why it does not work for whole batches, if there are any: that is how a step is meant to run.
  const [{ message, cause = failures[0] }] = failures;
  return new TraceError(message, { cause });
}

/** What the step may be traced as: with a batch, and where that cannot be, on single vectors. */
function normalise(scan: Scan): readonly TraceRequest[] | TraceError {
  const { inputs, states, rowwise } = scan;
  const { backend, dtype } = inputs[0];
  const all = [...inputs, ...states];
  for (const t of all) checkSameBackend(scan.name, 'state', t.backend, backend, 'xs');
  if (all.some((t) => t.dtype !== dtype || !isFloating(t.dtype)))
    return new TraceError(`the arguments are of ${[...new Set(all.map((t) => t.dtype))].join(' and ')}`);
  const batch = inputs[0].shape[1];
  const canBeBatched =
    rowwise !== undefined ||
    (inputs.every((x) => x.rank > 1 && x.shape[1] === batch) &&
      states.every((s) => s.rank > 0 && s.shape[0] === batch));
  const ways = rowwise !== undefined || needsBatch(scan) ? [true] : [true, false];
  return ways.filter((batched) => !batched || canBeBatched).map((batched) => requestOf(scan, batched));
}

/** What the step does, called on symbols. */
function trace({ step }: Scan, request: TraceRequest): RecordedStep {
  countTrace(false);
  return recordStep(step, request);
}

/** The programs for what a step did. */
function lower({ step, reverse, rowwise }: Scan, request: TraceRequest, recorded: RecordedStep): Traced {
  const plans = plansFor(step, request, recorded, reverse);
  if (rowwise?.elementwise === true && plans.step.outputShapes.some((shape) => sizeOf(shape) !== 1))
    throw new TraceError('a result does not have the shape of the arguments');
  return { ...recorded, plans, batched: request.batched };
}

/** A row-wise function as one step of a scan, without time. */
export class RowwiseCalls extends EagerRows {
  private readonly name: string;
  private readonly options: RowFunctionOptions;
  private readonly bound = new BoundCalls();

  constructor(name: string, fn: RowFunction, options: RowFunctionOptions) {
    super(fn, options);
    this.name = name;
    this.options = options;
  }

  /** @throws TraceError where the function has to be compiled and cannot be */
  override run(inputs: readonly Tensor[], parameters: object): RowResults {
    const scan: Scan = {
      name: this.name,
      rowwise: this.options,
      step: (xs) => ({ ...this.fn(xs, parameters), next: nothing }),
      source: this,
      record: nothing,
      inputs,
      states: nothing,
      inputForm: TreeForm.tensor,
      stateForm: TreeForm.tensor,
      parameters,
      compile: this.options.compile,
      extent: oneStep,
      reverse: false,
    };
    return compiledScan(scan, this.bound) ?? super.run(inputs, parameters);
  }

  override runBound(inputs: readonly Tensor[], parameters: object): RowResults | undefined {
    if (inputs.length === 0 || isGathering()) return undefined;
    const mode = compileModeOf(this.options.compile);
    if (mode === 'never' || (mode === 'auto' && inputs[0].backend.compile === undefined)) return undefined;
    return this.bound.runRows(this, inputs, parameters);
  }
}

const nothing: readonly never[] = [];
const oneStep = { steps: 1, lengths: undefined, resets: undefined };

/**
 * A scan from its arguments to its results, as five functions in a row, each at home in a file of
 * its own:
 *
 * - *normalise*: `arrange` in `scan.ts` checks the arguments and takes tensors out of their trees;
 * - *trace*: `recordStep` calls the step on symbols, unless `recall` has a trace that serves again;
 * - *lower*: `plansFor` makes programs of what it did, unless another step did the same;
 * - *bind*: `forwardExecutable` makes the programs ready for a backend, and `keepBound` binds the
 *   call for those that come again;
 * - *run*: `runCompiled` runs them and records the whole run as one operation.
 *
 * `compileFn` takes the same way with one step: see `row-function.ts`.
 */
import { checkSameBackend } from '../checks/tensors.js';
import { compileModeOf, refuseEager } from '../compile-mode.js';
import { isFloating } from '../dtype.js';
import { TraceError } from '../errors.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import { runEagerly, type Scan, type ScanResults } from '../scan/eager.js';
import { drawAll } from '../scan/random.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { isTracing } from '../tracing-mode.js';
import { keepBound } from './bound-scan.js';
import { guardsOf } from './cache/guards.js';
import { plansFor } from './cache/program-cache.js';
import { runCompiled } from './run/run.js';
import { needsBatch, getTrace, setTrace, type CompiledDispatch, type Trace } from './scan-traces.js';
import type { TensorSpec } from './trace/record-step.js';
import { replayedStep } from './trace/replay.js';

/**
 * The results by programs: those of an earlier call that looked alike, or made now; nothing where
 * the step has to run by single operations.
 *
 * @throws TraceError for a scan that requires to be compiled and cannot be
 */
export function compiledScan(scan: Scan): ScanResults | undefined {
  const how = dispatch(scan);
  return how.kind === 'eager' ? undefined : compiled(scan, how);
}

/**
 * The results by programs that are known.
 *
 * @param scan - arranged
 * @param traced - its trace
 * @param lastShapes - of the last state, where the caller wants others than those of the first
 */
export function compiled(scan: Scan, traced: CompiledDispatch, lastShapes?: readonly Shape[]): ScanResults {
  if (traced.guards !== undefined) keepBound(scan, traced, traced.guards);
  const { inputs, states, reverse } = scan;
  const { steps, lengths, resets } = scan.extent;
  const { recording, draws, batched } = traced;
  const [{ backend, shape }] = inputs;
  const rows = batched ? shape[1] : 1;
  const extent = { steps, rows, lengths: lengths && Int32Array.from(lengths), resets };
  const { outputs, last } = runCompiled({
    name: 'scan',
    traced,
    inputs,
    states,
    extent,
    reverse,
    lead: batched ? [steps, rows] : [steps],
    lastShapes,
    isElementwise: false,
    draw: () => drawAll(draws, extent.steps, rows, reverse, backend),
    again: (ends) => {
      const first = inputs.length + states.length;
      const again = runEagerly({
        ...scan,
        step: replayedStep(recording, ends.slice(first), draws),
        inputs: ends.slice(0, inputs.length),
        states: ends.slice(inputs.length, first),
      });
      return [...again.outputs, ...again.last];
    },
  });
  return { outputs, last, form: traced.plans.step.form };
}

/** How a scan runs, and why. */
export type Dispatch = CompiledDispatch | EagerDispatch;

interface EagerDispatch {
  readonly kind: 'eager';
  readonly reason: string;
}

/** How a scan runs, as an earlier call that looked alike found out. */
export function recalledDispatch(scan: Scan): CompiledDispatch | undefined {
  if (scan.parameters === undefined || isAnomalyEnabled() || isTracing()) return undefined;
  return compileModeOf(scan.compile) === 'never' ? undefined : getTrace(scan);
}

/** How a scan runs: as an earlier call found out, or found out now. */
export function dispatch(scan: Scan): Dispatch {
  return recalledDispatch(scan) ?? dispatchAnew(scan);
}

/**
 * Finds out how a scan runs that no earlier call looked like. Calls the step on symbols.
 *
 * @throws TraceError for a scan that requires to be compiled and cannot be
 */
function dispatchAnew(scan: Scan): Dispatch {
  if (isAnomalyEnabled()) return { kind: 'eager', reason: 'the anomaly mode looks at every operation' };
  if (isTracing()) return { kind: 'eager', reason: 'it is a part of a step that is being traced' };
  const mode = compileModeOf(scan.compile);
  if (mode === 'never') return { kind: 'eager', reason: "compile is 'never'" };
  const fields = scan.parameters && guardsOf(scan.parameters);
  const found = trace(scan);
  if (found instanceof TraceError) {
    if (mode === 'required') refuseEager('scan', found);
    return { kind: 'eager', reason: found.message };
  }
  const guards = fields && setTrace(scan, found, fields);
  return { kind: 'compiled', ...found, guards };
}

/**
 * Traces the step: with a batch, and where that cannot be, on single vectors. Gives the reason why
 * neither works.
 */
function trace(scan: Scan): Trace | TraceError {
  const { step, inputs, states, reverse } = scan;
  const { backend, dtype } = inputs[0];
  const all = [...inputs, ...states];
  for (const t of all) checkSameBackend('scan', 'state', t.backend, backend, 'xs');
  if (all.some((t) => t.dtype !== dtype || !isFloating(t.dtype)))
    return new TraceError(`the arguments are of ${[...new Set(all.map((t) => t.dtype))].join(' and ')}`);
  const batch = inputs[0].shape[1];
  const canBeBatched =
    inputs.every((x) => x.rank > 1 && x.shape[1] === batch) && states.every((s) => s.rank > 0 && s.shape[0] === batch);
  const failures: TraceError[] = [];
  for (const batched of [true, false]) {
    if (batched ? !canBeBatched : needsBatch(scan)) continue;
    const slot = (t: Tensor, lead: number): TensorSpec => ({
      shape: t.shape.slice(lead + Number(batched)),
      dtype,
      wantsGrad: t.requiresGrad,
    });
    const request = {
      backend,
      batched,
      rows: batched ? batch : 1,
      inputs: inputs.map((x) => slot(x, 1)),
      states: states.map((s) => slot(s, 0)),
      recorded: isGradEnabled(),
    };
    try {
      return { ...plansFor(step, request, reverse), batched };
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      failures.push(error);
    }
  }
  // Why it does not work for whole batches, if there are any: that is how a step is meant to run.
  const [{ message, cause = failures[0] }] = failures;
  return new TraceError(message, { cause });
}

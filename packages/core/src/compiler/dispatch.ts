/** Which mode a scan runs in: compiled, from a trace that may be remembered, or eager. */
import { compileModeOf, refuseEager } from '../compile-mode.js';
import { isFloating } from '../dtype.js';
import { TraceError } from '../errors.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import { checkSameBackend } from '../checks/tensors.js';
import type { Tensor } from '../tensor.js';
import { isTracing } from '../tracing-mode.js';
import type { Scan } from '../scan/eager.js';
import { guardsOf } from './cache/guards.js';
import { plansFor } from './cache/program-cache.js';
import type { TensorSpec } from './trace/record-step.js';
import { needsBatch, recall, remember, type CompiledDispatch, type Trace } from './scan-traces.js';

/** How a scan runs, and why. */
export type Dispatch = CompiledDispatch | EagerDispatch;

interface EagerDispatch {
  readonly kind: 'eager';
  readonly reason: string;
}

/** How a scan runs, as an earlier call that looked alike found out. */
export function recalledDispatch(scan: Scan): CompiledDispatch | undefined {
  if (scan.parameters === undefined || isAnomalyEnabled() || isTracing()) return undefined;
  return compileModeOf(scan.compile) === 'never' ? undefined : recall(scan);
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
export function dispatchAnew(scan: Scan): Dispatch {
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
  const guards = fields && remember(scan, found, fields);
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
      mayDraw: true,
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

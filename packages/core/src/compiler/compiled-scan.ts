/** A scan by its programs. */
import { runEagerly, type Scan, type ScanResults } from '../scan/eager.js';
import { drawAll } from '../scan/random.js';
import { keepBound } from './bound-scan.js';
import { dispatchAnew, recalledDispatch } from './dispatch.js';
import { runCompiled } from './run/run.js';
import type { CompiledDispatch } from './scan-traces.js';
import { replayedStep } from './trace/replay.js';

/** The results by the programs of an earlier call that looked alike; nothing if there was none. */
export function recalledScan(scan: Scan): ScanResults | undefined {
  const known = recalledDispatch(scan);
  return known === undefined ? undefined : compiled(scan, known);
}

/**
 * The results by programs that are made now; nothing where the step has to run by single
 * operations.
 *
 * @throws TraceError for a scan that requires to be compiled and cannot be
 */
export function compiledScan(scan: Scan): ScanResults | undefined {
  const how = dispatchAnew(scan);
  return how.kind === 'eager' ? undefined : compiled(scan, how);
}

function compiled(scan: Scan, traced: CompiledDispatch): ScanResults {
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
    isElementwise: false,
    draw: () => drawAll(draws, extent, rows, reverse, backend),
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

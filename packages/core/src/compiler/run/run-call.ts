/** A call by its programs, and by single operations where a derivative is to be derived again. */
import { EagerRows } from '../../row-wise.js';
import { runEagerly, type Scan, type ScanResults } from '../../scan/eager.js';
import { drawAll, drawFor } from '../../scan/random.js';
import type { Shape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { requestOf, rowsOf, type Traced } from '../cache/trace-cache.js';
import { recordStep } from '../trace/record-step.js';
import { replayedStep } from '../trace/replay.js';
import { runCompiled } from './run.js';

/**
 * Runs a call by its programs.
 *
 * @param scan - the call
 * @param traced - its trace
 * @param lastShapes - of the last state, where the caller wants others than those of the first
 */
export function run(scan: Scan, traced: Traced, lastShapes?: readonly Shape[]): ScanResults {
  const { name, inputs, states, extent, reverse, rowwise } = scan;
  const { draws, batched, plans } = traced;
  const [{ backend }] = inputs;
  const rows = rowsOf(scan, batched);
  const { outputs, last } = runCompiled({
    name,
    traced,
    inputs,
    states,
    extent: { ...extent, rows },
    reverse,
    lead: leadOf(scan, batched),
    lastShapes,
    isElementwise: rowwise?.elementwise === true,
    isMean: rowwise?.mean === true,
    draw: () =>
      rowwise === undefined
        ? drawAll(draws, extent.steps, rows, reverse, backend)
        : draws.map((one) => drawFor(one, rows, backend)),
    again: (ends) => again(scan, traced, ends),
  });
  return { outputs, last, form: plans.step.form };
}

/** The dimensions of a call's outputs in front of a row's. */
export function leadOf({ inputs: [{ shape }], rowwise }: Scan, batched: boolean): Shape {
  if (rowwise === undefined) return shape.slice(0, batched ? 2 : 1);
  return rowwise.elementwise ? shape : shape.slice(0, -1);
}

/** Does by single operations what was recorded, on other inputs, states and captured tensors. */
function again(scan: Scan, { recording, draws, batched }: Traced, ends: readonly Tensor[]): readonly Tensor[] {
  const { rowwise } = scan;
  const [first, second] = [scan.inputs.length, scan.inputs.length + scan.states.length];
  const own = { ...scan, inputs: ends.slice(0, first), states: ends.slice(first, second) };
  const captured = ends.slice(second);
  if (rowwise === undefined) {
    const { outputs, last } = runEagerly({ ...own, step: replayedStep(recording, captured, draws) });
    return [...outputs, ...last];
  }
  // A function that does the same for any number of rows was recorded for another one.
  const isSame = recording.rows === rowsOf(own, batched);
  const step = replayedStep(
    isSame ? recording : recordStep(scan.step, requestOf(own, batched)).recording,
    captured,
    draws,
  );
  return new EagerRows((matrices) => step(matrices, []), rowwise).run(own.inputs, {}).outputs;
}

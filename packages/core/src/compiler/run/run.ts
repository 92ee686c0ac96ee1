/**
 * Runs a traced call by its programs and records the whole run as one operation: a scan, or a
 * row-wise function.
 */
import { averagedOver } from '../../averages.js';
import type { Backend, Storage, Strided } from '../../backend.js';
import { isGradEnabled } from '../../grad-mode.js';
import { attachAll, isRecorded, restored, wrap } from '../../record.js';
import { EagerRows } from '../../row-wise.js';
import { runEagerly, type Scan, type ScanResults } from '../../scan/eager.js';
import { drawAll, drawFor, redrawing, type TracedDraw } from '../../scan/random.js';
import type { Shape } from '../../shape.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor } from '../../tensor.js';
import { requestOf, rowsOf, type Traced } from '../cache/trace-cache.js';
import type { Stages } from '../lower/lower.js';
import type { Plans } from '../lower/passes.js';
import { dependenceOf, isReached, recordedResults } from '../trace/dependence.js';
import { recordStep } from '../trace/record-step.js';
import { replayedStep } from '../trace/replay.js';
import type { TracedStep } from '../trace/traced-step.js';
import { deriveBySteps, runBackward, SavedRun, type Residuals } from './backward.js';
import { Executable, type Storages } from './executable.js';
import { masked, maskOf, padded, type LoopBounds } from './masks.js';

/** What a run makes. */
export type RunResults = Omit<ScanResults, 'form'>;

/**
 * Runs a call by its programs, and records the whole run as one operation.
 *
 * @param scan - the call
 * @param traced - its trace
 * @param lastShapes - of the last state, where the caller wants others than those of the first
 */
export function run(scan: Scan, traced: Traced, lastShapes?: readonly Shape[]): ScanResults {
  const { inputs, states, rowwise } = scan;
  const { plans, captured, draws, batched } = traced;
  const [{ backend }] = inputs;
  const rows = rowsOf(scan, batched);
  const { steps, lengths, resets } = scan.extent;
  const extent = { steps, lengths, resets, rows };
  const lead = leadOf(scan, batched);
  const training = isRecorded(inputs) || isRecorded(states) || isRecorded(captured) ? plans.training : undefined;
  const pass = forwardExecutable(backend, plans, training, extent);
  /** What is freed in the end: nothing in most runs that are not recorded. */
  const temporaries: Tensor[] = [];
  /** What the run made, by the number of the result; held by those who want it. */
  let values: readonly SharedStorage[] = none;
  try {
    const mask = lengths === undefined ? undefined : maskOf(backend, extent);
    if (mask !== undefined) temporaries.push(mask);
    const given = mask === undefined ? inputs : cleaned(inputs, extent, mask, training?.hasPoles === true, temporaries);
    const redraw = training && draws.length > 0 ? redrawing(draws) : undefined;
    const drawn = draws.length === 0 ? nothing : drawnFor(scan, draws, rows);
    for (let i = 0; i < drawn.length; i++) temporaries.push(drawn[i]);
    const storages: Storages = new Array<Storage>(pass.plan.places); // just as long: `push` makes room for more
    let place = 0;
    for (let i = 0; i < given.length; i++) storages[place++] = given[i].storage;
    for (let i = 0; i < drawn.length; i++) storages[place++] = drawn[i].storage;
    for (let i = 0; i < captured.length; i++) storages[place++] = captured[i].storage;
    const carried = new Array<Storage>(states.length);
    for (let i = 0; i < carried.length; i++) carried[i] = states[i].storage;
    const { ys, carry } = pass.plan.run(storages, carried, extent);
    values = ys.map((storage) => new SharedStorage(backend, storage));
    const last = new Array<Tensor>(carry.length);
    for (let i = 0; i < last.length; i++) last[i] = wrap(backend, carry[i], lastShapes?.[i] ?? states[i].shape);
    const outputs = new Array<Tensor>(pass.outputs.length);
    for (let i = 0; i < outputs.length; i++) {
      const { at, isMasked } = pass.outputs[i];
      const value = values[at];
      if (rowwise?.mean === true) {
        outputs[i] = meanOf(backend, value.storage);
        continue;
      }
      const shape = pass.outputShape(i, lead, rowwise?.elementwise === true);
      // What the loop itself puts out is masked already.
      const isFinal = mask === undefined || isMasked;
      outputs[i] = isFinal
        ? new Tensor(value.retain(), shape)
        : wrap(backend, masked(backend, mask, value.storage), shape);
    }
    if (training !== undefined) {
      const kept = pass.kept.map((at) => values[at]);
      // Inputs are saved as such; those that this run made are kept where they are read.
      const own: Tensor[] = [];
      for (const i of pass.residualInputs) {
        if (i >= given.length) own.push(drawn[i - given.length]);
        else if (mask !== undefined) own.push(given[i]);
      }
      const residuals = { inputs, states, captured, kept, made: own };
      record(scan, traced, { results: [...outputs, ...last], residuals, extent, isMasked: mask !== undefined, redraw });
    }
    return { outputs, last, form: plans.step.form };
  } finally {
    for (let i = 0; i < values.length; i++) values[i].release();
    for (let i = 0; i < temporaries.length; i++) temporaries[i].dispose();
  }
}

/** Draws what the step draws. */
function drawnFor(
  { inputs: [{ backend }], extent, reverse, rowwise }: Scan,
  draws: readonly TracedDraw[],
  rows: number,
): readonly Tensor[] {
  return rowwise === undefined
    ? drawAll(draws, extent.steps, rows, reverse, backend)
    : draws.map((one) => drawFor(one, rows, backend));
}

/** The mean of all elements, with the numbers of `mean`. */
export function meanOf(backend: Backend, storage: Storage): Tensor {
  const { size } = storage;
  const sum = size === 1 ? storage : backend.reduce('sum', storage, 1, size, 1);
  try {
    const dense: Strided = { storage: sum, offset: 0, strides: [1] };
    return averagedOver(wrap(backend, backend.binary('div', dense, size, [1]), []), size);
  } finally {
    if (sum !== storage) backend.release(sum);
  }
}

/** Inputs with their padding taken out. */
function cleaned(
  inputs: readonly Tensor[],
  extent: LoopBounds,
  mask: Tensor,
  hasPoles: boolean,
  temporaries: Tensor[],
): readonly Tensor[] {
  const { backend } = mask;
  return inputs.map(({ storage, shape }) => {
    const clean = wrap(backend, hasPoles ? padded(backend, extent, storage) : masked(backend, mask, storage), shape);
    temporaries.push(clean);
    return clean;
  });
}

/** A run as its derivative needs it. */
interface Recorded {
  readonly results: readonly Tensor[];
  readonly residuals: Residuals;
  readonly extent: LoopBounds;
  readonly isMasked: boolean;
  /** Runs what draws the same random numbers again. */
  readonly redraw: (<R>(fn: () => R) => R) | undefined;
}

/**
 * Hangs the results into the graph. Apart from the run itself, which has no closures to prepare.
 */
function record(
  scan: Scan,
  traced: Traced,
  { results, residuals, extent, isMasked, redraw = (fn) => fn() }: Recorded,
): void {
  const { plans, recording } = traced;
  const { inputs, states, captured } = residuals;
  const ends = [...inputs, ...states, ...captured];
  const dependsOn = dependenceOf(recording, extent, scan.reverse);
  const recorded = recordedResults(results, dependsOn, ends);
  if (recorded === undefined) return;
  const saved = new SavedRun(residuals);
  const isMean = scan.rowwise?.mean === true;
  const node = attachAll(recorded, scan.name, ends, (grads, _, wanted) => {
    const reached = wanted.map((isWanted, end) => isWanted && isReached(end, grads, dependsOn));
    if (!isGradEnabled()) return runBackward(plans, { grads, saved, wanted: reached, extent, isMasked, isMean });
    // A derivative that is to be derived again is taken through single operations.
    const again = (places: readonly Tensor[]): readonly Tensor[] => redraw(() => runAgain(scan, traced, places));
    return deriveBySteps({ grads, ends: restored(saved.ends), wanted: reached, run: again });
  });
  node.saved = saved.list;
}

/** The dimensions of a call's outputs in front of a row's. */
export function leadOf({ inputs: [{ shape }], rowwise }: Scan, batched: boolean): Shape {
  if (rowwise === undefined) return shape.slice(0, batched ? 2 : 1);
  return rowwise.elementwise ? shape : shape.slice(0, -1);
}

/** Does by single operations what was recorded, on other inputs, states and captured tensors. */
function runAgain(scan: Scan, { recording, draws, batched }: Traced, ends: readonly Tensor[]): readonly Tensor[] {
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

const nothing: readonly Tensor[] = [];
const none: readonly SharedStorage[] = [];

/** One output of a step among the results of the forward pass. */
interface Output {
  readonly at: number;
  /** The first output that is the same value. */
  readonly first: number;
  /** Whether the loop puts it out, and so makes it zero past the end of a row. */
  readonly isMasked: boolean;
}

/**
 * A forward pass made ready for a backend. Its sources are the inputs, the random ones, and the
 * captured values.
 */
export class ForwardExecutable {
  readonly plan: Executable;
  readonly outputs: readonly Output[];
  /** Where the values that the backward pass reads stand among the results. */
  readonly kept: readonly number[];
  /** The inputs and random inputs that it reads, by number. */
  readonly residualInputs: readonly number[];
  private readonly shapes: readonly Shape[];

  constructor(backend: Backend, step: TracedStep, plan: Stages, training: Plans['training']) {
    const kept = training?.kept ?? [];
    const results = [...new Set([...step.outputs, ...kept])];
    const inLoop = new Set(plan.loop?.ys);
    this.plan = new Executable(backend, plan, [...step.inputs, ...step.drawn, ...step.capturedValues], results);
    this.outputs = step.outputs.map((value) => ({
      at: results.indexOf(value),
      first: step.outputs.indexOf(value),
      isMasked: inLoop.has(value),
    }));
    this.kept = kept.map((value) => results.indexOf(value));
    const inputs = [...step.inputs, ...step.drawn];
    this.residualInputs = training?.residualInputs.map((value) => inputs.indexOf(value)) ?? [];
    this.shapes = step.outputShapes;
  }

  /**
   * The shape of an output: a row's, unless each element is a row, behind the dimensions in front.
   */
  outputShape(output: number, lead: Shape, isElementwise: boolean): Shape {
    return isElementwise ? lead : lead.concat(this.shapes[output]);
  }
}

const known = new WeakMap<
  Backend,
  WeakMap<Plans, { inference?: ForwardExecutable; joined?: ForwardExecutable; forward?: ForwardExecutable }>
>();

/** The forward pass, with what the derivative needs if there is to be one. */
export function forwardExecutable(
  backend: Backend,
  plans: Plans,
  training: Plans['training'],
  extent: Pick<LoopBounds, 'steps' | 'rows'>,
): ForwardExecutable {
  let here = known.get(backend);
  if (here === undefined) known.set(backend, (here = new WeakMap()));
  let passes = here.get(plans);
  if (passes === undefined) here.set(plans, (passes = {}));
  const { step, inference } = plans;
  if (training !== undefined)
    return (passes.forward ??= new ForwardExecutable(backend, step, training.forward, training));
  if (isSmall(backend, plans, extent))
    return (passes.joined ??= new ForwardExecutable(backend, step, plans.joined() ?? inference, undefined));
  return (passes.inference ??= new ForwardExecutable(backend, step, inference, undefined));
}

/** So many rows of one step cost less than one more call of a program. */
const ROWS_AT_MOST = 8;
/** So many multiplications done apart, likewise. */
const MULTIPLICATIONS_AT_MOST = 4096;

/**
 * Whether one program for all is faster than one for each stage. Where an instruction of the loop
 * is a call of its own at each step, as on a graphics card, it is not.
 */
function isSmall(backend: Backend, { hoisted }: Plans, { steps, rows }: Pick<LoopBounds, 'steps' | 'rows'>): boolean {
  if (backend.compile === undefined || backend.info.simd === 'gpu') return false;
  return steps === 1 ? rows <= ROWS_AT_MOST : steps * rows * hoisted <= MULTIPLICATIONS_AT_MOST;
}

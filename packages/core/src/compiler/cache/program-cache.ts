/**
 * Plans of steps that were traced before: two steps that compute the same share them, whatever
 * tensors they captured.
 */
import { TraceError } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import type { ListStep } from '../../scan/eager.js';
import { plansOf, type Plans } from '../lower/passes.js';
import { recordStep, type RecordedStep, type TraceRequest } from '../trace/record-step.js';
import { describe, type Recording } from '../trace/recording.js';
import { describeDerivative, traceStep } from '../trace/traced-step.js';

/**
 * Stands for the rows of the batch in a graph: a prime that no number of features is a multiple of.
 */
const ROWS = 65_537;

/** Adds an entry to a memory; the oldest one goes where there are many. */
export function keepRecent<K, V>(memory: Map<K, V>, most: number, key: K, value: V): void {
  if (memory.size >= most)
    for (const oldest of memory.keys()) {
      memory.delete(oldest);
      break;
    }
  memory.set(key, value);
}

/** A step that was recorded before, with the plans for it. */
interface Known {
  readonly plans: Plans;
  /** Not the recording itself: its rules may hold tensors that the step captured. */
  readonly dependences: Recording['dependences'];
}

/** By what a step does at some number of rows. */
const byRecording = new Map<string, Known>();
const RECORDINGS_AT_MOST = 512;
/** Plans by what a step computes for any number of rows, forward and backward. */
const byGraph = new Map<string, Plans>();
const GRAPHS_AT_MOST = 256;

/**
 * Finds the plans for what a step does, or makes them.
 *
 * The step was called on symbols with the rows that it really has, so what it did with their number
 * is what it would do eagerly. Plans hold for any number: they are made of a second call, with a
 * placeholder, if that one does the same.
 *
 * @param step - to be called once more
 * @param request - what it gets
 * @param here - what it did
 * @param reverse - whether the last step comes first
 * @throws TraceError when the step cannot be traced
 */
export function plansFor(step: ListStep, request: TraceRequest, here: RecordedStep, reverse: boolean): Plans {
  const { batched, recorded, inputs } = request;
  const { recording, captured } = here;
  const wants = [...inputs, ...request.states, ...captured.map(({ requiresGrad }) => ({ wantsGrad: requiresGrad }))];
  const about = `${inputs[0].dtype} ${batched} ${reverse} ${recorded} ${wants.map(({ wantsGrad }) => Number(wantsGrad)).join('')}`;
  // What a user's derivative does stands in no recording: it is looked at each time.
  const isCustom = recording.nodes.some((node) => node.isCustom);
  const keyOf = (of: Recording): string => `${about} ${of.rows}\n${describe(of)}`;
  const key = isCustom ? undefined : keyOf(recording);
  const known = key === undefined ? undefined : byRecording.get(key);
  if (known === undefined) programs.misses++;
  else programs.hits++;
  if (known !== undefined) {
    recording.dependences = known.dependences;
    return known.plans;
  }
  const general = batched ? forAnyRows(step, request, here) : here;
  const generalKey = isCustom || general === here ? key : keyOf(general.recording);
  let plans = generalKey === undefined ? undefined : byRecording.get(generalKey)?.plans;
  if (plans === undefined) {
    const traced = traceStep(general, request);
    const name = `${about}\n${traced.key}`;
    plans = byGraph.get(name);
    if (plans === undefined) {
      plans = plansOf(traced, inputs[0].dtype, reverse);
      keepRecent(byGraph, GRAPHS_AT_MOST, name, plans);
    }
    if (generalKey !== undefined) remember(generalKey, general.recording, plans);
  }
  if (key !== undefined) remember(key, recording, plans);
  return plans;
}

function remember(key: string, { dependences }: Recording, plans: Plans): void {
  keepRecent(byRecording, RECORDINGS_AT_MOST, key, { plans, dependences });
}

/**
 * Which captured tensors have a row for each of the batch is tried out, for so many choices at
 * most.
 */
const CHOICES_AT_MOST = 16;

/**
 * The recording of a step with the placeholder for its rows, if the step does the same there; that
 * of one row serves one row. A captured tensor whose first dimension is as long as the batch may be
 * a weight, or have a row for each of the batch, such as a memory to attend to:
 * with the placeholder only one of the two can do what the step did.
 */
function forAnyRows(step: ListStep, request: TraceRequest, here: RecordedStep): RecordedStep {
  const { rows } = request;
  let cause: unknown;
  let other: RecordedStep | undefined;
  for (const perRow of request.states.length === 0 || rows === 1 ? [[]] : choicesAmong(here, rows)) {
    try {
      const there = recordStep(step, { ...request, rows: ROWS, perRow: new Set(perRow) });
      const isSame =
        describe(there.recording, rows) === describe(here.recording) &&
        there.captured.every((tensor, i) => tensor === here.captured[i]) &&
        (!here.recording.nodes.some((node) => node.isCustom) ||
          describeDerivative(there, request, rows) === describeDerivative(here, request, rows));
      if (isSame) return there;
      other ??= there;
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      cause ??= error.cause ?? error;
    }
  }
  if (rows === 1) return here;
  if (other !== undefined) traceStep(other, request); // what no program can do is the better reason
  throw new TraceError('the step does something else for another size of the batch', { cause });
}

/**
 * Choices of the captured tensors that may have a row for each of the batch: none, all, then the
 * others.
 */
function choicesAmong({ captured }: RecordedStep, rows: number): Tensor[][] {
  const candidates = captured.filter(({ shape }) => shape[0] === rows);
  const all = 2 ** Math.min(candidates.length, 30) - 1;
  const masks = [0, all];
  for (let mask = 1; mask < all && masks.length < CHOICES_AT_MOST; mask++) masks.push(mask);
  return [...new Set(masks)].map((mask) => candidates.filter((_, i) => (mask & (1 << i)) !== 0));
}

/** What `compileCacheInfo` gives. */
export interface CompileCacheInfo {
  /**
   * Calls of `scan`, layers and compiled functions: those that an earlier trace served, and those
   * that called the step on symbols.
   */
  readonly traces: { readonly hits: number; readonly misses: number };
  /**
   * Traced steps: those that found programs of a step that does the same, and those for which
   * programs were made.
   */
  readonly programs: { readonly hits: number; readonly misses: number };
}

const traces = { hits: 0, misses: 0 };
const programs = { hits: 0, misses: 0 };

export function countTrace(isHit: boolean): void {
  if (isHit) traces.hits++;
  else traces.misses++;
}

/**
 * How often calls were served by what the compiler remembers, since the process started. A step
 * that misses at every call is traced at every call: give it what it works with as `parameters`, or
 * call `explain`.
 *
 * @example
 * ```ts
 * const before = compileCacheInfo().traces.misses;
 * layer.forward(x);
 * compileCacheInfo().traces.misses - before;   // 1 at the first call, then 0
 * ```
 * @returns hits and misses of traces and of programs
 *
 * Differs from PyTorch: `torch._dynamo.utils.counters` there says such things.
 */
export function compileCacheInfo(): CompileCacheInfo {
  return { traces: { ...traces }, programs: { ...programs } };
}

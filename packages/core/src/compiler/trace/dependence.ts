/**
 * Which results of a scan hang together with which of its ends (inputs, states, captured tensors)
 * in the autograd graph. It decides what requires a gradient, and whether a gradient is zero (there
 * is a way to it, whose derivative is zero) or does not exist, as in a loop by hand.
 */
import type { ScanExtent } from '../../scan/arguments.js';
import type { Tensor } from '../../tensor.js';
import type { Ends, RecordedEdge, Recording } from './recording.js';

/**
 * The ends that each output and each last state depends on.
 *
 * @param recording - of the step
 * @param extent - of the scan
 * @param reverse - whether the last step comes first
 */
export function dependenceOf(recording: Recording, extent: ScanExtent, reverse: boolean): readonly Ends[] {
  if (extent.lengths !== undefined || extent.resets !== undefined) return overTime(recording, extent, reverse);
  const { dependences } = recording;
  let found = dependences.get(extent.steps);
  if (found === undefined) {
    if (dependences.size > 64) dependences.clear();
    dependences.set(extent.steps, (found = overTime(recording, extent, reverse)));
  }
  return found;
}

function overTime(recording: Recording, { steps, lengths, resets }: ScanExtent, reverse: boolean): readonly Ends[] {
  const first = recording.inputs.length; // the end that is the first state
  const { outputs, next } = ofOneStep(recording);
  const rows = lengths?.length ?? (resets === undefined ? 1 : resets.length / steps);
  const shortest = lengths === undefined ? steps : lengths.reduce((a, b) => Math.min(a, b), steps);
  const isEmpty = lengths !== undefined && lengths.every((length) => length === 0);
  const initial: readonly Ends[] = recording.states.map((_, k) => new Set([first + k]));
  /** What a step's result depends on, given what the states before the step do. */
  const through = (direct: Ends, before: readonly Ends[]): Ends =>
    union(...Array.from(direct, (end) => before[end - first] ?? [end]));
  let current = initial;
  let made: readonly Ends[] = outputs.map(() => new Set());
  /** Kinds of steps that have changed nothing since the last change: they never will again. */
  const settled = new Set<string>();
  for (let n = 0; n < steps; n++) {
    const t = reverse ? steps - 1 - n : n;
    const isReset = resets?.subarray(t * rows, (t + 1) * rows).includes(1) === true;
    const isShort = t >= shortest;
    const kind = `${isReset} ${isShort}`;
    if (settled.has(kind)) continue;
    const [before, madeBefore] = [current, made];
    const started = isReset ? before.map((of, k) => union(of, initial[k])) : before;
    made = outputs.map((direct, i) => union(made[i], through(direct, started)));
    // Rows that have ended keep their state.
    if (!isEmpty) current = next.map((direct, k) => union(through(direct, started), isShort ? before[k] : []));
    if (sameEnds(made, madeBefore) && sameEnds(current, before)) settled.add(kind);
    else settled.clear();
  }
  return [...made, ...current];
}

function union(...lists: readonly Iterable<number>[]): Ends {
  return new Set(lists.flatMap((list) => [...list]));
}

function sameEnds(a: readonly Ends[], b: readonly Ends[]): boolean {
  return a.every((ends, i) => ends.size === b[i].size && [...ends].every((end) => b[i].has(end)));
}

/** What the results of a single step depend on. */
function ofOneStep(recording: Recording): { readonly outputs: readonly Ends[]; readonly next: readonly Ends[] } {
  const ofNodes: Ends[] = [];
  const of = (edges: readonly (RecordedEdge | undefined)[]): Ends =>
    union(...edges.map((edge) => (edge === undefined ? [] : edge.kind === 'end' ? [edge.end] : ofNodes[edge.node])));
  for (const { inputs } of recording.nodes) ofNodes.push(of(inputs));
  return {
    outputs: recording.outputs.map(({ edge }) => of([edge])),
    next: recording.next.map(({ edge }) => of([edge])),
  };
}

/**
 * The results that depend on an end which wants a gradient, each in its place.
 *
 * @param results - in the order of `dependsOn`
 * @param dependsOn - for each of them
 * @param ends - inputs, states and captured tensors
 * @returns nothing where no result does
 */
export function recordedResults(
  results: readonly Tensor[],
  dependsOn: readonly Ends[],
  ends: readonly Tensor[],
): (Tensor | undefined)[] | undefined {
  const recorded: (Tensor | undefined)[] = [];
  let isAny = false;
  for (let i = 0; i < results.length; i++) {
    let isRecorded = false;
    for (const end of dependsOn[i]) isRecorded ||= ends[end].requiresGrad;
    recorded.push(isRecorded ? results[i] : undefined);
    isAny ||= isRecorded;
  }
  return isAny ? recorded : undefined;
}

/** Whether a result that has a gradient depends on an end. */
export function isReached(end: number, grads: readonly (Tensor | undefined)[], dependsOn: readonly Ends[]): boolean {
  for (let i = 0; i < grads.length; i++) if (grads[i] !== undefined && dependsOn[i].has(end)) return true;
  return false;
}

/**
 * Which results of a scan hang together with which of its ends (inputs, states, captured tensors)
 * in the autograd graph. It decides what requires a gradient, and whether a gradient is zero (there
 * is a way to it, whose derivative is zero) or does not exist, as in a loop by hand.
 */
import type { RecordedEdge, Recording } from './recording.js';
import type { Tensor } from '../../tensor.js';

/** For each end, whether a result depends on it. */
export type Ends = readonly boolean[];

export interface Dependence {
  readonly outputs: readonly Ends[];
  readonly last: readonly Ends[];
  /** Both, one after the other. */
  readonly results: readonly Ends[];
}

interface LoopExtent {
  readonly steps: number;
  readonly lengths: ArrayLike<number> | undefined;
  readonly resets: Uint8Array | undefined;
}

/** What is known of scans without lengths and resets, by the number of steps. */
export type Dependences = Map<number, Dependence>;

const known = new WeakMap<Recording, Dependences>();

/** What is known, and will be, of a recording. */
export function dependencesOf(recording: Recording): Dependences {
  let bySteps = known.get(recording);
  if (bySteps === undefined) known.set(recording, (bySteps = new Map<number, Dependence>()));
  return bySteps;
}

/** Lets a recording have what is known of another that says the same. */
export function shareDependences(recording: Recording, of: Dependences): void {
  known.set(recording, of);
}

/**
 * @param recording - of the step
 * @param extent - of the scan
 * @param reverse - whether the last step comes first
 */
export function dependenceOf(recording: Recording, extent: LoopExtent, reverse: boolean): Dependence {
  if (extent.lengths !== undefined || extent.resets !== undefined) return overTime(recording, extent, reverse);
  const bySteps = dependencesOf(recording);
  let found = bySteps.get(extent.steps);
  if (found === undefined) {
    if (bySteps.size > 64) bySteps.clear();
    bySteps.set(extent.steps, (found = overTime(recording, extent, reverse)));
  }
  return found;
}

function overTime(recording: Recording, extent: LoopExtent, reverse: boolean): Dependence {
  const { inputs, states, captured } = recording;
  const first = inputs.length; // the end that is the first state
  const ends = first + states.length + captured.length;
  const { outputs, next } = ofOneStep(recording, ends);
  const { steps, lengths, resets } = extent;
  const rows = lengths?.length ?? (resets === undefined ? 1 : resets.length / steps);
  const shortest = lengths === undefined ? steps : Math.min(...Array.from(lengths));
  const isEmpty = lengths !== undefined && Math.max(...Array.from(lengths)) === 0;
  const initial = states.map((_, k) => Array.from({ length: ends }, (_, end) => end === first + k));
  /** What a step's result depends on, given what the states before the step do. */
  const through = (direct: Ends, before: readonly Ends[]): boolean[] =>
    direct.map((isDirect, end) => {
      const isState = end >= first && end < first + states.length;
      return (isDirect && !isState) || before.some((of, k) => direct[first + k] && of[end]);
    });
  const joined = (a: Ends, b: Ends): boolean[] => a.map((isSet, i) => isSet || b[i]);
  let current: readonly Ends[] = initial;
  let made: readonly Ends[] | undefined;
  for (let n = 0; n < steps; n++) {
    const t = reverse ? steps - 1 - n : n;
    const isReset = resets?.subarray(t * rows, (t + 1) * rows).includes(1) === true;
    const before = isReset ? current.map((of, k) => joined(of, initial[k])) : current;
    const ys = outputs.map((direct) => through(direct, before));
    const after = next.map((direct, k) => {
      const moved = through(direct, before);
      if (isEmpty) return current[k];
      return t < shortest ? moved : joined(moved, current[k]); // rows that have ended keep their state
    });
    const all: readonly Ends[] = made === undefined ? ys : ys.map((y, i) => joined(y, (made as readonly Ends[])[i]));
    const isSteady =
      lengths === undefined && resets === undefined && n > 0 && sameEnds(all, made ?? []) && sameEnds(after, current);
    made = all;
    current = after;
    if (isSteady) break;
  }
  const of = made ?? [];
  return { outputs: of, last: current, results: [...of, ...current] };
}

function sameEnds(a: readonly Ends[], b: readonly Ends[]): boolean {
  return a.length === b.length && a.every((of, i) => of.every((isSet, end) => isSet === b[i][end]));
}

/** What the results of a single step depend on. */
function ofOneStep(recording: Recording, ends: number): { outputs: readonly Ends[]; next: readonly Ends[] } {
  const ofNodes: boolean[][] = [];
  const add = (to: boolean[], edge: RecordedEdge | undefined): void => {
    if (edge?.kind === 'end') to[edge.end] = true;
    else if (edge !== undefined) ofNodes[edge.node].forEach((isSet, end) => (to[end] ||= isSet));
  };
  const of = (edges: readonly (RecordedEdge | undefined)[]): boolean[] => {
    const set = Array.from({ length: ends }, () => false);
    for (const edge of edges) add(set, edge);
    return set;
  };
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
    const of = dependsOn[i];
    let isRecorded = false;
    for (let end = 0; end < ends.length && !isRecorded; end++) isRecorded = of[end] && ends[end].requiresGrad;
    recorded.push(isRecorded ? results[i] : undefined);
    isAny ||= isRecorded;
  }
  return isAny ? recorded : undefined;
}

/** Which ends the results that have gradients depend on. */
export function reachedBy(grads: readonly (Tensor | undefined)[], dependsOn: readonly Ends[]): Ends {
  const reached = dependsOn[0].map(() => false);
  for (let i = 0; i < grads.length; i++)
    if (grads[i] !== undefined) for (let end = 0; end < reached.length; end++) reached[end] ||= dependsOn[i][end];
  return reached;
}

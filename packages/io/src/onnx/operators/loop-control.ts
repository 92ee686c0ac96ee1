/**
 * The control part of a loop's body: what decides how often it runs and which step each turn reads.
 * Exporters write it in many ways (a counter of their own, two conditions, sizes that are passed
 * around), but its numbers are on the host and depend on nothing that the loop computes. So the
 * control part of all turns is run first, and the rest is a scan.
 */
import { withLastUses } from '../last-uses.js';
import type { Graph, PlannedNode, Surroundings } from '../plan.js';
import { Value } from '../value.js';

/** One number on the host. */
export const scalar = (type: 'int64' | 'bool', number: number): Value => Value.of(type, [], [number]);

/** More turns than this are not run beforehand: each one leaves its numbers behind. */
const TURNS_AT_MOST = 1 << 20;

/** `Gather` of something around the loop, by a number that the control part knows. */
export interface Sequence {
  /** What is picked from. */
  readonly name: string;
  readonly axis: number;
  readonly index: string;
  /** What the body calls the step. */
  readonly step: string;
}

/** A loop's body, cut in two. */
export interface CutBody {
  /** States that only the control part reads and writes. */
  readonly controlStates: readonly number[];
  /** States that come out of a turn as they went in. */
  readonly constantStates: readonly number[];
  /** All others. */
  readonly dataStates: readonly number[];
  readonly sequences: readonly Sequence[];
  /** Nodes of neither the control part nor a sequence. */
  readonly nodes: readonly PlannedNode[];
  /** Control values that those nodes use. */
  readonly leaks: readonly string[];
  /** Names whose numbers the control part reads from around the loop. */
  readonly reads: readonly string[];
  /**
   * The control part as a graph: from turn, condition and control states to condition, control
   * states and what is watched.
   */
  readonly control: Graph;
  /** What the rest needs to know of each turn: indices and leaks. */
  readonly watched: readonly string[];
}

/**
 * Cuts a body.
 *
 * @param body - its inputs are the turn, the condition, and the states
 * @param isHostState - for each state whether it enters on the host
 * @param isHost - whether a name around the body is known on the host
 * @returns nothing where what the loop computes decides how it goes on
 */
export function cutBody(
  body: Graph,
  isHostState: readonly boolean[],
  isHost: (name: string) => boolean,
): CutBody | undefined {
  const [turn, condition, ...states] = body.inputs;
  const [goesOn, ...results] = body.outputs;
  const constantStates = states.flatMap((name, i) => (results[i] === name ? [i] : []));
  const fixed = [
    ...constantStates.filter((i) => isHostState[i]).map((i) => states[i]),
    ...body.captured.filter(isHost),
    ...[...body.values.keys()].filter((name) => body.values.get(name)?.isHost === true),
  ];
  // A state is part of the control as long as what it becomes is.
  let controlStates = states.flatMap((_, i) => (isHostState[i] && !constantStates.includes(i) ? [i] : []));
  let entering: string[];
  let known: ReadonlySet<string>;
  for (;;) {
    entering = [turn, condition, ...controlStates.map((i) => states[i])];
    known = reached(body.nodes, [...entering, ...fixed], 'every');
    const left = controlStates.filter((i) => known.has(results[i]));
    if (left.length === controlStates.length) break;
    controlStates = left;
  }
  if (!known.has(goesOn)) return undefined;

  const dataStates = states.flatMap((_, i) => (controlStates.includes(i) || constantStates.includes(i) ? [] : [i]));
  const wanted = [...dataStates.map((i) => results[i]), ...results.slice(states.length)];
  const control = body.nodes.filter(({ node }) => node.outputs.every((name) => name === '' || known.has(name)));
  const turning = reached(control, entering, 'some');
  const isAround = (name: string): boolean =>
    !known.has(name) && (body.captured.includes(name) || constantStates.some((i) => states[i] === name));
  const isSequence = ({ node }: PlannedNode): boolean =>
    node.operator === 'Gather' && turning.has(node.inputs[1]) && isAround(node.inputs[0]);
  const sequences = pruned(body.nodes, wanted)
    .filter(isSequence)
    .map(({ node }): Sequence => {
      const [name, index] = node.inputs;
      return { name, axis: node.int('axis', 0), index, step: node.outputs[0] };
    });
  // What only the rest needs of the control's nodes it computes by itself.
  const decisive = [goesOn, ...controlStates.map((i) => results[i])];
  const indices = sequences.map(({ index }) => index);
  const inControl = new Set(namesOf(pruned(control, [...decisive, ...indices])));
  const nodes = pruned(
    body.nodes.filter((planned) => !isSequence(planned) && !planned.node.outputs.some((name) => inControl.has(name))),
    wanted,
  );
  for (const name of entering) inControl.add(name);
  if (wanted.some((name) => inControl.has(name))) return undefined;
  const leaks = [...new Set(nodes.flatMap(usesOf))].filter((name) => inControl.has(name));
  const watched = [...new Set([...indices, ...leaks])];
  const outputs = [...decisive, ...watched];
  const controlNodes = pruned(control, outputs, entering);
  const own = new Set([...entering, ...body.values.keys(), ...namesOf(controlNodes)]);
  const reads = [...new Set([...controlNodes.flatMap(usesOf), ...outputs])].filter((name) => !own.has(name));
  return {
    controlStates,
    constantStates,
    dataStates,
    sequences,
    nodes,
    leaks,
    reads,
    control: { inputs: entering, outputs, values: body.values, nodes: controlNodes, captured: reads, declared: [] },
    watched,
  };
}

/** Names that follow from some names: from them alone, or from any of them. */
function reached(nodes: readonly PlannedNode[], from: readonly string[], by: 'every' | 'some'): Set<string> {
  const names = new Set(from);
  for (const { node, kernel, captured } of nodes) {
    const inputs = node.inputs.filter((name) => name !== '');
    if (!('run' in kernel) || captured.length > 0 || inputs.length === 0) continue;
    if (inputs[by]((name) => names.has(name))) for (const name of node.outputs) names.add(name);
  }
  return names;
}

const namesOf = (nodes: readonly PlannedNode[]): string[] => nodes.flatMap(({ node }) => node.outputs);

/** All names that a node reads. */
export const usesOf = ({ node, captured }: PlannedNode): string[] =>
  [...node.inputs, ...captured].filter((name) => name !== '');

/** The nodes that some names need. */
function pruned(
  nodes: readonly PlannedNode[],
  roots: readonly string[],
  inputs: readonly string[] = [],
): PlannedNode[] {
  return withLastUses(
    nodes.map((planned) => ({ ...planned, uses: usesOf(planned) })),
    roots,
    new Set(inputs),
  );
}

/** What the control part does in all turns. */
export interface ControlRun {
  readonly turns: number;
  /** The control states after the last turn. */
  readonly last: readonly Value[];
  /** For each watched name its value in every turn. */
  readonly watched: ReadonlyMap<string, readonly Value[]>;
}

/**
 * Runs the control part of all turns.
 *
 * @param cut - the body
 * @param turns - at most so many
 * @param initial - the control states
 * @param around - where the names are that it reads
 * @returns nothing where it needs more than the host, or takes very many turns
 */
export function runControl(
  { control, watched }: CutBody,
  turns: number,
  initial: readonly Value[],
  around: Surroundings,
): ControlRun | undefined {
  const seen = new Map<string, Value[]>(watched.map((name) => [name, []]));
  let [states, condition] = [initial, scalar('bool', 1)];
  let turn = 0;
  for (; turn < turns && condition.host.numbers[0] !== 0; turn++) {
    if (turn === TURNS_AT_MOST) return undefined;
    const inputs = [scalar('int64', turn), condition, ...states];
    const { done, value } = around.run(control, inputs).next();
    if (done !== true || !value.every((result) => result.isHost)) return undefined;
    condition = value[0];
    states = value.slice(1, 1 + states.length);
    watched.forEach((name, i) => seen.get(name)?.push(value[1 + states.length + i]));
  }
  return { turns: turn, last: states, watched: seen };
}

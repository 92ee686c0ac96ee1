/** A graph whose names are places of a list: they are looked up once, not whenever it runs. */
import type { Graph, PlannedNode } from './plan.js';
import type { Value } from './value.js';

/** No place: an input that is left out, an output that nobody wants. */
export const NOWHERE = -1;

/** A node with its names as places. */
export interface BoundNode {
  readonly planned: PlannedNode;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly lastUses: readonly number[];
}

export interface BoundGraph {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly nodes: readonly BoundNode[];
  /** The name of each place. */
  readonly names: readonly string[];
  readonly places: ReadonlyMap<string, number>;
  /** Weights and constants in their places; nothing in all others. */
  readonly constants: readonly (Value | undefined)[];
  /** Places of what a run binds: inputs, and what nodes make. */
  readonly bound: readonly number[];
}

const graphs = new WeakMap<Graph, BoundGraph>();

export function boundGraph(graph: Graph): BoundGraph {
  let bound = graphs.get(graph);
  if (bound === undefined) graphs.set(graph, (bound = bind(graph)));
  return bound;
}

function bind({ inputs, outputs, values, nodes }: Graph): BoundGraph {
  const places = new Map<string, number>();
  const placeOf = (name: string): number => {
    if (name === '') return NOWHERE;
    let place = places.get(name);
    if (place === undefined) places.set(name, (place = places.size));
    return place;
  };
  const boundInputs = inputs.map(placeOf);
  const boundNodes = nodes.map((planned): BoundNode => ({
    planned,
    inputs: planned.node.inputs.map(placeOf),
    outputs: planned.node.outputs.map(placeOf),
    lastUses: planned.lastUses.map(placeOf),
  }));
  const boundOutputs = outputs.map(placeOf);
  for (const name of values.keys()) placeOf(name);
  const names = [...places.keys()];
  const made = boundNodes.flatMap((node) => node.outputs.filter((place) => place !== NOWHERE));
  return {
    inputs: boundInputs,
    outputs: boundOutputs,
    nodes: boundNodes,
    names,
    places,
    constants: names.map((name) => values.get(name)),
    bound: [...new Set([...boundInputs, ...made])],
  };
}

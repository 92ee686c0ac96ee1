/** What is known from earlier runs of a model with inputs of the same shapes. */
import type { Shape, Storage, Tensor } from '@rnn/core';
import type { BoundGraph } from './bound-graph.js';
import type { BoundRun } from './bound-run.js';
import type { PlannedNode } from './plan.js';
import type { Value } from './value.js';

/**
 * What a node does in every such run: it makes the same values, or shows its input in a shape, or
 * its results have the same shapes.
 */
type Known =
  | { readonly values: readonly (Value | undefined)[] }
  | { readonly input: number; readonly shape: Shape }
  | 'shaped';

/** What was made of weights. */
interface Made {
  readonly sources: readonly (Storage | undefined)[];
  readonly value: unknown;
  readonly tensors: readonly Tensor[];
}

export class Memo {
  readonly nodes: Map<PlannedNode, Known> = new Map<PlannedNode, Known>();
  readonly made: Map<object, Made> = new Map<object, Made>();
  /** The whole run as calls over slots; 'none' where runs may differ. */
  bound: BoundRun | 'none' | undefined;

  readonly #reduced: Map<BoundGraph, BoundGraph> = new Map<BoundGraph, BoundGraph>();

  /**
   * What is left of a graph to run: what its nodes make in every run stands among its constants.
   */
  reduced(graph: BoundGraph): BoundGraph | undefined {
    return this.#reduced.get(graph);
  }

  /** Takes what a whole run found out. */
  reduce(graph: BoundGraph): void {
    const constants = graph.constants.slice();
    const isDone = (place: number): boolean => constants[place] !== undefined;
    const left = graph.nodes.filter(({ planned, outputs }) => {
      const known = this.nodes.get(planned);
      if (known === undefined || known === 'shaped' || !('values' in known)) return true;
      known.values.forEach((value, i) => {
        if (value !== undefined && outputs[i] >= 0) constants[outputs[i]] = value;
      });
      return false;
    });
    // What a node that is left out used last ends with the run.
    this.#reduced.set(graph, {
      ...graph,
      constants,
      nodes: left.map((node) => ({ ...node, lastUses: node.lastUses.filter((place) => !isDone(place)) })),
      bound: graph.bound.filter((place) => !isDone(place)),
    });
  }

  /** Frees all that is kept. */
  forget(): void {
    for (const known of this.nodes.values()) {
      if (known !== 'shaped' && 'values' in known) for (const value of known.values) value?.release();
    }
    for (const owner of this.made.keys()) this.drop(owner);
    this.nodes.clear();
    this.#reduced.clear();
    this.bound = undefined;
  }

  /** Frees what an owner made of weights. */
  drop(owner: object): void {
    for (const tensor of this.made.get(owner)?.tensors ?? []) tensor.dispose();
    this.made.delete(owner);
  }
}

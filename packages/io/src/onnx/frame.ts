/** The values of a graph while it runs. */
import { FormatError, isGradEnabled, unscoped, type Backend, type Tensor } from '@rnn/core';
import { NOWHERE, type BoundGraph, type BoundNode } from './bound-graph.js';
import type { Memo } from './memo.js';
import type { Graph, Inputs, Kept, Steps, Surroundings } from './plan.js';
import type { Value } from './value.js';

/** Runs a graph in the surroundings of a node. */
type Run = (
  graph: Graph,
  inputs: readonly Value[],
  backend: Backend,
  outer: Surroundings,
  memo?: Memo,
) => Steps<readonly Value[]>;

export class Frame implements Surroundings {
  readonly backend: Backend;
  readonly memo: Memo | undefined;
  readonly #graph: BoundGraph;
  readonly #outer: Surroundings | undefined;
  readonly #values: (Value | undefined)[];
  readonly #run: Run;

  constructor(graph: BoundGraph, backend: Backend, outer: Surroundings | undefined, memo: Memo | undefined, run: Run) {
    this.#graph = graph;
    this.backend = backend;
    this.memo = memo;
    this.#outer = outer;
    this.#values = graph.constants.slice();
    this.#run = run;
  }

  /** The value in a place; of a name of the graph around this one, the value there. */
  value(place: number): Value {
    const value = this.#values[place] ?? this.#outer?.lookUp(this.#graph.names[place]);
    if (value !== undefined) return value;
    const name = this.#graph.names[place];
    throw new FormatError(`readOnnx: no node makes the value '${name}' before it is used`, { received: name });
  }

  inputsOf({ inputs }: BoundNode): Inputs {
    return inputs.map((place) => (place === NOWHERE ? undefined : this.value(place)));
  }

  lookUp(name: string): Value {
    const place = this.#graph.places.get(name);
    if (place !== undefined) return this.value(place);
    const value = this.#outer?.lookUp(name);
    if (value !== undefined) return value;
    throw new FormatError(`readOnnx: no node makes the value '${name}' before it is used`, { received: name });
  }

  bind(place: number, value: Value): void {
    value.hold();
    this.#values[place] = value;
  }

  /** Binds the results of a node; what has no name is freed. */
  bindAll({ outputs }: BoundNode, values: readonly (Value | undefined)[]): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value === undefined) continue;
      const place = outputs[i] ?? NOWHERE;
      if (place !== NOWHERE) this.bind(place, value);
      else if (value.isFree) {
        value.hold();
        value.letGo();
      }
    }
  }

  /** Lets a name go, and frees its tensor unless the value goes on under another name. */
  drop(place: number, stays = false): void {
    const value = this.#values[place];
    if (value === undefined) return;
    this.#values[place] = undefined;
    value.letGo(stays);
  }

  dropAll(results: readonly Value[]): void {
    for (const place of this.#graph.bound) {
      const value = this.#values[place];
      if (value !== undefined) this.drop(place, results.includes(value));
    }
  }

  run(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]> {
    return this.#run(graph, inputs, this.backend, this);
  }

  runOnce(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]> {
    return this.#run(graph, inputs, this.backend, this, this.memo);
  }

  keep<T>(owner: object, sources: readonly (Tensor | undefined)[], make: () => Kept<T>): T {
    const { memo } = this;
    if (memo === undefined || isGradEnabled()) return make().value;
    const before = memo.made.get(owner);
    if (before !== undefined) {
      // New numbers of a parameter lie in a new storage.
      if (before.sources.every((storage, i) => storage === sources[i]?.storage)) return before.value as T;
      memo.drop(owner);
    }
    const made = unscoped(make);
    memo.made.set(owner, { ...made, sources: sources.map((tensor) => tensor?.storage) });
    return made.value;
  }
}

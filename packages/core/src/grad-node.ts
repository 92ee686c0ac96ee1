import type { Storage } from './backend.js';
import type { Disposable } from './scope.js';
import type { Shape } from './shape.js';
import type { SharedStorage } from './shared-storage.js';

/** One result of a recorded operation. */
export interface Edge<T extends Disposable> {
  readonly node: GradNode<T>;
  readonly index: number;
}

/** What a gradient hook gets and may replace. */
export type GradHook<T> = (grad: T) => T | void;

/**
 * What a recorded operation keeps of a tensor: its value, and its place in the graph. It does not
 * hold that node: the operation's inputs do, and a result that held the node which keeps it would
 * never be let go.
 */
export class Saved<T extends Disposable> {
  readonly held: SharedStorage;
  readonly shape: Shape;
  readonly edge: Edge<T> | undefined;

  /** Takes over one hold on the storage. */
  constructor(held: SharedStorage, shape: Shape, edge: Edge<T> | undefined) {
    this.held = held;
    this.shape = shape;
    this.edge = edge;
    held.watch(); // no scope looks after it
  }

  get storage(): Storage {
    return this.held.storage;
  }

  dispose(): void {
    this.held.release();
  }
}

/**
 * From the gradients of the results to the gradients of the inputs; `undefined` stands for zero.
 */
export type DerivativeRule<T extends Disposable> = (
  grads: readonly (T | undefined)[],
  saved: readonly Saved<T>[],
  wanted: readonly boolean[],
) => readonly (T | undefined)[];

let nodes = 0;

const nothing = (): never[] => [];

/**
 * A recorded operation: where its inputs came from, what its derivative needs, and the derivative.
 * `T` is `Tensor`; the parameter keeps this file below the class that carries it.
 *
 * A node is held by the results that are still alive and by the nodes made of them. When the last
 * of these lets go, no `backward` can come through any more, and what was saved for it is freed.
 */
export class GradNode<T extends Disposable> {
  /**
   * Later operations have larger numbers, so descending order is an order for the backward pass.
   */
  readonly id: number = ++nodes;
  readonly name: string;
  readonly inputs: readonly (Edge<T> | undefined)[];
  /** How many results the operation has; a rule gets as many gradients. */
  readonly resultCount: number;
  derivative: DerivativeRule<T>;
  /** Values kept for the derivative; `undefined` once they were freed. */
  saved: readonly Saved<T>[] | undefined = [];
  /** Whether the rule is a user's own: what it does cannot be told from the name. */
  isCustom = false;
  /** The tensor whose `grad` collects what arrives here; only for leaves. */
  leaf: T | undefined;
  /** The last backward pass that came here, by its number. */
  seenBy = 0;
  /** Results whose `grad` was asked for by `retainGrad`. */
  retained: Map<number, T> | undefined;
  private hooks: Map<number, Set<GradHook<T>>> | undefined;
  private holders = 0;

  constructor(
    name: string,
    inputs: readonly (Edge<T> | undefined)[],
    resultCount: number,
    derivative: DerivativeRule<T>,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.resultCount = resultCount;
    this.derivative = derivative;
    for (const edge of inputs) edge?.node.retain();
  }

  addHook(index: number, hook: GradHook<T>): () => void {
    this.hooks ??= new Map();
    const list = this.hooks.get(index) ?? new Set<GradHook<T>>();
    this.hooks.set(index, list);
    list.add(hook);
    return () => void list.delete(hook);
  }

  /** Whether any result may have hooks. */
  get hasHooks(): boolean {
    return this.hooks !== undefined;
  }

  /** The hooks of one result, in the order in which they were added. */
  hooksOf(index: number): Iterable<GradHook<T>> {
    return this.hooks?.get(index) ?? [];
  }

  retain(): void {
    this.holders++;
  }

  /** One holder less. Iterative, since a whole sequence may hang on the last one. */
  release(): void {
    if (--this.holders > 0) return;
    const unheld: GradNode<T>[] = [this];
    for (let node = unheld.pop(); node !== undefined; node = unheld.pop()) {
      node.free();
      for (const edge of node.inputs) if (edge !== undefined && --edge.node.holders === 0) unheld.push(edge.node);
    }
  }

  /**
   * Frees what was saved, and what the derivative refers to. A leaf's node has saved nothing and
   * serves again.
   */
  free(): void {
    if (this.leaf !== undefined || this.saved === undefined) return;
    for (let i = 0; i < this.saved.length; i++) this.saved[i].dispose();
    this.saved = undefined;
    this.derivative = nothing;
  }
}

/** Graphs that are ready to run, and what their nodes are made of. */
import type { Backend, Shape, Tensor } from '@rnn/core';
import type { ElementType } from './element-types.js';
import type { Value } from './value.js';

/** The inputs of a node; one that is left out is `undefined`. */
export type Inputs = readonly (Value | undefined)[];

/** What a node may use while it runs. */
export interface Surroundings {
  /**
   * Where tensors are made. Asking for it while constants are folded ends the folding of that node.
   */
  readonly backend: Backend;
  /** Runs a graph of the node; names that it does not make itself are looked up around the node. */
  run(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]>;
  /**
   * The same for a graph that runs at most once in a run of the node's own graph, so that what it
   * makes can be remembered.
   */
  runOnce(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]>;
  /** A value of a name that is visible at the node. */
  lookUp(name: string): Value;
  /**
   * What a node makes of weights alone: it is kept for the next run with inputs of the same shapes,
   * as long as the sources have the numbers that they had, and made anew where gradients are
   * recorded.
   *
   * @param owner - whose it is
   * @param sources - what it is made of
   */
  keep<T>(owner: object, sources: readonly (Tensor | undefined)[], make: () => Kept<T>): T;
}

/** Something to keep, with the tensors to free when it is kept no longer. */
export interface Kept<T> {
  readonly value: T;
  readonly tensors: readonly Tensor[];
}

/**
 * A computation that now and then waits for numbers: it yields a value that it needs on the host.
 */
export type Steps<R> = Generator<Value, R, void>;

/** A node that is ready to run. */
export type Kernel = PlainKernel | SteppedKernel;

export interface PlainKernel {
  /** Positions of the inputs whose numbers it needs on the host, or which of some inputs are. */
  readonly onHost?: readonly number[] | ((inputs: Inputs) => readonly number[]);
  /** Whether only the shapes of its inputs count. */
  readonly readsShapes?: boolean;
  run(inputs: Inputs, around: Surroundings): readonly (Value | undefined)[];
  /**
   * Binds it to inputs of these shapes, for runs that come again: only the numbers of tensors may
   * differ then.
   *
   * @returns nothing where `run` has no shorter form
   */
  bind?(inputs: Inputs, around: Surroundings): BoundKernel | undefined;
}

/** A kernel that is bound to the shapes of its inputs. */
export interface BoundKernel {
  /**
   * What the tensors that it makes have: the shapes of its outputs, or others of as many elements.
   */
  readonly shapes: readonly Shape[];
  /**
   * @param tensors - one for each input, `undefined` for one that is left out
   * @returns one for each shape; they belong to the caller, and none is an input
   */
  run(tensors: readonly (Tensor | undefined)[]): readonly Tensor[];
}

/** One that runs graphs, and so may wait in the middle. */
interface SteppedKernel {
  readonly onHost?: readonly number[];
  /** Whether the shapes of its results may depend on numbers of any of its inputs. */
  readonly isOpaque?: boolean;
  steps(inputs: Inputs, around: Surroundings): Steps<readonly (Value | undefined)[]>;
}

/** What a plan needs to know of a node. */
interface NodeInfo {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  int(name: string, byDefault: number): number;
  fail(what: string): never;
}

/** A node with what runs it. */
export interface PlannedNode {
  readonly node: NodeInfo;
  readonly kernel: Kernel;
  /** Names that graphs inside the node take from around them. */
  readonly captured: readonly string[];
  /** Names that nothing needs after this node. */
  readonly lastUses: readonly string[];
}

/** A graph: names, values that it holds itself, and nodes in the order of their work. */
export interface Graph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Weights and constants. */
  readonly values: ReadonlyMap<string, Value>;
  readonly nodes: readonly PlannedNode[];
  /** Names that it takes from around it. */
  readonly captured: readonly string[];
  /** What the file says of its outputs; nothing of those that it leaves open. */
  readonly declared: readonly (DeclaredOutput | undefined)[];
}

/** The type of an output, and its shape as far as the file tells it. */
export interface DeclaredOutput {
  readonly type: ElementType;
  readonly shape: readonly (number | undefined)[];
}

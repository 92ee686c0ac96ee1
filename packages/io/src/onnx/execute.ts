/** Runs graphs, node by node. */
import { FormatError, scope, type Backend, type Tensor } from '@rnn/core';
import type { Graph, Inputs, PlainKernel, PlannedNode, Steps, Surroundings } from './plan.js';
import { Value } from './value.js';

/** Results of nodes that are the same in every run with inputs of some shapes. */
export type Memo = Map<PlannedNode, readonly (Value | undefined)[]>;

/** The values of a graph while it runs. */
class Frame implements Surroundings {
  readonly backend: Backend;
  readonly memo: Memo | undefined;
  readonly #graph: Graph;
  readonly #outer: Surroundings | undefined;
  readonly #values = new Map<string, Value>();

  constructor(graph: Graph, backend: Backend, outer: Surroundings | undefined, memo: Memo | undefined) {
    this.#graph = graph;
    this.backend = backend;
    this.memo = memo;
    this.#outer = outer;
  }

  lookUp(name: string): Value {
    const value = this.#values.get(name) ?? this.#graph.values.get(name) ?? this.#outer?.lookUp(name);
    if (value !== undefined) return value;
    throw new FormatError(`readOnnx: no node makes the value '${name}' before it is used`, { received: name });
  }

  bind(name: string, value: Value): void {
    value.holders++;
    this.#values.set(name, value);
  }

  /** Lets a name go, and frees its tensor unless the value goes on under another name. */
  drop(name: string, isResult = false): void {
    const value = this.#values.get(name);
    if (value === undefined) return;
    this.#values.delete(name);
    if (--value.holders === 0 && value.isOwned && !isResult) value.tensor?.dispose();
  }

  dropAll(results: ReadonlySet<Value>): void {
    for (const [name, value] of this.#values) this.drop(name, results.has(value));
  }

  run(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]> {
    return runGraph(graph, inputs, this.backend, this);
  }

  runOnce(graph: Graph, inputs: readonly Value[]): Steps<readonly Value[]> {
    return runGraph(graph, inputs, this.backend, this, this.memo);
  }
}

/**
 * Runs a graph.
 *
 * @param graph - what to run
 * @param inputs - a value for each of its inputs
 * @param backend - where tensors are made
 * @param outer - where names are looked up that the graph does not make
 * @param memo - what earlier runs with inputs of the same shapes made, and gets what this one makes
 * @returns steps that end with a value for each output
 */
export function* runGraph(
  graph: Graph,
  inputs: readonly Value[],
  backend: Backend,
  outer?: Surroundings,
  memo?: Memo,
): Steps<readonly Value[]> {
  const frame = new Frame(graph, backend, outer, memo);
  const results = new Set<Value>();
  try {
    graph.inputs.forEach((name, i) => frame.bind(name, inputs[i]));
    for (const planned of graph.nodes) yield* runNode(planned, frame);
    const outputs = graph.outputs.map((name) => frame.lookUp(name));
    for (const output of outputs) results.add(output);
    return outputs;
  } finally {
    frame.dropAll(results);
  }
}

function* runNode(planned: PlannedNode, frame: Frame): Steps<void> {
  const { node, lastUses } = planned;
  const outputs = frame.memo?.get(planned) ?? (yield* computed(planned, frame));
  for (let i = 0; i < node.outputs.length; i++) {
    const name = node.outputs[i];
    const value = outputs[i];
    if (name === '') {
      if (value !== undefined && value.holders === 0 && value.isOwned) value.tensor?.dispose();
    } else if (value === undefined) node.fail(`its output ${i} ('${name}') is not computed here`);
    else frame.bind(name, value);
  }
  for (const name of lastUses) frame.drop(name);
}

function* computed(planned: PlannedNode, frame: Frame): Steps<readonly (Value | undefined)[]> {
  const { node, kernel } = planned;
  const inputs: Inputs = node.inputs.map((name) => (name === '' ? undefined : frame.lookUp(name)));
  for (const position of kernel.onHost ?? []) {
    const value = inputs[position];
    if (value !== undefined && !value.hasNumbers) yield value;
  }
  // What was needed on the host decided about shapes.
  const isDecided = kernel.onHost?.every((position) => inputs[position]?.isStatic !== false) !== false;
  let outputs: readonly (Value | undefined)[];
  if ('run' in kernel) {
    outputs = freeing(inputs, () => kernel.run(inputs, frame));
    if (frame.memo !== undefined && isDecided) remember(planned, kernel, inputs, outputs, frame.memo);
  } else {
    outputs = yield* kernel.steps(inputs, frame);
    if (!isDecided || kernel.isOpaque === true) outputs = outputs.map((value) => value?.asDynamic());
  }
  for (const value of outputs) if (value !== undefined && value.holders === 0) value.isOwned = !value.isConstant;
  return outputs;
}

/** Marks what is known of the results from shapes alone, and keeps what is known altogether. */
function remember(planned: PlannedNode, kernel: PlainKernel, inputs: Inputs, outputs: Inputs, memo: Memo): void {
  if (!inputs.every((value) => value === undefined || value.isShaped)) return;
  const isStatic = kernel.readsShapes === true || inputs.every((value) => value === undefined || value.isStatic);
  for (const value of outputs) {
    if (value === undefined || inputs.includes(value)) continue;
    if (isStatic) value.fix();
    else value.isShaped = true;
  }
  if (isStatic) memo.set(planned, outputs);
}

/** Calls a kernel and frees what it made on the way. */
function freeing(inputs: Inputs, run: () => readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  let outputs: readonly (Value | undefined)[] = [];
  scope(() => {
    outputs = run().map((value) => {
      const tensor = value?.tensor;
      if (value === undefined || tensor === undefined || inputs.includes(value)) return value;
      // Each value has a tensor of its own, since each is freed by itself.
      return inputs.some((input) => input?.tensor === tensor) ? Value.device(value.type, tensor.clone()) : value;
    });
    return outputs.flatMap((value) => (value?.tensor === undefined ? [] : [value.tensor]));
  });
  return outputs;
}

/** Runs steps to their end on a backend that answers at once. */
export function finish<R>(steps: Steps<R>, read: (tensor: Tensor) => ArrayLike<number>): R {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (value.tensor !== undefined) value.setNumbers(read(value.tensor));
  }
}

/** The same on one that answers later. */
export async function finishLater<R>(steps: Steps<R>): Promise<R> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (value.tensor !== undefined) value.setNumbers(await value.tensor.data());
  }
}

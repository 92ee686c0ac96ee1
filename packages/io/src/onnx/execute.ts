/** Runs graphs, node by node. */
import { isGradEnabled, type Backend, type Tensor } from '@rnn/core';
import { boundGraph, type BoundNode } from './bound-graph.js';
import { Frame } from './frame.js';
import { freeing } from './freeing.js';
import type { Memo } from './memo.js';
import type { Graph, Inputs, PlainKernel, Steps, Surroundings } from './plan.js';
import { RunRecorder } from './run-recorder.js';
import { Value } from './value.js';

/**
 * Runs a graph.
 *
 * @param graph - what to run
 * @param inputs - a value for each of its inputs
 * @param backend - where tensors are made
 * @param outer - where names are looked up that the graph does not make
 * @param memo - what is known from earlier runs with inputs of the same shapes, and gets what this
 *   one finds out
 * @returns steps that end with a value for each output
 */
export function* runGraph(
  graph: Graph,
  inputs: readonly Value[],
  backend: Backend,
  outer?: Surroundings,
  memo?: Memo,
): Steps<readonly Value[]> {
  if (outer === undefined && typeof memo?.bound === 'object' && !isGradEnabled()) return memo.bound.values(inputs);
  const whole = boundGraph(graph);
  const reduced = memo?.reduced(whole);
  const bound = reduced ?? whole;
  const frame = new Frame(bound, backend, outer, memo, runGraph);
  // The first run finds out what is the same in each, the second writes down what is left.
  const isRecorded = reduced !== undefined && outer === undefined && memo?.bound === undefined && !isGradEnabled();
  const recorder = isRecorded ? new RunRecorder(inputs, frame) : undefined;
  let results: readonly Value[] = [];
  try {
    for (let i = 0; i < bound.inputs.length; i++) frame.bind(bound.inputs[i], inputs[i]);
    for (const node of bound.nodes) {
      const known = memo?.nodes.get(node.planned);
      if (known === undefined || known === 'shaped') yield* runNode(node, frame, known === 'shaped', recorder);
      else if ('values' in known) frame.bindAll(node, known.values);
      else {
        const view = Value.view(frame.value(node.inputs[known.input]), known.shape);
        if (view.isView) view.own();
        view.isShaped = true;
        frame.bind(node.outputs[0], view);
      }
      for (const slot of node.lastUses) frame.drop(slot);
    }
    const outputs = bound.outputs.map((slot) => frame.value(slot));
    if (recorder !== undefined && memo !== undefined) memo.bound = recorder.finish(outputs) ?? 'none';
    for (const output of outputs) output.settle();
    results = outputs;
    if (reduced === undefined) memo?.reduce(whole);
    return outputs;
  } finally {
    frame.dropAll(results);
  }
}

/**
 * Surroundings in which some more names are known.
 *
 * @param around - the others
 * @param names - the names
 * @param changes - what else is different there
 */
export function withNames(
  around: Surroundings,
  names: ReadonlyMap<string, Value>,
  changes: Partial<Pick<Surroundings, 'backend' | 'keep'>> = {},
): Surroundings {
  const run: Surroundings['run'] = (graph, values) => runGraph(graph, values, inner.backend, inner);
  const inner: Surroundings = {
    backend: around.backend,
    keep: (owner, sources, make) => around.keep(owner, sources, make),
    ...changes,
    lookUp: (name) => names.get(name) ?? around.lookUp(name),
    run,
    runOnce: run,
  };
  return inner;
}

function* runNode(bound: BoundNode, frame: Frame, isShaped: boolean, recorder?: RunRecorder): Steps<void> {
  const { node, kernel } = bound.planned;
  const inputs = frame.inputsOf(bound);
  // What was needed on the host decided about shapes.
  let isDecided = true;
  const onHost = typeof kernel.onHost === 'function' ? kernel.onHost(inputs) : kernel.onHost;
  for (const position of onHost ?? []) {
    const value = inputs[position];
    if (value === undefined) continue;
    if (!value.hasNumbers) yield value;
    if (!value.isStatic) isDecided = false;
  }
  let outputs: readonly (Value | undefined)[];
  if ('run' in kernel) {
    outputs = freeing(inputs, () => kernel.run(inputs, frame));
    if (isShaped) for (const value of outputs) if (value !== undefined) value.isShaped = true;
    if (!isShaped && isDecided && frame.memo !== undefined) remember(bound, kernel, inputs, outputs, frame);
  } else {
    outputs = yield* kernel.steps(inputs, frame);
    if (!isDecided || kernel.isOpaque === true) outputs = outputs.map((value) => value?.asDynamic());
  }
  for (const value of outputs) if (value !== undefined && !inputs.includes(value)) value.own();
  frame.bindAll(bound, outputs);
  for (let i = 0; i < node.outputs.length; i++) {
    if (node.outputs[i] !== '' && outputs[i] === undefined) {
      node.fail(`its output ${i} ('${node.outputs[i]}') is not computed here`);
    }
  }
  if (isShaped && 'run' in kernel) recorder?.add(bound, kernel, inputs, outputs);
  else recorder?.giveUp();
}

/** Marks what is known of the results from shapes alone, and keeps what is known altogether. */
function remember({ planned }: BoundNode, kernel: PlainKernel, inputs: Inputs, outputs: Inputs, frame: Frame): void {
  const memo = frame.memo as Memo;
  // Graphs inside the node take values from around it, too.
  const sources = [...inputs, ...planned.captured.map((name) => frame.lookUp(name))];
  if (!sources.every((value) => value === undefined || value.isShaped)) return;
  if (kernel.readsShapes === true || sources.every((value) => value === undefined || value.isStatic)) {
    for (const value of outputs) if (value !== undefined && !inputs.includes(value)) value.fix();
    memo.nodes.set(planned, { values: outputs });
    return;
  }
  const [only, ...others] = outputs;
  const input =
    only === undefined || others.length > 0 ? -1 : inputs.findIndex((value) => value && only.isViewOf(value));
  const isView = only !== undefined && input >= 0;
  memo.nodes.set(planned, isView ? { input, shape: only.shape } : 'shaped');
  for (const value of outputs) if (value !== undefined) value.isShaped = true;
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

import { checkOptions } from './checks/options.js';
import { refuse } from './checks/refusal.js';
import { checkPlace, checkSameBackend, checkShapeIs, checkTensor } from './checks/tensors.js';
import { checkFlag, checkList } from './checks/values.js';
import { AutogradError } from './errors.js';
import { resultChecks, withoutChecking, withRecording } from './grad-mode.js';
import type { GradNode } from './grad-node.js';
import { add } from './ops/arithmetic.js';
import { restored } from './record.js';
import { onesLike, zerosLike } from './ops/fill.js';
import { detach } from './ops/identity.js';
import { isOwned, scope, track } from './scope.js';
import { sameShape, showShape } from './shape.js';
import type { Tensor, TensorEdge } from './tensor.js';
import type { BackwardOptions } from './tensor-methods.js';
import { refuseTracing } from './tracing-mode.js';

type Node = GradNode<Tensor>;

/** One gradient for each result of a node. */
type Grads = readonly (Tensor | undefined)[];

/** Gradients on their way to the nodes. The map owns them. */
type Pending = Map<Node, (Tensor | undefined)[]>;

/**
 * What to do with the gradients that have arrived, complete, at a node. It may take one out of the
 * list, which then is its own; where there are hooks it may not.
 */
type Arrival = (node: Node, grads: (Tensor | undefined)[]) => void;

/**
 * Computes the gradient of a tensor with respect to every leaf that requires one and adds it to the
 * leaf's `grad`. Frees what the graph alone holds.
 *
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * backward(w.square().sum());
 * w.grad;                          // [2, 4]
 * ```
 * @param root - the result of recorded operations; one element, unless `gradient` is given
 * @param gradient - the gradient of what follows with respect to `root`, of its shape
 * @param options - `retainGraph` to go through the graph again, `createGraph` for derivatives of
 *   higher order, `inputs` to reach only these leaves
 * @throws AutogradError when `root` requires no gradient, has more than one element, or its graph
 *   was freed by an earlier call
 *
 * Differs from PyTorch: a second call through a freed graph is always an error, also where nothing
 * had been saved.
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions<Tensor> = {}): void {
  refuseTracing('calls backward, which changes gradients');
  checkPassOptions('backward', options, ['inputs', ...passOptions]);
  const { inputs, createGraph = false } = options;
  if (inputs !== undefined) checkList('backward', 'inputs', inputs, 'Tensors');
  const targets = inputs && new Set(inputs.map((input, i) => leafNode(input, i)));
  resultChecks()?.loss(root);
  propagate('backward', root, gradient, options, targets, (node, grads) => {
    const { leaf } = node;
    // A leaf that was frozen since the forward pass gets nothing, though the gradient came as far
    // as here.
    if (leaf?.requiresGrad && (targets === undefined || targets.has(node))) {
      const isLast = !node.hasHooks && !createGraph && leaf.grad === undefined && !leaf.isDisposed;
      if (isLast && grads[0]?.edge === undefined) {
        leaf.grad = grads[0];
        grads[0] = undefined;
      } else accumulate(leaf, grads[0], createGraph);
    }
    if (node.retained !== undefined)
      for (const [index, result] of node.retained) accumulate(result, grads[index], createGraph);
  });
}

const passOptions = ['retainGraph', 'createGraph'] satisfies (keyof BackwardOptions<Tensor>)[];

function checkPassOptions(operation: string, options: BackwardOptions<Tensor>, known: readonly string[]): void {
  checkOptions(operation, options, known);
  for (const name of passOptions) if (options[name] !== undefined) checkFlag(operation, name, options[name]);
}

function leafNode(input: Tensor, i: number): Node {
  checkTensor('backward', `inputs[${i}]`, input);
  const edge = input.gradEdge;
  if (edge?.node.leaf === input) return edge.node;
  refuse(AutogradError, 'backward', `inputs[${i}]`, {
    received: input.isLeaf ? 'a leaf without requiresGrad' : 'the result of an operation',
    expected: 'a leaf that requires a gradient',
    hint: 'grad(output, inputs) also takes results',
  });
}

function accumulate(tensor: Tensor, grad: Tensor | undefined, recorded: boolean): void {
  if (grad === undefined || tensor.isDisposed) return;
  const before = tensor.grad;
  if (before === undefined) tensor.grad = (recorded ? grad.alias() : detach(grad)).keep();
  else {
    tensor.grad = withRecording(recorded, () => add(before, grad)).keep();
    before.dispose();
  }
}

/**
 * Gradients of a tensor with respect to given ones, without touching anyone's `grad`.
 *
 * @example
 * ```ts
 * const x = tensor(3, { requiresGrad: true });
 * const [first] = grad(x.pow(3), [x], { createGraph: true });   // 27
 * const [second] = grad(first, [x]);                            // 18
 * ```
 * @param output - one element, unless `gradient` is given
 * @param inputs - leaves, or results on the way
 * @param options - `retainGraph` and `createGraph` as for `backward`, and `gradient`
 * @returns one gradient an input, of its shape
 * @throws AutogradError as `backward`, and when an input does not require a gradient
 *
 * Differs from PyTorch: where the output does not depend on an input, its gradient is zeros (there,
 * an error unless allowed).
 */
export function grad(
  output: Tensor,
  inputs: readonly Tensor[],
  options: Omit<BackwardOptions<Tensor>, 'inputs'> & { readonly gradient?: Tensor } = {},
): Tensor[] {
  checkPassOptions('grad', options, ['gradient', ...passOptions]);
  checkList('grad', 'inputs', inputs, 'Tensors');
  const edges = inputs.map((input, i): TensorEdge => {
    checkTensor('grad', `inputs[${i}]`, input);
    const edge = input.gradEdge;
    if (edge !== undefined) return edge;
    refuse(AutogradError, 'grad', `inputs[${i}]`, {
      received: 'without requiresGrad',
      expected: 'a tensor that requires a gradient',
      hint: 'set requiresGrad before using it',
    });
  });
  const found: (Tensor | undefined)[] = inputs.map(() => undefined);
  try {
    propagate('grad', output, options.gradient, options, new Set(edges.map(({ node }) => node)), (node, grads) => {
      edges.forEach((edge, i) => {
        const arrived = edge.node === node ? grads[edge.index] : undefined;
        if (arrived !== undefined) found[i] = (options.createGraph ? arrived.alias() : detach(arrived)).keep();
      });
    });
  } catch (error) {
    for (const gradient of found) gradient?.dispose();
    throw error;
  }
  return found.map((gradient, i) => {
    if (gradient === undefined) return zerosLike(inputs[i]);
    track(gradient); // it was kept out of the scopes of the pass; from here on it is the caller's
    return gradient;
  });
}

/** The reverse pass. Iterative, so that a sequence of any length fits. */
function propagate(
  operation: string,
  root: Tensor,
  gradient: Tensor | undefined,
  { retainGraph = false, createGraph = false }: BackwardOptions<Tensor>,
  targets: ReadonlySet<Node> | undefined,
  arrive: Arrival,
): void {
  const start = startOf(operation, root);
  checkGradient(operation, root, gradient);
  const order = reachable(start.node);
  if (order.some((node) => node.saved === undefined)) {
    refuse(AutogradError, operation, 'the graph', {
      received: 'freed by an earlier backward',
      expected: 'one that nobody went through yet',
      hint: 'cut a state that is carried over to the next pass off with detach(), or pass { retainGraph: true } to the earlier backward',
    });
  }
  const needed = targets === undefined ? undefined : leadingTo(targets, order);
  const pending: Pending = new Map();
  start.node.retain(); // a hook may dispose of the root
  let node = start.node;
  let arrived: (Tensor | undefined)[] = [];
  const goThrough = (): void => {
    const grads = node.hasHooks ? arrived.map((grad, i) => grad && afterHooks(operation, node, i, grad)) : arrived;
    arrive(node, grads);
    if (node.inputs.length > 0) send(operation, node, grads, pending, needed, createGraph);
  };
  try {
    deliver(pending, start, gradient?.alias() ?? withRecording(false, () => onesLike(root)).keep(), createGraph);
    for (let i = 0; i < order.length; i++) {
      node = order[i];
      const here = pending.get(node);
      if (here === undefined) continue;
      arrived = here;
      // Nothing is computed at a leaf.
      if (node.inputs.length === 0 && !node.hasHooks) arrive(node, arrived);
      else scope(goThrough);
      discard(pending, node);
      if (!createGraph && !retainGraph) node.free();
    }
  } finally {
    for (const node of pending.keys()) discard(pending, node);
    start.node.release();
  }
}

function startOf(operation: string, root: Tensor): TensorEdge {
  checkTensor(operation, 'output', root);
  void root.held; // a disposed tensor says so
  const start = root.gradEdge;
  if (start !== undefined) return start;
  refuse(AutogradError, operation, 'output', {
    received: `a tensor of shape ${showShape(root.shape)} without requiresGrad`,
    expected: 'one that requires a gradient',
    hint: 'nothing that it was made of has requiresGrad, or it was made inside noGrad',
  });
}

function checkGradient(operation: string, root: Tensor, gradient: Tensor | undefined): void {
  if (gradient === undefined) {
    if (root.size === 1) return;
    refuse(AutogradError, operation, 'output', {
      has: 'shape',
      received: showShape(root.shape),
      expected: 'one element',
      hint: 'reduce it (sum, mean) or pass the gradient that comes from behind',
    });
  }
  checkTensor(operation, 'gradient', gradient);
  checkShapeIs(operation, 'gradient', gradient, root.shape);
  checkPlace(operation, 'gradient', gradient, root, 'the output');
}

/** All nodes behind one, latest first: a node comes before everything that it was made of. */
function reachable(start: Node): Node[] {
  const pass = ++passes;
  start.seenBy = pass;
  const found = [start];
  for (let i = 0; i < found.length; i++) {
    const { inputs } = found[i];
    for (let k = 0; k < inputs.length; k++) {
      const node = inputs[k]?.node;
      if (node === undefined || node.seenBy === pass) continue;
      node.seenBy = pass;
      found.push(node);
    }
  }
  return found.sort((a, b) => b.id - a.id);
}

/** The number of the last pass. */
let passes = 0;

/** The nodes through which a gradient must pass to reach a target. */
function leadingTo(targets: ReadonlySet<Node>, order: readonly Node[]): Set<Node> {
  const needed = new Set<Node>();
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (targets.has(node) || node.inputs.some((edge) => edge !== undefined && needed.has(edge.node))) needed.add(node);
  }
  return needed;
}

/** A gradient as the hooks of its result leave it. */
function afterHooks(operation: string, node: Node, index: number, grad: Tensor): Tensor {
  let current = grad;
  for (const hook of node.hooksOf(index)) {
    const replaced = hook(current) ?? current;
    checkTensor(operation, "a hook's result", replaced);
    checkLike(operation, replaced, grad);
    current = replaced;
  }
  return current;
}

/**
 * Refuses a hook's result that is of another shape or type, or lies elsewhere, than the gradient
 * that it replaces.
 */
function checkLike(operation: string, replaced: Tensor, grad: Tensor): void {
  const described = (x: Tensor): string => `${x.dtype} of shape ${showShape(x.shape)}`;
  if (!sameShape(replaced.shape, grad.shape) || replaced.dtype !== grad.dtype) {
    const [received, expected] = [described(replaced), `${described(grad)}, as the gradient`];
    refuse(AutogradError, operation, 'hook', { part: 'the result', received, expected });
  }
  checkSameBackend(operation, "the hook's result", replaced.backend, grad.backend, 'the gradient');
}

/**
 * Applies a node's derivative and hands the gradients to the nodes of its inputs. Runs in a scope
 * of its own.
 */
function send(
  operation: string,
  node: Node,
  grads: Grads,
  pending: Pending,
  needed: ReadonlySet<Node> | undefined,
  createGraph: boolean,
): void {
  const { inputs, saved } = node;
  const wanted = new Array<boolean>(inputs.length);
  for (let i = 0; i < wanted.length; i++) {
    const edge = inputs[i];
    wanted[i] = edge !== undefined && (needed === undefined || needed.has(edge.node));
  }
  if (!wanted.includes(true)) return;
  if (saved === undefined) {
    refuse(AutogradError, operation, 'hook', {
      received: `one that went backward through ${node.name} and so freed what this pass still needs of it`,
      expected: 'one that leaves the graph',
      hint: 'pass { retainGraph: true } in the hook',
    });
  }
  // Checked as a whole, so that a NaN is put down to the operation and not to a part of its
  // derivative.
  const results = withoutChecking(() => withRecording(createGraph, () => node.derivative(grads, saved, wanted)));
  resultChecks()?.gradients(`derivative of ${node.name}`, [...grads, ...restored(saved)], results);
  for (let i = 0; i < inputs.length; i++) {
    const edge = inputs[i];
    const result = results[i];
    if (edge === undefined || !wanted[i] || result === undefined) continue;
    // What was not made here (a gradient passed on as it came), or was sent already, needs a handle
    // of its own.
    deliver(pending, edge, isOwned(result) ? result.keep() : result.alias(), createGraph);
  }
}

/** Adds a gradient to what waits for a node. */
function deliver(pending: Pending, { node, index }: TensorEdge, grad: Tensor, createGraph: boolean): void {
  let waiting = pending.get(node);
  if (waiting === undefined) {
    waiting = [];
    while (waiting.length < node.resultCount) waiting.push(undefined);
    pending.set(node, waiting);
  }
  const before = waiting[index];
  waiting[index] = grad;
  if (before === undefined) return;
  try {
    waiting[index] = withRecording(createGraph, () => add(before, grad)).keep();
    grad.dispose();
  } finally {
    before.dispose();
  }
}

function discard(pending: Pending, node: Node): void {
  const grads = pending.get(node);
  if (grads === undefined) return;
  for (let i = 0; i < grads.length; i++) grads[i]?.dispose();
  pending.delete(node);
}

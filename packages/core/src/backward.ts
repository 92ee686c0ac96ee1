import { ArgumentError, AutogradError, DTypeError, ShapeError } from './errors.js';
import { isAnomalyEnabled, withRecording } from './grad-mode.js';
import { add } from './ops/elementwise.js';
import { onesLike, zerosLike } from './ops/fill.js';
import { checkTensor } from './ops/operands.js';
import { checkForNaN, refuseBackends } from './record.js';
import { scope, track } from './scope.js';
import { sameShape, showShape } from './shape.js';
import { Tensor, type Edge, type GradHook, type GradNode } from './tensor.js';
import type { BackwardOptions } from './tensor-methods.js';

/** Gradients on their way: for each node, one for each of its results. */
type Pending = Map<GradNode, (Tensor | undefined)[]>;

/** What to do with a gradient that has arrived, complete, at a node: true if it is to go no further. */
type Arrival = (node: GradNode, grads: readonly (Tensor | undefined)[]) => boolean;

/**
 * Computes the gradient of a tensor with respect to every leaf that requires one and adds it to the leaf's `grad`. Frees what the
 * graph alone holds.
 *
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * backward(w.square().sum());
 * w.grad;                          // [2, 4]
 * ```
 * @param root - the result of recorded operations; one element, unless `gradient` is given
 * @param gradient - the gradient of what follows with respect to `root`, of its shape
 * @param options - `retainGraph`, `createGraph`, `inputs`
 * @throws AutogradError when `root` requires no gradient, has more than one element, or its graph was freed by an earlier call
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions<Tensor> = {}): void {
  const { inputs } = options;
  inputs?.forEach((input, i) => {
    checkTensor('backward', `inputs[${i}]`, input);
    if (!input.isLeaf || !input.requiresGrad) {
      throw new ArgumentError(`backward: inputs[${i}] is not a leaf that requires a gradient`, { argument: 'inputs' });
    }
  });
  const targets = inputs && new Set(inputs.map((input) => (input.gradEdge as Edge).node));
  propagate('backward', root, gradient, options, targets, (node, [grad]) => {
    if (node.leaf === undefined) return false;
    if (grad !== undefined && (targets === undefined || targets.has(node))) accumulate(node.leaf, grad, options.createGraph === true);
    return true;
  });
}

function accumulate(leaf: Tensor, grad: Tensor, recorded: boolean): void {
  const before = leaf.grad;
  const sum = before === undefined ? grad.alias() : withRecording(recorded, () => add(before, grad)).keep();
  if (!recorded) sum.edge = undefined;
  leaf.grad = sum;
  before?.dispose();
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
 * @param options - as for `backward`, and `gradient`
 * @returns one gradient an input, of its shape; zeros where the output does not depend on it
 */
export function grad(
  output: Tensor,
  inputs: readonly Tensor[],
  options: Omit<BackwardOptions<Tensor>, 'inputs'> & { readonly gradient?: Tensor } = {},
): Tensor[] {
  const edges = inputs.map((input, i) => {
    checkTensor('grad', `inputs[${i}]`, input);
    const edge = input.gradEdge;
    if (edge === undefined) throw new AutogradError(`grad: inputs[${i}] does not require a gradient`, { argument: 'inputs' });
    return edge;
  });
  const found: (Tensor | undefined)[] = inputs.map(() => undefined);
  propagate('grad', output, options.gradient, options, new Set(edges.map(({ node }) => node)), (node, grads) => {
    edges.forEach((edge, i) => {
      const arrived = edge.node === node ? grads[edge.index] : undefined;
      if (arrived !== undefined) found[i] = (options.createGraph ? arrived : detach(arrived)).keep();
    });
    return node.leaf !== undefined;
  });
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
  targets: ReadonlySet<GradNode> | undefined,
  arrive: Arrival,
): void {
  checkTensor(operation, 'the output', root);
  const start = root.gradEdge;
  if (start === undefined) {
    throw new AutogradError(
      `${operation}: the tensor of shape ${showShape(root.shape)} does not require a gradient: nothing that it was made of has requiresGrad, or it was made inside noGrad`,
    );
  }
  checkGradient(operation, root, gradient);
  const order = reachable(start.node);
  if (order.some((node) => node.saved === undefined)) {
    throw new AutogradError(
      `${operation}: the graph was already freed by an earlier backward; pass { retainGraph: true } to that one to go through it again`,
    );
  }
  const needed = targets === undefined ? undefined : leadingTo(targets, order);
  const pending: Pending = new Map();
  const keep = createGraph || retainGraph;
  const seed = gradient?.alias() ?? withRecording(false, () => onesLike(root)).keep();
  pending.set(start.node, root.edge === undefined ? [seed] : place([], start.index, seed));
  try {
    for (const node of order) {
      const raw = pending.get(node);
      pending.delete(node);
      if (raw === undefined) continue;
      scope(() => {
        const grads = raw.map((grad, i) => (grad === undefined ? undefined : node.hooked(i, grad)));
        if (!arrive(node, grads)) send(node, grads, pending, needed, createGraph);
      });
      if (!createGraph) for (const grad of raw) grad?.dispose();
      if (!keep && node.leaf === undefined) node.free();
    }
  } finally {
    for (const grads of pending.values()) for (const grad of grads) grad?.dispose();
  }
}

function checkGradient(operation: string, root: Tensor, gradient: Tensor | undefined): void {
  if (gradient === undefined) {
    if (root.size === 1) return;
    throw new AutogradError(
      `${operation}: the tensor has shape ${showShape(root.shape)}, expected one element; reduce it (sum, mean) or pass the gradient that comes from behind`,
      { expected: 'one element', received: showShape(root.shape) },
    );
  }
  checkTensor(operation, 'gradient', gradient);
  if (!sameShape(gradient.shape, root.shape)) {
    throw new ShapeError(`${operation}: gradient has shape ${showShape(gradient.shape)}, expected ${showShape(root.shape)}`, {
      argument: 'gradient',
    });
  }
  if (gradient.dtype !== root.dtype) {
    throw new DTypeError(`${operation}: gradient is ${gradient.dtype}, expected ${root.dtype}`, { argument: 'gradient' });
  }
  if (gradient.backend !== root.backend) refuseBackends(operation, root.backend, gradient.backend);
}

/** All nodes behind one, latest first: a node comes before everything that it was made of. */
function reachable(start: GradNode): GradNode[] {
  const seen = new Set([start]);
  const stack = [start];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const edge of node.inputs) {
      if (edge === undefined || seen.has(edge.node)) continue;
      seen.add(edge.node);
      stack.push(edge.node);
    }
  }
  return [...seen].sort((a, b) => b.id - a.id);
}

/** The nodes through which a gradient must pass to reach a target. */
function leadingTo(targets: ReadonlySet<GradNode>, order: readonly GradNode[]): Set<GradNode> {
  const needed = new Set<GradNode>();
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (targets.has(node) || node.inputs.some((edge) => edge !== undefined && needed.has(edge.node))) needed.add(node);
  }
  return needed;
}

/** Applies a node's derivative and hands the gradients to the nodes of its inputs. Runs in a scope of its own. */
function send(
  node: GradNode,
  grads: readonly (Tensor | undefined)[],
  pending: Pending,
  needed: ReadonlySet<GradNode> | undefined,
  createGraph: boolean,
): void {
  const wanted = node.inputs.map((edge) => edge !== undefined && (needed === undefined || needed.has(edge.node)));
  if (!wanted.includes(true)) return;
  const results = withRecording(createGraph, () => node.derivative(grads, node.saved ?? [], wanted));
  if (isAnomalyEnabled()) checkForNaN(`derivative of ${node.name}`, [...grads, ...(node.saved ?? [])], results);
  const sent = new Set<Tensor | undefined>(grads);
  results.forEach((result, i) => {
    const edge = node.inputs[i];
    if (!wanted[i] || result === undefined || edge === undefined) return;
    // A gradient that is passed on as it came, or to two inputs, needs a handle of its own for each.
    const own = sent.has(result) ? result.alias() : result.keep();
    sent.add(result);
    const waiting = pending.get(edge.node) ?? [];
    pending.set(edge.node, waiting);
    const before = waiting[edge.index];
    if (before === undefined) place(waiting, edge.index, own);
    else {
      waiting[edge.index] = withRecording(createGraph, () => add(before, own)).keep();
      if (!createGraph) for (const part of [before, own]) part.dispose();
    }
  });
}

function place(list: (Tensor | undefined)[], index: number, grad: Tensor): (Tensor | undefined)[] {
  while (list.length <= index) list.push(undefined);
  list[index] = grad;
  return list;
}

/** The same value, cut off from the graph; shares the memory. */
export function detach(x: Tensor): Tensor {
  return new Tensor(x.held.retain(), x.shape);
}

/**
 * Calls a function with the gradient of a tensor when `backward` has computed it.
 *
 * @param x - a tensor that requires a gradient
 * @param hook - gets the gradient; what it returns, if anything, takes the gradient's place
 * @returns a function that removes the hook
 */
export function registerHook(x: Tensor, hook: GradHook): () => void {
  const edge = x.gradEdge;
  if (edge === undefined) throw new AutogradError('registerHook: the tensor does not require a gradient');
  return edge.node.addHook(edge.index, hook);
}

/** Makes `backward` leave the gradient of a result on the way in its `grad`, as it does for leaves. Returns the tensor. */
export function retainGrad(x: Tensor): Tensor {
  if (!x.isLeaf) {
    registerHook(x, (gradient) => {
      x.grad?.dispose();
      x.grad = detach(gradient).keep();
    });
  }
  return x;
}

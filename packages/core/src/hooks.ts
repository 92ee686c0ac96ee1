import { refuse } from './checks/refusal.js';
import { checkFunction } from './checks/values.js';
import { checkTensor } from './checks/tensors.js';
import { AutogradError } from './errors.js';
import { showShape } from './shape.js';
import type { GradHook, Tensor, TensorEdge } from './tensor.js';
import { refuseTracing } from './tracing-mode.js';

/**
 * Calls a function with the gradient of a tensor when `backward` or `grad` has computed it.
 *
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const remove = w.registerHook((gradient) => gradient.clamp(-1, 1));
 * ```
 * @param x - a tensor that requires a gradient
 * @param hook - gets the gradient; what it returns, if anything, takes the gradient's place and
 *   must have its shape, type and backend.
 *   A `backward` inside it that goes through what this one still needs must retain the graph
 * @returns a function that removes the hook
 * @throws AutogradError when `x` does not require a gradient
 *
 * Differs from PyTorch: the gradient is freed after the hook; keep `clone().keep()` of it to have
 * it later.
 */
export function registerHook(x: Tensor, hook: GradHook): () => void {
  checkFunction('registerHook', 'hook', hook, '(grad) => Tensor | void');
  refuseTracing('registers a hook, which is to be called at every step');
  const { node, index } = edgeOf('registerHook', x);
  return node.addHook(index, hook);
}

/**
 * Makes `backward` leave the gradient of a result on the way in its `grad`, as it does for leaves.
 *
 * @example
 * ```ts
 * const y = tensor([1, 2], { requiresGrad: true }).square().retainGrad();
 * y.sum().backward();
 * y.grad;   // [1, 1]
 * ```
 * @param x - a tensor that requires a gradient
 * @returns the tensor itself; its hooks come first, and the gradients of several calls add up
 * @throws AutogradError when `x` does not require a gradient
 */
export function retainGrad(x: Tensor): Tensor {
  refuseTracing('keeps the gradient of an inner value (retainGrad)');
  const { node, index } = edgeOf('retainGrad', x);
  if (node.leaf === undefined) {
    node.retained ??= new Map();
    node.retained.set(index, x);
  }
  return x;
}

function edgeOf(operation: string, x: Tensor): TensorEdge {
  checkTensor(operation, 'x', x);
  void x.held; // a disposed tensor says so
  const edge = x.gradEdge;
  if (edge !== undefined) return edge;
  refuse(AutogradError, operation, 'x', {
    received: `a tensor of shape ${showShape(x.shape)} without requiresGrad`,
    expected: 'one that requires a gradient',
    hint: 'set requiresGrad on a leaf that it is made of',
  });
}

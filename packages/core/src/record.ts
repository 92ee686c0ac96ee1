import { areCounted, passCountOn } from './averages.js';
import { checkPlace, checkTensor } from './checks/tensors.js';
import type { Backend, Storage } from './backend.js';
import { isAnomalyEnabled, isGradEnabled, resultChecks, withoutChecking, withRecording } from './grad-mode.js';
import { scope } from './scope.js';
import type { Shape } from './shape.js';
import { SharedStorage, type Bounds } from './shared-storage.js';
import { GradNode, Saved, type DerivativeRule } from './grad-node.js';
import { Tensor, type TensorEdge } from './tensor.js';

/** The gradient of one input from the gradient of the result and the saved values. */
export type Derivative = (grad: Tensor, saved: readonly Tensor[]) => Tensor;

/** How a result depends on its inputs. */
export interface Recording {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  /**
   * Values that the derivatives read: any of the inputs, the result, or values that nothing else
   * holds.
   */
  readonly saved?: readonly Tensor[];
  /** One function an input, called only when that input wants a gradient. */
  readonly derivatives: readonly Derivative[];
}

/** A tensor for a new storage. */
export function wrap(backend: Backend, storage: Storage, shape: Shape, bounds?: Bounds): Tensor {
  return new Tensor(new SharedStorage(backend, storage, bounds), shape);
}

/** Whether an operation on these is to be recorded. */
export function isRecorded(inputs: readonly Tensor[]): boolean {
  if (!isGradEnabled()) return false;
  for (let i = 0; i < inputs.length; i++) if (inputs[i].requiresGrad) return true;
  return false;
}

/**
 * Whether `record` does anything with the result of an operation on this, so that what it needs has
 * to be put together.
 */
export function isNoted(input: Tensor): boolean {
  return (input.requiresGrad && isGradEnabled()) || isAnomalyEnabled() || areCounted();
}

/**
 * Hangs the result of an operation into the graph, if any input wants a gradient. Returns the
 * result.
 */
export function record(result: Tensor, { name, inputs, saved = [], derivatives }: Recording): Tensor {
  if (isRecorded(inputs)) {
    recordAll([result], name, inputs, saved, ([grad], list, wanted) => {
      const kept = restored(list);
      return derivatives.map((derivative, i) => (wanted[i] ? derivative(grad as Tensor, kept) : undefined));
    });
  }
  passCountOn(result, inputs);
  resultChecks()?.results(name, inputs, [result]);
  return result;
}

/**
 * The same for an operation with several results, whose rule gives all gradients at once.
 *
 * @param results - `undefined` in the place of one that does not depend on any input that wants a
 *   gradient
 */
export function recordAll(
  results: readonly (Tensor | undefined)[],
  name: string,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  rule: DerivativeRule<Tensor>,
): void {
  const node = attachAll(results, name, inputs, rule);
  node.saved = saved.map(savedOf); // a result that is saved stands in the graph by now
}

/** The same for one that saves more than tensors: the caller gives that to the node. */
export function attachAll(
  results: readonly (Tensor | undefined)[],
  name: string,
  inputs: readonly Tensor[],
  rule: DerivativeRule<Tensor>,
): GradNode<Tensor> {
  const edges = new Array<TensorEdge | undefined>(inputs.length);
  for (let i = 0; i < edges.length; i++) edges[i] = inputs[i].gradEdge;
  const node = new GradNode<Tensor>(name, edges, results.length, rule);
  for (let index = 0; index < results.length; index++) results[index]?.attach({ node, index });
  return node;
}

/** What a recorded operation keeps of a tensor. */
export function savedOf(tensor: Tensor): Saved<Tensor> {
  return new Saved(tensor.held.retain(), tensor.shape, tensor.gradEdge);
}

/** Tensors of what was saved, at its place in the graph; they belong to the open scope. */
export function restored(saved: readonly Saved<Tensor>[]): Tensor[] {
  return saved.map(({ held, shape, edge }) => {
    const tensor = new Tensor(held.retain(), shape);
    if (edge !== undefined) tensor.attach(edge);
    return tensor;
  });
}

/** An operation made of others, with a derivative of its own. */
export interface Composition extends Omit<Recording, 'saved'> {
  /**
   * Computes the result and lists what the derivatives will read. Runs without recording; its
   * temporaries are freed.
   */
  readonly forward: () => { readonly result: Tensor; readonly saved?: readonly Tensor[] };
}

/** Runs operations as one, whose derivative is not the one that would be recorded of them. */
export function recordComposition({ name, inputs, forward, derivatives }: Composition): Tensor {
  return scope(() => {
    const made = withoutChecking(() => withRecording(false, forward));
    checkTensor(name, 'the result of forward', (made as Partial<typeof made> | undefined)?.result);
    // A handle of its own: what `forward` returns may be an input, or belong to somebody else.
    const result = new Tensor(made.result.held.retain(), made.result.shape);
    const saved = made.saved?.map((tensor) => (tensor === made.result ? result : tensor));
    return record(result, { name, inputs, saved, derivatives });
  });
}

/** The backend that all operands are on, and their common type. */
export function placeOf(operation: string, operands: readonly Tensor[]): Backend {
  const [first] = operands;
  const { backend } = first;
  for (let i = 1; i < operands.length; i++) {
    const other = operands[i];
    // The message is put together only where there is one.
    if (other.dtype === first.dtype && other.backend === backend) continue;
    checkPlace(operation, `operand ${i + 1}`, other, first, 'the first');
  }
  return backend;
}

import type { Backend, Storage } from './backend.js';
import { AnomalyError, BackendError, DTypeError } from './errors.js';
import { isAnomalyEnabled, isGradEnabled, withRecording } from './grad-mode.js';
import { scope } from './scope.js';
import { showShape, type Shape } from './shape.js';
import { SharedStorage, type Bounds } from './shared-storage.js';
import { GradNode, Tensor, type DerivativeRule } from './tensor.js';

/** The gradient of one input from the gradient of the result and the saved values. */
export type Derivative = (grad: Tensor, saved: readonly Tensor[]) => Tensor;

/** How a result depends on its inputs. */
export interface Recording {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  /** Values that the derivatives read: any of the inputs, the result, or values that nothing else holds. */
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

/** Hangs the result of an operation into the graph, if any input wants a gradient. Returns the result. */
export function record(result: Tensor, { name, inputs, saved = [], derivatives }: Recording): Tensor {
  if (isRecorded(inputs)) {
    recordAll([result], name, inputs, saved, ([grad], kept, wanted) =>
      derivatives.map((derivative, i) => (wanted[i] ? derivative(grad as Tensor, kept) : undefined)),
    );
  }
  if (isAnomalyEnabled()) checkForNaN(name, inputs, [result]);
  return result;
}

/** The same for an operation with several results, whose rule gives all gradients at once. */
export function recordAll(
  results: readonly Tensor[],
  name: string,
  inputs: readonly Tensor[],
  saved: readonly Tensor[],
  rule: DerivativeRule,
): void {
  const edges = inputs.map((input) => input.gradEdge);
  const node = new GradNode(
    name,
    edges,
    results.map(({ shape, dtype, backend }) => ({ shape, dtype, backend })),
    rule,
  );
  results.forEach((result, index) => (result.edge = { node, index }));
  node.saved = saved.map((tensor) => tensor.alias());
}

/** An operation made of others, with a derivative of its own. */
export interface CustomOperation extends Omit<Recording, 'saved'> {
  /** Computes the result and lists what the derivatives will read. Runs without recording; its temporaries are freed. */
  readonly forward: () => { readonly result: Tensor; readonly saved?: readonly Tensor[] };
}

/**
 * An operation with a derivative of your own, where the one that would be recorded is not the one to use. Check it with `gradcheck`.
 *
 * @example
 * ```ts
 * const cube = (x: Tensor) => customOperation({
 *   name: 'cube', inputs: [x],
 *   forward: () => ({ result: x.pow(3), saved: [x] }),
 *   derivatives: [(grad, [x]) => grad.mul(x.square()).mul(3)],
 * });
 * ```
 * @param operation - name, inputs, the computation, and one derivative an input; derivatives are written with operations, so that
 *   they run on any backend and can be differentiated again
 * @returns the result, recorded
 */
export function customOperation({ name, inputs, forward, derivatives }: CustomOperation): Tensor {
  const { result, saved } = withRecording(false, () => scope(forward));
  record(result, { name, inputs, saved, derivatives });
  for (const tensor of saved ?? []) if (tensor !== result && !inputs.includes(tensor)) tensor.dispose();
  return result;
}

/** The backend that all operands are on, and their common type. */
export function placeOf(operation: string, operands: readonly Tensor[]): Backend {
  const { backend, dtype } = operands[0];
  for (let i = 1; i < operands.length; i++) {
    const other = operands[i];
    if (other.backend !== backend) refuseBackends(operation, backend, other.backend);
    if (other.dtype !== dtype) {
      throw new DTypeError(
        `${operation}: operands are of ${dtype} and ${other.dtype}; expected one type, convert with .to('${dtype}')`,
        { code: 'ERR_MIXED_DTYPES', expected: dtype, received: other.dtype },
      );
    }
  }
  return backend;
}

/** The error for operands on two backends. */
export function refuseBackends(operation: string, a: Backend, b: Backend): never {
  const names =
    a.info.name === b.info.name ? `two different '${a.info.name}' backends` : `'${a.info.name}' and '${b.info.name}'`;
  throw new BackendError(`${operation}: operands are on ${names}; move one with .to(backend)`, {
    code: 'ERR_MIXED_BACKENDS',
    received: `${a.info.name} and ${b.info.name}`,
  });
}

/** Part of the anomaly mode: an operation made a NaN out of operands without one. */
export function checkForNaN(
  name: string,
  inputs: readonly (Tensor | undefined)[],
  results: readonly (Tensor | undefined)[],
): void {
  const position = (tensor: Tensor | undefined): number => tensor?.dataSync().findIndex(Number.isNaN) ?? -1;
  for (const result of results) {
    const at = position(result);
    if (at < 0 || inputs.some((input) => position(input) >= 0)) continue;
    throw new AnomalyError(
      name,
      `${name}: the first NaN arose here, at element ${at} of a result of shape ${showShape((result as Tensor).shape)}, from inputs of shape ${inputs.map((input) => (input ? showShape(input.shape) : 'none')).join(', ')} without NaN`,
    );
  }
}

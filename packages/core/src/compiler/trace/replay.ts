/**
 * Performs a recording again on other storages: the same calls of primitives, and the same autograd
 * graph around the results. On a real backend that is the step as it was when it was recorded,
 * whatever has changed around it since; on the tracing backend it becomes a graph.
 */
import type { Backend, Storage } from '../../backend.js';
import { TraceError } from '../../errors.js';
import { GradNode, type DerivativeRule } from '../../grad-node.js';
import { isGradEnabled } from '../../grad-mode.js';
import { savedOf } from '../../record.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor, type TensorEdge } from '../../tensor.js';
import { drawFor, type TracedDraw } from '../../scan/random.js';
import type { ListStep } from '../../scan/eager.js';
import { SymbolicBackend, SymbolStorage } from './recorder.js';
import type { Call, RecordedEdge, RecordedNode, RecordedStorage, RecordedValue, Recording } from './recording.js';

/** What a recording begins with. */
export interface ReplayEnds {
  readonly inputs: readonly Tensor[];
  readonly states: readonly Tensor[];
  readonly captured: readonly Tensor[];
  readonly drawn: readonly Tensor[];
}

/**
 * @param recording - what to do
 * @param backend - where
 * @param ends - what to do it with: tensors of the sizes that were recorded
 * @returns outputs and next states, which belong to the open scope
 */
export function replay(
  recording: Recording,
  backend: Backend,
  ends: ReplayEnds,
): { readonly outputs: readonly Tensor[]; readonly next: readonly Tensor[] } {
  const { inputs, states, captured, drawn } = recording;
  const held: SharedStorage[] = []; // by serial
  const given = [...ends.inputs, ...ends.states, ...ends.captured];
  [...inputs, ...states, ...captured].forEach(({ serial }, i) => (held[serial] = given[i].held.retain()));
  drawn.forEach(({ serial }, i) => (held[serial] = ends.drawn[i].held.retain()));
  const Held = backend instanceof SymbolicBackend ? SymbolStorage : SharedStorage;
  const real = (storage: Storage): Storage => held[(storage as RecordedStorage).serial].storage;
  try {
    for (const call of recording.calls) held[call.result.serial] = new Held(backend, perform(backend, call, real));
    return results(recording, given, held);
  } finally {
    held.forEach((shared) => shared.release());
  }
}

/**
 * A step that does what was recorded.
 *
 * @param recording - of a step
 * @param captured - what stands now where it captured tensors
 * @param draws - what it draws
 */
export function replayedStep(
  recording: Recording,
  captured: readonly Tensor[],
  draws: readonly TracedDraw[],
): ListStep {
  return (inputs, states) => {
    const [{ backend }] = inputs;
    const drawn = draws.map((one) => drawFor(one, recording.rows, backend));
    return { ...replay(recording, backend, { inputs, states, captured, drawn }), form: recording.form };
  };
}

/** Hangs the results into a graph like the recorded one. */
function results(
  recording: Recording,
  ends: readonly Tensor[],
  held: readonly SharedStorage[],
): { readonly outputs: readonly Tensor[]; readonly next: readonly Tensor[] } {
  const nodes: GradNode<Tensor>[] = [];
  const edgeOf = (edge: RecordedEdge | undefined): TensorEdge | undefined => {
    if (edge === undefined || !isGradEnabled()) return undefined;
    return edge.kind === 'end' ? ends[edge.end].gradEdge : { node: nodes[edge.node], index: edge.index };
  };
  const tensorOf = ({ storage, shape, edge }: RecordedValue): Tensor => {
    const tensor = new Tensor(held[storage.serial].retain(), shape);
    const place = edgeOf(edge);
    if (place !== undefined) tensor.attach(place);
    return tensor;
  };
  if (isGradEnabled())
    for (const node of recording.nodes) {
      const made = new GradNode<Tensor>(node.name, node.inputs.map(edgeOf), node.resultCount, ruleOf(node));
      nodes.push(made);
      made.saved = node.saved.map((value) => savedOf(tensorOf(value)));
    }
  return { outputs: recording.outputs.map(tensorOf), next: recording.next.map(tensorOf) };
}

/**
 * A user's rule may fail on symbols where it would not on numbers: then the step cannot be traced.
 */
function ruleOf({ name, rule, isCustom }: RecordedNode): DerivativeRule<Tensor> {
  if (!isCustom) return rule;
  return (grads, saved, wanted) => {
    try {
      return rule(grads, saved, wanted);
    } catch (error) {
      const isSymbolic = grads.some((grad) => grad?.backend instanceof SymbolicBackend);
      if (!(error instanceof Error) || error instanceof TraceError || !isSymbolic) throw error;
      throw new TraceError(`the derivative of ${name} throws: ${error.message}`, { cause: error });
    }
  };
}

/** Calls a primitive again, on the storages that stand where it was called on others. */
function perform(backend: Backend, { primitive, args }: Call, real: (storage: Storage) => Storage): Storage {
  const placed = (x: unknown): unknown => {
    if (typeof x !== 'object' || x === null) return x;
    if ('serial' in x) return real(x as RecordedStorage);
    if ('storage' in x) return { ...x, storage: real(x.storage as Storage) };
    return Array.isArray(x) ? x.map(placed) : x;
  };
  const primitives = backend as unknown as Record<Call['primitive'], (...args: unknown[]) => Storage>;
  return primitives[primitive](...args.map(placed));
}

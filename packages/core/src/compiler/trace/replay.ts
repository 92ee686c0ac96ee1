/**
 * Performs a recording again on other storages: the same calls of primitives, and the same autograd
 * graph around the results. On a real backend that is the step as it was when it was recorded,
 * whatever has changed around it since; on the tracing backend it becomes a graph.
 */
import type { Backend, Operand, Storage, Strided } from '../../backend.js';
import { TraceError } from '../../errors.js';
import { GradNode, type DerivativeRule } from '../../grad-node.js';
import { isGradEnabled } from '../../grad-mode.js';
import { SharedStorage } from '../../shared-storage.js';
import { Tensor, type TensorEdge } from '../../tensor.js';
import { drawFor, type TracedDraw } from '../../scan/random.js';
import type { ListStep } from '../../scan/eager.js';
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
 * @param share - how storages are held
 * @returns outputs and next states, which belong to the open scope
 */
export function replay(
  recording: Recording,
  backend: Backend,
  ends: ReplayEnds,
  share: (storage: Storage) => SharedStorage = (storage) => new SharedStorage(backend, storage),
): { readonly outputs: readonly Tensor[]; readonly next: readonly Tensor[] } {
  const { inputs, states, captured, drawn } = recording;
  const held: SharedStorage[] = []; // by serial
  const given = [...ends.inputs, ...ends.states, ...ends.captured];
  [...inputs, ...states, ...captured].forEach(({ serial }, i) => (held[serial] = given[i].held.retain()));
  drawn.forEach(({ serial }, i) => (held[serial] = ends.drawn[i].held.retain()));
  const real = (storage: Storage): Storage => held[(storage as RecordedStorage).serial].storage;
  try {
    for (const call of recording.calls) held[call.result.serial] = share(perform(backend, call, real));
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
    if (edge === undefined) return undefined;
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
      made.saved = node.saved.map((value) => tensorOf(value).saved());
    }
  else return { outputs: recording.outputs.map(plain), next: recording.next.map(plain) };
  return { outputs: recording.outputs.map(tensorOf), next: recording.next.map(tensorOf) };

  function plain({ storage, shape }: RecordedValue): Tensor {
    return new Tensor(held[storage.serial].retain(), shape);
  }
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
      if (!(error instanceof Error) || error instanceof TraceError || !isSymbolic(grads)) throw error;
      throw new TraceError(`the derivative of ${name} throws: ${error.message}`, { cause: error });
    }
  };
}

function isSymbolic(grads: readonly (Tensor | undefined)[]): boolean {
  return grads.some((grad) => grad?.backend.info.name === 'trace');
}

function perform(backend: Backend, call: Call, real: (storage: Storage) => Storage): Storage {
  const strided = ({ storage, offset, strides }: Strided): Strided => ({ storage: real(storage), offset, strides });
  const operand = (x: Operand): Operand => (typeof x === 'object' ? strided(x) : x);
  const { size, dtype } = call.result;
  switch (call.kind) {
    case 'fill':
      return backend.fill(call.value, size, dtype);
    case 'unary':
      return backend.unary(call.op, real(call.x));
    case 'binary':
      return backend.binary(call.op, operand(call.a), operand(call.b), call.sizes);
    case 'select':
      return backend.select(strided(call.condition), operand(call.a), operand(call.b), call.sizes, dtype);
    case 'copy':
      return backend.copy(strided(call.x), call.sizes, dtype);
    case 'concat':
      return backend.concat(
        call.parts.map(({ storage, run }) => ({ storage: real(storage), run })),
        call.outer,
      );
    case 'reduce':
      return backend.reduce(call.op, real(call.x), call.outer, call.size, call.inner);
    case 'matmul':
      return backend.matmul(
        { ...call.a, storage: real(call.a.storage) },
        { ...call.b, storage: real(call.b.storage) },
        call.sizes,
      );
  }
}

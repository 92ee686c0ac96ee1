/** Calls a step once on symbols and writes down what it does. */
import type { Backend } from '../../backend.js';
import { checkSameBackend } from '../../checks/tensors.js';
import { withBackend } from '../../current-backend.js';
import type { DType } from '../../dtype.js';
import { TraceError } from '../../errors.js';
import { withRecording } from '../../grad-mode.js';
import type { GradNode } from '../../grad-node.js';
import { withSampler, type Draw } from '../../ops/draw.js';
import { scope } from '../../scope.js';
import { showShape, sizeOf, type Shape } from '../../shape.js';
import { withLiftedConstants, type Tensor, type TensorEdge } from '../../tensor.js';
import { whileTracing } from '../../tracing-mode.js';
import type { TracedDraw } from '../../scan/random.js';
import { checkStates, type ListStep } from '../../scan/eager.js';
import { Recorder, symbol } from './recorder.js';
import type { RecordedEdge, RecordedNode, RecordedStorage, RecordedValue, Recording } from './recording.js';

/** Shape and type of a tensor that goes into a step, without the batch. */
export interface TensorSpec {
  /** Of one row. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly wantsGrad: boolean;
}

/** What a step may be traced as. */
export interface TraceRequest {
  readonly backend: Backend;
  /** Rows of the batch, or 1 if the step gets single vectors. */
  readonly rows: number;
  readonly batched: boolean;
  readonly inputs: readonly TensorSpec[];
  readonly states: readonly TensorSpec[];
  /** Whether a derivative may be asked for. */
  readonly recorded: boolean;
  /** Tensors that the step may capture and whose first dimension is the batch. */
  readonly perRow?: ReadonlySet<Tensor>;
}

/** A step on paper, and what it found around it. */
export interface RecordedStep {
  readonly recording: Recording;
  /** Tensors of the real backend that the step used, in the order of their first use. */
  readonly captured: readonly Tensor[];
  /** What the step draws, in the order of its calls. */
  readonly draws: readonly TracedDraw[];
}

/**
 * Calls a step once on symbols.
 *
 * @param step - called once
 * @param request - what it gets
 * @returns what it did
 * @throws TraceError when it does what cannot be recorded, or throws; the error of the step is the
 *   cause
 */
export function recordStep(step: ListStep, request: TraceRequest): RecordedStep {
  const { backend, recorded } = request;
  const recorder = new Recorder(backend);
  const around = new Surroundings(recorder, request);
  const results: Recording[] = [];
  try {
    whileTracing(() =>
      withBackend(recorder, () =>
        withLiftedConstants(recorder, around.liftedFor, () =>
          // The scope frees the tensors; what it returns would be searched for some, through the
          // whole recording.
          scope(() => {
            const record = (): Recording => recordCall(step, request, recorder, around);
            results.push(withRecording(recorded, () => withRowsOf(request, record)));
          }),
        ),
      ),
    );
  } finally {
    around.release();
  }
  return { recording: results[0], captured: around.captured, draws: around.draws };
}

/**
 * Runs a function while per-row constants have as many rows as the request says, a placeholder
 * perhaps.
 */
function withRowsOf<R>({ perRow, rows }: TraceRequest, fn: () => R): R {
  if (perRow === undefined || perRow.size === 0) return fn();
  const shapes = new Map(Array.from(perRow, (tensor) => [tensor, tensor.shape]));
  const set = (tensor: Tensor, shape: Shape): void => {
    Object.assign(tensor as { shape: Shape; size: number }, { shape, size: sizeOf(shape) });
  };
  try {
    for (const [tensor, shape] of shapes) set(tensor, [rows, ...shape.slice(1)]);
    return fn();
  } finally {
    for (const [tensor, shape] of shapes) set(tensor, shape);
  }
}

function recordCall(
  step: ListStep,
  { rows, batched, inputs, states, recorded, perRow }: TraceRequest,
  recorder: Recorder,
  around: Surroundings,
): Recording {
  const ends = (slots: readonly TensorSpec[], wantGrad: boolean | undefined): readonly Tensor[] =>
    slots.map(({ shape, dtype, wantsGrad }) => {
      const whole = withRows(batched, rows, shape);
      return symbol(recorder, recorder.end(sizeOf(whole), dtype), whole, wantGrad ?? wantsGrad);
    });
  const x = ends(inputs, undefined);
  const s = ends(states, recorded); // whether a later state has a gradient depends on the step
  const { outputs: ys, next: after, form } = called(step, x, s, around);
  if (after.some((t, i) => t.dtype !== s[i].dtype)) throw new TraceError('the step changes the type of the state');
  for (const y of ys) {
    if (batched && y.shape[0] !== rows)
      throw new TraceError(`the step's output of shape ${showShape(y.shape)} has no batch in front`);
  }
  const { nodes, edgeOf } = recordedGraph([...ys, ...after], [...x, ...s, ...around.lifted.values()]);
  const value = (tensor: Tensor): RecordedValue => ({
    storage: storageOf(tensor),
    shape: tensor.shape,
    edge: edgeOf(tensor.gradEdge),
  });
  return {
    rows,
    inputs: x.map(storageOf),
    states: s.map(storageOf),
    captured: Array.from(around.lifted.values(), storageOf),
    perRow: around.captured.map((tensor) => perRow?.has(tensor) === true),
    drawn: around.drawn,
    calls: recorder.calls,
    nodes,
    outputs: ys.map(value),
    next: after.map(value),
    form,
    dependences: new Map(),
  };
}

function storageOf({ storage }: Tensor): RecordedStorage {
  return storage as RecordedStorage;
}

/**
 * Calls the step. Whatever is wrong with it shows again, with real tensors, when it runs eagerly.
 */
function called(
  step: ListStep,
  x: readonly Tensor[],
  s: readonly Tensor[],
  { drawInput }: Surroundings,
): ReturnType<ListStep> {
  try {
    const result = withSampler(drawInput, () => step(x, s));
    checkStates(s, result.next);
    for (const tensor of [...result.outputs, ...result.next]) void tensor.storage; // a freed one says so
    return result;
  } catch (error) {
    if (error instanceof TraceError) throw error;
    throw new TraceError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The autograd graph behind some tensors, down to the ends, as data. */
function recordedGraph(
  results: readonly Tensor[],
  ends: readonly Tensor[],
): {
  readonly nodes: readonly RecordedNode[];
  readonly edgeOf: (edge: TensorEdge | undefined) => RecordedEdge | undefined;
} {
  const endOf = new Map<GradNode<Tensor>, number>();
  ends.forEach((tensor, end) => {
    const edge = tensor.gradEdge;
    if (edge !== undefined) endOf.set(edge.node, end);
  });
  const found = new Set<GradNode<Tensor>>();
  const stack = results.flatMap((tensor) => tensor.gradEdge?.node ?? []);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (found.has(node) || endOf.has(node)) continue;
    if (node.leaf !== undefined) throw new TraceError('the step makes a tensor that requires a gradient');
    found.add(node);
    for (const edge of node.inputs) if (edge !== undefined) stack.push(edge.node);
  }
  const ordered = [...found].sort((a, b) => a.id - b.id);
  const numberOf = new Map(ordered.map((node, i) => [node, i]));
  const edgeOf = (edge: TensorEdge | undefined): RecordedEdge | undefined => {
    if (edge === undefined) return undefined;
    const end = endOf.get(edge.node);
    if (end !== undefined) return { kind: 'end', end };
    const node = numberOf.get(edge.node);
    return node === undefined ? undefined : { kind: 'node', node, index: edge.index };
  };
  const nodes = ordered.map(({ name, inputs, resultCount, derivative, saved = [], isCustom }) => ({
    name,
    inputs: inputs.map(edgeOf),
    resultCount,
    rule: derivative,
    saved: saved.map((tensor) => ({
      storage: tensor.storage as RecordedStorage,
      shape: tensor.shape,
      edge: edgeOf(tensor.edge),
    })),
    isCustom,
  }));
  return { nodes, edgeOf };
}

/**
 * What a recorded step finds around it: tensors of a real backend, which are lifted, and random
 * numbers, which become inputs.
 */
class Surroundings {
  /** By tensor, in the order of the first use: two that share their memory are two leaves. */
  readonly lifted: Map<Tensor, Tensor> = new Map();
  /** What the step drew, in the order of its calls. */
  readonly draws: TracedDraw[] = [];
  readonly drawn: RecordedStorage[] = [];
  private readonly recorder: Recorder;
  private readonly request: TraceRequest;

  constructor(recorder: Recorder, request: TraceRequest) {
    this.recorder = recorder;
    this.request = request;
  }

  get captured(): readonly Tensor[] {
    return [...this.lifted.keys()];
  }

  /**
   * What stands for a tensor of the real backend; nothing for what the trace itself made, and for
   * what was freed.
   */
  readonly liftedFor = (tensor: Tensor): Tensor | undefined => {
    const { recorder } = this;
    const { backend, storage } = tensor.home;
    if (backend === recorder || tensor.isDisposed) return undefined;
    checkSameBackend('scan', 'a tensor of the step', backend, this.request.backend, 'xs');
    let lifted = this.lifted.get(tensor);
    if (lifted === undefined) {
      const end = recorder.end(tensor.size, storage.dtype);
      lifted = symbol(recorder, end, tensor.shape, tensor.requiresGrad).keep();
      this.lifted.set(tensor, lifted);
    }
    return lifted;
  };

  /** What stands for a random tensor, which is drawn at each run. */
  readonly drawInput = ({ shape, dtype, backend, generator, fill, perSequence }: Draw): Tensor => {
    const { recorder } = this;
    const { batched, rows } = this.request;
    if (backend !== recorder) throw new TraceError('the step draws random numbers on another backend');
    if (batched && shape[0] !== rows) {
      throw new TraceError(`the step draws random numbers of shape ${showShape(shape)}, without the batch in front`);
    }
    const end = recorder.end(sizeOf(shape), dtype);
    this.drawn.push(end);
    this.draws.push({ width: sizeOf(shape) / rows, dtype, generator, fill, perSequence });
    return symbol(recorder, end, [...shape], false);
  };

  /** Forgets the lifted constants, which outlive the scopes of the step. */
  release(): void {
    for (const lifted of this.lifted.values()) lifted.dispose();
  }
}

/** The shape of a tensor of a step, with its rows if it has a batch. */
export function withRows(batched: boolean, rows: number, shape: Shape): Shape {
  return batched ? [rows, ...shape] : shape;
}

/** Calls a step once on symbols and writes down what it does. */
import type { Backend } from '../../backend.js';
import { withBackend } from '../../current-backend.js';
import type { DType } from '../../dtype.js';
import { TraceError } from '../../errors.js';
import { withRecording } from '../../grad-mode.js';
import type { GradNode } from '../../grad-node.js';
import { sampleNow, withSampler } from '../../ops/draw.js';
import { scope } from '../../scope.js';
import { showShape, sizeOf, type Shape } from '../../shape.js';
import { withLiftedConstants, type Tensor, type TensorEdge } from '../../tensor.js';
import { whileTracing } from '../../tracing-mode.js';
import type { TracedDraw } from '../../scan/random.js';
import { checkStates, type ListStep, type StepResult } from '../../scan/eager.js';
import { Recorder } from './recorder.js';
import type { RecordedEdge, RecordedNode, RecordedStorage, RecordedValue, Recording } from './recording.js';
import { symbol } from './symbolic-backend.js';
import { Captures, withRows } from './captures.js';

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
  /** Whether the step may draw random tensors, which the caller then provides at each run. */
  readonly mayDraw?: boolean;
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
  const around = new Captures(recorder, request);
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
  { rows, batched, inputs, states, recorded, mayDraw = false }: TraceRequest,
  recorder: Recorder,
  around: Captures,
): Recording {
  const ends = (slots: readonly TensorSpec[], wantGrad: boolean | undefined): readonly Tensor[] =>
    slots.map(({ shape, dtype, wantsGrad }) => {
      const whole = withRows(batched, rows, shape);
      return symbol(recorder, recorder.end(sizeOf(whole), dtype), whole, wantGrad ?? wantsGrad);
    });
  const x = ends(inputs, undefined);
  const s = ends(states, recorded); // whether a later state has a gradient depends on the step
  const { outputs: ys, next: after, form } = called(step, x, s, mayDraw ? around.drawInput : sampleNow);
  if (after.some((t, i) => t.dtype !== s[i].dtype)) throw new TraceError('the step changes the type of the state');
  for (const y of ys) {
    if (batched && y.shape[0] !== rows)
      throw new TraceError(`the step's output of shape ${showShape(y.shape)} has no batch in front`);
  }
  const endTensors = [...x, ...s, ...around.captured.map((tensor) => around.lifted.get(tensor) as Tensor)];
  const { nodes, edgeOf } = recordedGraph([...ys, ...after], endTensors);
  const value = (tensor: Tensor): RecordedValue => ({
    storage: tensor.storage as RecordedStorage,
    shape: tensor.shape,
    edge: edgeOf(tensor.gradEdge),
  });
  return {
    rows,
    inputs: x.map((tensor) => tensor.storage as RecordedStorage),
    states: s.map((tensor) => tensor.storage as RecordedStorage),
    captured: around.capturedStorages,
    perRow: around.captured.map((tensor) => around.perRow.has(tensor)),
    drawn: around.drawnStorages,
    calls: recorder.calls,
    nodes,
    outputs: ys.map(value),
    next: after.map(value),
    form,
  };
}

/**
 * Calls the step. Whatever is wrong with it shows again, with real tensors, when it runs eagerly.
 */
function called(
  step: ListStep,
  x: readonly Tensor[],
  s: readonly Tensor[],
  sampler: Parameters<typeof withSampler>[0],
): StepResult {
  try {
    const result = withSampler(sampler, () => step(x, s));
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

/** Calls a step once on symbols: what it computes, and the derivative of that, as a graph. */
import type { Backend } from '../backend.js';
import { grad } from '../backward.js';
import { withBackend } from '../current-backend.js';
import type { DType } from '../dtype.js';
import { TraceError } from '../errors.js';
import { withRecording } from '../grad-mode.js';
import { add, mul } from '../ops/arithmetic.js';
import { sum } from '../ops/broadcast.js';
import { drawNow, withDrawer } from '../ops/draw.js';
import { scope } from '../scope.js';
import { showShape, sizeOf, type Shape } from '../shape.js';
import { withStandIns, type Tensor } from '../tensor.js';
import { whileTracing } from '../tracing-mode.js';
import type { TracedDraw } from './drawing.js';
import { checkStates, type ListStep } from './eager.js';
import { Graph, type Value } from './graph.js';
import { TraceSurroundings } from './trace-surroundings.js';
import { Tracer } from './tracer.js';

/** Shape and type of a tensor that goes into a step, without the batch. */
export interface Slot {
  /** Of one row. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly wantsGrad: boolean;
}

/** What a step may be traced as. */
export interface TraceRequest {
  readonly backend: Backend;
  /** The placeholder for the batch, or 1 if the step gets single vectors. */
  readonly rows: number;
  readonly batched: boolean;
  readonly inputs: readonly Slot[];
  readonly states: readonly Slot[];
  /** Whether a derivative may be asked for. */
  readonly recorded: boolean;
  /** Whether the step may draw random tensors, which the caller then provides at each run. */
  readonly mayDraw?: boolean;
  /** Whether the derivative of a step with this key was taken before and need not be again. */
  readonly isKnown: (key: string) => boolean;
}

/** The derivative of a step. */
export interface TracedDerivative {
  /** Adjoints of the outputs, which come from behind. */
  readonly seeds: readonly Value[];
  /** Adjoints of the next state, carried. */
  readonly carried: readonly Value[];
  /** Adjoints of inputs (if wanted) and states; `undefined` stands for zero. */
  readonly inputs: readonly (Value | undefined)[];
  readonly states: readonly Value[];
  /** Gradients of the captured tensors, as totals; `undefined` stands for zero. */
  readonly captured: readonly (Value | undefined)[];
}

export interface TracedStep {
  readonly inputs: readonly Value[];
  /** Random tensors that the step draws, in the order of its calls: further inputs. */
  readonly drawn: readonly Value[];
  readonly draws: readonly TracedDraw[];
  readonly states: readonly Value[];
  readonly outputs: readonly Value[];
  readonly next: readonly Value[];
  /** Whether the step returns its output by itself, not in a list. */
  readonly isSingle: boolean;
  /** Shapes of one row of each output. */
  readonly outputShapes: readonly Shape[];
  /** Tensors of the real backend that the step used, in the order of their first use. */
  readonly captured: readonly Tensor[];
  readonly capturedValues: readonly Value[];
  readonly derivative: TracedDerivative | undefined;
  /** The same for steps that compute the same, whatever tensors they captured. */
  readonly key: string;
}

/**
 * Traces a step.
 *
 * @param step - called once
 * @param request - what it gets
 * @returns the graph's ends
 * @throws TraceError when it does what a program cannot; any error of the step itself
 */
export function traceStep(step: ListStep, request: TraceRequest): TracedStep {
  const { backend, rows, recorded } = request;
  const graph = new Graph();
  const tracer = new Tracer(graph, rows, backend);
  const around = new TraceSurroundings(graph, tracer, request);
  const results: TracedStep[] = [];
  whileTracing(() =>
    withBackend(tracer, () =>
      withStandIns(tracer, around.standInFor, () =>
        // The scope frees the tensors; what it returns would be searched for some, through the whole graph.
        scope(() => {
          results.push(withRecording(recorded, () => traced(step, request, graph, tracer, around)));
        }),
      ),
    ),
  );
  return results[0];
}

/** Calls the step on symbols. */
function traced(
  step: ListStep,
  { rows, batched, inputs, states, recorded, mayDraw = false, isKnown }: TraceRequest,
  graph: Graph,
  tracer: Tracer,
  around: TraceSurroundings,
): TracedStep {
  const rowShape = (shape: Shape): Shape => (batched ? [rows, ...shape] : shape);
  const xs = ends(graph, 'input', 'x', inputs);
  const ss = ends(graph, 'state', 's', states);
  const x = xs.map((value, i) => around.tensorOf(value, rowShape(inputs[i].shape), inputs[i].wantsGrad));
  const s = ss.map((value, i) => around.tensorOf(value, rowShape(states[i].shape), recorded));
  const { outputs: ys, next: after, isSingle } = withDrawer(mayDraw ? around.drawInput : drawNow, () => step(x, s));
  checkStates(s, after);
  if (after.some((t, i) => t.dtype !== s[i].dtype)) throw new TraceError('the step changes the type of the state');
  for (const y of ys) {
    if (batched && y.shape[0] !== rows)
      throw new TraceError(`the step's output of shape ${showShape(y.shape)} has no batch in front`);
  }
  const outputs = ys.map((y) => tracer.rowValueOf(y.storage));
  const next = after.map((y) => tracer.rowValueOf(y.storage));
  const outputShapes = ys.map((y) => (batched ? y.shape.slice(1) : y.shape));
  const { captured, capturedValues, drawn, draws } = around;
  const isDerived =
    recorded && ([...inputs, ...states].some((slot) => slot.wantsGrad) || captured.some((t) => t.requiresGrad));
  // A reshape leaves no instruction, so the outputs' shapes stand in the key by themselves.
  const key = `${Array.from(graph.values(), (value) => value.key).join(';')} -> ${outputs.map(({ id }) => id).join()} | ${next.map(({ id }) => id).join()}${isSingle} ${outputShapes.map(showShape).join()} ${recorded ? 'recorded' : ''} wants ${inputs.map((slot) => Number(slot.wantsGrad)).join('')} ${captured.map((t) => Number(t.requiresGrad)).join('')} ${isDerived ? 'derived' : ''}`;
  const derivative =
    isDerived && !isKnown(key)
      ? derive({ x, s, ys, after, captured: [...captured], outputShapes, states }, graph, tracer, around)
      : undefined;
  return {
    inputs: xs,
    drawn,
    draws,
    states: ss,
    outputs,
    next,
    outputShapes,
    isSingle,
    captured,
    capturedValues,
    key,
    derivative,
  };
}

/** Values at which a step begins. */
function ends(graph: Graph, kind: 'input' | 'state', name: string, slots: readonly Slot[]): Value[] {
  return slots.map(({ shape, dtype }, i) => {
    const operation = { kind, name: `${name}${i}` } as const;
    return graph.add('row', sizeOf(shape), dtype, `${kind} ${operation.name} : ${sizeOf(shape)} ${dtype}`, operation);
  });
}

/** The tensors of a traced step. */
interface TracedTensors {
  readonly x: readonly Tensor[];
  readonly s: readonly Tensor[];
  readonly ys: readonly Tensor[];
  readonly after: readonly Tensor[];
  readonly captured: readonly Tensor[];
  readonly outputShapes: readonly Shape[];
  readonly states: readonly Slot[];
}

/** Core's own derivative of `sum(seed * result)` over all results, taken on the tracer. */
function derive(
  { x, s, ys, after, captured, outputShapes, states }: TracedTensors,
  graph: Graph,
  tracer: Tracer,
  around: TraceSurroundings,
): TracedDerivative {
  const seedSlots = ys.map((y, i) => ({ shape: outputShapes[i], dtype: y.dtype, wantsGrad: false }));
  const seeds = ends(graph, 'input', 'dy', seedSlots);
  const carried = ends(graph, 'state', 'ds', states);
  const terms = [...ys.map((y, i) => [y, seeds[i]] as const), ...after.map((y, i) => [y, carried[i]] as const)]
    .filter(([y]) => y.requiresGrad)
    .map(([y, seed]) => sum(mul(y, around.tensorOf(seed, y.shape, false))));
  const wants = [...x.filter((t) => t.requiresGrad), ...s, ...captured.filter((t) => t.requiresGrad)];
  const found =
    terms.length === 0
      ? []
      : grad(
          terms.reduce((a, b) => add(a, b)),
          wants,
        );
  const adjoint = new Map(wants.map((t, i) => [t, found[i]]));
  const row = (t: Tensor): Value | undefined => {
    const g = adjoint.get(t);
    return g === undefined || tracer.isZero(g.storage) ? undefined : tracer.rowValueOf(g.storage);
  };
  return {
    seeds,
    carried,
    inputs: x.map(row),
    states: s.map((t, i) => row(t) ?? graph.fill(0, sizeOf(states[i].shape), t.dtype)),
    captured: captured.map((t) => {
      const g = adjoint.get(t);
      return g === undefined || tracer.isZero(g.storage) ? undefined : tracer.totalOf(g.storage);
    }),
  };
}

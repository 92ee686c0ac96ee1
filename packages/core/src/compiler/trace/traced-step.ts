/** What a recorded step computes, and the derivative of that, as a graph. */
import type { Backend, Storage } from '../../backend.js';
import { grad } from '../../backward.js';
import { withBackend } from '../../current-backend.js';
import { withRecording } from '../../grad-mode.js';
import { add, mul } from '../../ops/arithmetic.js';
import { sum } from '../../ops/broadcast.js';
import { scope } from '../../scope.js';
import { showShape, sizeOf, type Shape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { whileTracing } from '../../tracing-mode.js';
import type { TreeForm } from '../../tree.js';
import { Graph, type Value } from '../ir/graph.js';
import { withRows, type RecordedStep, type TensorSpec, type TraceRequest } from './record-step.js';
import { Recorder, symbol } from './recorder.js';
import { describe } from './recording.js';
import { replay, type ReplayEnds } from './replay.js';
import { Tracer } from './tracer.js';

/** The derivative of a step. */
interface TracedDerivative {
  /** Adjoints of the outputs, which come from behind. */
  readonly cotangents: readonly Value[];
  /**
   * Adjoints of the next state, carried; then the sums over steps that are gradients of per-row
   * constants.
   */
  readonly carried: readonly Value[];
  /** Adjoints of inputs (if wanted); `undefined` stands for zero. */
  readonly inputs: readonly (Value | undefined)[];
  /** What the carried values are after a step. */
  readonly states: readonly Value[];
  /**
   * Gradients of the captured tensors, as sums over the batch; `undefined` stands for zero, or for
   * what is carried.
   */
  readonly captured: readonly (Value | undefined)[];
  /** For each captured tensor, which carried value is its gradient, if one is. */
  readonly sums: readonly (number | undefined)[];
}

export interface TracedStep {
  readonly inputs: readonly Value[];
  /** Random tensors that the step draws, in the order of its calls: further inputs. */
  readonly drawn: readonly Value[];
  readonly states: readonly Value[];
  readonly outputs: readonly Value[];
  readonly next: readonly Value[];
  /** What the outputs come in. */
  readonly form: TreeForm;
  /** Shapes of one row of each output. */
  readonly outputShapes: readonly Shape[];
  readonly capturedValues: readonly Value[];
  readonly derivative: TracedDerivative | undefined;
  /**
   * The same for steps that compute the same, forward and backward, whatever tensors they captured.
   */
  readonly key: string;
}

/**
 * Makes a graph of a recorded step.
 *
 * @param recorded - with the placeholder as its number of rows, or with one row
 * @param request - what was recorded
 * @returns the graph's ends
 * @throws TraceError when the step or its derivative does what a program cannot
 */
export function traceStep({ recording, captured }: RecordedStep, request: TraceRequest): TracedStep {
  const { backend, batched, inputs, states, recorded } = request;
  const { rows } = recording;
  const graph = new Graph();
  const tracer = new Tracer(graph, rows, backend);
  const xs = ends(graph, 'input', 'x', inputs);
  const ss = ends(graph, 'state', 's', states);
  const capturedValues = recording.captured.map(({ size, dtype }, index) =>
    recording.perRow[index]
      ? graph.add('batched', size / rows, dtype, { kind: 'constant', index })
      : graph.add('constant', size, dtype, { kind: 'captured', index }),
  );
  const drawn = recording.drawn.map(({ size, dtype }, i) =>
    graph.add('batched', size / rows, dtype, { kind: 'input', name: `r${i}` }),
  );
  const on = (value: Value): Storage => tracer.storageOf(value);
  const made: TracedStep[] = [];
  symbolically(tracer, () => {
    const found: ReplayEnds = endTensors(tracer, { recording, captured }, request, {
      inputs: xs.map(on),
      states: ss.map(on),
      captured: capturedValues.map(on),
      drawn: drawn.map(on),
    });
    const { outputs: ys, next: after } = withRecording(recorded, () => replay(recording, tracer, found));
    const outputs = ys.map((y) => tracer.rowValueOf(y.storage));
    const next = after.map((y) => tracer.rowValueOf(y.storage));
    const outputShapes = ys.map((y) => (batched ? y.shape.slice(1) : y.shape));
    let derivative: TracedDerivative | undefined;
    if (isDerived({ captured }, request)) {
      const seedSlots = ys.map((y, i) => ({ shape: outputShapes[i], dtype: y.dtype, wantsGrad: false }));
      const cotangents = ends(graph, 'input', 'dy', seedSlots);
      const carried = [...ends(graph, 'state', 'ds', states)];
      const adjoints = derive(found, ys, after, (i) => on(i < ys.length ? cotangents[i] : carried[i - ys.length]));
      const row = (g: Tensor | undefined): Value | undefined =>
        g === undefined || tracer.isZero(g.storage) ? undefined : tracer.rowValueOf(g.storage);
      const nextAdjoints = adjoints.states.map(
        (g, i) => row(g) ?? graph.fill(0, sizeOf(states[i].shape), recording.states[i].dtype),
      );
      // What a per-row constant gets at each step is added up.
      const reduced: (Value | undefined)[] = [];
      const sums: (number | undefined)[] = [];
      adjoints.captured.forEach((g, i) => {
        const each = recording.perRow[i] ? row(g) : undefined;
        sums.push(each && carried.length);
        if (each === undefined) {
          reduced.push(
            g === undefined || recording.perRow[i] || tracer.isZero(g.storage) ? undefined : tracer.totalOf(g.storage),
          );
          return;
        }
        const { width, dtype } = each;
        const sum = graph.add('batched', width, dtype, { kind: 'state', name: `dc${i}` });
        reduced.push(undefined);
        carried.push(sum);
        nextAdjoints.push(graph.binary('add', sum, each, width, dtype));
      });
      derivative = {
        cotangents,
        carried,
        inputs: adjoints.inputs.map(row),
        states: nextAdjoints,
        captured: reduced,
        sums,
      };
    }
    const ids = (values: readonly (Value | undefined)[]): string => values.map((value) => value?.id ?? '-').join();
    // A reshape leaves no instruction, so the outputs' shapes stand in the key by themselves.
    const key = [
      ...Array.from(graph.values(), (value) => value.key),
      `${ids(outputs)} | ${ids(next)} | ${outputShapes.map(showShape).join()} ${recording.form.text} ${batched} ${rows}`,
      derivative === undefined
        ? 'no derivative'
        : `${[derivative.inputs, derivative.states, derivative.captured].map(ids).join(' | ')} | ${derivative.sums.join()}`,
    ].join(';');
    made.push({
      inputs: xs,
      drawn,
      states: ss,
      outputs,
      next,
      outputShapes,
      form: recording.form,
      capturedValues,
      key,
      derivative,
    });
  });
  return made[0];
}

/**
 * The derivative of a recorded step in words: what `describe` says of a step, for the rules of
 * which a recording knows only that they are a user's. The same for two numbers of rows if the
 * rules do the same for both.
 *
 * @param as - the number of rows to speak of; see `describe`
 */
export function describeDerivative(step: RecordedStep, request: TraceRequest, as: number): string {
  if (!isDerived(step, request)) return '';
  const { recording } = step;
  const recorder = new Recorder(request.backend);
  const copy = ({ size, dtype }: Storage): Storage => recorder.end(size, dtype);
  const made: string[] = [];
  symbolically(recorder, () => {
    const found = endTensors(recorder, step, request, {
      inputs: recording.inputs.map(copy),
      states: recording.states.map(copy),
      captured: recording.captured.map(copy),
      drawn: recording.drawn.map(copy),
    });
    const { outputs, next } = replay(recording, recorder, found);
    derive(found, outputs, next, (i) => copy((i < outputs.length ? outputs[i] : next[i - outputs.length]).storage));
    made.push(describe({ ...recording, calls: recorder.calls, nodes: [], outputs: [], next: [] }, as));
  });
  return made[0];
}

/** Runs a function that works on symbols of a backend, and frees them. */
function symbolically(backend: Backend, fn: () => void): void {
  whileTracing(() => withBackend(backend, () => scope(() => withRecording(true, fn))));
}

/** Values at which a step begins. */
function ends(
  graph: Graph,
  kind: 'input' | 'state',
  name: string,
  slots: readonly Omit<TensorSpec, 'wantsGrad'>[],
): Value[] {
  return slots.map(({ shape, dtype }, i) => graph.add('batched', sizeOf(shape), dtype, { kind, name: `${name}${i}` }));
}

/** Whether a derivative of a step may be asked for. */
function isDerived({ captured }: Pick<RecordedStep, 'captured'>, { recorded, inputs, states }: TraceRequest): boolean {
  return recorded && ([...inputs, ...states].some((slot) => slot.wantsGrad) || captured.some((t) => t.requiresGrad));
}

/** Tensors for the storages at which a recording begins. */
function endTensors(
  backend: Backend,
  { recording, captured }: Omit<RecordedStep, 'draws'>,
  { batched, inputs, states, recorded }: TraceRequest,
  storages: { readonly [K in keyof ReplayEnds]: readonly Storage[] },
): ReplayEnds {
  const { rows } = recording;
  const whole = ({ shape }: TensorSpec): Shape => withRows(batched, rows, shape);
  return {
    inputs: inputs.map((slot, i) => symbol(backend, storages.inputs[i], whole(slot), slot.wantsGrad)),
    states: states.map((slot, i) => symbol(backend, storages.states[i], whole(slot), recorded)),
    captured: captured.map(({ shape, requiresGrad }, i) =>
      symbol(backend, storages.captured[i], recording.perRow[i] ? [rows, ...shape.slice(1)] : shape, requiresGrad),
    ),
    drawn: storages.drawn.map((storage) => symbol(backend, storage, [storage.size], false)),
  };
}

/**
 * Core's own derivative of `sum(seed * result)` over all results; `undefined` for what none was
 * wanted of.
 */
function derive(
  { inputs, states, captured }: ReplayEnds,
  ys: readonly Tensor[],
  after: readonly Tensor[],
  seedOf: (result: number) => Storage,
) {
  const terms = [...ys, ...after].flatMap((result, i) =>
    result.requiresGrad ? [sum(mul(result, symbol(result.backend, seedOf(i), result.shape, false)))] : [],
  );
  const wants = [...inputs, ...states, ...captured].filter((t) => t.requiresGrad);
  const found =
    terms.length === 0
      ? []
      : grad(
          terms.reduce((a, b) => add(a, b)),
          wants,
        );
  const adjoint = new Map(wants.map((t, i) => [t, found[i]]));
  const of = (list: readonly Tensor[]): (Tensor | undefined)[] => list.map((t) => adjoint.get(t));
  return { inputs: of(inputs), states: of(states), captured: of(captured) };
}

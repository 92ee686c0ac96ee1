/** Calls a step once on symbols: what it computes, and the derivative of that, as a graph. */
import type { Backend } from '../backend.js';
import { grad } from '../backward.js';
import { withBackend } from '../current-backend.js';
import type { DType } from '../dtype.js';
import { TraceError } from '../errors.js';
import { withRecording } from '../grad-mode.js';
import { add, mul } from '../ops/arithmetic.js';
import { sum } from '../ops/broadcast.js';
import { refuseBackends } from '../record.js';
import { scope } from '../scope.js';
import { showShape, sizeOf, type Shape } from '../shape.js';
import { SharedStorage } from '../shared-storage.js';
import { Tensor, withStandIns } from '../tensor.js';
import { whileTracing } from '../tracing-mode.js';
import { checkStates, type ListStep } from './eager.js';
import { Graph, type Value } from './graph.js';
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
  const { backend, rows, batched, inputs, states, recorded } = request;
  const graph = new Graph();
  const tracer = new Tracer(graph, rows, backend);
  const captured: Tensor[] = [];
  const capturedValues: Value[] = [];
  const standIns = new Map<Tensor, Tensor>(); // by tensor: two may share their memory and still be two leaves
  const tensorOf = (value: Value, shape: Shape, wantsGrad: boolean): Tensor => {
    const tensor = new Tensor(new SharedStorage(tracer, tracer.storageOf(value)), shape);
    if (wantsGrad) tensor.requiresGrad = true;
    return tensor;
  };
  const standInFor = (tensor: Tensor): Tensor => {
    const real = tensor.home;
    if (real.backend !== backend) refuseBackends('scan', backend, real.backend);
    let standIn = standIns.get(tensor);
    if (standIn === undefined) {
      const { dtype } = real.storage;
      const value = graph.add('fixed', tensor.size, dtype, `captured ${captured.length} : ${tensor.size} ${dtype}`, {
        kind: 'captured',
        index: captured.length,
      });
      standIn = tensorOf(value, tensor.shape, tensor.requiresGrad).keep();
      standIns.set(tensor, standIn);
      captured.push(tensor);
      capturedValues.push(value);
    }
    return standIn;
  };
  const rowShape = (shape: Shape): Shape => (batched ? [rows, ...shape] : shape);
  const ends = (kind: 'input' | 'state', name: string, slots: readonly Slot[]): Value[] =>
    slots.map(({ shape, dtype }, i) => {
      const operation = { kind, name: `${name}${i}` } as const;
      return graph.add('row', sizeOf(shape), dtype, `${kind} ${operation.name} : ${sizeOf(shape)} ${dtype}`, operation);
    });

  return whileTracing(() =>
    withBackend(tracer, () =>
      withStandIns(tracer, standInFor, () =>
        scope(() =>
          withRecording(recorded, (): TracedStep => {
            const xs = ends('input', 'x', inputs);
            const ss = ends('state', 's', states);
            const x = xs.map((value, i) => tensorOf(value, rowShape(inputs[i].shape), inputs[i].wantsGrad));
            const s = ss.map((value, i) => tensorOf(value, rowShape(states[i].shape), recorded));
            const { outputs: ys, next: after, isSingle } = step(x, s);
            checkStates(s, after);
            if (after.some((t, i) => t.dtype !== s[i].dtype))
              throw new TraceError('the step changes the type of the state');
            for (const y of ys) {
              if (batched && y.shape[0] !== rows)
                throw new TraceError(`the step's output of shape ${showShape(y.shape)} has no batch in front`);
            }
            const outputs = ys.map((y) => tracer.rowValueOf(y.storage));
            const next = after.map((y) => tracer.rowValueOf(y.storage));
            const shapes = ys.map((y) => (batched ? y.shape.slice(1) : y.shape));
            // A reshape leaves no instruction, so the outputs' shapes stand in the key by themselves.
            const key = `${[...graph.values()].map((value) => value.key).join(';')} -> ${outputs.map(({ id }) => id).join()} | ${next.map(({ id }) => id).join()}${isSingle} ${shapes.map(showShape).join()} ${recorded ? 'recorded' : ''} wants ${inputs.map((slot) => Number(slot.wantsGrad)).join('')} ${captured.map((t) => Number(t.requiresGrad)).join('')}`;
            const wanted =
              recorded &&
              (inputs.some((slot) => slot.wantsGrad) ||
                states.some((slot) => slot.wantsGrad) ||
                captured.some((t) => t.requiresGrad));
            return {
              inputs: xs,
              states: ss,
              outputs,
              next,
              outputShapes: shapes,
              isSingle,
              captured: [...captured],
              capturedValues: [...capturedValues],
              key,
              derivative: wanted && !request.isKnown(key) ? derive() : undefined,
            };

            /** Core's own derivative of `sum(seed * result)` over all results, taken on the tracer. */
            function derive(): TracedDerivative {
              const seeds = ends(
                'input',
                'dy',
                ys.map((y, i) => ({ shape: shapes[i], dtype: y.dtype, wantsGrad: false })),
              );
              const carried = ends('state', 'ds', states);
              const terms = [
                ...ys.map((y, i) => [y, seeds[i]] as const),
                ...after.map((y, i) => [y, carried[i]] as const),
              ]
                .filter(([y]) => y.requiresGrad)
                .map(([y, seed]) => sum(mul(y, tensorOf(seed, y.shape, false))));
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
          }),
        ),
      ),
    ),
  );
}

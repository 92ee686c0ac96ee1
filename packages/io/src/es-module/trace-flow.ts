/** Runs a model once on a sequence that stands for all: what it computes as a flow. */
import {
  ArgumentError,
  BackendError,
  RnnError,
  sameShape,
  setCompileMode,
  Tensor,
  TraceError,
  type Backend,
  type Shape,
  type TypedArray,
} from '@rnn/core';
import type { Module } from '@rnn/nn';
import { onBackend } from '../host/recording.js';
import { STEPS } from './flow-storage.js';
import { FlowTracer } from './flow-tracer.js';
import { Flow, type FlowValue } from './flow.js';
import type { FlowInput, FlowOutput } from './plan-flow.js';
import { OverTime } from './row-walk.js';
import { StateNames } from './state-names.js';

/**
 * Where time and batch are in the input; a batch of one is left out of what is said about shapes.
 */
export interface SequenceForm {
  readonly time: number;
  readonly batch: number | undefined;
}

export interface FlowTrace {
  /** Of a sequence; a step has none. */
  readonly form: SequenceForm | undefined;
  readonly input: FlowInput;
  readonly outputs: readonly FlowOutput[];
}

/**
 * Traces a model.
 *
 * @param inputs - an example of the sequence, then states before it
 * @throws ArgumentError for what a step cannot do, with the reason
 */
export function traceFlow(model: Module, backend: Backend, inputs: readonly Tensor[]): FlowTrace {
  const [example] = inputs;
  const { rank, dtype } = example;
  const isBatched = rank > (dtype === 'int32' ? 1 : 2);
  const forms: SequenceForm[] = isBatched
    ? [
        { time: 0, batch: 1 },
        { time: 1, batch: 0 },
      ]
    : [{ time: 0, batch: undefined }];
  const errors: unknown[] = [];
  for (const form of forms) {
    try {
      return tracedAs(form, model, backend, inputs);
    } catch (error) {
      // In the other layout anything may go wrong, but for what is wrong in both.
      if (error instanceof ArgumentError && error.message.startsWith('exportModule: ')) throw error;
      errors.push(error);
    }
  }
  refuse(errors);
}

const whatHelps =
  ". What needs more than the step before, such as attention or a convolution over time, is exported as a step with the last inputs among its states: { takes: 'step' }";

/** Says why a model is not exported, by what went wrong in each form that was tried. */
function refuse(errors: readonly unknown[]): never {
  const reasons = errors.filter((error) => error instanceof OverTime || error instanceof TraceError);
  const reason = reasons.find((error) => !(error instanceof OverTime && error.isLayout)) ?? reasons.at(0);
  const [first] = errors;
  if (reason === undefined && !(first instanceof RnnError)) throw first;
  const cause = reason ?? (first as RnnError);
  const what =
    reason === undefined
      ? `forward refuses a sequence of another length (${cause.message})`
      : reason instanceof OverTime
        ? `forward ${reason.message}`
        : `a step cannot be compiled: ${reason.message}`;
  const hint = reason instanceof OverTime ? whatHelps : '';
  throw new ArgumentError(`exportModule: ${what}; this is not exported${hint}`, {
    argument: 'model',
    expected: 'a forward that computes each step of the sequence alike',
    received: cause.message,
    cause,
  });
}

/**
 * Traces a model whose forward computes one step: its result, and behind it the states after the
 * step.
 *
 * @param inputs - an example of a step's input, then the states before it
 * @throws ArgumentError for what cannot be compiled, with the reason
 */
export function traceStep(model: Module, backend: Backend, inputs: readonly Tensor[]): FlowTrace {
  try {
    return tracedStep(model, backend, inputs);
  } catch (error) {
    if (error instanceof ArgumentError && error.message.startsWith('exportModule: ')) throw error;
    return refuse([error]);
  }
}

interface Named {
  readonly name: string;
}

function tracedStep(model: Module, backend: Backend, inputs: readonly Tensor[]): FlowTrace {
  const [example, ...states] = inputs;
  const numbers = states.map((state) => state.dataSync());
  const names = new StateNames(model);
  const flow = new Flow(true);
  const tracer = new FlowTracer(backend, names, flow);
  const value = flow.input(example.size);
  // A model that came from ONNX has names of its own.
  const { inputs: known, outputs: knownOutputs } = model as Partial<Record<'inputs' | 'outputs', readonly Named[]>>;
  const stateNames = known?.slice(1).map(({ name }) => names.own(name)) ?? names.ofScan(states.length, false);
  const initial = numbers.map((data) => flow.constant(data));
  const [scan, before] = flow.scan(false, initial, [], stateNames);
  return onBackend(model, tracer, constantsOf(tracer), () =>
    compiling(tracer, () => {
      const x = tracer.tensorOf(value, example.shape, example.dtype);
      const rest = states.map((state, i) => tracer.tensorOf(before[i], state.shape, state.dtype));
      const found = namedTensors(names.watching(() => ran(model, [x, ...rest])));
      checkStepResult(found, states);
      const results = found.map(([name, tensor], i) => ({
        name: knownOutputs?.[i].name ?? name,
        shape: withoutBatch(tensor.shape),
        value: tracer.wholeOf(tensor),
      }));
      const outputs = results.slice(0, found.length - states.length);
      scan.next = results.slice(outputs.length).map((state) => state.value);
      flow.everyStep();
      const isToken = example.dtype === 'int32';
      return { form: undefined, input: { value, shape: withoutBatch(example.shape), isToken }, outputs };
    }),
  );
}

/** Refuses a result that is not an output, or some, and then a state for each of those before. */
function checkStepResult(found: readonly (readonly [string, Tensor])[], states: readonly Tensor[]): void {
  const after = found.slice(Math.max(1, found.length - states.length));
  const shapes = (tensors: readonly Tensor[]): string => tensors.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
  const isFit =
    after.length === states.length && after.every(([, state], i) => sameShape(state.shape, states[i].shape));
  if (isFit) return;
  const received = found.length === 0 ? 'no tensor' : shapes(found.map(([, tensor]) => tensor));
  const expected = states.length === 0 ? 'its result' : `its result, then the states after the step: ${shapes(states)}`;
  throw new ArgumentError(`exportModule: forward returns ${received}, expected ${expected}`, {
    argument: 'model',
    expected,
    received,
  });
}

function withoutBatch(shape: Shape): Shape {
  return shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape;
}

/** Parameters and buffers as constants of the flow. */
function constantsOf(tracer: FlowTracer): (name: string, tensor: Tensor, data: TypedArray) => Tensor {
  return (_, tensor, data) => tracer.constantTensor(data, tensor.shape, tensor.dtype);
}

/** Runs a function while every step is compiled, and ends the tracing. */
function compiling<R>(tracer: FlowTracer, fn: () => R): R {
  const mode = setCompileMode('required');
  try {
    return fn();
  } finally {
    setCompileMode(mode);
    tracer.dispose();
  }
}

function tracedAs(form: SequenceForm, model: Module, backend: Backend, inputs: readonly Tensor[]): FlowTrace {
  const [example, ...states] = inputs;
  const shape = example.shape.map((size, i) => (i === form.time ? STEPS : i === form.batch ? 1 : size));
  const ownShape = shape.filter((_, i) => i !== form.time && i !== form.batch);
  const width = ownShape.reduce((product, size) => product * size, 1);
  const names = new StateNames(model);
  const tracer = new FlowTracer(backend, names);
  const value = tracer.flow.input(width);
  const isToken = example.dtype === 'int32';
  const numbers = states.map((state) => state.dataSync());
  const outputs = onBackend(model, tracer, constantsOf(tracer), () =>
    compiling(tracer, () => {
      const x = tracer.tensorOf(value, shape, example.dtype);
      const rest = states.map((state, i) => tracer.constantTensor(numbers[i], state.shape, state.dtype));
      const result = names.watching(() => ran(model, [x, ...rest]));
      return outputsOf(tracer, result, form);
    }),
  );
  return { form, input: { value, shape: ownShape, isToken }, outputs };
}

/** Calls forward; a tensor on the model's own backend came from elsewhere. */
function ran(model: Module, tensors: readonly Tensor[]): unknown {
  try {
    return model.forward(...(tensors as readonly never[]));
  } catch (error) {
    if (!(error instanceof BackendError) || error.code !== 'ERR_MIXED_BACKENDS') throw error;
    throw new ArgumentError(
      `exportModule: forward uses a tensor that is neither the input nor a parameter or buffer of the model; keep it as a Parameter, or by registerBuffer (${error.message})`,
      { argument: 'model', expected: 'parameters and buffers', cause: error },
    );
  }
}

/** The tensors of a result with their names, without states, which are handed on by themselves. */
function outputsOf(tracer: FlowTracer, result: unknown, form: SequenceForm): FlowOutput[] {
  const found = namedTensors(result).map(([name, tensor]) => ({ name, tensor, storage: tracer.storageOf(tensor) }));
  if (found.length === 0)
    throw new ArgumentError('exportModule: forward returns no tensor, expected one, a list or an object of tensors', {
      argument: 'model',
    });
  const own = found.filter(({ storage }) => storage.value === undefined || !isState(storage.value));
  return (own.length === 0 ? found : own).map(({ name, tensor, storage }, i) => {
    const { value } = storage;
    if (value === undefined || value.domain === 'constant')
      throw new ArgumentError(`exportModule: forward returns '${name}', which does not depend on its input`, {
        argument: 'model',
      });
    const isRow = value.domain === 'row';
    if (tensor.size !== value.width * (isRow ? STEPS : 1)) throw new OverTime(`returns '${name}', which mixes steps`);
    const shape = tensor.shape.filter((size) => size !== STEPS);
    const ownShape = form.batch !== undefined && shape[0] === 1 ? shape.slice(1) : shape;
    return { name: own.length > 1 || typeof result === 'object' ? name : ['y'][i], value, shape: ownShape };
  });
}

/** Tensors by the names of an object's properties, or `y`, `y1`, ... */
export function namedTensors(result: unknown): [name: string, tensor: Tensor][] {
  const found: [string, Tensor][] = [];
  const visit = (value: unknown, name: string | undefined): void => {
    if (value instanceof Tensor) found.push([name ?? (found.length === 0 ? 'y' : `y${found.length}`), value]);
    else if (Array.isArray(value)) for (const part of value) visit(part, undefined);
    else if (typeof value === 'object' && value !== null)
      for (const [key, part] of Object.entries(value)) visit(part, key);
  };
  visit(result, undefined);
  return found;
}

/** Whether a value is nothing but states after the last step. */
function isState({ op }: FlowValue): boolean {
  if (op.kind === 'final') return true;
  if (op.kind === 'concat') return op.parts.every(isState);
  return (op.kind === 'range' || op.kind === 'pick') && isState(op.x);
}

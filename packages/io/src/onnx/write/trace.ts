/** Runs a model on a recorder: its graph for inputs of some sizes. */
import { ArgumentError, BackendError, Tensor, type Backend, type TypedArray } from '@rnn/core';
import type { Module } from '@rnn/nn';
import { onBackend } from '../../host/recording.js';
import type { IrGraph, IrType, IrValue } from './ir.js';
import { withLayers } from './layers.js';
import { Recorder } from './recorder.js';

/** An input of a trace. */
export interface TraceInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly numbers: TypedArray;
}

/** What a trace found. */
export interface Trace {
  readonly graph: IrGraph;
  readonly inputs: readonly TraceInput[];
  /** Numbers of the outputs. */
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly numbers: TypedArray;
  }[];
}

/** Traces a model, whose parameters are on the recorder meanwhile. */
export function traceModel(
  model: Module,
  backend: Backend,
  inputs: readonly TraceInput[],
  outputNames: readonly string[] | undefined,
  opset: number,
): Trace {
  const recorder = new Recorder(backend, opset);
  const tensorFor = (name: string, { dtype, shape }: Tensor, numbers: TypedArray): Tensor =>
    recorder.tensorOf({ type: dtype, shape, constant: numbers, name }, numbers);
  return onBackend(model, recorder, tensorFor, () =>
    withLayers(model, recorder, () => traced(model, recorder, inputs, outputNames)),
  );
}

function traced(
  model: Module,
  recorder: Recorder,
  inputs: readonly TraceInput[],
  outputNames: readonly string[] | undefined,
): Trace {
  const { ir } = recorder;
  const [outcome, nodes] = ir.inside(() => {
    const values = inputs.map(({ name, shape, numbers }): IrValue => ({ name, shape, type: inputType(numbers) }));
    const tensors = values.map((value, i) =>
      recorder.tensorOf(value.type === 'int64' ? ir.cast(value, 'int32') : value, inputs[i].numbers),
    );
    const results = resultsOf(ran(model, tensors));
    if (outputNames !== undefined && outputNames.length !== results.length) {
      throw new ArgumentError(`writeOnnx: there are ${outputNames.length} outputNames, expected ${results.length}`, {
        argument: 'outputNames',
        expected: String(results.length),
        received: String(outputNames.length),
      });
    }
    const outputs = results.map(([key, tensor], i) => {
      const value = recorder.valueOf(tensor);
      const name = outputNames?.[i] ?? key;
      const numbers = recorder.paused(() => tensor.dataSync());
      return { value: ir.node('Identity', [value], value.type, value.shape), name, shape: tensor.shape, numbers };
    });
    return { values, outputs };
  });
  recorder.lengths.check(nodes);
  const outputs = outcome.outputs.map(({ value, name }): IrValue => Object.assign(value, { name }));
  return { graph: { inputs: outcome.values, nodes, outputs }, inputs, outputs: outcome.outputs };
}

/**
 * Calls forward; a tensor on the model's own backend among those of the recorder came from
 * elsewhere.
 */
function ran(model: Module, tensors: readonly Tensor[]): unknown {
  try {
    return model.forward(...(tensors as readonly never[]));
  } catch (error) {
    if (!(error instanceof BackendError) || error.code !== 'ERR_MIXED_BACKENDS') throw error;
    throw new ArgumentError(
      `writeOnnx: forward uses a tensor that is neither an input nor a parameter or buffer of the model; keep it as a Parameter, or by registerBuffer (${error.message})`,
      { argument: 'model', expected: 'parameters and buffers', cause: error },
    );
  }
}

function inputType(numbers: TypedArray): IrType {
  return numbers instanceof Int32Array ? 'int64' : numbers instanceof Float64Array ? 'float64' : 'float32';
}

/** The tensors of a result with names: those of an object's properties, or `y`, `y1`, ... */
function resultsOf(result: unknown): [name: string, tensor: Tensor][] {
  const found: [string, Tensor][] = [];
  const visit = (value: unknown, name: string | undefined): void => {
    if (value instanceof Tensor) found.push([name ?? (found.length === 0 ? 'y' : `y${found.length}`), value]);
    else if (Array.isArray(value)) for (const part of value) visit(part, undefined);
    else if (typeof value === 'object' && value !== null)
      for (const [key, part] of Object.entries(value)) visit(part, key);
  };
  visit(result, undefined);
  if (found.length > 0) return found;
  throw new ArgumentError('writeOnnx: forward returns no tensor, expected one, a list or an object of tensors', {
    argument: 'model',
  });
}

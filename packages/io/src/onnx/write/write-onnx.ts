/** Writes ONNX. */
import { create, toBinary } from '@bufbuild/protobuf';
import { ArgumentError, type Backend, type Tensor, type TypedArray } from '@rnn/core';
import { checkCount, checkList, checkOptions, checkTensors, checkText, refuse } from '@rnn/core/checks';
import { Module } from '@rnn/nn';
import { OnnxModule, sourceOf } from '../onnx-module.js';
import { encodeModel } from './encode-model.js';
import { ModelProtoSchema, type GraphProto } from '../schema.generated.js';
import { emitGraph } from './emit.js';
import type { DynamicDim } from './emit-sizes.js';
import { selfTest, stateContract } from './metadata.js';
import { sizeOfNumbers } from './sizes.js';
import { traceModel, type Trace, type TraceInput } from './trace.js';

/** What `writeOnnx` takes besides. */
export interface WriteOnnxOptions {
  /** Names of the inputs; `x`, `x1`, ... unless given. */
  readonly inputNames?: readonly string[];
  /**
   * Names of the outputs; those of the properties that forward returns, or `y`, `y1`, ... unless
   * given.
   */
  readonly outputNames?: readonly string[];
  /** Version of ONNX's operators, from 17 to 28. */
  readonly opset?: number;
}

/** The newest version of ONNX's operators, that of onnx 1.23. */
const NEWEST = 28;

/** Traces for each set of dynamic dimensions: two give an expression, the others confirm it. */
const TRACES = 4;

/**
 * Writes a model as ONNX, for ONNX Runtime and whatever else reads it. The model is run a few
 * times, in evaluation mode, on inputs like the given ones in other sizes; numbers that change with
 * the sizes become dynamic dimensions, such as batch and time.
 *
 * @example
 * ```ts
 * const bytes = writeOnnx(model, [randn([7, 2, 3])], { inputNames: ['x'], outputNames: ['y'] });
 * ```
 * @param model - a module whose forward takes tensors and returns a tensor, or a list or object of
 *   tensors, made by core's operations and nn's modules. RNN, LSTM and GRU become the operators of
 *   that name (`lengths` given as a tensor becomes `sequence_lens`), other cells and a `scan` in
 *   forward a Scan
 * @param inputs - an example for each input. Dimensions that are equal by meaning (a batch in two
 *   inputs) have equal sizes, others had better have different ones. Whole numbers (int32) are
 *   declared as int64, as PyTorch does
 * @param options - `inputNames`, `outputNames`, `opset` (17)
 * @returns the file: weights under the names of the state dict (gates of RNN, LSTM and GRU in
 *   ONNX's order, directions stacked), in `metadata_props` the inputs and outputs that hand on a
 *   state (`rnn.state`) and an example with its results (`rnn.self_test`)
 * @throws ArgumentError when forward does what a graph cannot say: it reads numbers of its input,
 *   adds by index, uses a tensor that is neither an input nor a parameter or buffer
 *
 * A model that came from `readOnnx` is written with the graph that it was read with, and its
 * weights as they are now.
 * Differs from PyTorch: batch and time need no `dynamic_axes`.
 */
export function writeOnnx(model: Module, inputs: readonly Tensor[], options: WriteOnnxOptions = {}): Uint8Array {
  checkOptions('writeOnnx', options, ['inputNames', 'outputNames', 'opset']);
  const { opset = 17 } = options;
  checkCount('writeOnnx', 'opset', opset, 17, NEWEST);
  if (!(model instanceof Module)) refuse(ArgumentError, 'writeOnnx', 'model', { value: model, expected: 'a Module' });
  for (const key of ['inputNames', 'outputNames'] as const) {
    const names: unknown = options[key];
    if (names === undefined) continue;
    checkList('writeOnnx', key, names, 'names');
    names.forEach((name, i) => checkText('writeOnnx', `${key}[${i}]`, name));
  }
  const source = model instanceof OnnxModule ? sourceOf(model) : undefined;
  if (source !== undefined) return encodeModel(source.model, (name) => source.weights.get(name)?.dataSync());
  const examples = examplesOf(inputs, options.inputNames);
  const [weight] = [...model.parameters(), ...model.buffers(), ...inputs];
  const backend: Backend = weight.backend;
  const trace = (shapes: readonly (readonly number[])[]): Trace =>
    traceModel(
      model,
      backend,
      examples.map((example, i) => resized(example, shapes[i])),
      options.outputNames,
      opset,
    );
  const groups = dynamicGroups(examples, trace);
  const dims = groups.map(([{ input, axis }]): DynamicDim => ({
    name: dimName(examples, input, axis),
    input: examples[input].name,
    axis,
  }));
  const { graph, traces } = traced(examples, groups, dims, trace);
  return modelOf(graph, opset, traces[0]);
}

/** A place of a dynamic dimension. */
interface Place {
  readonly input: number;
  readonly axis: number;
}

type Group = readonly Place[];

function examplesOf(inputs: readonly Tensor[], names: readonly string[] | undefined): TraceInput[] {
  checkTensors('writeOnnx', 'inputs', inputs);
  if (names !== undefined && names.length !== inputs.length) {
    throw new ArgumentError(`writeOnnx: there are ${names.length} inputNames for ${inputs.length} inputs`, {
      argument: 'inputNames',
      expected: String(inputs.length),
      received: String(names.length),
    });
  }
  return inputs.map((input: Tensor, i) => ({
    name: names?.[i] ?? (i === 0 ? 'x' : `x${i}`),
    shape: input.shape,
    numbers: input.dataSync(),
  }));
}

/** The example in another size: its numbers again and again. */
function resized({ name, numbers, shape: before }: TraceInput, shape: readonly number[]): TraceInput {
  if (shape.every((size, i) => size === before[i])) return { name, shape, numbers };
  const size = shape.reduce((product, dim) => product * dim, 1);
  const array = numbers.constructor as new (size: number) => TypedArray;
  const values = new array(size);
  for (let i = 0; i < size; i++) values[i] = numbers.length === 0 ? 0 : numbers[i % numbers.length];
  return { name, shape, numbers: values };
}

/**
 * Sizes that are told apart: no dimension is in all traces an expression of the others, nor a size
 * that the examples have.
 */
function sizesFor(examples: readonly TraceInput[], groups: readonly Group[]): number[][] {
  const used = new Set(examples.flatMap(({ shape }) => shape));
  const least = groups.map(([{ input, axis }]) => Math.max(examples[input].shape[axis], 3));
  let state = 1;
  const draw = (): number => (state = (state * 48_271) % 2_147_483_647) % 24;
  for (;;) {
    const sizes = Array.from({ length: TRACES }, () => least.map((size) => size + draw()));
    const all = sizes.flat();
    const areNew = new Set(all).size === all.length && !all.some((size) => used.has(size));
    const isApart = (at: number): boolean =>
      sizeOfNumbers(
        sizes.map((list) => list[at]),
        sizes.map((list) => list.filter((_, i) => i !== at)),
      ) === undefined;
    if (areNew && groups.every((_, at) => isApart(at))) return sizes;
  }
}

function traced(
  examples: readonly TraceInput[],
  groups: readonly Group[],
  dims: readonly DynamicDim[],
  trace: (shapes: readonly (readonly number[])[]) => Trace,
): { readonly graph: GraphProto; readonly traces: readonly Trace[] } {
  const sizes = groups.length === 0 ? [[]] : sizesFor(examples, groups);
  const traces = sizes.map((list) =>
    trace(
      examples.map(({ shape }, input) =>
        shape.map((size, axis) => {
          const at = groups.findIndex((group) => group.some((place) => place.input === input && place.axis === axis));
          return at < 0 ? size : list[at];
        }),
      ),
    ),
  );
  return {
    graph: emitGraph(
      traces.map(({ graph }) => graph),
      dims,
      sizes,
    ),
    traces,
  };
}

/**
 * Tries each dimension in other sizes, by itself or together with dimensions of other inputs that
 * are equal to it.
 */
function dynamicGroups(
  examples: readonly TraceInput[],
  trace: (shapes: readonly (readonly number[])[]) => Trace,
): Group[] {
  const groups: Group[] = [];
  const isTaken = ({ input, axis }: Place): boolean =>
    groups.flat().some((place) => place.input === input && place.axis === axis);
  const works = (group: Group): boolean => {
    try {
      traced(examples, [group], [{ name: 'd', input: examples[group[0].input].name, axis: group[0].axis }], trace);
      return true;
    } catch (error) {
      // A size that the model cannot have: whatever it says, the dimension is as large as it is.
      if (error instanceof Error) return false;
      throw error;
    }
  };
  traced(examples, [], [], trace); // a mistake of the model itself shows here
  examples.forEach(({ shape }, input) => {
    shape.forEach((size, axis) => {
      const place = { input, axis };
      if (isTaken(place)) return;
      const equal = examples.flatMap((other, i) =>
        i === input
          ? []
          : other.shape.flatMap((own, at) =>
              own === size && !isTaken({ input: i, axis: at }) ? [{ input: i, axis: at }] : [],
            ),
      );
      const found = [[place], ...(equal.length === 0 ? [] : [[place, ...equal]])].find(works);
      if (found !== undefined) groups.push(found);
    });
  });
  return groups;
}

function dimName(examples: readonly TraceInput[], input: number, axis: number): string {
  return `${examples[input].name}_dim_${axis}`;
}

function modelOf(graph: GraphProto, opset: number, trace: Trace): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: opset >= 21 ? 10n : opset >= 19 ? 9n : 8n,
    producerName: '@rnn/io',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph,
    metadataProps: [
      { key: 'rnn.state', value: JSON.stringify(stateContract(graph)) },
      { key: 'rnn.self_test', value: JSON.stringify(selfTest(trace)) },
    ],
  });
  return toBinary(ModelProtoSchema, model);
}

/** Reads ONNX. */
import { fromBinary } from '@bufbuild/protobuf';
import { ArgumentError, FormatError, type Backend } from '@rnn/core';
import { buildModel } from './build.js';
import { elementType } from './element-types.js';
import { OnnxModule, type OnnxValueInfo } from './onnx-module.js';
import { operators } from './operators/index.js';
import { ModelProtoSchema, type GraphProto, type ModelProto, type ValueInfoProto } from './schema.generated.js';

/** What `readOnnx` takes. */
export interface ReadOnnxOptions {
  /** Where the weights go; the backend of `setBackend` unless given. */
  readonly backend?: Backend;
}

/** Graphs in graphs, and messages in messages, that no model comes near. */
const DEPTH_AT_MOST = 64;

/**
 * Reads a model in ONNX's format, as PyTorch, TensorFlow (tf2onnx) and Keras write it. Operators come from a table; what it lacks is told
 * by one error before anything is computed.
 *
 * @example
 * ```ts
 * const model = readOnnx(await (await fetch('silero_vad.onnx')).arrayBuffer());
 * model.inputs;                                   // [{ name: 'input', dtype: 'float32', shape: ['batch', 'sequence'] }, ...]
 * const { output } = model.run({ input, state, sr: 16000 });
 * ```
 * @param bytes - the file's content; nothing in it is executed, and no other file is opened
 * @param options - `backend`
 * @returns a module with `inputs`, `outputs` and `run`; its weights are parameters under the file's names
 * @throws FormatError when the bytes are not a model, or one that cannot be run here: with the code `ERR_ONNX_OPERATOR` the message lists
 *   every operator that is missing, with the names of its nodes
 *
 * Numbers: float16 and bfloat16 become float32, float64 stays where the backend has it, whole numbers on a device are int32 (int64 on the
 * host, where shapes and indices are computed), truth values are 1 and 0.
 */
export function readOnnx(bytes: Uint8Array | ArrayBuffer, options: ReadOnnxOptions = {}): OnnxModule {
  const model = decode(bytes);
  const graph = model.graph as GraphProto;
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !initialized.has(name)).map(infoOf);
  return new OnnxModule({
    inputs,
    outputs: graph.output.map(outputInfoOf),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    backend: options.backend,
    build: (makeWeight) => buildModel(model, operators, makeWeight),
    model,
  });
}

function decode(bytes: Uint8Array | ArrayBuffer): ModelProto {
  if (!(bytes instanceof Uint8Array) && !(bytes instanceof ArrayBuffer)) {
    throw new ArgumentError(`readOnnx: bytes is ${typeof bytes}, expected a Uint8Array or an ArrayBuffer`, {
      argument: 'bytes',
      expected: 'a Uint8Array or an ArrayBuffer',
      received: typeof bytes,
    });
  }
  let model: ModelProto;
  try {
    const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
    model = fromBinary(ModelProtoSchema, view, { readUnknownFields: false, recursionLimit: DEPTH_AT_MOST });
  } catch (error) {
    // Whatever the parser stumbles over is a fault of the bytes.
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`readOnnx: the bytes are not an ONNX model: ${reason}`, {
      expected: 'an ONNX model',
      cause: error,
    });
  }
  if (model.graph === undefined || model.opsetImport.length === 0) {
    throw new FormatError(
      'readOnnx: the bytes are not an ONNX model: there is no graph, or no version of its operators',
      {
        expected: 'an ONNX model',
      },
    );
  }
  return model;
}

function infoOf(info: ValueInfoProto): OnnxValueInfo {
  const type = info.type?.value;
  if (type?.case !== 'tensorType') {
    throw new FormatError(`readOnnx: '${info.name}' is of the kind ${type?.case ?? 'unknown'}, expected a tensor`, {
      expected: 'a tensor',
      received: type?.case,
    });
  }
  const { elemType, shape } = type.value;
  const dims = shape?.dim ?? [];
  return {
    name: info.name,
    dtype: elementType(elemType, `'${info.name}'`),
    shape: dims.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : (value.value ?? '') || '?')),
  };
}

/** Exporters leave out what they do not know of an output. */
function outputInfoOf(info: ValueInfoProto): OnnxValueInfo {
  return info.type === undefined ? { name: info.name, dtype: 'float32', shape: [] } : infoOf(info);
}

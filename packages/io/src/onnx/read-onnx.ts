/** Reads ONNX. */
import { FormatError, type Backend } from '@rnn/core';
import { buildModel } from './build.js';
import { decodeModel } from './decode-model.js';
import { elementType } from './element-types.js';
import type { OnnxValueInfo } from './input-value.js';
import { OnnxModule } from './onnx-module.js';
import { checkReadOptions } from '../host/given-bytes.js';
import { operators } from './operators/index.js';
import type { ValueInfoProto } from './schema.generated.js';

/** What `readOnnx` takes. */
export interface ReadOnnxOptions {
  /** Where the weights go; the backend of `setBackend` unless given. */
  readonly backend?: Backend;
}

/**
 * Reads a model in ONNX's format, as PyTorch, TensorFlow (tf2onnx) and Keras write it. Operators
 * come from a table; what it lacks is told by one error before anything is computed.
 *
 * @example
 * ```ts
 * const model = readOnnx(await (await fetch('silero_vad.onnx')).arrayBuffer());
 * model.inputs; // [{ name: 'input', dtype: 'float32', shape: ['batch', 'sequence'] }, ...]
 * const { output } = model.run({ input, state, sr: 16000 });
 * ```
 * @param bytes - the file's content; nothing in it is executed, and no other file is opened
 * @param options - `backend`
 * @returns a module with `inputs`, `outputs` and `run`; its weights are parameters under the file's
 *   names
 * @throws FormatError when the bytes are not a model, or one that cannot be run here: with the code
 *   `ERR_ONNX_OPERATOR` the message lists every operator that is missing, with the names of its
 *   nodes
 *
 * Numbers: float16 and bfloat16 become float32, float64 stays where the backend has it, whole
 * numbers on a device are int32 (int64 on the host, where shapes and indices are computed), truth
 * values are 1 and 0.
 */
export function readOnnx(bytes: Uint8Array | ArrayBuffer, options: ReadOnnxOptions = {}): OnnxModule {
  checkReadOptions('readOnnx', options, ['backend']);
  const model = decodeModel(bytes);
  const { graph } = model;
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

/** What the file says of an input. */
export function infoOf(info: ValueInfoProto): OnnxValueInfo {
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
export function outputInfoOf(info: ValueInfoProto): OnnxValueInfo {
  return info.type === undefined ? { name: info.name, dtype: 'float32', shape: [] } : infoOf(info);
}

/** A model in and out of files, in an experiment's worker; `@rnn/io` is loaded when wanted. */
import type { Tensor } from '@rnn/core';
import type { HostArray, Module } from '@rnn/nn';

/** What a model can be downloaded as. */
export type ModelFormat = 'safetensors' | 'onnx' | 'module';

/** A file for the visitor. */
export interface ModelFile {
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer> | string;
}

/**
 * Where each gate of PyTorch's order stands in ONNX's, by how many gates a cell has: a plain cell's
 * one, a GRU's `r z n` of `z r n`, an LSTM's `i f g o` of `i o f g`.
 */
const gatesFromOnnx: Readonly<Record<number, readonly number[]>> = { 1: [0], 3: [1, 0, 2], 4: [0, 2, 3, 1] };

/**
 * Writes a model.
 *
 * @param examples - of forward's inputs, for the formats that hold the arithmetic too
 */
export async function writeModel(
  model: Module,
  name: string,
  format: ModelFormat,
  examples: readonly Tensor[],
): Promise<ModelFile> {
  const { exportModule, toHost, writeOnnx, writeSafetensors } = await import('@rnn/io');
  switch (format) {
    case 'safetensors':
      return { name: `${name}.safetensors`, content: copied(writeSafetensors(await toHost(model.stateDict()))) };
    case 'onnx':
      return { name: `${name}.onnx`, content: copied(writeOnnx(model, examples)) };
    case 'module':
      return { name: `${name}.mjs`, content: exportModule(model, examples).code };
  }
}

/**
 * Puts the weights of a file into a model.
 *
 * @param name - of the file: its end says what it is
 * @throws FormatError when the file is broken, StateDictError when its weights are of another model
 */
export async function loadModel(model: Module, name: string, bytes: Uint8Array): Promise<void> {
  const { decodePyTorch, decodeSafetensors, readOnnx } = await import('@rnn/io');
  if (/\.safetensors$/i.test(name)) model.loadStateDict(decodeSafetensors(bytes).tensors);
  else if (/\.(pt|pth|bin)$/i.test(name)) model.loadStateDict(decodePyTorch(bytes) as Record<string, HostArray>);
  else if (/\.onnx$/i.test(name)) model.loadStateDict(await fromOnnx(readOnnx(bytes)));
  else throw new Error(`${name} is no model: its name should end in .safetensors, .onnx or .pt.`);
}

/** The weights of a file that `writeOnnx` wrote, as PyTorch orders them. */
async function fromOnnx(onnx: Module): Promise<Record<string, HostArray>> {
  const found: Record<string, HostArray> = {};
  const parameters = new Map(onnx.namedParameters());
  for (const [name, parameter] of parameters) {
    const data = Float32Array.from(await parameter.data());
    const { shape } = parameter;
    const [, prefix, kind, layer] = /^(.*)(weight_ih|weight_hh|bias_ih)_l(\d+)$/.exec(name) ?? [];
    const recurrent = parameters.get(`${prefix}weight_hh_l${layer}`)?.shape;
    if (kind === undefined || recurrent === undefined) {
      found[name] = { shape, data };
      continue;
    }
    // Both biases stand in one, and every matrix in a list of directions.
    const order = gatesFromOnnx[recurrent[1] / recurrent[2]];
    const parts = kind === 'bias_ih' ? [name, name.replace('_ih_', '_hh_')] : [name];
    const size = data.length / parts.length;
    for (const [i, part] of parts.entries()) {
      found[part] = {
        shape: kind === 'bias_ih' ? [size] : shape.slice(1),
        data: reordered(data.subarray(i * size, (i + 1) * size), order),
      };
    }
  }
  return found;
}

function reordered(data: Float32Array, order: readonly number[]): Float32Array {
  const gate = data.length / order.length;
  const result = new Float32Array(data.length);
  for (const [place, from] of order.entries()) result.set(data.subarray(from * gate, (from + 1) * gate), place * gate);
  return result;
}

/** Bytes that may be handed to another thread. */
function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

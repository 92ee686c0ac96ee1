/** A model in and out of files, in an experiment's worker; `@rnn/io` is loaded when wanted. */
import type { Tensor } from '@rnn/core';
import type { HostArray, Module } from '@rnn/nn';
import { modelFiles as words } from '../texts/en/model-files.ts';

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
 * @throws what is wrong with the file and what to do, for a visitor; the model is as it was
 */
export async function loadModel(model: Module, name: string, bytes: Uint8Array): Promise<void> {
  const read = readers.find(({ names }) => names.test(name));
  if (read === undefined) throw new Error(words.otherName(name));
  if (bytes.length === 0) throw new Error(words.empty);
  let weights: Record<string, HostArray>;
  try {
    weights = await read.weights(bytes);
  } catch (cause) {
    throw new Error(words.unreadable(words.kinds[read.kind]), { cause });
  }
  const fault = misfit(model, weights);
  if (fault !== undefined) throw new Error(fault);
  model.loadStateDict(weights);
}

interface Reader {
  readonly kind: keyof typeof words.kinds;
  readonly names: RegExp;
  /** The weights of a file, as PyTorch names and orders them; `@rnn/io` comes when it is wanted. */
  weights(bytes: Uint8Array): Promise<Record<string, HostArray>>;
}

const readers: readonly Reader[] = [
  {
    kind: 'safetensors',
    names: /\.safetensors$/i,
    weights: async (bytes) => (await import('@rnn/io')).decodeSafetensors(bytes).tensors,
  },
  {
    kind: 'pt',
    names: /\.(pt|pth|bin)$/i,
    weights: async (bytes) => (await import('@rnn/io')).decodePyTorch(bytes) as Record<string, HostArray>,
  },
  {
    kind: 'onnx',
    names: /\.onnx$/i,
    weights: async (bytes) => fromOnnx((await import('@rnn/io')).readOnnx(bytes)),
  },
];

/** Why weights do not fit a model, for a visitor; undefined where they do. */
function misfit(model: Module, weights: Record<string, HostArray>): string | undefined {
  const own = Object.entries(model.stateDict());
  const lacks = own.flatMap(([name]) => (weights[name]?.shape === undefined ? [name] : []));
  const has = Object.keys(weights).filter((name) => own.every(([known]) => known !== name));
  if (lacks.length > 0 || has.length > 0) return words.otherNet(lacks, has);
  for (const [name, { shape }] of own) {
    const there = weights[name].shape;
    if (shape.join() !== there.join()) return words.otherSize(name, there, shape);
  }
  return undefined;
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

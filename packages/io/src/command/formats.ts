import { open, readFile } from 'node:fs/promises';
import { FormatError, sizeOf } from '@rnn/core';
import { writeAtomically } from '../files/atomic-write.js';
import { withFile } from '../files/file-error.js';
import { openSafetensors, saveHostTensors } from '../files/files.js';
import type { HostTensor } from '../host/host-tensor.js';
import { decodeModel } from '../onnx/decode-model.js';
import { typeName } from '../pytorch/names.js';
import { bitsFor, decodePyTorch, decodeWithTypes } from '../pytorch/read.js';
import { encodePyTorch } from '../pytorch/write.js';
import { apart } from './apart.js';
import type { Contents } from './contents.js';
import { contentsOf } from './onnx-contents.js';
import { weightsOf } from './onnx-weights.js';
import { readAll } from '../safetensors/open.js';
import type { WriteOptions } from '../safetensors/write.js';

/** A kind of file that the command knows. */
export interface Format {
  readonly name: string;
  /** Ends of the names of such files. */
  readonly extensions: readonly string[];
  /** Whether a file of which these are the first bytes is of this kind. */
  matches(start: Uint8Array): boolean;
  show(path: string): Promise<Contents>;
  read(path: string): Promise<{ tensors: Record<string, HostTensor>; metadata: Record<string, string> }>;
  /** Whether tensors alone make such a file. */
  readonly isWritten: boolean;
  /** Whether texts can stand beside the tensors that are written. */
  readonly keepsMetadata: boolean;
  /** Writes such a file; a kind that is only read says what to do. */
  write(path: string, tensors: Record<string, HostTensor>, options: WriteOptions): Promise<void>;
}

const safetensors: Format = {
  name: 'safetensors',
  extensions: ['.safetensors'],
  isWritten: true,
  keepsMetadata: true,
  matches: (start) => start[8] === 0x7b, // the brace that a header begins with, after its length
  async show(path) {
    const file = await openSafetensors(path);
    try {
      const tensors = file.names.map((name) => ({ name, ...file.info(name) }));
      return { format: 'safetensors', tensors, metadata: Object.entries(file.metadata) };
    } finally {
      await file.close();
    }
  },
  async read(path) {
    const file = await openSafetensors(path);
    try {
      return withPythonTwins(await readAll(file), file.metadata);
    } finally {
      await file.close();
    }
  },
  write: saveHostTensors,
};

/**
 * Gives second names of tied weights their tensors: Python's `save_model` leaves them out, and
 * notes among the metadata for each which name its values are under.
 */
function withPythonTwins(
  tensors: Record<string, HostTensor>,
  metadata: Readonly<Record<string, string>>,
): { tensors: Record<string, HostTensor>; metadata: Record<string, string> } {
  const isTwin = ([name, first]: [string, string]): boolean =>
    !Object.hasOwn(tensors, name) && Object.hasOwn(tensors, first);
  const notes = Object.entries(metadata);
  const twins = notes.filter(isTwin).map(([name, first]): [string, HostTensor] => [name, tensors[first]]);
  return {
    tensors: Object.fromEntries([...Object.entries(tensors), ...twins]),
    metadata: Object.fromEntries(notes.filter((note) => !isTwin(note))),
  };
}

const pytorch: Format = {
  name: 'PyTorch',
  extensions: ['.pt', '.pth'],
  isWritten: true,
  keepsMetadata: false,
  matches: ([a, b]) => (a === 0x50 && b === 0x4b) || (a === 0x80 && b === 2),
  async show(path) {
    const { tensors, values } = apart(decodeWithTypes(await readFile(path)));
    const listed = tensors.map(([name, { type, shape }]) => ({
      name,
      type: typeName(type),
      shape,
      bytes: (sizeOf(shape) * bitsFor(type)) / 8,
    }));
    return { format: 'PyTorch', tensors: listed, metadata: values };
  },
  async read(path) {
    const { tensors, values } = apart(decodePyTorch(await readFile(path)));
    return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(values) };
  },
  async write(path, tensors, { dtype }) {
    await withFile('convert', path, 'written', () => writeAtomically(path, [encodePyTorch(tensors, dtype)]));
  },
};

const onnx: Format = {
  name: 'ONNX',
  extensions: ['.onnx'],
  isWritten: false,
  keepsMetadata: false,
  matches: ([first]) => first === 0x08, // the tag of the version, which every writer puts first
  async show(path) {
    return contentsOf(decodeModel(await readFile(path)));
  },
  async read(path) {
    return { tensors: weightsOf(decodeModel(await readFile(path))), metadata: {} };
  },
  write() {
    throw new FormatError(
      'convert: weights alone are no ONNX model, which says what to compute; load them into a model and write that with writeOnnx',
    );
  },
};

/** Whether a name is that of an ES module. */
export function isModuleName(path: string): boolean {
  return /\.m?js$/.test(path);
}

const formats: readonly Format[] = [safetensors, pytorch, onnx];

/** The kind of a file by its first bytes, whatever it is called. */
export async function formatOf(path: string): Promise<Format> {
  const file = await open(path, 'r');
  const start = new Uint8Array(16);
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  const format =
    formats.find((each) => each.matches(start)) ??
    formats.find(({ extensions }) => extensions.some((extension) => path.endsWith(extension)));
  if (format !== undefined) return format;
  const found = isModuleName(path) ? 'it is an ES module, which is only written' : 'it is of no known kind';
  throw new FormatError(`${path}: ${found}, expected ${formats.map(({ name }) => name).join(' or ')}`);
}

/** The kind that a file is to have, by the end of its name. */
export function formatFor(path: string): Format {
  const format = formats.find(({ extensions }) => extensions.some((extension) => path.endsWith(extension)));
  if (format !== undefined) return format;
  const expected = [...formats.flatMap(({ extensions }) => extensions), '.mjs'].join(', ');
  throw new FormatError(`${path}: the name does not say which kind to write, expected one that ends in ${expected}`);
}

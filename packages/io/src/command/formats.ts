import { open, readFile } from 'node:fs/promises';
import { FormatError } from '@rnn/core';
import { openSafetensors, saveHostTensors } from '../files/files.js';
import type { HostTensor } from '../host/host-tensor.js';
import { decodePyTorch, type PyTorchValue } from '../pytorch/read.js';
import type { WriteOptions } from '../safetensors/write.js';

/** A tensor as a listing shows it. */
interface Listed {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** What is in a file, for a listing. */
export interface Contents {
  readonly format: string;
  readonly tensors: readonly Listed[];
  readonly metadata: readonly (readonly [key: string, value: string])[];
}

/** A kind of file that the command knows. */
export interface Format {
  readonly name: string;
  /** Ends of the names of such files. */
  readonly extensions: readonly string[];
  /** Whether a file of which these are the first bytes is of this kind. */
  matches(start: Uint8Array): boolean;
  show(path: string): Promise<Contents>;
  read(path: string): Promise<{ tensors: Record<string, HostTensor>; metadata: Record<string, string> }>;
  /** Writes such a file; a kind that is only read says what to do. */
  write(path: string, tensors: Record<string, HostTensor>, options: WriteOptions): Promise<void>;
}

const safetensors: Format = {
  name: 'safetensors',
  extensions: ['.safetensors'],
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
      const tensors: Record<string, HostTensor> = {};
      for (const name of file.names) tensors[name] = await file.read(name);
      return { tensors, metadata: { ...file.metadata } };
    } finally {
      await file.close();
    }
  },
  write: saveHostTensors,
};

const pytorch: Format = {
  name: 'PyTorch',
  extensions: ['.pt', '.pth'],
  matches: ([a, b]) => (a === 0x50 && b === 0x4b) || (a === 0x80 && b === 2),
  async show(path) {
    const { tensors, values } = apart(decodePyTorch(await readFile(path)));
    const listed = tensors.map(([name, { shape, data }]) => ({
      name,
      type: data.constructor.name.replace('Array', '').toLowerCase(),
      shape,
      bytes: data.byteLength,
    }));
    return { format: 'PyTorch', tensors: listed, metadata: values };
  },
  async read(path) {
    const { tensors, values } = apart(decodePyTorch(await readFile(path)));
    return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(values) };
  },
  write() {
    throw new FormatError(
      "convert: files of PyTorch are read and not written; write .safetensors, which Python's safetensors.torch.load_file reads",
    );
  },
};

const formats: readonly Format[] = [safetensors, pytorch];

/** The kind of a file by its first bytes, whatever it is called. */
export async function formatOf(path: string): Promise<Format> {
  const file = await open(path, 'r');
  const start = new Uint8Array(16);
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  const format = formats.find((each) => each.matches(start));
  if (format !== undefined) return format;
  throw new FormatError(`${path}: it is of no known kind, expected ${formats.map(({ name }) => name).join(' or ')}`);
}

/** The kind that a file is to have, by the end of its name. */
export function formatFor(path: string): Format {
  const format = formats.find(({ extensions }) => extensions.some((extension) => path.endsWith(extension)));
  if (format !== undefined) return format;
  const expected = formats.flatMap(({ extensions }) => extensions).join(', ');
  throw new FormatError(`${path}: the name does not say which kind to write, expected one that ends in ${expected}`);
}

/** The tensors in nested values by their paths, and what else there is, as texts. */
function apart(root: PyTorchValue<HostTensor>): {
  tensors: [name: string, tensor: HostTensor][];
  values: [name: string, value: string][];
} {
  const tensors: [string, HostTensor][] = [];
  const values: [string, string][] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
      values.push([path, typeof value === 'string' ? value : String(value)]);
    } else if (ArrayBuffer.isView((value as { data?: unknown }).data)) tensors.push([path, value as HostTensor]);
    else for (const [key, item] of Object.entries(value)) visit(item, path === '' ? key : `${path}.${key}`);
  };
  visit(root, '');
  return { tensors, values };
}

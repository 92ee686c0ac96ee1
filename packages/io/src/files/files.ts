import { open, readFile, type FileHandle } from 'node:fs/promises';
import { FormatError, getBackend, Tensor, type Backend } from '@rnn/core';
import { checkCount, checkOptions } from '@rnn/core/checks';
import type { StateDict } from '@rnn/nn';
import { restore, snapshot, type CheckpointParts } from '../checkpoint/checkpoint.js';
import { checkReadOptions } from '../host/given-bytes.js';
import { hold } from '../host/hold.js';
import { isTensor, type HostTensor, type ReadOptions, type TensorSource } from '../host/host-tensor.js';
import { readPyTorch } from '../pytorch/read.js';
import { encode } from '../safetensors/encode.js';
import { openSafetensors as openSource, readAll, type SafetensorsFile } from '../safetensors/open.js';
import type { Metadata } from '../safetensors/read.js';
import { checkTensors, checkWriteOptions, planSafetensors, type WriteOptions } from '../safetensors/write.js';
import { writeAtomically } from './atomic-write.js';
import { pathOf, safetensorsPath, withFile } from './file-error.js';

/**
 * Writes a model's weights, or any tensors, to a safetensors file: whole, or not at all. Tensors
 * are written one after another, so that beside them no more than one is in memory.
 *
 * @example
 * ```ts
 * await save('model.safetensors', model, { metadata: { trainedOn: 'waves' } });
 * ```
 * @param path - the file; what is there is replaced once the new one is complete
 * @param tensors - a module, or tensors by name
 * @param options - `metadata`, `dtype`; see `writeSafetensors`
 * @returns a promise that resolves when the file is on the disk
 * @throws FileError when it cannot be written; ArgumentError as `writeSafetensors` does, and for a
 *   name that is one of another kind of file
 */
export async function save(
  path: string | URL,
  tensors: Readonly<Record<string, TensorSource>> | Savable,
  options: WriteOptions = {},
): Promise<void> {
  const file = safetensorsPath('save', path);
  checkWriteOptions('save', options);
  checkTensors('save', tensors);
  const held = hold(() => ({ tensors: isModule(tensors) ? tensors.stateDict() : tensors }));
  try {
    await withFile('save', file, 'written', () => writeAtomically(file, bytesOf(held.tensors, options)));
  } finally {
    held.release();
  }
}

/** The same for numbers on the host, which need no backend. */
export async function saveHostTensors(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  options: WriteOptions,
): Promise<void> {
  await withFile('convert', path, 'written', () => writeAtomically(path, bytesOf(tensors, options)));
}

/** What has a state dict. */
interface Savable {
  stateDict(): StateDict;
}

function isModule(tensors: Readonly<Record<string, TensorSource>> | Savable): tensors is Savable {
  return typeof tensors.stateDict === 'function';
}

/**
 * Reads the tensors of a safetensors file, one after another, or of a `.pt` file of PyTorch.
 *
 * @example
 * ```ts
 * const { tensors, metadata } = await load('model.safetensors');
 * model.loadStateDict(tensors);
 * ```
 * @param path - the file
 * @param options - `backend` for the tensors; `dtype` for the floating ones
 * @returns a promise of tensors by name, and of the metadata
 * @throws FormatError when it is no such file; FileError when it cannot be read
 */
export async function load(
  path: string | URL,
  options: ReadOptions = {},
): Promise<{ tensors: StateDict; metadata: Metadata }> {
  const name = pathOf('load', path);
  checkReadOptions('load', options);
  return withFile('load', name, 'read', () => loaded(name, options));
}

async function loaded(path: string, options: ReadOptions): Promise<{ tensors: StateDict; metadata: Metadata }> {
  const file = await openSafetensorsOrNothing(path);
  if (file !== undefined) {
    try {
      return { tensors: await file.tensors(options), metadata: file.metadata };
    } finally {
      await file.close();
    }
  }
  const tensors = readPyTorch(await readFile(path), options);
  for (const [name, value] of Object.entries(tensors)) {
    if (value instanceof Tensor) continue;
    throw new FormatError(
      `load: '${name}' is no tensor, so the file is a checkpoint of PyTorch; readPyTorch gives what it holds`,
    );
  }
  return { tensors, metadata: {} };
}

/** A file that is to be closed after use. */
export type OpenSafetensorsFile = SafetensorsFile & { close(): Promise<void> };

/**
 * Opens a safetensors file without reading its tensors: for files larger than memory.
 *
 * @example
 * ```ts
 * const file = await openSafetensors('large.safetensors');
 * const weight = await file.tensor('lstm.weight_hh_l0');
 * await file.close();
 * ```
 * @param path - the file
 * @returns a promise of the file
 * @throws FormatError when the header is not one, or does not fit the file's size; FileError when
 *   the file cannot be read
 */
export async function openSafetensors(path: string | URL): Promise<OpenSafetensorsFile> {
  const name = pathOf('openSafetensors', path);
  return withFile('openSafetensors', name, 'read', () => openAt(name));
}

async function openAt(path: string): Promise<OpenSafetensorsFile> {
  return opened(await open(path, 'r'));
}

async function opened(handle: FileHandle): Promise<OpenSafetensorsFile> {
  try {
    const { size } = await handle.stat();
    const file = await openSource({
      size,
      read: (start, end) => readRange(handle, start, end),
      readInto: (bytes, start) => readInto(handle, bytes, start),
    });
    return Object.assign(file, { close: () => handle.close() });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Nothing for a file of PyTorch: a zip, or a pickle of the older form. */
async function openSafetensorsOrNothing(path: string): Promise<OpenSafetensorsFile | undefined> {
  const handle = await open(path, 'r');
  let isPyTorch = true;
  try {
    const start = String.fromCharCode(...(await readRange(handle, 0, 4)));
    isPyTorch = start === 'PK\x03\x04' || start === '\x80\x02\x8a\n';
  } finally {
    if (isPyTorch) await handle.close();
  }
  return isPyTorch ? undefined : opened(handle);
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  const read = await readInto(handle, bytes, start);
  return read === bytes.length ? bytes : bytes.slice(0, read);
}

/** Fills bytes from a place of a file on; gives how many there were. */
async function readInto(handle: FileHandle, bytes: Uint8Array, start: number): Promise<number> {
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await handle.read(bytes, read, bytes.length - read, start + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return read;
}

export interface SaveCheckpointOptions {
  /**
   * How many earlier checkpoints stay beside the newest one, as `name.1.safetensors`,
   * `name.2.safetensors`; none unless given.
   */
  readonly keep?: number;
}

/**
 * Writes all that a training needs to go on to one file: whole, or not at all. A full disk, a
 * killed process or a second writer leaves the file that was there as it was.
 *
 * @example
 * ```ts
 * await saveCheckpoint(
 *   'run/checkpoint.safetensors',
 *   { model, optimizer, schedule, random: defaultGenerator(), epoch: 3 },
 *   { keep: 2 },
 * );
 * ```
 * @param path - the file; its folder is there
 * @param parts - by name; see `writeCheckpoint`
 * @param options - `keep`
 * @returns a promise that resolves when the file is on the disk; the state is that at the call
 * @throws FileError when it cannot be written; ArgumentError as `writeCheckpoint` does
 */
export async function saveCheckpoint(
  path: string | URL,
  parts: CheckpointParts,
  options: SaveCheckpointOptions = {},
): Promise<void> {
  const file = safetensorsPath('saveCheckpoint', path);
  checkOptions('saveCheckpoint', options, ['keep']);
  const { keep = 0 } = options;
  checkCount('saveCheckpoint', 'keep', keep);
  const { tensors, options: how, release } = snapshot(parts);
  try {
    await withFile('saveCheckpoint', file, 'written', () => writeAtomically(file, bytesOf(tensors, how), keep));
  } finally {
    release();
  }
}

/**
 * Reads what `saveCheckpoint` wrote and gives the parts their states back: all of them or, on any
 * error, none.
 *
 * @example
 * ```ts
 * const { epoch } = await loadCheckpoint('run/checkpoint.safetensors', {
 *   model,
 *   optimizer,
 *   schedule,
 *   random: defaultGenerator(),
 * });
 * ```
 * @param path - the file
 * @param parts - what to load, by the names of the checkpoint; others are not touched
 * @param options - `backend` for the tensors among the values that are returned
 * @returns a promise of the plain values of all other parts
 * @throws FormatError when the file is no checkpoint or lacks one of the parts; and what the parts
 *   throw for a state that does not fit; FileError when it cannot be read
 */
export async function loadCheckpoint(
  path: string | URL,
  parts: CheckpointParts = {},
  options: { readonly backend?: Backend } = {},
): Promise<Record<string, unknown>> {
  const name = pathOf('loadCheckpoint', path);
  checkReadOptions('loadCheckpoint', options, ['backend']);
  const { backend = getBackend() } = options;
  const [tensors, metadata] = await withFile('loadCheckpoint', name, 'read', async () => {
    const file = await openAt(name);
    try {
      return [await readAll(file), file.metadata] as const;
    } finally {
      await file.close();
    }
  });
  return restore(tensors, metadata, parts, backend);
}

/** The bytes of a file, tensor by tensor. */
async function* bytesOf(
  tensors: Readonly<Record<string, TensorSource>>,
  options: WriteOptions,
): AsyncGenerator<Uint8Array> {
  const { head, pieces } = planSafetensors(tensors, options);
  yield head;
  for (const { source, type } of pieces) yield encode(isTensor(source) ? await source.data() : source.data, type);
}

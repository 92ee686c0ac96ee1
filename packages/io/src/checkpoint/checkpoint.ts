import { FormatError, getBackend, scope, type Backend, type TypedArray } from '@rnn/core';
import { checkReadOptions, givenBytes } from '../host/given-bytes.js';
import { hold } from '../host/hold.js';
import { toHost, upload, type HostTensor, type TensorSource } from '../host/host-tensor.js';
import { decoded } from '../safetensors/read.js';
import { writeSafetensors, type WriteOptions } from '../safetensors/write.js';
import { flatten, unflatten } from './tree.js';

/**
 * What keeps its state in a dict of plain values and tensors: a module, an optimiser, a schedule,
 * or a class of one's own.
 */
export interface Stateful {
  stateDict(): unknown;
  loadStateDict(state: never): unknown;
}

/** What keeps its state in plain values: a `Generator` of random numbers. */
export interface Resettable {
  state(): unknown;
  setState(state: never): unknown;
}

/**
 * The parts of a checkpoint by name: what has a state, and plain values with or without tensors in
 * them.
 */
export type CheckpointParts = Readonly<Record<string, unknown>>;

const NOTE = 'rnn.checkpoint';
const VERSION = 1;

/** A checkpoint that is about to be written. */
interface Snapshot {
  readonly tensors: Readonly<Record<string, TensorSource>>;
  readonly options: WriteOptions;
  readonly release: () => void;
}

/** Takes the state of all parts as it is now: what changes while it is written does not get in. */
export function snapshot(parts: CheckpointParts): Snapshot {
  const { value, tensors, release } = hold(() =>
    flatten(Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, stateOf(part)]))),
  );
  return {
    tensors,
    options: { metadata: { [NOTE]: JSON.stringify({ version: VERSION, value: value.json }) } },
    release,
  };
}

/**
 * The bytes of a checkpoint: a safetensors file with the tensors of all parts, each under its
 * part's name and its own (`model.rnn.weight_hh_l0`), and everything else in the metadata.
 * `saveCheckpoint` of `@rnn/io/node` writes the same to a path.
 *
 * @example
 * ```ts
 * const bytes = await writeCheckpoint({
 *   model,
 *   optimizer,
 *   schedule,
 *   random: defaultGenerator(),
 *   epoch: 3,
 * });
 * ```
 * @param parts - by name: what has `stateDict()` and `loadStateDict()`, or `state()` and
 *   `setState()`, or plain values, in which numbers may be NaN and infinite, and tensors, typed
 *   arrays, maps and sets may stand
 * @returns a promise of the bytes; the state is that at the call, and a training may go on before
 *   it resolves
 * @throws ArgumentError when a part is or holds something else, such as an object of a class
 */
export async function writeCheckpoint(parts: CheckpointParts): Promise<Uint8Array> {
  const { tensors, options, release } = snapshot(parts);
  try {
    return writeSafetensors(await toHost(tensors), options);
  } finally {
    release();
  }
}

/**
 * Reads a checkpoint and gives the parts their states back: all of them or, on any error, none.
 *
 * @example
 * ```ts
 * const { epoch } = readCheckpoint(bytes, {
 *   model,
 *   optimizer,
 *   schedule,
 *   random: defaultGenerator(),
 * });
 * ```
 * @param bytes - what `writeCheckpoint` made, or `saveCheckpoint` wrote
 * @param parts - what to load, by the names of the checkpoint; others are not touched
 * @param options - `backend` for the tensors among the values that are returned
 * @returns the plain values of all other parts
 * @throws FormatError when the bytes are no checkpoint, or lack one of the parts; and what the
 *   parts throw for a state that does not fit
 */
export function readCheckpoint(
  bytes: Uint8Array | ArrayBuffer,
  parts: CheckpointParts = {},
  options: { readonly backend?: Backend } = {},
): Record<string, unknown> {
  checkReadOptions('readCheckpoint', options, ['backend']);
  const { backend = getBackend() } = options;
  const { tensors, metadata } = decoded(givenBytes('readCheckpoint', bytes));
  return restore(tensors, metadata, parts, backend);
}

/** Gives the parts their states, out of what a file holds. */
export function restore(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>>,
  parts: CheckpointParts,
  backend: Backend,
): Record<string, unknown> {
  const saved = valueOf(metadata);
  const host = (name: string): HostTensor => {
    if (Object.hasOwn(tensors, name)) return tensors[name];
    throw new FormatError(`checkpoint: the tensor '${name}' is missing`);
  };
  const array = (name: string): TypedArray => host(name).data;
  for (const name of Object.keys(parts)) {
    if (Object.hasOwn(saved, name)) continue;
    throw new FormatError(`checkpoint: it has no '${name}', expected one of ${Object.keys(saved).join(', ')}`, {
      argument: 'parts',
      received: name,
    });
  }
  const states = Object.keys(parts).map((name): [part: unknown, state: unknown] => [
    parts[name],
    unflatten(saved[name], host, array),
  ]);
  const others = Object.entries(saved).filter(([name]) => !Object.hasOwn(parts, name));
  return scope(() => {
    // Everything is read before anything is loaded.
    const values = Object.fromEntries(
      others.map(([name, value]) => [name, unflatten(value, (tensor) => upload(host(tensor), backend), array)]),
    );
    loadAll(states);
    return values;
  });
}

function valueOf({ [NOTE]: note }: Readonly<Record<string, string>>): Record<string, unknown> {
  if (note === undefined) {
    throw new FormatError(
      'checkpoint: the file is no checkpoint, but safetensors of another kind; readSafetensors reads it',
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(note);
  } catch (cause) {
    throw new FormatError(`checkpoint: the metadata '${NOTE}' is not JSON`, { cause });
  }
  const { version, value } = (content ?? {}) as { version?: unknown; value?: unknown };
  if (version !== VERSION) {
    throw new FormatError(`checkpoint: it is of version ${String(version)}, expected ${VERSION}; update @rnn/io`);
  }
  if (typeof value !== 'object' || value === null) throw new FormatError('checkpoint: it holds no parts');
  return value as Record<string, unknown>;
}

/** Loads every part. If one refuses, those before it get back what they had. */
function loadAll(states: readonly (readonly [part: unknown, state: unknown])[]): void {
  const undo: (() => void)[] = [];
  scope(() => {
    try {
      for (const [part, state] of states) {
        const before = stateOf(part);
        loadInto(part, state);
        undo.unshift(() => loadInto(part, before));
      }
    } catch (error) {
      for (const back of undo) back();
      throw error;
    }
  });
}

function stateOf(part: unknown): unknown {
  if (isStateful(part)) return part.stateDict();
  return isResettable(part) ? part.state() : part;
}

function loadInto(part: unknown, state: unknown): void {
  if (isStateful(part)) part.loadStateDict(state as never);
  else if (isResettable(part)) part.setState(state as never);
  else {
    throw new FormatError(
      'checkpoint: a part to load has neither loadStateDict nor setState; plain values are returned',
    );
  }
}

function isStateful(part: unknown): part is Stateful {
  return typeof (part as Partial<Stateful> | null | undefined)?.stateDict === 'function';
}

function isResettable(part: unknown): part is Resettable {
  return typeof (part as Partial<Resettable> | null | undefined)?.setState === 'function';
}

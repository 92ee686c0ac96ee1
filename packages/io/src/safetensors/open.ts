import {
  ArgumentError,
  dtypeOf,
  fromParts,
  getBackend,
  hostArray,
  sizeOf,
  type Tensor,
  type TypedArray,
} from '@rnn/core';
import type { StateDict } from '@rnn/nn';
import { checkReadOptions } from '../host/given-bytes.js';
import { asFloat, type FloatType, type HostTensor, type ReadOptions } from '../host/host-tensor.js';
import { decode, isFloating, type ElementType } from './element-types.js';
import { dataStartOf, parseHeader, PREFIX, refuse, type Entry } from './header.js';
import type { Metadata } from './read.js';
import { withTwins } from './twins.js';

/**
 * Bytes that are read at once: whole elements of every type, since those of 6 bits fill three
 * bytes, and those of 64 bits eight.
 */
const PART = 3 * 2 ** 20;

/** Bytes that need not all be in memory: a file, or a part of one that a server sends. */
export interface ByteSource {
  readonly size: number;
  /** The bytes from `start` up to, but without, `end`; the caller may keep and change them. */
  read(start: number, end: number): Promise<Uint8Array>;
  /**
   * The same into bytes that are there, from `start` on; how many there were. With it a large
   * tensor is read through one buffer.
   */
  readInto?(bytes: Uint8Array, start: number): Promise<number>;
}

/** What a file says of a tensor before its numbers are read. */
export interface TensorInfo {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** How many bytes it takes in the file. */
  readonly bytes: number;
  /** The name that it has there: of names that are tied, only one is. */
  readonly storedAs: string;
}

/**
 * A file whose header was read and checked; each tensor is read when it is asked for.
 *
 * @example
 * ```ts
 * const bytes = encodeSafetensors({ weight: { shape: [2], data: Float32Array.of(1, 2) } });
 * const file = await openSafetensors(new Blob([bytes]));
 * file.names; // ['weight']
 * (await file.read('weight')).data; // [1, 2]
 * ```
 */
export class SafetensorsFile {
  readonly metadata: Metadata;
  /** Names of the tensors, in the header's order. */
  readonly names: readonly string[];
  readonly #source: ByteSource;
  readonly #dataStart: number;
  readonly #entries: Readonly<Record<string, Entry>>;

  /** @internal Use `openSafetensors`. */
  constructor(source: ByteSource, dataStart: number, entries: readonly Entry[], metadata: Metadata) {
    const { tensors, metadata: texts } = withTwins(
      Object.fromEntries(entries.map((entry) => [entry.name, entry])),
      metadata,
    );
    this.metadata = texts;
    this.names = Object.keys(tensors);
    this.#source = source;
    this.#dataStart = dataStart;
    this.#entries = tensors;
  }

  /**
   * What the header says of a tensor.
   *
   * @example
   * ```ts
   * const bytes = encodeSafetensors({ weight: { shape: [2], data: Float32Array.of(1, 2) } });
   * const file = await openSafetensors(new Blob([bytes]));
   * file.info('weight').bytes; // 8
   * ```
   * @param name - one of `names`
   * @throws ArgumentError when the file has no such tensor
   */
  info(name: string): TensorInfo {
    const { name: storedAs, type, shape, start, end } = this.#entry('info', name);
    return { type, shape, bytes: end - start, storedAs };
  }

  /**
   * Reads one tensor's numbers.
   *
   * @param name - one of `names`
   * @param options - `dtype` for a floating tensor
   * @returns a promise of `{ shape, data }`
   * @throws ArgumentError when the file has no such tensor; FormatError when it became shorter, or
   *   a whole number does not fit
   */
  async read(name: string, options: { readonly dtype?: FloatType } = {}): Promise<HostTensor> {
    checkReadOptions('read', options, ['dtype']);
    const entry = this.#entry('read', name);
    const parts = this.#parts(name, entry, options.dtype);
    const shape = shapeOf(entry);
    // One part is the tensor; more of them are put into an array of its size, so that beside it
    // there is never more than one.
    const { value: first } = await parts.next();
    const size = sizeOf(shape);
    if (first === undefined || first.length === size) return { shape, data: first ?? new Float32Array(0) };
    const data = hostArray(dtypeOf(first), size);
    data.set(first);
    let at = first.length;
    for await (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    return { shape, data };
  }

  /**
   * Reads one tensor; see `read`. A large one is read in parts, and where its backend takes them so
   * it is never in memory twice.
   *
   * @example
   * ```ts
   * const bytes = encodeSafetensors({ weight: { shape: [2], data: Float32Array.of(1, 2) } });
   * const file = await openSafetensors(new Blob([bytes]));
   * (await file.tensor('weight')).toArray(); // [1, 2]
   * ```
   * @param name - one of `names`
   * @param options - `backend`, and `dtype` for a floating tensor
   * @returns a promise of the tensor
   */
  async tensor(name: string, options: ReadOptions = {}): Promise<Tensor> {
    checkReadOptions('tensor', options);
    const { backend = getBackend(), dtype } = options;
    const entry = this.#entry('tensor', name);
    const isDouble = dtype === 'float64' || (dtype === undefined && entry.type === 'F64');
    const isReal = isFloating(entry.type);
    const type = !isReal ? 'int32' : isDouble && backend.info.dtypes.includes('float64') ? 'float64' : 'float32';
    const parts = this.#parts(name, entry, isReal ? (type as FloatType) : undefined);
    return fromParts(parts, shapeOf(entry), { dtype: type, backend });
  }

  /** The numbers of a tensor, some at a time. */
  async *#parts(name: string, entry: Entry, dtype: FloatType | undefined): AsyncGenerator<TypedArray, undefined> {
    const { name: first, type, start, end } = entry;
    let shared: ArrayBuffer | undefined;
    for (let at = start; at < end || at === start; at += PART) {
      const until = Math.min(end, at + PART);
      if (shared?.byteLength !== until - at) shared = undefined;
      const { buffer, length } = await this.#bytes(this.#dataStart + at, this.#dataStart + until, shared);
      if (length !== until - at) {
        refuse(`tensor '${name}' is cut off: ${at - start + length} of ${end - start} bytes`);
      }
      shared = buffer;
      const data = decode(`safetensors: tensor '${first}'`, type, buffer);
      yield asFloat({ shape: [data.length], data }, dtype).data;
    }
    return undefined;
  }

  /** Bytes in a buffer of their own length, the given one where the source can fill it. */
  async #bytes(
    start: number,
    end: number,
    given: ArrayBuffer | undefined,
  ): Promise<{ readonly buffer: ArrayBuffer; readonly length: number }> {
    const source = this.#source;
    if (source.readInto !== undefined) {
      const buffer = given ?? new ArrayBuffer(end - start);
      return { buffer, length: await source.readInto(new Uint8Array(buffer), start) };
    }
    const bytes = await source.read(start, end);
    const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
    const { buffer } = isWhole ? bytes : new Uint8Array(bytes);
    return { buffer: buffer as ArrayBuffer, length: bytes.length };
  }

  /**
   * Reads all tensors, one after another: beside them never more than one's numbers are in memory.
   *
   * @example
   * ```ts
   * const bytes = encodeSafetensors({ weight: { shape: [2], data: Float32Array.of(1, 2) } });
   * const file = await openSafetensors(new Blob([bytes]));
   * Object.keys(await file.tensors()); // ['weight']
   * ```
   * @param options - `backend`, and `dtype` for the floating tensors
   * @returns a promise of tensors by name
   */
  async tensors(options: ReadOptions = {}): Promise<StateDict> {
    checkReadOptions('tensors', options);
    const made = new Map<Entry, Tensor>();
    const entries: [string, Tensor][] = [];
    for (const name of this.names) {
      const entry = this.#entry('tensors', name);
      let tensor = made.get(entry);
      if (tensor === undefined) made.set(entry, (tensor = await this.tensor(name, options)));
      entries.push([name, tensor]);
    }
    return Object.fromEntries(entries);
  }

  #entry(method: string, name: string): Entry {
    if (Object.hasOwn(this.#entries, name)) return this.#entries[name];
    throw new ArgumentError(
      `${method}: the file has no tensor '${name}', expected one of ${this.names.slice(0, 20).join(', ') || '(none)'}`,
      { argument: 'name', received: name },
    );
  }
}

/**
 * Opens a safetensors file without reading its tensors: for files larger than memory.
 * `@rnn/io/node` has the same for a path.
 *
 * @example
 * ```ts
 * const file = await openSafetensors(input.files[0]);   // of an <input type="file">
 * console.log(file.names);
 * const weight = await file.tensor('lstm.weight_hh_l0');
 * ```
 * @param source - a `Blob` or `File`, or an object with `size` and `read(start, end)`
 * @returns a promise of the file
 * @throws FormatError when the header is not one, or does not fit the file's size
 */
export async function openSafetensors(source: Blob | ByteSource): Promise<SafetensorsFile> {
  const bytes = 'read' in source ? source : blobSource(source);
  const dataStart = dataStartOf(await bytes.read(0, Math.min(PREFIX, bytes.size)), bytes.size);
  const { metadata, entries } = parseHeader(await bytes.read(PREFIX, dataStart), bytes.size - dataStart);
  return new SafetensorsFile(bytes, dataStart, entries, metadata);
}

/** The shape of a tensor here: complex numbers have a dimension of two. */
function shapeOf({ type, shape }: Entry): readonly number[] {
  return type === 'C64' ? [...shape, 2] : shape;
}

/** All numbers of a file, tensor by tensor; names that are tied there have one value here. */
export async function readAll(file: SafetensorsFile): Promise<Record<string, HostTensor>> {
  const read = new Map<string, HostTensor>();
  const entries: [string, HostTensor][] = [];
  for (const name of file.names) {
    const { storedAs } = file.info(name);
    let host = read.get(storedAs);
    if (host === undefined) read.set(storedAs, (host = await file.read(storedAs)));
    entries.push([name, host]);
  }
  return Object.fromEntries(entries);
}

function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  };
}

import { BackendError, MemoryLimitError } from '@rnn/core';
import type { DType, MemoryUse, Storage, TypedArray } from '@rnn/core';
import { FreeLists, HEADER } from './free-lists.js';
import { HEAP } from './layout.js';

/** Bytes of a page of linear memory. */
export const PAGE = 65_536;
/** The largest memory that 32-bit addresses reach. */
export const LARGEST: number = 65_536 * PAGE;

/** So many elements are written one by one in less time than a call into the engine takes. */
export const BY_HAND = 64;
/** An array of so many elements lies in the engine's own heap, where it is made in a moment. */
const ON_HEAP = 16;

/**
 * How matrices are packed: some of one storage, `apart` bytes from each other, as factors `[k, n]`
 * of products.
 */
export interface PackedForm {
  readonly count: number;
  readonly apart: number;
  readonly k: number;
  readonly n: number;
  /** Bytes from one of the k rows to the next, and from column to column. */
  readonly row: number;
  readonly column: number;
}

/** Packed factors, one after another. */
export interface Packed {
  readonly at: number;
  readonly form: PackedForm;
}

/** A storage is a place in linear memory, until it is released. */
export class WasmStorage implements Storage {
  readonly dtype: DType;
  readonly size: number;
  /** Address of the first element; 0 after the release. */
  at: number;
  /**
   * The elements as factors of matrix products, in the order in which the kernels read them: one
   * for each way they are used.
   */
  packed: Packed[] | undefined;

  constructor(dtype: DType, size: number, at: number) {
    this.packed = undefined;
    this.dtype = dtype;
    this.size = size;
    this.at = at;
  }
}

/**
 * Linear memory: live storages, blocks for other purposes, growth. Only the thread that made it
 * takes and gives.
 */
export class Memory {
  readonly memory: WebAssembly.Memory;
  /** Bytes that it may grow to. */
  readonly limit: number;
  /** Whether other threads see it too. */
  readonly isShared: boolean;
  /** The whole memory as numbers; new arrays after a growth. */
  f32!: Float32Array;
  i32!: Int32Array;
  u8!: Uint8Array;
  private readonly blocks: FreeLists;
  private live = 0;
  private liveBytes = 0;
  private disposed = false;
  /**
   * Bytes of the memory before its first growth since the event loop turned; `undefined` if it has
   * not grown since.
   */
  private bytesAtTurn: number | undefined;

  /**
   * @param memory - linear memory that nobody else allocates from
   * @param limit - bytes that it may grow to
   */
  constructor(memory: WebAssembly.Memory, limit: number) {
    this.memory = memory;
    this.isShared = typeof SharedArrayBuffer === 'function' && memory.buffer instanceof SharedArrayBuffer;
    this.limit = limit;
    this.blocks = new FreeLists(this.look(memory.buffer), HEAP);
  }

  /** A new storage with any values in it: whoever asks for it writes every element. */
  allocate(dtype: DType, size: number): WasmStorage {
    const storage = new WasmStorage(dtype, size, this.take(size * 4));
    this.live++;
    this.liveBytes += size * 4;
    return storage;
  }

  /** The address of a live storage. */
  addressOf(storage: Storage): number {
    if (this.disposed) refuseDisposed();
    if (!(storage instanceof WasmStorage)) {
      throw new BackendError(
        'wasm: received a storage of another backend; move the tensor here with .to(backend). If you did not call the backend yourself, please report this',
      );
    }
    if (storage.at === 0) throw released(storage);
    return storage.at;
  }

  /** A copy of a live storage's elements. */
  copyOf(storage: Storage): TypedArray {
    const first = this.addressOf(storage) >>> 2;
    const all = storage.dtype === 'int32' ? this.i32 : this.f32;
    const { size } = storage;
    if (size > ON_HEAP) return all.slice(first, first + size);
    const copy = storage.dtype === 'int32' ? new Int32Array(size) : new Float32Array(size);
    for (let i = 0; i < size; i++) copy[i] = all[first + i];
    return copy;
  }

  /** Writes one value into all elements. */
  fill({ at, dtype, size }: WasmStorage, value: number): void {
    const first = at >>> 2;
    const all = dtype === 'int32' ? this.i32 : this.f32;
    if (size > BY_HAND) all.fill(value, first, first + size);
    else for (let i = first; i < first + size; i++) all[i] = value;
  }

  release(storage: Storage): void {
    // A tensor may well outlive its backend, and a finalizer may not throw: what was freed with
    // everything else is free.
    if (this.disposed) return;
    const at = this.addressOf(storage);
    const own = storage as WasmStorage;
    own.at = 0;
    this.live--;
    this.liveBytes -= storage.size * 4;
    this.give(at);
    if (own.packed === undefined) return;
    for (const packed of own.packed) this.give(packed.at);
    own.packed = undefined;
  }

  use(): MemoryUse {
    if (this.disposed) refuseDisposed();
    return { storages: this.live, bytes: this.liveBytes };
  }

  dispose(): void {
    this.disposed = true;
    this.look(new ArrayBuffer(0));
  }

  /** A block of at least so many bytes, at a multiple of 16. */
  take(bytes: number): number {
    if (this.disposed) refuseDisposed();
    const need = Math.max(((bytes + 15) & ~15) >>> 0, bytes > 0xffff_ffe0 ? Infinity : 16) + HEADER;
    if (need > this.limit) throw this.refused(bytes);
    let block = this.blocks.take(need);
    if (block === undefined) {
      this.grow(need);
      block = this.blocks.take(need) as number;
    }
    return block + HEADER;
  }

  /** Gives back a block that `take` gave. */
  give(address: number): void {
    this.blocks.give(address - HEADER);
  }

  /** Sets the views. */
  private look(buffer: ArrayBufferLike): Uint32Array {
    this.f32 = new Float32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    return new Uint32Array(buffer);
  }

  /**
   * Grows the memory so that a block of `need` bytes fits; by a quarter at least, so that growing
   * stays rare.
   */
  private grow(need: number): void {
    const bytes = this.memory.buffer.byteLength;
    const least = Math.ceil(need / PAGE);
    const pages = Math.min(Math.max(least, Math.ceil(bytes / 4 / PAGE)), Math.floor((this.limit - bytes) / PAGE));
    if (pages < least || !(this.tryGrow(pages) || (pages > least && this.tryGrow(least))))
      throw this.refused(need - HEADER);
    this.noteGrowth(bytes);
    this.blocks.extend(this.look(this.memory.buffer));
  }

  /**
   * Remembers that the memory grew until the event loop turns: before it does, no tensor is
   * collected.
   */
  private noteGrowth(before: number): void {
    if (this.bytesAtTurn !== undefined) return;
    this.bytesAtTurn = before;
    setTimeout(() => (this.bytesAtTurn = undefined), 0);
  }

  private tryGrow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch (error) {
      // The engine says so when it has no more memory; anything else is not expected here.
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  private refused(bytes: number): MemoryLimitError {
    const total = this.memory.buffer.byteLength;
    // The collector's callbacks come between turns of the event loop, whatever the program no
    // longer reaches.
    const unturned =
      this.bytesAtTurn === undefined
        ? ''
        : `The event loop has not turned since the memory had ${this.bytesAtTurn} bytes, and until it does no tensor is freed that merely is not held any more: run each step in scope(() => ...), or await in the loop. Else free `;
    return new MemoryLimitError(
      `wasm: ${bytes} bytes more are needed; ${this.live} storages hold ${this.liveBytes} bytes, the memory has ${total} of at most ${this.limit} bytes. ` +
        `${unturned === '' ? 'Free ' : unturned}tensors (scope, dispose), take smaller batches or shorter sequences, or raise maxBytes`,
      { argument: 'maxBytes', expected: `at most ${this.limit} bytes`, received: `${total} and ${bytes} more` },
    );
  }
}

function refuseDisposed(): never {
  throw new BackendError('wasm: this backend was disposed of, and its tensors with it; make a new one with wasm()');
}

function released({ dtype, size }: Storage): BackendError {
  return new BackendError(
    `wasm: a ${dtype} storage of ${size} elements was used after its release. Tensors never do that: it is a mistake in the code that called the backend`,
  );
}

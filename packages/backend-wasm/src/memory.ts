import { BackendError, MemoryLimitError } from '@rnn/core';
import type { DType, MemoryUse, Storage, TypedArray } from '@rnn/core';
import { HEAP } from './layout.js';

/** Bytes of a page of linear memory. */
const PAGE = 65_536;
/** The largest memory that 32-bit addresses reach. */
export const LARGEST: number = 65_536 * PAGE;

/** In front of every block: its size (bit 0: in use), where the block before it begins, and the neighbours in its free list. */
const HEADER = 16;
const SIZE = 0;
const BEFORE = 1;
const NEXT = 2;
const PREVIOUS = 3;
/** What is left of a block is a block of its own from this size on. */
const SPLIT = 48;
/** Free lists for each doubling of the size. */
const FINE = 8;
const FINE_BITS = 3;

/** A packed factor. */
export interface Packed {
  readonly at: number;
  /** Rows of the matrix as it is stored. */
  readonly rows: number;
  readonly transposed: boolean;
}

/** A storage is a place in linear memory, until it is released. */
export class WasmStorage implements Storage {
  readonly dtype: DType;
  readonly size: number;
  /** Address of the first element; 0 after the release. */
  at: number;
  /** The elements as factors of matrix products, in the order in which the kernels read them: one for each way they are used. */
  packed: Packed[] | undefined = undefined;

  constructor(dtype: DType, size: number, at: number) {
    this.dtype = dtype;
    this.size = size;
    this.at = at;
  }
}

/**
 * Linear memory: live storages and the allocator.
 *
 * The allocator is a two-level segregated fit: free blocks hang in lists by size, eight for each doubling, and two bit maps find the first list
 * with a block that is large enough, so that taking and giving back take the same short time at any size of the heap. A block
 * that is given back joins its free neighbours at once: sequences of ever changing lengths do not fragment the heap. Every
 * block carries its header in front of it, in linear memory itself.
 */
export class Memory {
  readonly memory: WebAssembly.Memory;
  /** The whole memory as numbers; new arrays after a growth. */
  f32: Float32Array;
  i32: Int32Array;
  u8: Uint8Array;
  private words: Uint32Array;
  private readonly limit: number;
  private readonly heads: Int32Array = new Int32Array(33 * FINE);
  private readonly fineMaps: Int32Array = new Int32Array(33);
  private coarseMap = 0;
  /** The last block's end: a header of size 0 that is in use. */
  private end: number;
  private live = 0;
  private liveBytes = 0;
  private disposed = false;

  /**
   * @param memory - linear memory that nobody else allocates from
   * @param limit - bytes that it may grow to
   */
  constructor(memory: WebAssembly.Memory, limit: number) {
    this.memory = memory;
    this.limit = limit;
    this.f32 = new Float32Array(memory.buffer);
    this.i32 = new Int32Array(memory.buffer);
    this.u8 = new Uint8Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.end = HEAP;
    this.words[HEAP >>> 2] = 1;
    this.words[(HEAP >>> 2) + BEFORE] = 0;
    this.append(memory.buffer.byteLength);
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
    this.refuseDisposed();
    if (!(storage instanceof WasmStorage)) {
      throw new BackendError(
        'wasm: received a storage of another backend; move the tensor here with .to(backend). If you did not call the backend yourself, please report this',
      );
    }
    if (storage.at === 0) throw released(storage);
    return storage.at;
  }

  /** A live storage's own elements; valid until the next allocation. */
  view(storage: Storage): TypedArray {
    const first = this.addressOf(storage) >>> 2;
    const all = storage.dtype === 'int32' ? this.i32 : this.f32;
    return all.subarray(first, first + storage.size);
  }

  release(storage: Storage): void {
    // A tensor may well outlive its backend, and a finalizer may not throw: what was freed with everything else is free.
    if (this.disposed) return;
    const at = this.addressOf(storage);
    const own = storage as WasmStorage;
    own.at = 0;
    this.live--;
    this.liveBytes -= storage.size * 4;
    this.give(at);
    for (const packed of own.packed ?? []) this.give(packed.at);
    own.packed = undefined;
  }

  use(): MemoryUse {
    this.refuseDisposed();
    return { storages: this.live, bytes: this.liveBytes };
  }

  dispose(): void {
    this.disposed = true;
    this.f32 = new Float32Array(0);
    this.i32 = new Int32Array(0);
    this.u8 = new Uint8Array(0);
    this.words = new Uint32Array(0);
  }

  /** A block of at least so many bytes, at a multiple of 16. */
  take(bytes: number): number {
    this.refuseDisposed();
    const need = Math.max(((bytes + 15) & ~15) >>> 0, bytes > 0xffff_ffe0 ? Infinity : 16) + HEADER;
    let list = need > this.limit ? -1 : this.search(need);
    if (list < 0) {
      if (need > this.limit) throw this.refused(bytes);
      this.grow(need);
      list = this.search(need);
    }
    const block = this.heads[list] >>> 0;
    this.unlink(block, list);
    const { words } = this;
    const at = block >>> 2;
    const size = words[at + SIZE];
    const rest = size - need;
    if (rest >= SPLIT) {
      words[at + SIZE] = need + 1;
      const tail = block + need;
      words[(tail >>> 2) + BEFORE] = block;
      words[((block + size) >>> 2) + BEFORE] = tail;
      this.link(tail, rest);
    } else words[at + SIZE] = size + 1;
    return block + HEADER;
  }

  /** Gives back a block that `take` gave. */
  give(address: number): void {
    const { words } = this;
    let block = address - HEADER;
    let size = words[block >>> 2] - 1;
    const next = block + size;
    const nextSize = words[next >>> 2];
    if ((nextSize & 1) === 0) {
      this.unlink(next, listOf(nextSize));
      size += nextSize;
    }
    const before = words[(block >>> 2) + BEFORE];
    if (before !== 0) {
      const beforeSize = words[before >>> 2];
      if ((beforeSize & 1) === 0) {
        this.unlink(before, listOf(beforeSize));
        size += beforeSize;
        block = before;
      }
    }
    words[((block + size) >>> 2) + BEFORE] = block;
    this.link(block, size);
  }

  /** The first list all of whose blocks have at least `size` bytes and which is not empty; -1 if there is none. */
  private search(size: number): number {
    // Rounded up to the next class, so that any block in the list will do.
    const coarse = 31 - Math.clz32(size);
    const list = listOf(size + 2 ** (coarse - FINE_BITS) - 1);
    let row = list >>> FINE_BITS;
    const fine = this.fineMaps[row] & (-1 << (list & (FINE - 1)));
    if (fine !== 0) return (row << FINE_BITS) | lowest(fine);
    const rows = row >= 31 ? 0 : this.coarseMap & (-1 << (row + 1));
    if (rows === 0) return -1;
    row = lowest(rows);
    return (row << FINE_BITS) | lowest(this.fineMaps[row]);
  }

  private link(block: number, size: number): void {
    const { words, heads } = this;
    const list = listOf(size);
    const head = heads[list] >>> 0;
    const at = block >>> 2;
    words[at + SIZE] = size;
    words[at + NEXT] = head;
    words[at + PREVIOUS] = 0;
    if (head !== 0) words[(head >>> 2) + PREVIOUS] = block;
    heads[list] = block;
    this.fineMaps[list >>> FINE_BITS] |= 1 << (list & (FINE - 1));
    this.coarseMap |= 1 << (list >>> FINE_BITS);
  }

  private unlink(block: number, list: number): void {
    const { words, heads } = this;
    const next = words[(block >>> 2) + NEXT];
    const previous = words[(block >>> 2) + PREVIOUS];
    if (next !== 0) words[(next >>> 2) + PREVIOUS] = previous;
    if (previous !== 0) {
      words[(previous >>> 2) + NEXT] = next;
      return;
    }
    heads[list] = next;
    if (next !== 0) return;
    const row = list >>> FINE_BITS;
    this.fineMaps[row] &= ~(1 << (list & (FINE - 1)));
    if (this.fineMaps[row] === 0) this.coarseMap &= ~(1 << row);
  }

  /** Grows the memory so that a block of `need` bytes fits; by a quarter at least, so that growing stays rare. */
  private grow(need: number): void {
    const bytes = this.memory.buffer.byteLength;
    const least = Math.ceil((need * (1 + 1 / FINE) + HEADER) / PAGE);
    const pages = Math.min(Math.max(least, Math.ceil(bytes / 4 / PAGE)), Math.floor((this.limit - bytes) / PAGE));
    if (pages < least || !(this.tryGrow(pages) || (pages > least && this.tryGrow(least))))
      throw this.refused(need - HEADER);
    this.f32 = new Float32Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
    this.u8 = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.append(this.memory.buffer.byteLength);
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
    return new MemoryLimitError(
      `wasm: ${bytes} bytes more are needed; ${this.live} storages hold ${this.liveBytes} bytes, the memory has ${total} of at most ${this.limit} bytes. ` +
        'Free tensors (scope, dispose), take smaller batches or shorter sequences, or raise maxBytes',
      { argument: 'maxBytes', expected: `at most ${this.limit} bytes`, received: `${total} and ${bytes} more` },
    );
  }

  /** Makes a block of the memory between the last block and the new end. */
  private append(bytes: number): void {
    // The highest header has to lie below 2^32.
    const end = bytes - HEADER;
    const block = this.end;
    const { words } = this;
    const before = words[(block >>> 2) + BEFORE];
    words[block >>> 2] = end - block + 1;
    words[(block >>> 2) + BEFORE] = before;
    words[end >>> 2] = 1;
    words[(end >>> 2) + BEFORE] = block;
    this.end = end;
    this.give(block + HEADER);
  }

  private refuseDisposed(): void {
    if (this.disposed) {
      throw new BackendError('wasm: this backend was disposed of, and its tensors with it; make a new one with wasm()');
    }
  }
}

/** The free list of blocks of a size. */
function listOf(size: number): number {
  const coarse = 31 - Math.clz32(size);
  return (coarse << FINE_BITS) | ((size >>> (coarse - FINE_BITS)) & (FINE - 1));
}

/** Position of the lowest bit. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function released({ dtype, size }: Storage): BackendError {
  return new BackendError(
    `wasm: a ${dtype} storage of ${size} elements was used after its release. Tensors never do that: it is a mistake in the code that called the backend`,
  );
}

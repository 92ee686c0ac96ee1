/** Talks to an engine through a block of memory that both sides see. */
import { BackendError } from '@rnn/core';
import type { DType, MemoryLimitError, TypedArray } from '@rnn/core';
import { loadBinding, type Engine } from './binding.js';

/** Words of the block: enough for the arguments of any program that comes up. */
const WORDS = 8192;
/**
 * Up to so many bytes go through the block itself, where a call with an array would take longer
 * than the copy.
 */
export const SMALL = 8192;
/** Storages that wait to be released at the next call: as in `engine.rs`. */
const RELEASES = 128;
/** A storage of so many bytes does not wait. */
const LARGE = 2 ** 16;
/** Where such values begin, in words: as in `Engine::room`. */
const ROOM = 16;

/** What the first word says after a call: as in `engine.rs`. */
const DONE = 0;
const GREW = 1;
const FULL = 2;

/** The numbers of element types: as in `operations.rs`. */
export const DTYPES: Readonly<Record<DType, number>> = { float32: 0, float64: 1, int32: 2 };

/** Numbers of names, by their places in a list with spaces in between. */
export function numbersOf(list: string): Readonly<Record<string, number>> {
  return Object.fromEntries(list.split(' ').map((name, i) => [name, i]));
}

/** What went wrong in an engine; the backend makes a message of it. */
export interface Shortage {
  readonly needed: number;
  readonly reserved: number;
}

/** How to open an engine. */
export interface EngineSettings {
  readonly threads: number;
  /** By its place in the binding's list. */
  readonly registers: number;
  readonly strict: boolean;
  readonly limit: number;
}

/**
 * Words are written by `begin` and `put`, then `call` runs the operation, and `at` reads what it
 * answers. Nothing is allocated.
 */
export class Channel {
  readonly words: Float64Array;
  private readonly bytes: Uint8Array;
  private readonly views: { readonly [dtype in DType]: TypedArray };
  private readonly engine: Engine;
  private readonly describe: (shortage: Shortage) => MemoryLimitError;
  private next = 0;
  /** Whether the engine is gone; nothing can be asked of it. */
  closed = false;
  /** Called when the engine took more memory from the system. */
  onGrowth: () => void = () => {};

  constructor(
    { threads, registers, strict, limit }: EngineSettings,
    describe: (shortage: Shortage) => MemoryLimitError,
  ) {
    const buffer = new ArrayBuffer((WORDS + 1 + 2 * RELEASES) * 8);
    this.words = new Float64Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.views = {
      float32: new Float32Array(buffer, ROOM * 8, SMALL / 4),
      float64: new Float64Array(buffer, ROOM * 8, SMALL / 8),
      int32: new Int32Array(buffer, ROOM * 8, SMALL / 4),
    };
    this.describe = describe;
    this.engine = loadBinding().open(buffer, threads, registers, Number(strict), limit);
  }

  /** Names the operation that comes next. */
  begin(operation: number): void {
    this.words[0] = operation;
    this.next = 1;
  }

  /** Adds an argument. */
  put(word: number): void {
    this.words[this.next++] = word;
  }

  /** Whether so many arguments have room. */
  hasRoomFor(count: number): boolean {
    return count + ROOM < WORDS;
  }

  /** Runs the operation. */
  call(): void {
    this.engine.call();
    if (this.words[0] !== DONE) this.attend();
  }

  /** Runs it with an array to read or to fill. */
  callWith(array: ArrayBufferView): void {
    this.engine.callWith(array);
    if (this.words[0] !== DONE) this.attend();
  }

  /**
   * Releases a storage at the next call: a call for each would be a good part of a small program's
   * time.
   *
   * @param flush - the operation that does nothing else
   */
  release(flush: number, at: number, bytes: number): void {
    const { words } = this;
    const waiting = words[WORDS];
    words[WORDS + 1 + 2 * waiting] = at;
    words[WORDS + 2 + 2 * waiting] = bytes;
    words[WORDS] = waiting + 1;
    if (waiting + 1 < RELEASES && bytes < LARGE) return;
    this.begin(flush);
    this.call();
  }

  /** Small values beside the arguments. */
  room(dtype: DType): TypedArray {
    return this.views[dtype];
  }

  close(): void {
    if (!this.closed) this.engine.close();
    this.closed = true;
  }

  private attend(): void {
    const [kind, first, second] = this.words;
    if (kind === GREW) this.onGrowth();
    else if (kind === FULL) throw this.describe({ needed: first, reserved: second });
    else {
      const text = new TextDecoder().decode(this.bytes.subarray(16, 16 + first));
      throw new BackendError(`native: ${text}. This is a mistake in the library; please report it`);
    }
  }
}

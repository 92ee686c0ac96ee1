import { FormatError } from '@rnn/core';

/**
 * A name that a pickle refers to, such as `collections.OrderedDict`. It stands for itself: nothing
 * is looked up by it.
 */
export class Global {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a call makes that only the caller of `unpickle` understands. */
export interface Meanings {
  /**
   * What a function or class of this name gives for these arguments. Throws for names that it does
   * not know.
   */
  call(name: string, args: readonly unknown[]): unknown;
  /** What is stored outside of the pickle. */
  persistent(id: unknown): unknown;
}

/** Values that refer to one another more deeply than this are no model. */
const MOST_MEMOS = 10_000_000;

export function refuse(what: string, cause?: unknown): never {
  throw new FormatError(`PyTorch file: ${what}`, { cause });
}

const mark = Symbol('mark');

/**
 * Reads a pickle, as data: dicts become maps, lists and tuples arrays, sets sets, and every call
 * goes to `meanings`. A class that the file names is never made.
 *
 * @param bytes - a file
 * @param start - where in it the pickle begins
 * @param meanings - what names mean
 * @returns the value, and where the pickle ends
 * @throws FormatError when the pickle is cut off, is not well formed, or wants something that is
 *   not data
 */
export function unpickle(bytes: Uint8Array, start: number, meanings: Meanings): { value: unknown; end: number } {
  return new Unpickler(bytes, start, meanings).run();
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #meanings: Meanings;
  readonly #memo = new Map<number, unknown>();
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #stack: unknown[] = [];
  #at: number;

  constructor(bytes: Uint8Array, start: number, meanings: Meanings) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#meanings = meanings;
    this.#at = start;
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const at = this.#at;
      const code = this.#bytes[this.#take(1)];
      if (code === 0x2e) return { value: this.#pop(), end: this.#at };
      this.#step(code, at);
    }
  }

  #step(code: number, at: number): void {
    const push = (value: unknown): void => void this.#stack.push(value);
    switch (code) {
      case 0x80: // PROTO
        return this.#checkProtocol(this.#bytes[this.#take(1)]);
      case 0x95: // FRAME
        return void this.#take(8);
      case 0x28: // MARK
        return push(mark);
      case 0x30: // POP
        return void this.#pop();
      case 0x31: // POP_MARK
        return void this.#popToMark();
      case 0x32: // DUP
        return push(this.#top());
      case 0x4e: // NONE
        return push(null);
      case 0x88: // NEWTRUE
        return push(true);
      case 0x89: // NEWFALSE
        return push(false);
      case 0x4b: // BININT1
        return push(this.#bytes[this.#take(1)]);
      case 0x4d: // BININT2
        return push(this.#view.getUint16(this.#take(2), true));
      case 0x4a: // BININT
        return push(this.#view.getInt32(this.#take(4), true));
      case 0x8a: // LONG1
        return push(this.#long(this.#bytes[this.#take(1)]));
      case 0x8b: // LONG4
        return push(this.#long(this.#view.getInt32(this.#take(4), true)));
      case 0x47: // BINFLOAT
        return push(this.#view.getFloat64(this.#take(8), false));
      case 0x55: // SHORT_BINSTRING
      case 0x8c: // SHORT_BINUNICODE
        return push(this.#string(this.#bytes[this.#take(1)]));
      case 0x54: // BINSTRING
      case 0x58: // BINUNICODE
        return push(this.#string(this.#view.getUint32(this.#take(4), true)));
      case 0x8d: // BINUNICODE8
        return push(this.#string(this.#size8()));
      case 0x43: // SHORT_BINBYTES
        return push(this.#raw(this.#bytes[this.#take(1)]));
      case 0x42: // BINBYTES
        return push(this.#raw(this.#view.getUint32(this.#take(4), true)));
      case 0x8e: // BINBYTES8
        return push(this.#raw(this.#size8()));
      case 0x7d: // EMPTY_DICT
        return push(new Map());
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return push([]);
      case 0x8f: // EMPTY_SET
        return push(new Set());
      case 0x85: // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        return push(this.#popMany(code - 0x84));
      case 0x74: // TUPLE
      case 0x6c: // LIST
        return push(this.#popToMark());
      case 0x91: // FROZENSET
        return push(new Set(this.#popToMark()));
      case 0x64: // DICT
        return this.#setItems(this.#popToMark(), new Map());
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
        return this.#append(this.#popToMark());
      case 0x90: // ADDITEMS
        return this.#addItems(this.#popToMark());
      case 0x73: // SETITEM
        return this.#setItems(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark());
      case 0x71: // BINPUT
        return this.#remember(this.#bytes[this.#take(1)]);
      case 0x72: // LONG_BINPUT
        return this.#remember(this.#view.getUint32(this.#take(4), true));
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x68: // BINGET
        return push(this.#recall(this.#bytes[this.#take(1)]));
      case 0x6a: // LONG_BINGET
        return push(this.#recall(this.#view.getUint32(this.#take(4), true)));
      case 0x63: // GLOBAL
        return push(new Global(`${this.#line()}.${this.#line()}`));
      case 0x93: // STACK_GLOBAL
        return push(this.#stackGlobal());
      case 0x51: // BINPERSID
        return push(this.#meanings.persistent(this.#pop()));
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#call();
      case 0x62: // BUILD
        return this.#build();
      default:
        return refuse(`the pickle has the unknown instruction 0x${code.toString(16)} at byte ${at}`);
    }
  }

  /** Moves on by so many bytes, and says where they are. */
  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.#bytes.length - at) {
      refuse(
        `the pickle is cut off: ${count} bytes are wanted at byte ${at}, and ${this.#bytes.length - at} are there`,
      );
    }
    this.#at += count;
    return at;
  }

  #checkProtocol(protocol: number): void {
    if (protocol < 2 || protocol > 5) refuse(`the pickle has protocol ${protocol}, expected 2 to 5`);
  }

  #size8(): number {
    const size = this.#view.getBigUint64(this.#take(8), true);
    if (size > BigInt(this.#bytes.length)) refuse(`the pickle is cut off: it claims a text of ${size} bytes`);
    return Number(size);
  }

  #raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.slice(at, at + length);
  }

  #string(length: number): string {
    const at = this.#take(length);
    return this.#decoded(at, at + length);
  }

  #decoded(start: number, end: number): string {
    try {
      return this.#text.decode(this.#bytes.subarray(start, end));
    } catch (cause) {
      return refuse(`the pickle has a text at byte ${start} that is not UTF-8`, cause);
    }
  }

  /** A text up to the end of the line. */
  #line(): string {
    const start = this.#at;
    const end = this.#bytes.indexOf(0x0a, start);
    if (end < 0) refuse(`the pickle is cut off: a name at byte ${start} does not end`);
    this.#at = end + 1;
    return this.#decoded(start, end);
  }

  /** A whole number of any length, in two's complement; a number where that holds it exactly. */
  #long(length: number): number | bigint {
    if (length > 1024) refuse(`the pickle has a whole number of ${length} bytes, expected at most 1024`);
    const at = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[at + i]);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #top(): unknown {
    const { length } = this.#stack;
    if (length === 0 || this.#stack[length - 1] === mark) refuse('the pickle takes from an empty stack');
    return this.#stack[length - 1];
  }

  #pop(): unknown {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popToMark(): unknown[] {
    const at = this.#stack.lastIndexOf(mark);
    if (at < 0) refuse('the pickle takes up to a mark that is not there');
    const items = this.#stack.splice(at);
    items.shift();
    return items;
  }

  #append(items: readonly unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) refuse('the pickle appends to what is no list');
    for (const item of items) list.push(item);
  }

  #addItems(items: readonly unknown[]): void {
    const set = this.#top();
    if (!(set instanceof Set)) refuse('the pickle adds to what is no set');
    for (const item of items) set.add(item);
  }

  #setItems(items: readonly unknown[], made?: Map<unknown, unknown>): void {
    if (made !== undefined) this.#stack.push(made);
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0) refuse('the pickle sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  #remember(index: number): void {
    if (this.#memo.size > MOST_MEMOS) refuse(`the pickle remembers more than ${MOST_MEMOS} values`);
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): unknown {
    if (!this.#memo.has(index)) refuse(`the pickle refers to value ${index}, which it has not made yet`);
    return this.#memo.get(index);
  }

  #stackGlobal(): Global {
    const names = this.#popMany(2);
    if (!names.every((name) => typeof name === 'string')) refuse('the pickle has a name that is no text');
    return new Global(names.join('.'));
  }

  #call(): void {
    const [callee, args] = this.#popMany(2);
    if (!(callee instanceof Global) || !Array.isArray(args)) refuse('the pickle calls what is no function');
    this.#stack.push(this.#meanings.call(callee.name, args));
  }

  /**
   * Attributes of an object. An OrderedDict of PyTorch has some that say of which versions its
   * modules were; nothing else may have any.
   */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) refuse('the pickle sets attributes of an object that is no dict');
  }
}

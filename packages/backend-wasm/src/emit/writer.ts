/**
 * Writes the bytes of a WebAssembly module: as much of the binary format as compiled programs need.
 */
import { opcodes, simdOpcodes, type Opcode, type SimdOpcode } from './opcodes.js';

export const I32 = 0x7f;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;

/** Stands before the opcode of a vector instruction. */
const SIMD = 0xfd;
/** The type of a block that leaves nothing on the stack. */
const NO_RESULT = 0x40;
const MAGIC: readonly number[] = [0, 0x61, 0x73, 0x6d];
const VERSION: readonly number[] = [1, 0, 0, 0];
const FUNCTION_TYPE = 0x60;
const Section = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
/** Kinds of imports and exports. */
const External = { function: 0, memory: 2 } as const;
/** What a memory says of its size: flags. */
const Limits = { minimum: 0, sharedWithMaximum: 3 } as const;

export interface FunctionType {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

/** Growing bytes with the format's variable-length integers. */
export class Bytes {
  readonly list: number[] = [];

  byte(...bytes: readonly number[]): this {
    for (const byte of bytes) this.list.push(byte);
    return this;
  }

  /** An unsigned integer, seven bits a byte. */
  unsigned(value: number): this {
    let rest = value >>> 0;
    for (; rest > 0x7f; rest >>>= 7) this.list.push((rest & 0x7f) | 0x80);
    this.list.push(rest);
    return this;
  }

  /** A signed 32-bit integer. */
  signed(value: number): this {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.list.push(low);
        return this;
      }
      this.list.push(low | 0x80);
    }
  }

  float(value: number): this {
    return this.byte(...new Uint8Array(Float32Array.of(value).buffer));
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    return this.byte(...bytes);
  }

  append(other: Bytes): this {
    for (const byte of other.list) this.list.push(byte);
    return this;
  }
}

/**
 * The body of one function. Locals are numbered behind the parameters, in the order in which they
 * are asked for.
 */
export class Code extends Bytes {
  private readonly locals: number[] = [];
  private readonly parameters: number;
  private readonly constants = new Map<string, number>();
  /** Sets the constants, ahead of everything else. */
  private readonly prologue: Bytes = new Bytes();

  constructor(parameters: number) {
    super();
    this.parameters = parameters;
  }

  local(type: number): number {
    this.locals.push(type);
    return this.parameters + this.locals.length - 1;
  }

  /** An instruction without immediates, or the beginning of one with them. */
  op(name: Opcode): this {
    return this.byte(opcodes[name]);
  }

  get(local: number): this {
    return this.op('local.get').unsigned(local);
  }

  set(local: number): this {
    return this.op('local.set').unsigned(local);
  }

  tee(local: number): this {
    return this.op('local.tee').unsigned(local);
  }

  i32(value: number): this {
    return this.op('i32.const').signed(value);
  }

  f32(value: number): this {
    return this.op('f32.const').float(value);
  }

  call(index: number): this {
    return this.op('call').unsigned(index);
  }

  /**
   * A local that holds a vector constant. It is set once, at the beginning: engines build a
   * constant in two or more steps wherever it is written, in a loop again and again.
   */
  constant(bytes: Uint8Array): number {
    const key = bytes.join();
    let local = this.constants.get(key);
    if (local === undefined) {
      local = this.local(V128);
      this.constants.set(key, local);
      this.prologue.byte(SIMD, simdOpcodes['v128.const'], ...bytes, opcodes['local.set']).unsigned(local);
    }
    return local;
  }

  /** A vector instruction. */
  simd(name: SimdOpcode): this {
    return this.byte(SIMD).unsigned(simdOpcodes[name]);
  }

  /** A load or store of a vector instruction; nothing is promised about the address. */
  simdAt(name: SimdOpcode, offset: number): this {
    return this.simd(name).unsigned(0).unsigned(offset);
  }

  /** A load or store of 4 bytes, which lie at a multiple of 4. */
  private scalarAt(name: Opcode, offset: number): this {
    return this.op(name).unsigned(2).unsigned(offset);
  }

  /** The i32 at an address on the stack. */
  loadI32(offset: number): this {
    return this.scalarAt('i32.load', offset);
  }

  storeI32(offset: number): this {
    return this.scalarAt('i32.store', offset);
  }

  loadF32(offset: number): this {
    return this.scalarAt('f32.load', offset);
  }

  storeF32(offset: number): this {
    return this.scalarAt('f32.store', offset);
  }

  /** `local += bytes` for a constant. */
  advance(local: number, bytes: number): this {
    return this.get(local).i32(bytes).add().set(local);
  }

  add(): this {
    return this.op('i32.add');
  }

  subtract(): this {
    return this.op('i32.sub');
  }

  multiply(): this {
    return this.op('i32.mul');
  }

  /** Repeats `body` while it leaves something other than 0 on the stack; it runs at least once. */
  repeat(body: () => void): this {
    this.op('loop').byte(NO_RESULT);
    body();
    return this.op('br_if').unsigned(0).op('end');
  }

  /** Runs `body` if the i32 on the stack is not 0, else `otherwise`. */
  when(body: () => void, otherwise?: () => void): this {
    this.op('if').byte(NO_RESULT);
    body();
    if (otherwise !== undefined) {
      this.op('else');
      otherwise();
    }
    return this.op('end');
  }

  /**
   * Runs `body` for a fresh counter from 0 to `count - 1`, a number or an i32 local; not at all for
   * 0.
   */
  times(count: number | { readonly local: number }, body: (counter: number) => void): this {
    const counter = this.local(I32);
    const limit = (): void => void (typeof count === 'number' ? this.i32(count) : this.get(count.local));
    this.i32(0).set(counter);
    limit();
    return this.when(() =>
      this.repeat(() => {
        body(counter);
        this.get(counter).i32(1).add().tee(counter);
        limit();
        this.op('i32.lt_s');
      }),
    );
  }

  /** The bytes of the function in the code section. */
  finish(): Bytes {
    const body = new Bytes().unsigned(this.locals.length);
    for (const type of this.locals) body.unsigned(1).byte(type);
    body.append(this.prologue).append(this).byte(opcodes.end);
    return new Bytes().unsigned(body.list.length).append(body);
  }
}

/**
 * A module with one imported memory, imported functions, and functions of its own. Imports come
 * first, as their numbers do.
 */
export class ModuleWriter {
  private readonly types: FunctionType[] = [];
  private readonly imports: { readonly name: string; readonly type: number }[] = [];
  private readonly functions: { readonly type: number; readonly code: Code }[] = [];
  private readonly exports: { readonly name: string; readonly index: number }[] = [];
  private readonly isShared: boolean;

  /** @param isShared - whether the imported memory is shared between threads */
  constructor(isShared: boolean) {
    this.isShared = isShared;
  }

  private typeNumber(type: FunctionType): number {
    const same = (a: readonly number[], b: readonly number[]): boolean =>
      a.length === b.length && a.every((x, i) => x === b[i]);
    const known = this.types.findIndex((t) => same(t.parameters, type.parameters) && same(t.results, type.results));
    return known >= 0 ? known : this.types.push(type) - 1;
  }

  /** Returns the number of the function. All imports come before the first function. */
  importFunction(name: string, type: FunctionType): number {
    return this.imports.push({ name, type: this.typeNumber(type) }) - 1;
  }

  /** Returns the number of the function. */
  addFunction(type: FunctionType, code: Code): number {
    return this.imports.length + this.functions.push({ type: this.typeNumber(type), code }) - 1;
  }

  exportFunction(name: string, index: number): void {
    this.exports.push({ name, index });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const out = new Bytes().byte(...MAGIC, ...VERSION);
    const section = (id: number, count: number, write: (content: Bytes) => void): void => {
      const content = new Bytes().unsigned(count);
      write(content);
      out.byte(id).unsigned(content.list.length).append(content);
    };
    section(Section.type, this.types.length, (content) => {
      for (const { parameters, results } of this.types) {
        content
          .byte(FUNCTION_TYPE)
          .unsigned(parameters.length)
          .byte(...parameters)
          .unsigned(results.length)
          .byte(...results);
      }
    });
    section(Section.import, this.imports.length + 1, (content) => {
      for (const { name, type } of this.imports) content.name('env').name(name).byte(External.function).unsigned(type);
      content.name('env').name('memory').byte(External.memory);
      // Any size will do; shared memory has to name a limit, here the largest.
      if (this.isShared) content.byte(Limits.sharedWithMaximum).unsigned(0).unsigned(65_536);
      else content.byte(Limits.minimum).unsigned(0);
    });
    section(Section.function, this.functions.length, (content) => {
      for (const { type } of this.functions) content.unsigned(type);
    });
    section(Section.export, this.exports.length, (content) => {
      for (const { name, index } of this.exports) content.name(name).byte(External.function).unsigned(index);
    });
    section(Section.code, this.functions.length, (content) => {
      for (const { code } of this.functions) content.append(code.finish());
    });
    return Uint8Array.from(out.list);
  }
}

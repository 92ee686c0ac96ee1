/** Writes the bytes of a WebAssembly module: as much of the binary format as compiled programs need. */

export const I32 = 0x7f;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;

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

/** The body of one function. Locals are numbered behind the parameters, in the order in which they are asked for. */
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

  get(local: number): this {
    return this.byte(0x20).unsigned(local);
  }

  set(local: number): this {
    return this.byte(0x21).unsigned(local);
  }

  tee(local: number): this {
    return this.byte(0x22).unsigned(local);
  }

  i32(value: number): this {
    return this.byte(0x41).signed(value);
  }

  f32(value: number): this {
    return this.byte(0x43).float(value);
  }

  call(index: number): this {
    return this.byte(0x10).unsigned(index);
  }

  /**
   * A local that holds a vector constant. It is set once, at the beginning: engines build a constant in two or more steps wherever it is
   * written, in a loop again and again.
   */
  constant(bytes: Uint8Array): number {
    const key = bytes.join();
    let local = this.constants.get(key);
    if (local === undefined) {
      local = this.local(V128);
      this.constants.set(key, local);
      this.prologue.byte(0xfd, 0x0c, ...bytes, 0x21).unsigned(local);
    }
    return local;
  }

  /** A vector instruction. */
  simd(opcode: number): this {
    return this.byte(0xfd).unsigned(opcode);
  }

  /** A load or store of a vector instruction; nothing is promised about the address. */
  simdAt(opcode: number, offset: number): this {
    return this.simd(opcode).unsigned(0).unsigned(offset);
  }

  /** The i32 at an address on the stack. */
  loadI32(offset: number): this {
    return this.byte(0x28, 2).unsigned(offset);
  }

  storeI32(offset: number): this {
    return this.byte(0x36, 2).unsigned(offset);
  }

  loadF32(offset: number): this {
    return this.byte(0x2a, 2).unsigned(offset);
  }

  storeF32(offset: number): this {
    return this.byte(0x38, 2).unsigned(offset);
  }

  /** `local += bytes` for a constant. */
  advance(local: number, bytes: number): this {
    return this.get(local).i32(bytes).add().set(local);
  }

  add(): this {
    return this.byte(0x6a);
  }

  subtract(): this {
    return this.byte(0x6b);
  }

  multiply(): this {
    return this.byte(0x6c);
  }

  /** Repeats `body` while it leaves something other than 0 on the stack; it runs at least once. */
  repeat(body: () => void): this {
    this.byte(0x03, 0x40);
    body();
    return this.byte(0x0d, 0, 0x0b);
  }

  /** Runs `body` if the i32 on the stack is not 0, else `otherwise`. */
  when(body: () => void, otherwise?: () => void): this {
    this.byte(0x04, 0x40);
    body();
    if (otherwise !== undefined) {
      this.byte(0x05);
      otherwise();
    }
    return this.byte(0x0b);
  }

  /** Runs `body` for a fresh counter from 0 to `count - 1`, a number or an i32 local; not at all for 0. */
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
        this.byte(0x48); // less than, signed
      }),
    );
  }

  /** The bytes of the function in the code section. */
  finish(): Bytes {
    const body = new Bytes().unsigned(this.locals.length);
    for (const type of this.locals) body.unsigned(1).byte(type);
    body.append(this.prologue).append(this).byte(0x0b);
    return new Bytes().unsigned(body.list.length).append(body);
  }
}

/** A module with one imported memory, imported functions, and functions of its own. Imports come first, as their numbers do. */
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
    const out = new Bytes().byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const section = (id: number, count: number, write: (content: Bytes) => void): void => {
      const content = new Bytes().unsigned(count);
      write(content);
      out.byte(id).unsigned(content.list.length).append(content);
    };
    section(1, this.types.length, (content) => {
      for (const { parameters, results } of this.types) {
        content
          .byte(0x60)
          .unsigned(parameters.length)
          .byte(...parameters)
          .unsigned(results.length)
          .byte(...results);
      }
    });
    section(2, this.imports.length + 1, (content) => {
      for (const { name, type } of this.imports) content.name('env').name(name).byte(0).unsigned(type);
      content.name('env').name('memory').byte(2);
      // Any size will do; shared memory has to name a limit, here the largest.
      if (this.isShared) content.byte(3).unsigned(0).unsigned(65_536);
      else content.byte(0).unsigned(0);
    });
    section(3, this.functions.length, (content) => {
      for (const { type } of this.functions) content.unsigned(type);
    });
    section(7, this.exports.length, (content) => {
      for (const { name, index } of this.exports) content.name(name).byte(0).unsigned(index);
    });
    section(10, this.functions.length, (content) => {
      for (const { code } of this.functions) content.append(code.finish());
    });
    return Uint8Array.from(out.list);
  }
}

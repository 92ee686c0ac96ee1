// NOTE FROM THE LEAD to whoever edits this: an emitter exists and passes everything (src/compile.ts, src/emit/emit-program.ts, layout-of.ts, vector-functions.ts, writer.ts; test/compile.test.ts). Please do not write a second one: delete this file unless it replaces one of those for a measured reason. Next: threads, kernels <= 25 kB, memory/kernels/ulp tests, README, masks inside WebAssembly.
/** The WebAssembly binary format, as far as compiled programs need it. */

/** Bytes of instructions, in the order of a stack machine. An expression leaves one value on the stack. */
export type Bytes = readonly number[];

export const I32 = 0x7f;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export type ValueType = typeof I32 | typeof F32 | typeof F64 | typeof V128;

/** An unsigned number in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** A signed number of 32 bits in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** A vector of items, its length in front. */
function list(items: readonly Bytes[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return list([...value].map((character) => [character.charCodeAt(0)]));
}

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function with its code: types of the locals after the parameters, and instructions without the closing `end`. */
export interface FunctionCode {
  readonly type: FunctionType;
  readonly locals: readonly ValueType[];
  readonly body: Bytes;
  readonly exportedAs?: string;
}

export interface ImportedFunction {
  readonly name: string;
  readonly type: FunctionType;
}

/** A module that imports its memory and some functions from `env`; functions are numbered, the imported ones first. */
export function encodeModule(
  imports: readonly ImportedFunction[],
  functions: readonly FunctionCode[],
  memory: { readonly maximum: number; readonly shared: boolean },
): Uint8Array<ArrayBuffer> {
  const types = [...imports, ...functions].map(({ type }) => [
    0x60,
    ...list(type.parameters.map((t) => [t])),
    ...list(type.results.map((t) => [t])),
  ]);
  const section = (id: number, content: Bytes): number[] => [id, ...unsigned(content.length), ...content];
  const limits = [memory.shared ? 3 : 1, 1, ...unsigned(memory.maximum)];
  const exported = functions.flatMap(({ exportedAs }, i) =>
    exportedAs === undefined ? [] : [[...text(exportedAs), 0, ...unsigned(imports.length + i)]],
  );
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(
      2,
      list([
        [...text('env'), ...text('memory'), 2, ...limits],
        ...imports.map(({ name }, i) => [...text('env'), ...text(name), 0, ...unsigned(i)]),
      ]),
    ),
    ...section(3, list(functions.map((_, i) => unsigned(imports.length + i)))),
    ...section(7, list(exported)),
    ...section(10, list(functions.map(({ locals, body }) => {
      const code = [...list(locals.map((type) => [1, type])), ...body, 0x0b];
      return [...unsigned(code.length), ...code];
    }))),
  ]);
}

import {
  firstConst,
  firstInstruction,
  type CompiledProgram,
  type Program,
  type ProgramArguments,
  type ProgramResults,
  type Storage,
} from '@rnn/core';
import { ALL_ROWS, pointerAt, ROWS } from './emit/argument-block.js';
import { canEmit, emitProgram, type Emitted } from './emit/emit-program.js';
import { packedBytes } from './emit/emit-single.js';
import { isPacked } from './emit/layout-of.js';
import type { Kernels } from './kernels.js';
import { GEMV_ROWS } from './layout.js';
import type { Memory, Packed, PackedForm, WasmStorage } from './memory.js';
import { workOfRow } from './program-work.js';
import { moveElements, SpareBlock } from './spare-block.js';
import { cut, type Entry, type Threads } from './threads/threads.js';

/**
 * What an emitted module exports: the loop over `steps` steps with the pointers of an argument
 * block.
 */
interface Loop {
  readonly run: (block: number, steps: number) => void;
}

/** Blocks of two threads share no line of the cache. */
const LINE = 128;

/**
 * Turns a program into WebAssembly.
 *
 * @returns nothing if the program has an instruction for which no code can be emitted; it then runs
 *   by primitives
 */
export function compileProgram(
  program: Program,
  memory: Memory,
  kernels: Kernels,
  threads: Threads,
): CompiledProgram | undefined {
  if (!canEmit(program)) return undefined;
  const emitted = emitProgram(program, memory.isShared, kernels.simdLevel.value === 2);
  const env = { ...kernels, memory: memory.memory };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(emitted.bytes), { env });
  return new WasmProgram(program, emitted, memory, kernels, threads, exports as unknown as Loop);
}

/**
 * A program with its module. It keeps no linear memory between runs: there may be hundreds of
 * programs, and none knows when it is the last time.
 */
class WasmProgram implements CompiledProgram {
  private readonly program: Program;
  private readonly emitted: Emitted;
  private readonly memory: Memory;
  private readonly kernels: Kernels;
  private readonly threads: Threads;
  private readonly spare: SpareBlock;
  private readonly entry: Entry;
  /** Argument blocks of this run, one for each share; behind them the workspace. */
  private blocks = 0;
  private readonly blockBytes: number;
  private readonly rowBytes: Int32Array;
  /** Bytes of scratch values and second buffers of the state. */
  private readonly workRowBytes: number;
  private readonly workOfRow: number;
  private readonly packings: readonly Packing[];
  /** Where each of them lies in this run. */
  private readonly packedAt: number[] = [];

  constructor(program: Program, emitted: Emitted, memory: Memory, kernels: Kernels, threads: Threads, { run }: Loop) {
    this.program = program;
    this.emitted = emitted;
    this.memory = memory;
    this.spare = SpareBlock.of(memory);
    this.kernels = kernels;
    this.threads = threads;
    const module = { bytes: emitted.bytes, at: 0, number: 0 };
    this.entry = { name: 'run', module, call: run };
    this.blockBytes = Math.ceil(pointerAt(emitted.layout.slots.count) / LINE) * LINE;
    this.rowBytes = rowStrides(program, emitted);
    const stateRowBytes = program.carry.reduce((sum, width) => sum + width * 4, 0);
    this.workRowBytes = emitted.layout.slots.scratch.reduce((sum, { rowBytes }) => sum + rowBytes, stateRowBytes);
    this.workOfRow = workOfRow(program);
    this.packings = packingsOf(program, emitted.layout.slots.packed);
  }

  run(args: ProgramArguments): ProgramResults {
    const { program, memory, spare, emitted, threads, entry } = this;
    const { steps, rows } = args;
    const { widths } = emitted.layout;
    // Just as long as they will be: `push` makes room for more.
    const outputs = new Array<WasmStorage>(program.ys.length);
    const last = new Array<WasmStorage>(program.carry.length);
    this.blocks = 0;
    try {
      // All memory is taken first: a growth would leave the views behind.
      this.blocks = spare.borrow(this.bytesFor(args));
      for (let i = 0; i < outputs.length; i++)
        outputs[i] = memory.allocate('float32', steps * rows * widths[program.ys[i]]);
      for (let i = 0; i < last.length; i++) last[i] = memory.allocate('float32', rows * program.carry[i]);
      this.packWeights(args.consts, rows);
      this.setUp(args, outputs, last);
      const most = threads.sharesFor(this.workOfRow * rows * steps);
      if (most === 1) entry.call(this.blocks, steps);
      else threads.run(entry, this.split(rows, steps, most));
      return { ys: outputs, carry: last };
    } catch (error) {
      for (const storage of [...outputs, ...last]) if (storage !== undefined) memory.release(storage);
      throw error;
    } finally {
      if (this.blocks !== 0) spare.giveBack(this.blocks);
    }
  }

  /** Bytes for the argument blocks and the workspace. */
  private bytesFor({ rows }: ProgramArguments): number {
    const { program, emitted } = this;
    const parts = emitted.layout.slots.scratch.length + program.carry.length;
    return this.blockBytes * this.threads.count + this.workRowBytes * rows + 16 * parts;
  }

  /**
   * Writes the first argument block: all rows. Slots and strides are read in plain loops, since
   * small programs take a microsecond in all.
   */
  private setUp(
    { steps, rows, consts, perRow, xs, carry }: ProgramArguments,
    outputs: readonly WasmStorage[],
    last: readonly WasmStorage[],
  ): void {
    const { program, memory, rowBytes, packings, packedAt } = this;
    const { slots } = this.emitted.layout;
    const { i32 } = memory;
    const block = this.blocks >>> 2;
    const pointers = block + pointerAt(0) / 4;
    i32[block + ROWS / 4] = rows;
    i32[block + ALL_ROWS / 4] = rows;
    let free = this.blocks + this.blockBytes * this.threads.count;
    for (const scratch of slots.scratch) {
      i32[pointers + scratch.slot] = free;
      free += roundedUp(scratch.rowBytes * rows);
    }
    for (let i = 0; i < perRow.length; i++) i32[pointers + slots.perRow[i]] = memory.addressOf(perRow[i]);
    for (let i = 0; i < consts.length; i++) i32[pointers + slots.consts[i]] = memory.addressOf(consts[i]);
    for (let i = 0; i < packings.length; i++) i32[pointers + packings[i].slot] = packedAt[i];
    const first = program.reverse ? (steps - 1) * rows : 0;
    for (let i = 0; i < xs.length; i++) {
      const slot = slots.xs[i];
      i32[pointers + slot] = memory.addressOf(xs[i]) + first * rowBytes[slot];
    }
    for (let i = 0; i < outputs.length; i++) {
      const slot = slots.ys[i];
      i32[pointers + slot] = outputs[i].at + first * rowBytes[slot];
    }
    // Two buffers take turns; which comes first is chosen so that the last step writes into the
    // result.
    for (let i = 0; i < carry.length; i++) {
      const bytes = rows * program.carry[i] * 4;
      const before = steps % 2 === 0 ? last[i].at : free;
      const source = memory.addressOf(carry[i]);
      moveElements(memory, before, source, bytes / 4);
      i32[pointers + slots.before[i]] = before;
      i32[pointers + slots.after[i]] = steps % 2 === 0 ? free : last[i].at;
      free += roundedUp(bytes);
    }
  }

  /**
   * Makes a block for each share of the rows of the first one: the pointers of the share's first
   * row. Returns the calls.
   */
  private split(rows: number, steps: number, most: number): number[][] {
    const { rowBytes, blockBytes } = this;
    const { i32 } = this.memory;
    const source = this.blocks >>> 2;
    // A product takes several rows at a time, so a share has a few; where there are fewer in all it
    // takes them one by one.
    const shares = cut(rows, rows < GEMV_ROWS ? 1 : GEMV_ROWS, most);
    const calls = shares.map(({ from, to }, i) => {
      const block = this.blocks + i * blockBytes;
      const target = block >>> 2;
      i32[target + ROWS / 4] = to - from;
      i32[target + ALL_ROWS / 4] = rows;
      if (i === 0) return [block, steps];
      rowBytes.forEach((bytes, slot) => {
        const at = pointerAt(slot) / 4;
        const pointer = i32[source + at];
        i32[target + at] = pointer === 0 ? 0 : pointer + from * bytes;
      });
      return [block, steps];
    });
    return calls;
  }

  /**
   * Packs the weights of products in the order in which the kernel reads them; kept with the
   * storage, which never changes.
   */
  private packWeights(consts: readonly Storage[], rows: number): void {
    const { memory, kernels, packings, packedAt } = this;
    for (let i = 0; i < packings.length; i++) {
      const packing = packings[i];
      if (rows < packing.least) continue;
      const storage = consts[packing.place] as WasmStorage;
      const address = memory.addressOf(storage);
      let packed = packedAs(storage, packing);
      if (packed === undefined) {
        const { count, apart, k, n, row, column } = packing;
        const bytes = packedBytes(k, n);
        const made = { at: memory.take(count * bytes), form: packing };
        for (let j = 0; j < count; j++) kernels.pack(made.at + j * bytes, address + j * apart, row, column, k, n);
        (storage.packed ??= []).push(made);
        packed = made;
      }
      packedAt[i] = packed.at;
    }
  }
}

/** Weights that some product reads packed. */
interface Packing extends PackedForm {
  /** Which of the constants they are. */
  readonly place: number;
  /** Where the argument block has their address. */
  readonly slot: number;
  /** With fewer rows they are read as they lie. */
  readonly least: number;
}

function packingsOf(program: Program, packed: ReadonlyMap<number, number>): readonly Packing[] {
  const first = firstConst(program);
  const packings = new Map<number, Packing>();
  program.body.forEach((instruction, i) => {
    if (isPacked(program, instruction)) {
      const { b, k, n, blocks, bStrides } = instruction;
      const [apart, row, column] = bStrides.map((stride) => stride * 4);
      const slot = packed.get(firstInstruction(program) + i) as number;
      packings.set(slot, {
        place: b - first,
        slot,
        least: GEMV_ROWS,
        count: apart === 0 ? 1 : blocks,
        apart,
        k,
        n,
        row,
        column,
      });
    } else if (instruction.kind === 'matmul') {
      const { weight, transposed, width: n } = instruction;
      const { rows, columns } = program.consts[weight - first];
      const k = transposed ? columns : rows;
      const [row, column] = transposed ? [4, k * 4] : [n * 4, 4];
      const slot = packed.get(weight) as number;
      packings.set(slot, { place: weight - first, slot, least: 1, count: 1, apart: 0, k, n, row, column });
    }
  });
  return [...packings.values()];
}

/** What was packed in such a form, mostly by the same program. */
function packedAs({ packed }: WasmStorage, form: PackedForm): Packed | undefined {
  if (packed === undefined) return undefined;
  for (let i = 0; i < packed.length; i++) if (packed[i].form === form || isSame(packed[i].form, form)) return packed[i];
  return undefined;
}

function isSame(a: PackedForm, b: PackedForm): boolean {
  if (a.k !== b.k || a.n !== b.n || a.count !== b.count) return false;
  return a.row === b.row && a.column === b.column && a.apart === b.apart;
}

/** To the next multiple of 16. */
function roundedUp(bytes: number): number {
  return ((bytes + 15) & ~15) >>> 0;
}

/**
 * How far apart rows are at each pointer of the argument block; 0 where all rows are served by one.
 */
function rowStrides({ xs, carry, perRow, ys }: Program, { layout }: Emitted): Int32Array {
  const { slots, widths } = layout;
  const strides = new Int32Array(slots.count);
  const set = (list: readonly number[], bytes: (i: number) => number): void =>
    list.forEach((slot, i) => (strides[slot] = bytes(i)));
  set(slots.xs, (i) => xs[i] * 4);
  set(slots.ys, (i) => widths[ys[i]] * 4);
  set(slots.perRow, (i) => perRow[i] * 4);
  for (const state of [slots.before, slots.after]) set(state, (i) => carry[i] * 4);
  for (const { slot, rowBytes } of slots.scratch) strides[slot] = rowBytes;
  return strides;
}

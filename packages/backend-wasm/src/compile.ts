import type { CompiledProgram, Program, ProgramArguments, ProgramResults, Storage } from '@rnn/core';
import { pointerAt, ROWS } from './emit/argument-block.js';
import { canEmit, emitProgram, stepStrides } from './emit/emit-program.js';
import type { Layout } from './emit/layout-of.js';
import type { Kernels } from './kernels.js';
import { PANEL } from './layout.js';
import { FEW } from './matmul.js';
import type { Memory, WasmStorage } from './memory.js';

/** What an emitted module exports. */
interface Emitted {
  /** Computes one step with the pointers of an argument block. */
  readonly step: (block: number) => void;
  /** Computes several steps and moves the pointers on between them. */
  readonly run: (block: number, steps: number) => void;
}

/**
 * Turns a program into WebAssembly.
 *
 * @returns nothing if the program has an instruction for which no code can be emitted; it then runs by primitives
 */
export function compileProgram(
  program: Program,
  memory: Memory,
  kernels: Kernels,
  { isRelaxed, isShared }: { readonly isRelaxed: boolean; readonly isShared: boolean },
): CompiledProgram | undefined {
  if (!canEmit(program)) return undefined;
  const { bytes, layout } = emitProgram(program, isShared, isRelaxed);
  const { product, vectors, vectorsTransposed } = kernels;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: { memory: memory.memory, product, vectors, vectorsTransposed },
  });
  return new WasmProgram(program, layout, memory, kernels, instance.exports as unknown as Emitted);
}

/** A program with its module and its workspace. */
class WasmProgram implements CompiledProgram {
  private readonly program: Program;
  private readonly layout: Layout;
  private readonly memory: Memory;
  private readonly kernels: Kernels;
  private readonly emitted: Emitted;
  /** The argument block; 0 until the first run. */
  private block = 0;
  /** Scratch values and second buffers of the state, for so many rows. */
  private workspace = 0;
  private capacity = 0;
  private readonly scratchRowBytes: number;

  constructor(program: Program, layout: Layout, memory: Memory, kernels: Kernels, emitted: Emitted) {
    this.program = program;
    this.layout = layout;
    this.memory = memory;
    this.kernels = kernels;
    this.emitted = emitted;
    this.scratchRowBytes =
      layout.slots.scratch.reduce((sum, { rowBytes }) => sum + rowBytes, 0) +
      program.carried.reduce((sum, width) => sum + width * 4, 0);
  }

  run(args: ProgramArguments): ProgramResults {
    const { program, memory, layout } = this;
    const { steps, rows, lengths, resets } = args;
    const { widths, slots } = layout;
    // All memory is taken first: a growth would leave the views behind.
    if (this.block === 0) this.block = memory.take(pointerAt(slots.count));
    if (rows > this.capacity) {
      if (this.workspace !== 0) memory.give(this.workspace);
      this.workspace = memory.take(
        Math.max(16, this.scratchRowBytes * rows + 16 * (slots.scratch.length + program.carried.length)),
      );
      this.capacity = rows;
    }
    const outputs = program.outputs.map((value) => memory.allocate('float32', steps * rows * widths[value]));
    const last = program.carried.map((width) => memory.allocate('float32', rows * width));
    if (rows >= FEW) this.packWeights(args.fixed);

    const { block } = this;
    const { i32, f32 } = memory;
    i32[(block + ROWS) >>> 2] = rows;
    let free = this.workspace;
    for (const { slot, rowBytes } of slots.scratch) {
      this.point(slot, free);
      free += (rowBytes * rows + 15) & ~15;
    }
    args.fixed.forEach((storage, i) => this.point(slots.fixed[i], memory.addressOf(storage)));
    const from = program.reverse ? steps - 1 : 0;
    args.stacked.forEach((storage, i) =>
      this.point(slots.stacked[i], memory.addressOf(storage) + from * rows * program.stacked[i] * 4),
    );
    outputs.forEach((storage, i) =>
      this.point(slots.outputs[i], storage.at + from * rows * widths[program.outputs[i]] * 4),
    );
    // Two buffers take turns; which comes first is chosen so that the last step writes into the result.
    args.carried.forEach((storage, i) => {
      const size = rows * program.carried[i];
      const [before, after] = steps % 2 === 0 ? [last[i].at, free] : [free, last[i].at];
      free += (size * 4 + 15) & ~15;
      const source = memory.addressOf(storage) >>> 2;
      f32.copyWithin(before >>> 2, source, source + size);
      this.point(slots.before[i], before);
      this.point(slots.after[i], after);
    });
    if (lengths === undefined && resets === undefined) this.emitted.run(block, steps);
    else this.runMasked(args, outputs, last);
    return { outputs, last };
  }

  private point(slot: number, address: number): void {
    this.memory.i32[(this.block + pointerAt(slot)) >>> 2] = address;
  }

  private pointer(slot: number): number {
    return this.memory.i32[(this.block + pointerAt(slot)) >>> 2];
  }

  /** Weights of products in the order in which the kernel reads them; kept with the storage, which never changes. */
  private packWeights(fixed: readonly Storage[]): void {
    const { program, memory, kernels, layout } = this;
    const first = program.stacked.length + program.carried.length;
    for (const instruction of program.body) {
      if (instruction.kind !== 'matmul') continue;
      const { weight, transposed, width } = instruction;
      const storage = fixed[weight - first] as WasmStorage;
      const shape = program.fixed[weight - first];
      const k = transposed ? shape.columns : shape.rows;
      const address = memory.addressOf(storage);
      let packed = storage.packed?.find((known) => known.transposed === transposed && known.rows === shape.rows);
      if (packed === undefined) {
        packed = { at: memory.take(Math.ceil(width / PANEL) * PANEL * k * 4), rows: shape.rows, transposed };
        const [row, column] = transposed ? [4, k * 4] : [width * 4, 4];
        kernels.pack(packed.at, address, row, column, k, width);
        (storage.packed ??= []).push(packed);
      }
      this.point(layout.slots.packed.get(weight) as number, packed.at);
    }
  }

  /** Step by step, with what lengths and resets ask for in between. */
  private runMasked(
    { steps, rows, carried: initial, lengths, resets }: ProgramArguments,
    outputs: readonly WasmStorage[],
    last: readonly WasmStorage[],
  ): void {
    const { program, memory, layout, block, emitted } = this;
    const { f32 } = memory;
    const { slots, widths } = layout;
    const strides = stepStrides(program, layout);
    // Adjoints that are due to the initial state, because a reset cut the sequence there.
    const aside =
      program.adjoint && resets !== undefined
        ? program.carried.map((width) => new Float32Array(rows * width))
        : undefined;
    for (let n = 0; n < steps; n++) {
      const t = program.reverse ? steps - 1 - n : n;
      if (resets !== undefined && !program.adjoint) {
        program.carried.forEach((width, i) => {
          const to = this.pointer(slots.before[i]) >>> 2;
          const from = memory.addressOf(initial[i]) >>> 2;
          for (let row = 0; row < rows; row++) {
            if (resets[t * rows + row] !== 0)
              f32.copyWithin(to + row * width, from + row * width, from + (row + 1) * width);
          }
        });
      }
      emitted.step(block);
      program.carried.forEach((width, i) => {
        const after = this.pointer(slots.after[i]) >>> 2;
        const before = this.pointer(slots.before[i]) >>> 2;
        for (let row = 0; row < rows; row++) {
          const at = row * width;
          if (lengths !== undefined && t >= lengths[row]) f32.copyWithin(after + at, before + at, before + at + width);
          else if (aside !== undefined && resets?.[t * rows + row]) {
            for (let e = at; e < at + width; e++) {
              aside[i][e] += f32[after + e];
              f32[after + e] = 0;
            }
          }
        }
        this.point(slots.before[i], after << 2);
        this.point(slots.after[i], before << 2);
      });
      if (lengths !== undefined) {
        outputs.forEach((storage, i) => {
          const width = widths[program.outputs[i]];
          const first = (storage.at >>> 2) + t * rows * width;
          for (let row = 0; row < rows; row++)
            if (t >= lengths[row]) f32.fill(0, first + row * width, first + (row + 1) * width);
        });
      }
      for (const { slot, rowBytes } of strides)
        this.point(slot, this.pointer(slot) + (program.reverse ? -rowBytes : rowBytes) * rows);
    }
    if (aside === undefined) return;
    last.forEach((storage, i) => {
      const first = storage.at >>> 2;
      for (let e = 0; e < storage.size; e++) f32[first + e] += aside[i][e];
    });
  }
}

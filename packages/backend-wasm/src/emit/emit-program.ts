/**
 * Turns the body of a program into WebAssembly: one function a group of instructions, one for a
 * step, one for a run of steps.
 */
import type { Program } from '@rnn/core';
import { BLOCK_M, TILE_M } from '../layout.js';
import { pointerAt, ROWS } from './argument-block.js';
import { emitRun } from './emit-run.js';
import { emitSegment } from './emit-segment.js';
import { emitSingle } from './emit-single.js';
import { layoutOf, type Layout } from './layout-of.js';
import { isEmittable } from './vector-functions.js';
import { Code, I32, ModuleWriter, type FunctionType } from './writer.js';

/** A module and how to call it. */
export interface Emitted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly layout: Layout;
}

const takesBlock: FunctionType = { parameters: [I32], results: [] };
const product: FunctionType = { parameters: Array.from({ length: 12 }, () => I32), results: [] };
const blockProducts: FunctionType = { parameters: Array.from({ length: 17 }, () => I32), results: [] };

/** Whether every instruction has its WebAssembly. A weight is packed in one way only. */
export function canEmit({ body, dtype }: Program): boolean {
  const transposed = new Map<number, boolean>();
  return (
    dtype === 'float32' &&
    body.every((instruction) => {
      if (instruction.kind === 'binary') return isEmittable(instruction.op, instruction.b);
      if (instruction.kind !== 'matmul') return true;
      const known = transposed.get(instruction.weight);
      transposed.set(instruction.weight, instruction.transposed);
      return known === undefined || known === instruction.transposed;
    })
  );
}

/**
 * Emits a program. The module exports `run(block, steps)`, which computes all steps with the
 * pointers of an argument block. The loop is outside of the functions that compute, since an engine
 * replaces a function by its optimised form between calls.
 *
 * @param program - what to emit; `canEmit` holds for it
 * @param isShared - whether the memory that it will import is shared between threads
 * @param relaxed - whether to use relaxed SIMD
 */
export function emitProgram(program: Program, isShared: boolean, relaxed: boolean): Emitted {
  const layout = layoutOf(program);
  const writer = new ModuleWriter(isShared);
  const imports = {
    product: writer.importFunction('product', product),
    blockProducts: writer.importFunction('blockProducts', blockProducts),
  };
  const functions = layout.groups.map((group) => {
    const code = new Code(1);
    if (group.kind === 'segment') emitSegment(code, group, layout, relaxed);
    else emitSingle(code, program, group.value, group.instruction, layout, imports);
    return writer.addFunction(takesBlock, code);
  });
  const step = new Code(1);
  emitStep(step, program, layout, functions);
  const stepNumber = writer.addFunction(takesBlock, step);
  const loop: FunctionType = { parameters: [I32, I32], results: [] };
  writer.exportFunction('run', writer.addFunction(loop, emitRun(program, layout, stepNumber)));
  return { bytes: writer.bytes(), layout };
}

/**
 * Bytes of values that one pass over some rows may touch, so that the next group finds them in the
 * second cache.
 */
const CACHED = 256 * 1024;
/**
 * Blocks of rows are a multiple of a tile's, and not too few for a product whose weights have to
 * come into the cache each time.
 */
const LEAST_ROWS = 4 * TILE_M;

/**
 * One step: all groups for all rows. Where nothing is carried the rows may be many, as all steps of
 * a sequence are computed at once: they are then taken in blocks, whose values stay in the cache
 * from group to group.
 */
function emitStep(code: Code, program: Program, { groups, slots, widths }: Layout, functions: readonly number[]): void {
  const all = (): void => {
    for (const number of functions) code.get(0).call(number);
  };
  if (program.carry.length > 0 || groups.length < 2) {
    all();
    return;
  }
  const weights = program.consts.reduce((most, { rows, columns }) => Math.max(most, rows * columns * 4), 0);
  const rowBytes =
    program.body.reduce((sum, { width }) => sum + width * 4, 0) + program.xs.reduce((sum, width) => sum + width * 4, 0);
  const least = weights > CACHED ? BLOCK_M : LEAST_ROWS;
  const block = Math.max(least, Math.floor(CACHED / rowBytes / LEAST_ROWS) * LEAST_ROWS);
  const moving = [
    ...program.xs.map((width, i) => ({ slot: slots.xs[i], rowBytes: width * 4, start: code.local(I32) })),
    ...program.perRow.map((width, i) => ({ slot: slots.perRow[i], rowBytes: width * 4, start: code.local(I32) })),
    ...program.ys.map((value, i) => ({
      slot: slots.ys[i],
      rowBytes: widths[value] * 4,
      start: code.local(I32),
    })),
  ];
  const rows = code.local(I32);
  const left = code.local(I32);
  code.get(0).loadI32(ROWS).tee(rows).set(left);
  for (const { slot, start } of moving) code.get(0).loadI32(pointerAt(slot)).set(start);
  code.get(left).i32(block).op('i32.gt_s');
  code.when(() => {
    code.get(0).i32(block).storeI32(ROWS);
    code.repeat(() => {
      all();
      for (const { slot, rowBytes: bytes } of moving)
        code
          .get(0)
          .get(0)
          .loadI32(pointerAt(slot))
          .i32(bytes * block)
          .add()
          .storeI32(pointerAt(slot));
      code.get(left).i32(block).subtract().tee(left).i32(block).op('i32.gt_s');
    });
    code.get(0).get(left).storeI32(ROWS);
  });
  all();
  code.get(0).get(rows).storeI32(ROWS);
  for (const { slot, start } of moving) code.get(0).get(start).storeI32(pointerAt(slot));
}

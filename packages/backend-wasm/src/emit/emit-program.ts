/** Turns the body of a program into WebAssembly: one function a group of instructions, one for a step, one for a run of steps. */
import type { Program } from '@rnn/core';
import { pointerAt, ROWS } from './argument-block.js';
import { emitSegment } from './emit-segment.js';
import { emitSingle } from './emit-single.js';
import { layoutOf, type Layout } from './layout-of.js';
import { isEmittable, LongFunctions } from './vector-functions.js';
import { Code, I32, ModuleWriter, type FunctionType } from './writer.js';

/** A module and how to call it. */
export interface Emitted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly layout: Layout;
}

const takesBlock: FunctionType = { parameters: [I32], results: [] };
const product: FunctionType = { parameters: Array.from({ length: 12 }, () => I32), results: [] };
const fewRows: FunctionType = { parameters: Array.from({ length: 11 }, () => I32), results: [] };

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
 * Emits a program. The module exports `step(block)`, which computes one step, and `run(block, steps)`, which computes several and moves
 * the pointers on between them; the loop is outside of the functions that compute, since an engine replaces a function by its optimised
 * form between calls.
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
    vectors: writer.importFunction('vectors', fewRows),
    vectorsTransposed: writer.importFunction('vectorsTransposed', fewRows),
  };
  const long = new LongFunctions(writer, relaxed);
  const functions = layout.groups.map((group) => {
    const code = new Code(1);
    if (group.kind === 'segment') emitSegment(code, group, layout, long, relaxed);
    else emitSingle(code, program, group.value, group.instruction, layout, imports);
    return writer.addFunction(takesBlock, code);
  });
  const step = new Code(1);
  for (const number of functions) step.get(0).call(number);
  const stepNumber = writer.addFunction(takesBlock, step);
  writer.exportFunction('step', stepNumber);
  writer.exportFunction(
    'run',
    writer.addFunction({ parameters: [I32, I32], results: [] }, emitRun(program, layout, stepNumber)),
  );
  return { bytes: writer.bytes(), layout };
}

/** Bytes that a stacked operand or output moves on from step to step, without the sign, for one row. */
export function stepStrides(
  { stacked, outputs }: Program,
  { widths, slots }: Layout,
): { readonly slot: number; readonly rowBytes: number }[] {
  return [
    ...stacked.map((width, i) => ({ slot: slots.stacked[i], rowBytes: width * 4 })),
    ...outputs.map((value, i) => ({ slot: slots.outputs[i], rowBytes: widths[value] * 4 })),
  ];
}

function emitRun(program: Program, layout: Layout, step: number): Code {
  const code = new Code(2);
  const kept = code.local(I32);
  code.times({ local: 1 }, () => {
    code.get(0).call(step);
    for (const { slot, rowBytes } of stepStrides(program, layout)) {
      code.get(0).get(0).loadI32(pointerAt(slot));
      code.get(0).loadI32(ROWS).i32(rowBytes).multiply();
      if (program.reverse) code.subtract();
      else code.add();
      code.storeI32(pointerAt(slot));
    }
    // What was the state after this step is the state before the next.
    layout.slots.before.forEach((before, i) => {
      const after = layout.slots.after[i];
      code.get(0).loadI32(pointerAt(before)).set(kept);
      code.get(0).get(0).loadI32(pointerAt(after)).storeI32(pointerAt(before));
      code.get(0).get(kept).storeI32(pointerAt(after));
    });
  });
  return code;
}

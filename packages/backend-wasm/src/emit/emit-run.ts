/** Emits the loop over time around the function of a step: the plain one, and the one with lengths and resets. */
import type { Program } from '@rnn/core';
import { ALL_ROWS, pointerAt, ROWS } from './argument-block.js';
import type { Layout } from './layout-of.js';
import { Code, I32, type ModuleWriter } from './writer.js';

/** Pointers of the argument block for lengths and resets, behind all others. A null pointer: there are none. */
export interface MaskSlots {
  /** Steps of each row, int32. */
  readonly lengths: number;
  /** A byte a row and step, not 0 where the row starts afresh. */
  readonly resets: number;
  /** The initial state. */
  readonly initial: readonly number[];
  /** Sums of adjoints that are due to the initial state, because a reset cut the sequence there. */
  readonly aside: readonly number[];
  /** Pointers in the block in all. */
  readonly count: number;
}

export function maskSlots({ carried }: Program, { slots }: Layout): MaskSlots {
  let { count } = slots;
  const slot = (): number => count++;
  const own = { lengths: slot(), resets: slot(), initial: carried.map(slot), aside: carried.map(slot) };
  return { ...own, count };
}

/** Numbers of the imported kernels of assembly/masks.ts. */
type MaskFunctions = Readonly<Record<keyof typeof parameterCounts, number>>;
const parameterCounts = { restartRows: 5, keepRows: 6, clearRows: 5, divertRows: 5, addRows: 4 };

export function importMaskFunctions(writer: ModuleWriter): MaskFunctions {
  const of = (name: keyof typeof parameterCounts): number =>
    writer.importFunction(name, { parameters: Array.from({ length: parameterCounts[name] }, () => I32), results: [] });
  return {
    restartRows: of('restartRows'),
    keepRows: of('keepRows'),
    clearRows: of('clearRows'),
    divertRows: of('divertRows'),
    addRows: of('addRows'),
  };
}

/** The function `(block, steps)` for a batch whose rows all go from the first step to the last. */
export function emitRun(program: Program, layout: Layout, step: number): Code {
  const code = new Code(2);
  const kept = code.local(I32);
  code.times({ local: 1 }, () => {
    code.get(0).call(step);
    moveOn(code, program, layout);
    swapStates(code, layout, kept);
  });
  return code;
}

/** The same with lengths and resets; what they mean is told in core's `program.ts`. */
export function emitMaskedRun(
  program: Program,
  layout: Layout,
  masks: MaskSlots,
  step: number,
  functions: MaskFunctions,
): Code {
  const { carried, outputs, adjoint, reverse } = program;
  const { slots, widths } = layout;
  const code = new Code(2);
  const kept = code.local(I32);
  const t = code.local(I32);
  const pointer = (slot: number): Code => code.get(0).loadI32(pointerAt(slot));
  const rowsOf = (width: number): Code => code.get(0).loadI32(ROWS).i32(width);
  code.times({ local: 1 }, (n) => {
    if (reverse) code.get(1).i32(1).subtract().get(n).subtract();
    else code.get(n);
    code.set(t);
    if (!adjoint) {
      carried.forEach((width, i) => {
        pointer(slots.before[i]);
        pointer(masks.initial[i]);
        pointer(masks.resets);
        rowsOf(width).call(functions.restartRows);
      });
    }
    code.get(0).call(step);
    carried.forEach((width, i) => {
      pointer(slots.after[i]);
      pointer(slots.before[i]);
      pointer(masks.lengths).get(t);
      rowsOf(width).call(functions.keepRows);
      if (!adjoint) return;
      pointer(slots.after[i]);
      pointer(masks.aside[i]);
      pointer(masks.resets);
      rowsOf(width).call(functions.divertRows);
    });
    outputs.forEach((value, i) => {
      pointer(slots.outputs[i]);
      pointer(masks.lengths).get(t);
      rowsOf(widths[value]).call(functions.clearRows);
    });
    moveOn(code, program, layout);
    pointer(masks.resets);
    code.when(() => movePointer(code, masks.resets, 1, reverse));
    swapStates(code, layout, kept);
  });
  if (adjoint) {
    carried.forEach((width, i) => {
      pointer(slots.before[i]);
      pointer(masks.aside[i]);
      rowsOf(width).call(functions.addRows);
    });
  }
  return code;
}

/** Moves what is stacked over time on to the next step. */
function moveOn(code: Code, { stacked, outputs, reverse }: Program, { widths, slots }: Layout): void {
  stacked.forEach((width, i) => movePointer(code, slots.stacked[i], width * 4, reverse));
  outputs.forEach((value, i) => movePointer(code, slots.outputs[i], widths[value] * 4, reverse));
}

function movePointer(code: Code, slot: number, rowBytes: number, back: boolean): void {
  code.get(0).get(0).loadI32(pointerAt(slot));
  code.get(0).loadI32(ALL_ROWS).i32(rowBytes).multiply();
  if (back) code.subtract();
  else code.add();
  code.storeI32(pointerAt(slot));
}

/** What was the state after this step is the state before the next. */
function swapStates(code: Code, { slots }: Layout, kept: number): void {
  slots.before.forEach((before, i) => {
    const after = slots.after[i];
    code.get(0).loadI32(pointerAt(before)).set(kept);
    code.get(0).get(0).loadI32(pointerAt(after)).storeI32(pointerAt(before));
    code.get(0).get(kept).storeI32(pointerAt(after));
  });
}

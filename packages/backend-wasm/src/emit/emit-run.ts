/** Emits the loop over time around the function of a step. */
import type { Program } from '@rnn/core';
import { ALL_ROWS, pointerAt } from './argument-block.js';
import type { Layout } from './layout-of.js';
import { Code, I32 } from './writer.js';

/** The function `(block, steps)`. */
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

/** Moves `xs` and `ys` on to the next step. */
function moveOn(code: Code, { xs, ys, reverse }: Program, { widths, slots }: Layout): void {
  xs.forEach((width, i) => movePointer(code, slots.xs[i], width * 4, reverse));
  ys.forEach((value, i) => movePointer(code, slots.ys[i], widths[value] * 4, reverse));
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

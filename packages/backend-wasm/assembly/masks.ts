// Lengths and resets of a compiled loop: rows of a state or an output, `width` float32 each, in one step. Without lengths or marks (a null
// pointer) nothing happens.
import { copyRun } from './vector';

/** Rows that start afresh become the initial ones. */
export function restartRows(state: usize, initial: usize, marks: usize, rows: i32, width: i32): void {
  if (marks == 0) return;
  const bytes = <usize>width << 2;
  for (let row: usize = 0; row < <usize>rows; row++) {
    if (load<u8>(marks + row) != 0) copyRun(state + row * bytes, initial + row * bytes, width);
  }
}

/** Rows that have ended keep the state that they had before the step. */
export function keepRows(after: usize, before: usize, lengths: usize, t: i32, rows: i32, width: i32): void {
  if (lengths == 0) return;
  const bytes = <usize>width << 2;
  for (let row: usize = 0; row < <usize>rows; row++) {
    if (t >= load<i32>(lengths + (row << 2))) copyRun(after + row * bytes, before + row * bytes, width);
  }
}

/** Rows that have ended are zero. */
export function clearRows(out: usize, lengths: usize, t: i32, rows: i32, width: i32): void {
  if (lengths == 0) return;
  const bytes = <usize>width << 2;
  for (let row: usize = 0; row < <usize>rows; row++) {
    if (t >= load<i32>(lengths + (row << 2))) memory.fill(out + row * bytes, 0, bytes);
  }
}

/** Adjoints of rows that started afresh at this step go to the initial state: they are added up aside and end here. */
export function divertRows(state: usize, aside: usize, marks: usize, rows: i32, width: i32): void {
  if (marks == 0) return;
  const bytes = <usize>width << 2;
  for (let row: usize = 0; row < <usize>rows; row++) {
    if (load<u8>(marks + row) == 0) continue;
    addRows(aside + row * bytes, state + row * bytes, 1, width);
    memory.fill(state + row * bytes, 0, bytes);
  }
}

/** Adds what is aside, if anything is. */
export function addRows(to: usize, aside: usize, rows: i32, width: i32): void {
  if (aside == 0) return;
  const end = aside + ((<usize>rows * <usize>width) << 2);
  while (aside < end) {
    store<f32>(to, load<f32>(to) + load<f32>(aside));
    to += 4;
    aside += 4;
  }
}

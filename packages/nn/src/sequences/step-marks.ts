import { ArgumentError, sameShape, ShapeError, showShape, Tensor } from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';

/**
 * One mark for each step and row: a tensor or nested lists, `[T, B]`, `[B, T]` if batch first,
 * `[T]` for a single sequence.
 */
export type StepMarks = Tensor | readonly (readonly (number | boolean)[])[] | readonly (number | boolean)[];

/** How the steps and rows of a batch lie. */
export interface StepGrid {
  readonly steps: number;
  /** `undefined` for a single sequence. */
  readonly batch: number | undefined;
  /** Whether a caller's marks are `[B, T]`. */
  readonly batchFirst: boolean;
}

/**
 * Marks of steps in one form, after a check.
 *
 * @param owner - for messages
 * @param argument - its name
 * @param marks - as the caller gave them; what is not 0 (or false) is a mark
 * @param grid - what they are to fit
 * @returns `[T, B]` in row-major order, 1 for a mark, else 0
 * @throws ShapeError, ArgumentError when they do not fit
 */
export function checkMarks(owner: string, argument: string, marks: unknown, grid: StepGrid): Uint8Array {
  const { steps, batch, batchFirst } = grid;
  const turned = batch !== undefined && batchFirst;
  const shape = batch === undefined ? [steps] : turned ? [batch, steps] : [steps, batch];
  const values =
    marks instanceof Tensor ? tensorMarks(owner, argument, marks, shape) : listMarks(owner, argument, marks, shape);
  const rows = batch ?? 1;
  const result = new Uint8Array(steps * rows);
  for (let i = 0; i < result.length; i++) {
    const value = values[turned ? (i % rows) * steps + Math.floor(i / rows) : i];
    if (value !== 0 && value !== false) result[i] = 1;
  }
  return result;
}

function tensorMarks(owner: string, argument: string, marks: Tensor, shape: readonly number[]): ArrayLike<number> {
  if (!sameShape(marks.shape, shape)) refuseShape(owner, argument, marks.shape, shape);
  return marks.dataSync();
}

function listMarks(
  owner: string,
  argument: string,
  marks: unknown,
  shape: readonly number[],
): ArrayLike<number | boolean> {
  checkList(owner, argument, marks, shape.length === 1 ? 'marks' : 'rows');
  const rows = (shape.length === 1 ? [marks] : marks) as unknown[];
  const width = shape[shape.length - 1];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const name = (): string => (shape.length === 1 ? argument : `${argument}[${i}]`);
    if (!Array.isArray(row)) checkList(owner, name(), row, 'marks');
    if (row.length !== width)
      refuseShape(owner, argument, shape.length === 1 ? [row.length] : [rows.length, row.length], shape);
    row.forEach((mark, j) => {
      if (typeof mark === 'number' || typeof mark === 'boolean') return;
      refuse(ArgumentError, owner, `${name()}[${j}]`, { value: mark, expected: 'a number or a truth value' });
    });
  }
  if (shape.length > 1 && rows.length !== shape[0]) refuseShape(owner, argument, [rows.length, width], shape);
  const all: (number | boolean)[] = [];
  for (const row of rows as (number | boolean)[][]) for (let j = 0; j < width; j++) all.push(row[j]);
  return all;
}

function refuseShape(owner: string, argument: string, shape: readonly number[], expected: readonly number[]): never {
  refuse(ShapeError, owner, argument, { has: 'shape', received: showShape(shape), expected: showShape(expected) });
}

/** Marks as `scan` takes them: numbers by step and row. */
export function nestedMarks(marks: Uint8Array, rows: number): number[][] {
  const nested: number[][] = [];
  for (let first = 0; first < marks.length; first += rows) {
    const step: number[] = [];
    for (let row = 0; row < rows; row++) step.push(marks[first + row]);
    nested.push(step);
  }
  return nested;
}

/**
 * Where a walk from the last step to the first begins a piece anew, from the marks at the first
 * steps of pieces.
 *
 * @param marks - `[T, B]`, at the first step of each piece
 * @param rows - B
 * @returns `[T, B]`, at the last step of each piece but the last
 */
export function endsOfPieces(marks: Uint8Array, rows: number): Uint8Array {
  const ends = new Uint8Array(marks.length);
  ends.set(marks.subarray(rows));
  return ends;
}

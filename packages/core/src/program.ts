/**
 * # Programs
 *
 * A program is what a backend's `compile` gets: the body of a loop over time as a list of
 * instructions in which every row of the batch is independent of the others. With one step and
 * nothing carried it is any chain of row-wise operations.
 *
 * Values are numbered. First come the operands: stacked ones (`[T, rows, width]`, read at the
 * current step), carried ones (`[rows, width]`, the state), per-row constants (`[rows, width]`, the
 * same at all steps), fixed ones (a matrix, a row or a number, the same for all rows and steps).
 * Then each instruction makes one value, `[rows, width]`. An operand of width 1 stands for all
 * features of a row; a fixed one stands for all rows.
 *
 * Nothing but the order of the steps is left to whoever runs a program: they run from the first to
 * the last, or the other way when `reverse` is set. Sequences of different lengths and resets of
 * the state are instructions like any others: see `maskProgram`.
 */
import type { DType } from './dtype.js';
import { mapOperands, printInstruction, type InstructionBody } from './instruction.js';
import type { Storage } from './storage.js';

/** A value's number, or a plain number that stands for itself everywhere. */
export type ProgramOperand = { readonly value: number } | number;

/**
 * A matrix, row or number of the fixed operands: `rows x columns`, dense. A row has one row; a
 * number has one of each.
 */
export interface FixedOperand {
  readonly rows: number;
  readonly columns: number;
}

/** One instruction; `width` is the number of features of what it makes. */
export type Instruction = { readonly width: number } & InstructionBody<number, ProgramOperand>;

/** The body of a loop and what goes in and out. */
export interface Program {
  readonly dtype: DType;
  /** Widths of the stacked operands: values 0, 1, ... */
  readonly stacked: readonly number[];
  /** Widths of the carried operands: the next values. */
  readonly carried: readonly number[];
  /** Widths of the per-row constants: the next values. */
  readonly perRow: readonly number[];
  /** The fixed operands: the next values. */
  readonly fixed: readonly FixedOperand[];
  /** Each makes the next value. */
  readonly body: readonly Instruction[];
  /** For each carried operand, the value that it has after the step. */
  readonly next: readonly number[];
  /** Values that are kept for every step: stacked results. */
  readonly outputs: readonly number[];
  readonly reverse: boolean;
}

/** What a run of a program gets. Core has checked it against the program. */
export interface ProgramArguments {
  readonly steps: number;
  readonly rows: number;
  /** `[steps, rows, width]` each. */
  readonly stacked: readonly Storage[];
  /** `[rows, width]` each. */
  readonly carried: readonly Storage[];
  /** `[rows, width]` each. */
  readonly perRow: readonly Storage[];
  readonly fixed: readonly Storage[];
}

/** New storages, which belong to the caller. */
export interface ProgramResults {
  /** `[steps, rows, width]` each. */
  readonly outputs: readonly Storage[];
  /** The carried values at the end, `[rows, width]` each. */
  readonly last: readonly Storage[];
}

/** What `compile` makes of a program: ready to run with any number of steps and rows. */
export interface CompiledProgram {
  run(args: ProgramArguments): ProgramResults;
}

/**
 * Number of the first fixed operand's value.
 *
 * @example
 * ```ts
 * const lists = { stacked: [2], carried: [], perRow: [], fixed: [], next: [], outputs: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * firstFixed(double); // 1
 * ```
 */
export function firstFixed({ stacked, carried, perRow }: Program): number {
  return stacked.length + carried.length + perRow.length;
}

/**
 * Number of the first instruction's value.
 *
 * @example
 * ```ts
 * const lists = { stacked: [2], carried: [], perRow: [], fixed: [], next: [], outputs: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * firstInstruction(double); // 1
 * ```
 */
export function firstInstruction(program: Program): number {
  return firstFixed(program) + program.fixed.length;
}

/**
 * Whether a value is a fixed operand, the same for all rows.
 *
 * @example
 * ```ts
 * const fixed = [{ rows: 1, columns: 2 }];
 * const lists = { stacked: [2], carried: [], perRow: [], fixed, next: [], outputs: [2] };
 * const [a, b] = [{ value: 0 }, { value: 1 }];
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a, b }] as const;
 * const scale = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * [0, 1, 2].map((value) => isFixedValue(scale, value)); // [false, true, false]
 * ```
 */
export function isFixedValue(program: Program, value: number): boolean {
  return value >= firstFixed(program) && value < firstInstruction(program);
}

/**
 * An instruction that reads other values.
 *
 * @example
 * ```ts
 * const sum = { width: 2, kind: 'binary', op: 'add', a: { value: 0 }, b: { value: 1 } } as const;
 * operandsOf(renumbered(sum, (value) => value + 4)); // [4, 5]
 * ```
 */
export function renumbered(instruction: Instruction, to: (value: number) => number): Instruction {
  const { width } = instruction;
  const operand = (x: ProgramOperand): ProgramOperand => (typeof x === 'object' ? { value: to(x.value) } : x);
  return { width, ...mapOperands(instruction, { row: to, matrix: to, operand }) };
}

/**
 * The values that an instruction reads.
 *
 * @example
 * ```ts
 * operandsOf({ width: 2, kind: 'binary', op: 'add', a: { value: 3 }, b: 1 }); // [3]
 * ```
 */
export function operandsOf(instruction: Instruction): number[] {
  const values: number[] = [];
  renumbered(instruction, (value) => {
    values.push(value);
    return value;
  });
  return values;
}

/**
 * Features of every value of a program; for a fixed matrix, its columns.
 *
 * @example
 * ```ts
 * const lists = { stacked: [2], carried: [], perRow: [], fixed: [], next: [], outputs: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * widthsOf(double); // [2, 2]
 * ```
 */
export function widthsOf(program: Program): number[] {
  return [
    ...program.stacked,
    ...program.carried,
    ...program.perRow,
    ...program.fixed.map(({ columns }) => columns),
    ...program.body.map(({ width }) => width),
  ];
}

/**
 * A program in words, a line an instruction.
 *
 * @example
 * ```ts
 * const lists = { stacked: [2], carried: [], perRow: [], fixed: [], next: [], outputs: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * console.log(showProgram(double));
 * ```
 * @param program - what to show
 * @returns text such as `%5 = matmul %1 %3^T + %0 : 8`
 */
export function showProgram(program: Program): string {
  const { stacked, carried, perRow, fixed, body, next, outputs } = program;
  const lines: string[] = [];
  let value = 0;
  stacked.forEach((width) => lines.push(`%${value++} = stacked : ${width}`));
  carried.forEach((width) => lines.push(`%${value++} = carried : ${width}`));
  perRow.forEach((width) => lines.push(`%${value++} = per row : ${width}`));
  fixed.forEach(({ rows, columns }) => lines.push(`%${value++} = fixed : ${rows}x${columns}`));
  const order = program.reverse ? 'last to first' : 'first to last';
  lines.push(carried.length > 0 ? `for each step, ${order}:` : 'for each row:');
  for (const instruction of body) lines.push(`  %${value++} = ${showInstruction(instruction)} : ${instruction.width}`);
  if (next.length > 0) lines.push(`  carry ${next.map((v) => `%${v}`).join(', ')}`);
  if (outputs.length > 0) lines.push(`  keep ${outputs.map((v) => `%${v}`).join(', ')}`);
  return lines.join('\n');
}

function showInstruction(instruction: Instruction): string {
  const show = (operand: ProgramOperand): string =>
    typeof operand === 'number' ? String(operand) : `%${operand.value}`;
  return printInstruction(instruction, (value) => `%${value}`, show);
}

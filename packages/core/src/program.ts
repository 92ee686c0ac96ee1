/**
 * # Programs
 *
 * A program is what a backend's `compile` gets: the body of a loop over time as a list of
 * instructions in which every row of the batch is independent of the others. With one step and
 * nothing carried it is any chain of row-wise operations.
 *
 * Values are numbered. First come the operands, named as in JAX's `lax.scan`: `xs` (`[T, rows,
 * width]`, read at the current step), `carry` (`[rows, width]`, the state), `perRow` (`[rows,
 * width]`, the same at all steps), `consts` (a matrix, a row or a number, the same for all rows and
 * steps).
 * Then each instruction makes one value, `[rows, width]`. An operand of width 1 stands for all
 * features of a row; a constant stands for all rows.
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
 * A matrix, row or number of the constants: `rows x columns`, dense. A row has one row; a
 * number has one of each.
 */
export interface ConstOperand {
  readonly rows: number;
  readonly columns: number;
}

/** One instruction; `width` is the number of features of what it makes. */
export type Instruction = { readonly width: number } & InstructionBody<number, ProgramOperand>;

/** The body of a loop and what goes in and out. */
export interface Program {
  readonly dtype: DType;
  /** Widths of `xs`: values 0, 1, ... */
  readonly xs: readonly number[];
  /** Widths of the carry: the next values. */
  readonly carry: readonly number[];
  /** Widths of the per-row constants: the next values. */
  readonly perRow: readonly number[];
  /** The constants: the next values. */
  readonly consts: readonly ConstOperand[];
  /** Each makes the next value. */
  readonly body: readonly Instruction[];
  /** For each part of the carry, the value that it has after the step. */
  readonly carryOut: readonly number[];
  /** Values that are kept for every step. */
  readonly ys: readonly number[];
  readonly reverse: boolean;
}

/** What a run of a program gets. Core has checked it against the program. */
export interface ProgramArguments {
  readonly steps: number;
  readonly rows: number;
  /** `[steps, rows, width]` each. */
  readonly xs: readonly Storage[];
  /** `[rows, width]` each. */
  readonly carry: readonly Storage[];
  /** `[rows, width]` each. */
  readonly perRow: readonly Storage[];
  readonly consts: readonly Storage[];
}

/** New storages, which belong to the caller. */
export interface ProgramResults {
  /** `[steps, rows, width]` each. */
  readonly ys: readonly Storage[];
  /** The carry after the last step, `[rows, width]` each. */
  readonly carry: readonly Storage[];
}

/** What `compile` makes of a program: ready to run with any number of steps and rows. */
export interface CompiledProgram {
  run(args: ProgramArguments): ProgramResults;
}

/**
 * Number of the first constant's value.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * firstConst(double); // 1
 * ```
 */
export function firstConst({ xs, carry, perRow }: Program): number {
  return xs.length + carry.length + perRow.length;
}

/**
 * Number of the first instruction's value.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * firstInstruction(double); // 1
 * ```
 */
export function firstInstruction(program: Program): number {
  return firstConst(program) + program.consts.length;
}

/**
 * Whether a value is a constant, the same for all rows.
 *
 * @example
 * ```ts
 * const consts = [{ rows: 1, columns: 2 }];
 * const lists = { xs: [2], carry: [], perRow: [], consts, carryOut: [], ys: [2] };
 * const [a, b] = [{ value: 0 }, { value: 1 }];
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a, b }] as const;
 * const scale = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * [0, 1, 2].map((value) => isConst(scale, value)); // [false, true, false]
 * ```
 */
export function isConst(program: Program, value: number): boolean {
  return value >= firstConst(program) && value < firstInstruction(program);
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
 * Features of every value of a program; for a constant matrix, its columns.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * widthsOf(double); // [2, 2]
 * ```
 */
export function widthsOf(program: Program): number[] {
  return [
    ...program.xs,
    ...program.carry,
    ...program.perRow,
    ...program.consts.map(({ columns }) => columns),
    ...program.body.map(({ width }) => width),
  ];
}

/**
 * A program in words, a line an instruction.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * console.log(showProgram(double));
 * ```
 * @param program - what to show
 * @returns text such as `%5 = matmul %1 %3^T + %0 : 8`
 */
export function showProgram(program: Program): string {
  const { xs, carry, perRow, consts, body, carryOut, ys } = program;
  const lines: string[] = [];
  let value = 0;
  xs.forEach((width) => lines.push(`%${value++} = xs : ${width}`));
  carry.forEach((width) => lines.push(`%${value++} = carry : ${width}`));
  perRow.forEach((width) => lines.push(`%${value++} = per row : ${width}`));
  consts.forEach(({ rows, columns }) => lines.push(`%${value++} = const : ${rows}x${columns}`));
  const order = program.reverse ? 'last to first' : 'first to last';
  lines.push(carry.length > 0 ? `for each step, ${order}:` : 'for each row:');
  for (const instruction of body) lines.push(`  %${value++} = ${showInstruction(instruction)} : ${instruction.width}`);
  if (carryOut.length > 0) lines.push(`  carry ${carryOut.map((v) => `%${v}`).join(', ')}`);
  if (ys.length > 0) lines.push(`  ys ${ys.map((v) => `%${v}`).join(', ')}`);
  return lines.join('\n');
}

function showInstruction(instruction: Instruction): string {
  const show = (operand: ProgramOperand): string =>
    typeof operand === 'number' ? String(operand) : `%${operand.value}`;
  return printInstruction(instruction, (value) => `%${value}`, show);
}

/**
 * # Programs
 *
 * A program is what a backend's `compile` gets: the body of a loop over time as a list of instructions in which every row of the
 * batch is independent of the others. With one step and nothing carried it is any chain of row-wise operations.
 *
 * Values are numbered. First come the operands: stacked ones (`[T, rows, width]`, read at the current step), carried ones
 * (`[rows, width]`, the state), fixed ones (a matrix, a row or a number, the same for all rows and steps). Then each instruction makes
 * one value, `[rows, width]`. An operand of width 1 stands for all features of a row; a fixed one stands for all rows.
 *
 * What the body does not say, and the runner must do:
 * - order: steps run from the first to the last, or the other way when `reverse` is set;
 * - lengths: at step t a row is going if t < lengths[row]. A row that is not keeps its carried values, and its outputs are zero;
 * - resets, forward: where resets[t, row] is set, the row's carried values become the initial ones before the body;
 * - resets, `adjoint`: where it is set, the carried values after the body (gradients of the state before that step) are due to the
 *   initial state: they are set aside, the carried ones become zero, and at the end what was set aside is added to the result.
 */
import type { DType } from './dtype.js';
import type { BinaryOp, UnaryOp } from './elementwise-op.js';
import type { Storage } from './storage.js';

/** A value's number, or a plain number that stands for itself everywhere. */
export type ProgramOperand = { readonly value: number } | number;

/** A matrix, row or number of the fixed operands: `rows x columns`, dense. A row has one row; a number has one of each. */
export interface FixedOperand {
  readonly rows: number;
  readonly columns: number;
}

/** One instruction; `width` is the number of features of what it makes. */
export type Instruction = { readonly width: number } & (
  | {
      /** `x W` or `x W^T`, added to `init` where there is one. `x` is a row value, `weight` a fixed matrix. */
      readonly kind: 'matmul';
      readonly x: number;
      readonly weight: number;
      /** The matrix is stored as [width of the result, width of x]. */
      readonly transposed: boolean;
      /** A row value or a fixed row of the result's width. */
      readonly init: number | undefined;
    }
  | { readonly kind: 'unary'; readonly op: UnaryOp; readonly x: number }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly a: ProgramOperand; readonly b: ProgramOperand }
  | { readonly kind: 'select'; readonly condition: number; readonly a: ProgramOperand; readonly b: ProgramOperand }
  | {
      /** Features of `x` walked with strides, `[sizes] -> width` features; a range of features has one size and the stride 1. */
      readonly kind: 'copy';
      readonly x: number;
      readonly offset: number;
      readonly sizes: readonly number[];
      readonly strides: readonly number[];
    }
  | { readonly kind: 'concat'; readonly parts: readonly number[] }
  | { readonly kind: 'fill'; readonly number: number }
  | {
      /** Reduces the middle of features seen as `[outer, size, inner]`. */
      readonly kind: 'reduce';
      readonly op: 'sum' | 'max' | 'min';
      readonly x: number;
      readonly outer: number;
      readonly size: number;
      readonly inner: number;
    }
);

/** The body of a loop and what goes in and out. */
export interface Program {
  readonly dtype: DType;
  /** Widths of the stacked operands: values 0, 1, ... */
  readonly stacked: readonly number[];
  /** Widths of the carried operands: the next values. */
  readonly carried: readonly number[];
  /** The fixed operands: the next values. */
  readonly fixed: readonly FixedOperand[];
  /** Each makes the next value. */
  readonly body: readonly Instruction[];
  /** For each carried operand, the value that it has after the step. */
  readonly next: readonly number[];
  /** Values that are kept for every step: stacked results. */
  readonly outputs: readonly number[];
  readonly reverse: boolean;
  /** Whether this is the backward loop of another program: see resets above. */
  readonly adjoint: boolean;
}

/** What a run of a program gets. Core has checked it against the program. */
export interface ProgramArguments {
  readonly steps: number;
  readonly rows: number;
  /** `[steps, rows, width]` each. */
  readonly stacked: readonly Storage[];
  /** `[rows, width]` each. */
  readonly carried: readonly Storage[];
  readonly fixed: readonly Storage[];
  /** One a row, from 0 to steps; all steps of all rows are valid without it. */
  readonly lengths: Int32Array | undefined;
  /** `[steps, rows]`, 1 where a row starts afresh; 0 past the end of a row. */
  readonly resets: Uint8Array | undefined;
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

/** Number of the first instruction's value. */
export function firstInstruction({ stacked, carried, fixed }: Program): number {
  return stacked.length + carried.length + fixed.length;
}

/** Whether a value is a fixed operand, the same for all rows. */
export function isFixedValue(program: Program, value: number): boolean {
  return value >= program.stacked.length + program.carried.length && value < firstInstruction(program);
}

/** The values that an instruction reads. */
export function operandsOf(instruction: Instruction): number[] {
  const values = (...operands: readonly (ProgramOperand | undefined)[]): number[] =>
    operands.flatMap((operand) => (typeof operand === 'object' ? [operand.value] : []));
  switch (instruction.kind) {
    case 'matmul':
      return [instruction.x, instruction.weight, ...(instruction.init === undefined ? [] : [instruction.init])];
    case 'binary':
      return values(instruction.a, instruction.b);
    case 'select':
      return [instruction.condition, ...values(instruction.a, instruction.b)];
    case 'concat':
      return [...instruction.parts];
    case 'fill':
      return [];
    default:
      return [instruction.x];
  }
}

/** Features of every value of a program; for a fixed matrix, its columns. */
export function widthsOf(program: Program): number[] {
  return [
    ...program.stacked,
    ...program.carried,
    ...program.fixed.map(({ columns }) => columns),
    ...program.body.map(({ width }) => width),
  ];
}

/**
 * A program in words, a line an instruction.
 *
 * @param program - what to show
 * @returns text such as `%5 = matmul %1 %3^T + %0 : 8`
 */
export function showProgram(program: Program): string {
  const { stacked, carried, fixed, body, next, outputs } = program;
  const lines: string[] = [];
  let value = 0;
  stacked.forEach((width) => lines.push(`%${value++} = stacked : ${width}`));
  carried.forEach((width) => lines.push(`%${value++} = carried : ${width}`));
  fixed.forEach(({ rows, columns }) => lines.push(`%${value++} = fixed : ${rows}x${columns}`));
  const order = program.reverse ? 'last to first' : 'first to last';
  lines.push(carried.length > 0 ? `for each step, ${order}${program.adjoint ? ', adjoint' : ''}:` : 'for each row:');
  for (const instruction of body) lines.push(`  %${value++} = ${showInstruction(instruction)} : ${instruction.width}`);
  if (next.length > 0) lines.push(`  carry ${next.map((v) => `%${v}`).join(', ')}`);
  if (outputs.length > 0) lines.push(`  keep ${outputs.map((v) => `%${v}`).join(', ')}`);
  return lines.join('\n');
}

function showInstruction(instruction: Instruction): string {
  const show = (operand: ProgramOperand): string =>
    typeof operand === 'number' ? String(operand) : `%${operand.value}`;
  switch (instruction.kind) {
    case 'matmul': {
      const { x, weight, transposed, init } = instruction;
      return `matmul %${x} %${weight}${transposed ? '^T' : ''}${init === undefined ? '' : ` + %${init}`}`;
    }
    case 'unary':
      return `${instruction.op} %${instruction.x}`;
    case 'binary':
      return `${instruction.op} ${show(instruction.a)} ${show(instruction.b)}`;
    case 'select':
      return `select %${instruction.condition} ${show(instruction.a)} ${show(instruction.b)}`;
    case 'copy': {
      const { x, offset, sizes, strides } = instruction;
      const range = sizes.length === 1 && strides[0] === 1;
      return range
        ? `copy %${x}[${offset}:${offset + sizes[0]}]`
        : `copy %${x} from ${offset} sizes [${sizes.join(', ')}] strides [${strides.join(', ')}]`;
    }
    case 'concat':
      return `concat ${instruction.parts.map((part) => `%${part}`).join(' ')}`;
    case 'fill':
      return `fill ${instruction.number}`;
    case 'reduce':
      return `${instruction.op} %${instruction.x} over [${instruction.outer}, ${instruction.size}, ${instruction.inner}]`;
  }
}

/**
 * Runs a program in float64, row by row as `program.ts` of core says it: what executors and
 * compilers are held against.
 */
import { widthsOf, type Instruction, type Program, type ProgramOperand } from '@rnn/core';
import { binaryFunctions, unaryFunctions } from './elementwise.js';

/** The operands of a program as numbers. */
export interface PlainArguments {
  readonly steps: number;
  readonly rows: number;
  /** `[steps, rows, width]` each. */
  readonly stacked: readonly ArrayLike<number>[];
  /** `[rows, width]` each. */
  readonly carried: readonly ArrayLike<number>[];
  readonly perRow: readonly ArrayLike<number>[];
  readonly fixed: readonly ArrayLike<number>[];
}

/** Results of a program as numbers. */
export interface PlainResults {
  readonly outputs: readonly Float64Array[];
  readonly last: readonly Float64Array[];
  /**
   * Whether no comparison was so close that rounding could turn it round. Where one was, other
   * arithmetic may rightly give other results.
   */
  readonly isDecided: boolean;
}

/** Comparisons of numbers this close, and not equal, are left open. */
const CLOSE = 1e-3;

/** Runs a program. */
export function plainProgram(program: Program, args: PlainArguments): PlainResults {
  const { steps, rows } = args;
  const widths = widthsOf(program);
  const outputs = program.ys.map((value) => new Float64Array(steps * rows * widths[value]));
  const last = program.carry.map((width) => new Float64Array(rows * width));
  const evaluation = new Evaluation(program, args.fixed);
  for (let row = 0; row < rows; row++) {
    const part = (of: ArrayLike<number>, width: number, index: number): number[] =>
      Array.from({ length: width }, (_, i) => of[index * width + i]);
    let carried = program.carry.map((width, i) => part(args.carried[i], width, row));
    const perRow = program.perRow.map((width, i) => part(args.perRow[i], width, row));
    for (let n = 0; n < steps; n++) {
      const t = program.reverse ? steps - 1 - n : n;
      const stacked = program.xs.map((width, i) => part(args.stacked[i], width, t * rows + row));
      const values = evaluation.row([...stacked, ...carried, ...perRow]);
      program.ys.forEach((value, i) => outputs[i].set(values[value], (t * rows + row) * widths[value]));
      carried = program.carryOut.map((value, i) => spread(values[value], program.carry[i]));
    }
    carried.forEach((values, i) => last[i].set(values, row * values.length));
  }
  return { outputs, last, isDecided: evaluation.isDecided };
}

function spread(values: readonly number[], width: number): number[] {
  return Array.from({ length: width }, (_, i) => values[values.length === 1 ? 0 : i]);
}

/** The body for one row. */
class Evaluation {
  isDecided = true;
  private readonly program: Program;
  private readonly fixed: readonly (readonly number[])[];

  constructor(program: Program, fixed: readonly ArrayLike<number>[]) {
    this.program = program;
    this.fixed = fixed.map((values) => Array.from(values));
  }

  /** All values of one step, given the operands that are not fixed. */
  row(operands: readonly (readonly number[])[]): readonly (readonly number[])[] {
    const values: (readonly number[])[] = [...operands, ...this.fixed];
    for (const instruction of this.program.body) values.push(this.made(instruction, values));
    return values;
  }

  private made(instruction: Instruction, values: readonly (readonly number[])[]): number[] {
    const { width } = instruction;
    const each = (fn: (i: number) => number): number[] => Array.from({ length: width }, (_, i) => fn(i));
    const at = (value: number, i: number): number => values[value][values[value].length === 1 ? 0 : i];
    const read = (operand: ProgramOperand, i: number): number =>
      typeof operand === 'number' ? operand : at(operand.value, i);
    switch (instruction.kind) {
      case 'matmul': {
        const { x, weight, transposed, init } = instruction;
        const [row, matrix] = [values[x], values[weight]];
        return each((i) =>
          row.reduce(
            (sum, factor, k) => sum + factor * matrix[transposed ? i * row.length + k : k * width + i],
            init === undefined ? 0 : at(init, i),
          ),
        );
      }
      case 'product': {
        const { a, b, m, k, n, aStrides, bStrides } = instruction;
        return each((i) => {
          const [block, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
          const [p, q] = [block * aStrides[0] + row * aStrides[1], block * bStrides[0] + column * bStrides[2]];
          const terms = Array.from(
            { length: k },
            (_, l) => values[a][p + l * aStrides[2]] * values[b][q + l * bStrides[1]],
          );
          return terms.reduce((x, y) => x + y);
        });
      }
      case 'unary': {
        const { op, x } = instruction;
        if (op === 'sign') for (const value of values[x]) this.compare(value, 0);
        return each((i) => unaryFunctions[op](at(x, i)));
      }
      case 'binary': {
        const { op, a, b } = instruction;
        const isComparison = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(op);
        return each((i) => {
          const [left, right] = [read(a, i), read(b, i)];
          if (isComparison) this.compare(left, right);
          return binaryFunctions[op](left, right);
        });
      }
      case 'select': {
        const { condition, a, b } = instruction;
        return each((i) => {
          this.compare(at(condition, i), 0);
          return read(at(condition, i) === 0 ? b : a, i);
        });
      }
      case 'copy': {
        const { x, offset, sizes, strides } = instruction;
        return each((i) => {
          let [rest, from] = [i, offset];
          for (let dim = sizes.length - 1; dim >= 0; dim--) {
            from += (rest % sizes[dim]) * strides[dim];
            rest = Math.floor(rest / sizes[dim]);
          }
          return values[x][from];
        });
      }
      case 'concat':
        return instruction.parts.flatMap((part) => values[part]);
      case 'fill':
        return each(() => instruction.number);
      case 'reduce': {
        const { op, x, size, inner } = instruction;
        const fold = { sum: (a: number, b: number) => a + b, max: Math.max, min: Math.min }[op];
        return each((i) => {
          const first = Math.floor(i / inner) * size * inner + (i % inner);
          return Array.from({ length: size }, (_, k) => values[x][first + k * inner]).reduce((a, b) => fold(a, b));
        });
      }
    }
  }

  private compare(a: number, b: number): void {
    if (a !== b && Math.abs(a - b) < CLOSE * Math.max(1, Math.abs(a), Math.abs(b))) this.isDecided = false;
  }
}

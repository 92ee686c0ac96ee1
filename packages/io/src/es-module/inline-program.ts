/**
 * Programs, which core makes of the steps of scans and of row-wise functions, as a part of a flow.
 */
import {
  firstConst,
  widthsOf,
  type Instruction,
  type Program,
  type ProgramArguments,
  type ProgramOperand,
  type ProgramResults,
  type Storage,
} from '@rnn/core';
import { STEPS, type FlowWriter } from './flow-storage.js';
import type { FlowValue, Matrix } from './flow.js';
import { numberOver } from './over-time.js';
import { OverTime, placesOf } from './row-walk.js';

/**
 * Writes a program into a flow.
 *
 * @param args - a whole sequence of one row, all steps of it as rows, or what comes after all steps
 * @returns storages that stand for the results
 */
export function inlineProgram(writer: FlowWriter, program: Program, args: ProgramArguments): ProgramResults {
  const { steps, rows } = args;
  if (program.carry.length === 0) return inlineRows(writer, program, args);
  if (steps === STEPS && rows === 1) return inlineScan(writer, program, args);
  if (steps === 1 && rows === 1) return inlineRows(writer, program, args);
  const isOverTime = args.xs.some((storage) => writer.valueOf(storage).domain === 'row');
  if (rows === 1 && !isOverTime && steps <= UNROLLED) return inlineUnrolled(writer, program, args);
  throw new OverTime('scans over something else than the time of its input', { isLayout: true });
}

/** Steps of a loop within one step of the model, which are written one after another. */
const UNROLLED = 256;

function inlineUnrolled(writer: FlowWriter, program: Program, args: ProgramArguments): ProgramResults {
  const { flow } = writer;
  const { steps } = args;
  const fixed = [
    ...args.perRow.map((storage) => writer.valueOf(storage)),
    ...fixedValues(writer, program, args.consts),
  ];
  const sequences = args.xs.map((storage) => writer.valueOf(storage));
  let states = args.carry.map((storage, i) => spread(writer, writer.valueOf(storage), program.carry[i], true));
  const made: FlowValue[][] = program.ys.map(() => []);
  for (let i = 0; i < steps; i++) {
    const t = program.reverse ? steps - 1 - i : i;
    const stacked = sequences.map((value, j) =>
      value.width === 1 && steps > 1 ? value : flow.range(value, t * program.xs[j], program.xs[j]),
    );
    const values = new Body(writer, program, args.consts, [...stacked, ...states, ...fixed], true);
    program.ys.forEach((value, j) => {
      made[j][t] = spread(writer, values.at(value), values.widthOf(value), true);
    });
    states = program.carryOut.map((value, j) => spread(writer, values.at(value), program.carry[j], true));
  }
  return {
    ys: made.map((parts) => {
      const all = flow.concat(parts, true);
      return writer.made(all, all.width, program.dtype);
    }),
    carry: states.map((value) => writer.made(value, value.width, program.dtype)),
  };
}

function inlineScan(writer: FlowWriter, program: Program, args: ProgramArguments): ProgramResults {
  const { flow } = writer;
  const stacked = args.xs.map((storage, i) => partOf(writer, storage, 0, program.xs[i], true));
  const fixed = [
    ...args.perRow.map((storage) => writer.valueOf(storage)),
    ...fixedValues(writer, program, args.consts),
  ];
  const initial = args.carry.map((storage, i) => spread(writer, writer.valueOf(storage), program.carry[i], true));
  const reads = [...stacked, ...fixed.filter((value) => value !== undefined)];
  const names = writer.names.ofScan(initial.length, program.reverse);
  const [scan, states] = flow.scan(program.reverse, initial, reads, names);
  const values = new Body(writer, program, args.consts, [...stacked, ...states, ...fixed], false);
  scan.next = program.carryOut.map((value, i) => spread(writer, values.at(value), program.carry[i], false));
  return {
    ys: program.ys.map((value) => {
      const made = spread(writer, values.at(value), values.widthOf(value), false);
      return writer.made(made, STEPS * made.width, program.dtype);
    }),
    carry: initial.map(({ width }, i) => writer.made(flow.final(scan, i), width, program.dtype)),
  };
}

/**
 * A program without time: its rows are the steps of a sequence, perhaps some for each step, or come
 * after it.
 */
function inlineRows(writer: FlowWriter, program: Program, args: ProgramArguments): ProgramResults {
  const { flow } = writer;
  const total = args.steps * args.rows;
  const isRow = total % STEPS === 0;
  const fixed = fixedValues(writer, program, args.consts);
  const runs = Array.from({ length: isRow ? total / STEPS : total }, (_, row) => {
    const part = (storage: Storage, width: number): FlowValue => partOf(writer, storage, row, width, isRow);
    const stacked = args.xs.map((storage, i) => part(storage, program.xs[i]));
    const carried = args.carry.map((storage, i) => part(storage, program.carry[i]));
    const perRow = args.perRow.map((storage, i) => part(storage, program.perRow[i]));
    return new Body(writer, program, args.consts, [...stacked, ...carried, ...perRow, ...fixed], !isRow);
  });
  const joined = (value: number, width: number): Storage => {
    const parts = runs.map((run) => spread(writer, run.at(value), width, !isRow));
    return writer.made(flow.concat(parts, !isRow), total * width, program.dtype);
  };
  return {
    ys: program.ys.map((value) => joined(value, runs[0].widthOf(value))),
    carry: program.carryOut.map((value, i) => joined(value, program.carry[i])),
  };
}

/** Fixed operands that are rows; a matrix is read by products alone. */
function fixedValues(writer: FlowWriter, program: Program, storages: readonly Storage[]): (FlowValue | undefined)[] {
  return program.consts.map(({ rows }, i) => (rows === 1 ? writer.valueOf(storages[i]) : undefined));
}

/** One row of a storage that holds a row, or some, for each step. */
function partOf(writer: FlowWriter, storage: Storage, row: number, width: number, isRow: boolean): FlowValue {
  const value = writer.valueOf(storage);
  if (value.domain === 'row' || !isRow) return value.width === 1 ? value : writer.flow.range(value, row * width, width);
  if (value.width === 1) return value;
  throw new OverTime(
    'combines the sequence with numbers of its own that change from step to step, such as lengths or places',
  );
}

/**
 * A value of its whole width, that of a row, in the place of one number for all or of a constant.
 */
function spread({ flow }: FlowWriter, value: FlowValue, width: number, isOnce: boolean): FlowValue {
  const whole =
    value.width === width
      ? value
      : flow.pick(
          value,
          Array.from({ length: width }, () => 0),
        );
  if (isOnce || whole.domain === 'row') return whole;
  return flow.make({ kind: 'concat', parts: [whole] }, width, false);
}

/** The values of a program's body. */
class Body {
  readonly #writer: FlowWriter;
  readonly #program: Program;
  readonly #storages: readonly Storage[];
  readonly #values: (FlowValue | undefined)[];
  readonly #isOnce: boolean;
  readonly #widths: readonly number[];

  constructor(
    writer: FlowWriter,
    program: Program,
    storages: readonly Storage[],
    operands: readonly (FlowValue | undefined)[],
    isOnce: boolean,
  ) {
    this.#writer = writer;
    this.#program = program;
    this.#storages = storages;
    this.#values = [...operands];
    this.#isOnce = isOnce;
    this.#widths = widthsOf(program);
    for (const instruction of program.body) this.#values.push(this.#make(instruction));
  }

  at(value: number): FlowValue {
    const found = this.#values[value];
    if (found === undefined) throw new OverTime('uses a matrix of the model as if it were a row');
    return found;
  }

  widthOf(value: number): number {
    return this.#widths[value];
  }

  #operand(operand: ProgramOperand): FlowValue {
    return typeof operand === 'number' ? numberOver(this.#writer, operand) : this.at(operand.value);
  }

  /** The matrix of a product. */
  #matrix(weight: number, isTransposed: boolean): Matrix {
    const at = weight - firstConst(this.#program);
    const { rows, columns } = this.#program.consts[at];
    return this.#writer.matrixOf(this.#storages[at], rows, columns, isTransposed);
  }

  #make(instruction: Instruction): FlowValue {
    const { flow } = this.#writer;
    const { width } = instruction;
    const isOnce = this.#isOnce;
    switch (instruction.kind) {
      case 'matmul': {
        const { x, weight, transposed, init } = instruction;
        const matrix = this.#matrix(weight, transposed);
        const row = spread(this.#writer, this.at(x), matrix.k, true);
        const sum = init === undefined ? undefined : spread(this.#writer, this.at(init), width, true);
        return flow.make({ kind: 'matmul', x: row, weight: matrix, init: sum }, width, isOnce);
      }
      case 'product':
        return this.#product(instruction);
      case 'unary': {
        const x = this.at(instruction.x);
        return flow.make({ kind: 'unary', op: instruction.op, x }, x.width, isOnce);
      }
      case 'binary': {
        const [a, b] = [this.#operand(instruction.a), this.#operand(instruction.b)];
        return flow.make({ kind: 'binary', op: instruction.op, a, b }, width, isOnce);
      }
      case 'select': {
        const condition = this.at(instruction.condition);
        const [a, b] = [this.#operand(instruction.a), this.#operand(instruction.b)];
        return flow.make({ kind: 'select', condition, a, b }, width, isOnce);
      }
      case 'copy': {
        const x = this.at(instruction.x);
        return x.width === 1 ? x : flow.pick(x, placesOf(instruction));
      }
      case 'concat': {
        const parts = instruction.parts.map((part) => spread(this.#writer, this.at(part), this.widthOf(part), true));
        return flow.concat(parts, isOnce);
      }
      case 'fill':
        return flow.number(instruction.number);
      case 'reduce': {
        const { op, outer, size, inner } = instruction;
        const x = spread(this.#writer, this.at(instruction.x), outer * size * inner, true);
        return flow.make({ kind: 'reduce', op, x, outer, size, inner }, width, isOnce);
      }
    }
  }

  /**
   * Products of blocks: all terms of the sums side by side, `[blocks, m, n, k]`, and then their
   * sums.
   */
  #product({ a, b, blocks, m, k, n, aStrides, bStrides }: Extract<Instruction, { kind: 'product' }>): FlowValue {
    const { flow } = this.#writer;
    const isOnce = this.#isOnce;
    const sizes = [blocks, m, n, k];
    const width = blocks * m * n;
    const terms = (value: number, strides: readonly number[]): FlowValue =>
      flow.pick(
        spread(this.#writer, this.at(value), this.widthOf(value), true),
        placesOf({ offset: 0, sizes, strides }),
      );
    const left = terms(a, [aStrides[0], aStrides[1], 0, aStrides[2]]);
    const right = terms(b, [bStrides[0], 0, bStrides[2], bStrides[1]]);
    const x = flow.make({ kind: 'binary', op: 'mul', a: left, b: right }, width * k, isOnce);
    return flow.make({ kind: 'reduce', op: 'sum', x, outer: width, size: k, inner: 1 }, width, isOnce);
  }
}

import { firstConst, firstInstruction, isConst, widthsOf } from '@rnn/core';
import type {
  CompiledProgram,
  DType,
  Instruction,
  Program,
  ProgramArguments,
  ProgramOperand,
  ProgramResults,
  TypedArray,
} from '@rnn/core';
import { binary } from './binary.js';
import { concat } from './concat.js';
import { copy } from './copy.js';
import type { Factor } from './factor.js';
import { matmul, multiply } from './matmul.js';
import type { LiveStorage, Memory } from './memory.js';
import { reduce } from './reduce.js';
import { select } from './select.js';
import { newArray } from './typed-arrays.js';
import { unary } from './unary.js';
import type { View } from './walk.js';

/** One instruction, ready to run on the arrays of one workspace. */
type Action = () => void;

/**
 * So many elements of a value are worked on at once: those of all values then stay in the
 * processor's cache.
 */
const BLOCK = 2048;

/**
 * What `compile` has to do, in the plainest form: every value of the program gets an array of
 * `rows x width`, once; every instruction becomes a function that reads the arrays of its operands
 * and writes its own; a step runs them in order. The kernels are those of the primitives. A faster
 * backend does the same with fewer passes over memory.
 */
export class CpuProgram implements CompiledProgram {
  private readonly program: Program;
  private readonly memory: Memory;
  private readonly widths: readonly number[];
  /**
   * Rows are independent, so many of them are run a block at a time; not for products, which want
   * all rows of a weight that they load.
   */
  private readonly blockRows: number;
  private readonly hasBlocks: boolean;
  /** By the number of rows. */
  private readonly workspaces = new Map<number, Workspace>();
  private workspaceRows = 0;

  constructor(program: Program, memory: Memory) {
    this.program = program;
    this.memory = memory;
    this.widths = widthsOf(program);
    this.blockRows = Math.ceil(BLOCK / Math.max(1, ...this.widths));
    this.hasBlocks =
      program.carry.length === 0 && program.body.every(({ kind }) => kind !== 'matmul' && kind !== 'product');
  }

  run(args: ProgramArguments): ProgramResults {
    const { program, memory, widths, blockRows } = this;
    const { steps, rows } = args;
    const { dtype, carry } = program;
    const outputs = program.ys.map((value) => memory.allocate(dtype, steps * rows * widths[value]));
    const last = carry.map((width) => memory.allocate(dtype, rows * width));
    const size = this.hasBlocks ? blockRows : rows;
    for (let start = 0; start < rows; start += size) {
      this.runRows(args, start, Math.min(size, rows - start), outputs, last);
    }
    return { ys: outputs, carry: last };
  }

  private workspaceFor(rows: number): Workspace {
    let workspace = this.workspaces.get(rows);
    if (workspace === undefined) {
      // Enough for a block and what is left over behind it. Past that all are forgotten: the sizes
      // in use come back at once.
      if (this.workspaceRows + rows > 2 * this.blockRows) {
        this.workspaces.clear();
        this.workspaceRows = 0;
      }
      workspace = new Workspace(this.program, this.widths, rows);
      this.workspaces.set(rows, workspace);
      this.workspaceRows += rows;
    }
    return workspace;
  }

  /** Runs `rows` rows from `start` on; where there are carried values, these are all rows. */
  private runRows(
    args: ProgramArguments,
    start: number,
    rows: number,
    kept: readonly LiveStorage[],
    last: readonly LiveStorage[],
  ): void {
    const { program, memory, widths } = this;
    const { steps } = args;
    const { carry, ys, reverse } = program;
    const { values, state, actions } = this.workspaceFor(rows);

    const xs = args.xs.map((storage) => memory.valuesOf(storage));
    const firstCarried = program.xs.length;
    args.carry.forEach((storage, i) => state[i].set(memory.valuesOf(storage)));
    args.perRow.forEach((storage, i) => {
      const value = firstCarried + carry.length + i;
      copyRun(values[value], 0, memory.valuesOf(storage), start * widths[value], rows * widths[value]);
    });
    args.consts.forEach((storage, i) => values[firstConst(program) + i].set(memory.valuesOf(storage)));

    for (let n = 0; n < steps; n++) {
      const t = reverse ? steps - 1 - n : n;
      xs.forEach((array, i) => copyRun(values[i], 0, array, (t * args.rows + start) * widths[i], rows * widths[i]));

      for (const action of actions) action();

      ys.forEach((value, i) => {
        const width = widths[value];
        const at = (t * args.rows + start) * width;
        const source = values[value];
        // A fixed row is the same for all.
        if (source.length === rows * width) copyRun(kept[i].values, at, source, 0, source.length);
        else for (let row = 0; row < rows; row++) copyRun(kept[i].values, at + row * width, source, 0, width);
      });
      // All next values are read before any is overwritten: a value may be carried to another
      // place.
      program.carryOut.forEach((value, i) => copyRun(last[i].values, 0, values[value], 0, last[i].size));
      state.forEach((array, i) => copyRun(array, 0, last[i].values, 0, array.length));
    }
    state.forEach((array, i) => copyRun(last[i].values, 0, array, 0, array.length));
  }
}

/** `count` elements; a short run by a loop, since `subarray` allocates at every step. */
function copyRun(to: TypedArray, at: number, from: TypedArray, start: number, count: number): void {
  if (count >= 256) to.set(from.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i];
}

/** The arrays of all values for a number of rows, and the instructions bound to them. */
class Workspace {
  readonly rows: number;
  /** By the number of the value. */
  readonly values: readonly TypedArray[];
  /** Those of the carried values. */
  readonly state: readonly TypedArray[];
  readonly actions: readonly Action[];
  private readonly program: Program;
  private readonly widths: readonly number[];

  constructor(program: Program, widths: readonly number[], rows: number) {
    const { xs, carry, consts, dtype } = program;
    this.program = program;
    this.widths = widths;
    this.rows = rows;
    const first = firstInstruction(program);
    this.values = widths.map((width, value) => {
      const shape = isConst(this.program, value) ? consts[value - firstConst(program)] : undefined;
      return newArray(dtype, shape === undefined ? rows * width : shape.rows * shape.columns);
    });
    this.state = this.values.slice(xs.length, xs.length + carry.length);
    this.actions = program.body.map((instruction, i) => this.bind(instruction, this.values[first + i]));
  }

  private bind(instruction: Instruction, out: TypedArray): Action {
    const { values, widths, rows } = this;
    const { dtype } = this.program;
    const { width } = instruction;
    switch (instruction.kind) {
      case 'unary': {
        const { op, x } = instruction;
        return () => unary(op, dtype, out, values[x]);
      }
      case 'binary': {
        const { op } = instruction;
        const { sizes, views } = this.walk([instruction.a, instruction.b], width, dtype);
        return () => binary(op, dtype, out, views[0], views[1], sizes);
      }
      case 'select': {
        const { sizes, views } = this.walk(
          [{ value: instruction.condition }, instruction.a, instruction.b],
          width,
          dtype,
        );
        return () => select(out, views[0], views[1], views[2], sizes);
      }
      case 'copy': {
        const { x, offset } = instruction;
        const sizes = [rows, ...instruction.sizes];
        const view: View = {
          values: values[x],
          offset,
          strides: [isConst(this.program, x) ? 0 : widths[x], ...instruction.strides],
        };
        return () => copy(out, view, sizes);
      }
      case 'concat': {
        const pieces = instruction.parts.map((part) => ({ values: values[part], run: widths[part] }));
        return () => concat(out, pieces, rows);
      }
      case 'fill':
        return () => void out.fill(instruction.number);
      case 'reduce': {
        const { op, x, outer, size, inner } = instruction;
        return () => reduce(op, out, values[x], rows * outer, size, inner);
      }
      case 'product':
        return this.product(instruction, out);
      case 'matmul': {
        const { x, weight, transposed, init } = instruction;
        const left = { values: values[x], batchStrides: [0], transposed: false };
        const right = { values: values[weight], batchStrides: [0], transposed };
        const sizes = { batch: [1], m: rows, k: widths[x], n: width };
        if (init === undefined) return () => matmul(out, left, right, sizes);
        const start = this.walk([{ value: init }], width, dtype);
        const product: View = { values: out, offset: 0, strides: start.sizes.length === 1 ? [1] : [width, 1] };
        return () => {
          matmul(out, left, right, sizes);
          binary('add', dtype, out, product, start.views[0], start.sizes);
        };
      }
    }
  }

  /**
   * Products inside each row; all rows of a matrix for each row times one fixed matrix are one
   * product.
   */
  private product(
    { a, b, blocks, m, k, n, aStrides, bStrides, width }: Extract<Instruction, { kind: 'product' }>,
    out: TypedArray,
  ): Action {
    const { values, widths, rows } = this;
    const rowB = isConst(this.program, b) ? 0 : widths[b];
    const left: Factor = { values: values[a], offset: 0, line: aStrides[1], along: aStrides[2] };
    const right: Factor = { values: values[b], offset: 0, line: bStrides[2], along: bStrides[1] };
    if (blocks === 1 && rowB === 0 && widths[a] === m * aStrides[1])
      return () => multiply(out, 0, left, right, rows * m, k, n);
    return () => {
      for (let row = 0; row < rows; row++) {
        for (let block = 0; block < blocks; block++) {
          const from = { ...left, offset: row * widths[a] + block * aStrides[0] };
          const by = { ...right, offset: row * rowB + block * bStrides[0] };
          multiply(out, row * width + block * m * n, from, by, m, k, n);
        }
      }
    };
  }

  /**
   * Operands of an elementwise instruction: dense where all are, else row by row, with stride 0
   * where one element or row serves all.
   */
  private walk(operands: readonly ProgramOperand[], width: number, dtype: DType): { sizes: number[]; views: View[] } {
    const { values, widths, rows } = this;
    const isFixed = ({ value }: { readonly value: number }): boolean => isConst(this.program, value);
    const isNumber = (operand: { readonly value: number }): boolean =>
      isFixed(operand) && values[operand.value].length === 1;
    const isDense = (operand: ProgramOperand): boolean =>
      typeof operand === 'number' || isNumber(operand) || (!isFixed(operand) && widths[operand.value] === width);
    const dense = operands.every(isDense);
    const views = operands.map((operand): View => {
      if (typeof operand === 'number')
        return { values: newArray(dtype, 1).fill(operand), offset: 0, strides: dense ? [0] : [0, 0] };
      const own = widths[operand.value];
      const strides = dense
        ? [isNumber(operand) ? 0 : 1]
        : [isFixed(operand) ? 0 : own, own === 1 && width > 1 ? 0 : 1];
      return { values: values[operand.value], offset: 0, strides };
    });
    return { sizes: dense ? [rows * width] : [rows, width], views };
  }
}

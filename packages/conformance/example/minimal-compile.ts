/** Programs for the backend of `minimal-backend.ts`: the second half of `docs/new-backend.md`. */
import { firstConst, firstInstruction, isConst, widthsOf } from '@rnn/core';
import type { Backend, CompiledProgram, Instruction, Program, ProgramArguments, ProgramResults } from '@rnn/core';
import type { ProgramOperand, Storage } from '@rnn/core';
import { binaryFunctions, minimal, unaryFunctions } from './minimal-backend.js';

/** Rows know nothing of one another: one after another goes through all steps. */
class RowProgram implements CompiledProgram {
  private readonly backend: Backend;
  private readonly program: Program;
  /** By the number of the value: the features of the current row, or a whole fixed operand. */
  private readonly values: Float32Array[];
  private readonly actions: readonly (() => void)[];

  constructor(backend: Backend, program: Program) {
    this.backend = backend;
    this.program = program;
    const rowsOf = (v: number): number => (isConst(program, v) ? program.consts[v - firstConst(program)].rows : 1);
    this.values = widthsOf(program).map((width, value) => new Float32Array(rowsOf(value) * width));
    const own = this.values.slice(firstInstruction(program));
    this.actions = program.body.map((instruction, i) => this.bind(instruction, own[i]));
  }

  run({ steps, rows, ...args }: ProgramArguments): ProgramResults {
    const { backend, program, values } = this;
    const read = (from: readonly Storage[]): Float32Array[] => from.map((x) => backend.readSync(x) as Float32Array);
    const [stacked, carried, perRow] = [read(args.xs), read(args.carry), read(args.perRow)];
    const firstPerRow = stacked.length + carried.length;
    read(args.consts).forEach((numbers, i) => values[firstConst(program) + i].set(numbers));
    const outputs = program.ys.map((value) => new Float32Array(steps * rows * values[value].length));
    const part = (x: Float32Array, at: number, width: number): Float32Array => x.subarray(at * width, (at + 1) * width);
    for (let row = 0; row < rows; row++) {
      carried.forEach((numbers, i) => values[stacked.length + i].set(part(numbers, row, program.carry[i])));
      perRow.forEach((numbers, i) => values[firstPerRow + i].set(part(numbers, row, program.perRow[i])));
      for (let n = 0; n < steps; n++) {
        const t = program.reverse ? steps - 1 - n : n;
        stacked.forEach((numbers, i) => values[i].set(part(numbers, t * rows + row, program.xs[i])));
        for (const action of this.actions) action();
        program.ys.forEach((value, i) => outputs[i].set(values[value], (t * rows + row) * values[value].length));
        // All are read before one is written: a state may move to another place.
        const next = program.carryOut.map((value) => values[value].slice());
        next.forEach((numbers, i) => values[stacked.length + i].set(numbers));
      }
      carried.forEach((numbers, i) => numbers.set(values[stacked.length + i], row * program.carry[i]));
    }
    return { ys: outputs.map((made) => backend.upload(made)), carry: carried.map((made) => backend.upload(made)) };
  }

  /** An instruction as a function that reads its operands and writes `out`. */
  private bind(instruction: Instruction, out: Float32Array): () => void {
    const { values } = this;
    /** Element `i`; what has one feature, and a number, stands for all. */
    const at = (operand: ProgramOperand): ((i: number) => number) => {
      if (typeof operand === 'number') return () => operand;
      const x = values[operand.value];
      return x.length === 1 ? () => x[0] : (i) => x[i];
    };
    const each = (make: (i: number) => number) => () => out.forEach((_, i) => (out[i] = make(i)));
    switch (instruction.kind) {
      case 'unary':
        return each((i) => unaryFunctions[instruction.op](values[instruction.x][i]));
      case 'binary': {
        const [f, a, b] = [binaryFunctions[instruction.op], at(instruction.a), at(instruction.b)];
        return each((i) => f(a(i), b(i)));
      }
      case 'select': {
        const [c, a, b] = [at({ value: instruction.condition }), at(instruction.a), at(instruction.b)];
        return each((i) => (c(i) === 0 ? b(i) : a(i)));
      }
      case 'fill':
        return () => void out.fill(instruction.number);
      case 'concat':
        return () => instruction.parts.reduce((to, part) => (out.set(values[part], to), to + values[part].length), 0);
      case 'copy': {
        const { x, offset, sizes, strides } = instruction;
        return each((i) => {
          let [from, left] = [offset, i];
          for (let d = sizes.length - 1; d >= 0; left = Math.floor(left / sizes[d--]))
            from += (left % sizes[d]) * strides[d];
          return values[x][from];
        });
      }
      case 'reduce': {
        const { op, x, size, inner } = instruction;
        const f = binaryFunctions[op === 'sum' ? 'add' : op === 'max' ? 'maximum' : 'minimum'];
        return each((i) => {
          const first = Math.floor(i / inner) * size * inner + (i % inner);
          let total = values[x][first];
          for (let s = 1; s < size; s++) total = f(total, values[x][first + s * inner]);
          return total;
        });
      }
      case 'matmul': {
        const [x, w] = [values[instruction.x], values[instruction.weight]];
        const [along, across] = instruction.transposed ? [1, x.length] : [out.length, 1];
        const start = at(instruction.init === undefined ? 0 : { value: instruction.init });
        return each((i) => x.reduce((sum, term, k) => sum + term * w[k * along + i * across], 0) + start(i));
      }
      case 'product': {
        const { a, b, m, k, n, aStrides, bStrides } = instruction;
        return each((i) => {
          const [block, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
          let sum = 0;
          for (let s = 0; s < k; s++)
            sum +=
              values[a][block * aStrides[0] + row * aStrides[1] + s * aStrides[2]] *
              values[b][block * bStrides[0] + s * bStrides[1] + column * bStrides[2]];
          return sum;
        });
      }
    }
  }
}

/** The minimal backend with programs. */
export async function minimalWithPrograms(): Promise<Backend> {
  const backend = await minimal();
  const compile = (program: Program): CompiledProgram => new RowProgram(backend, program);
  return Object.assign(backend, { compile });
}

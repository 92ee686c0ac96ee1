/** A program, which core makes of the step of a scan, as a Scan. */
import { firstConst, widthsOf, type Instruction, type Program, type ProgramOperand } from '@rnn/core';
import { binaryNode, selectNode, unaryNode } from './elementwise.js';
import type { IrBuilder, IrType, IrValue } from './ir.js';

/** What a run of a program gets, as values of the graph; each in any shape of as many elements. */
export interface LoopArguments {
  readonly steps: number;
  readonly rows: number;
  readonly xs: readonly IrValue[];
  readonly carry: readonly IrValue[];
  readonly perRow: readonly IrValue[];
  readonly consts: readonly IrValue[];
}

/** What comes out of it. */
export interface LoopValues {
  /** [steps, rows, width] each. */
  readonly ys: readonly IrValue[];
  /** [rows, width] each. */
  readonly carry: readonly IrValue[];
}

export function programScan(ir: IrBuilder, opset: number, program: Program, args: LoopArguments): LoopValues {
  const { steps, rows } = args;
  const { reverse } = program;
  const sequences = args.xs.map((value, i) => ir.reshaped(value, [steps, rows, program.xs[i]]));
  const initial = args.carry.map((value, i) => ir.reshaped(value, [rows, program.carry[i]]));
  // These are the same at all steps: the body reads them where they are.
  const perRow = args.perRow.map((value, i) => ir.reshaped(value, [rows, program.perRow[i]]));
  const consts = args.consts.map((value, i) => ir.reshaped(value, [program.consts[i].rows, program.consts[i].columns]));
  const inner = ({ type }: IrValue, width: number): IrValue => ({ type, shape: [rows, width] });
  const before = initial.map((value, i) => inner(value, program.carry[i]));
  const xs = sequences.map((value, i) => inner(value, program.xs[i]));
  const [outputs, nodes] = ir.inside(() => {
    const body = new Body(ir, opset, program, rows, [...xs, ...before, ...perRow, ...consts]);
    const results = [...program.carryOut, ...program.ys].map((value) => body.whole(value));
    // An output of a body is a value of its own, even where the step hands its state on.
    return results.map((value) => ir.node('Identity', [value], value.type, value.shape));
  });
  const states = initial.map(({ type, shape }): IrValue => ({ type, shape }));
  const made = outputs.slice(states.length).map(({ type, shape }): IrValue => ({ type, shape: [steps, ...shape] }));
  const backwards = {
    scan_input_directions: sequences.map(() => 1),
    scan_output_directions: made.map(() => 1),
  };
  ir.add({
    operator: 'Scan',
    inputs: [...initial, ...sequences],
    outputs: [...states, ...made],
    attributes: {
      body: { inputs: [...before, ...xs], nodes, outputs },
      num_scan_inputs: sequences.length,
      ...(reverse ? backwards : {}),
    },
  });
  return { ys: made, carry: states };
}

/**
 * The values of a program's body: [rows, width] each, with 1 in the place of either where the
 * numbers are the same along it.
 */
class Body {
  readonly #ir: IrBuilder;
  readonly #opset: number;
  readonly #program: Program;
  readonly #rows: number;
  readonly #widths: readonly number[];
  readonly #values: IrValue[];

  constructor(ir: IrBuilder, opset: number, program: Program, rows: number, operands: readonly IrValue[]) {
    this.#ir = ir;
    this.#opset = opset;
    this.#program = program;
    this.#rows = rows;
    this.#widths = widthsOf(program);
    this.#values = [...operands];
    for (const instruction of program.body) this.#values.push(this.#made(instruction));
  }

  /** A value with all of its rows and features. */
  whole(value: number): IrValue {
    return this.#spread(this.#values[value], this.#rows, this.#widths[value]);
  }

  #spread(value: IrValue, rows: number, width: number): IrValue {
    const [ownRows = 1, ownWidth = 1] = value.shape;
    if (value.shape.length === 2 && ownRows === rows && ownWidth === width) return value;
    return this.#ir.node('Expand', [value, [rows, width]], value.type, [rows, width]);
  }

  /** A value with all of its features, in one row where it is the same in all. */
  #wide(value: number, width: number): IrValue {
    const found = this.#values[value];
    return this.#spread(found, found.shape.length === 2 ? found.shape[0] : 1, width);
  }

  #operand(operand: ProgramOperand): IrValue {
    return typeof operand === 'number' ? this.#number(operand) : this.#values[operand.value];
  }

  #number(number: number): IrValue {
    return { type: this.#type, shape: [1, 1], constant: [number] };
  }

  get #type(): IrType {
    return this.#program.dtype;
  }

  #made(instruction: Instruction): IrValue {
    const ir = this.#ir;
    const { width } = instruction;
    switch (instruction.kind) {
      case 'matmul': {
        const { x, weight, transposed, init } = instruction;
        const { rows, columns } = this.#program.consts[weight - firstConst(this.#program)];
        const row = this.#wide(x, transposed ? columns : rows);
        const operands = [row, this.#values[weight]];
        const product = ir.node('Gemm', operands, this.#type, [row.shape[0], width], { transB: Number(transposed) });
        return init === undefined ? product : binaryNode(ir, 'add', product, this.#values[init], this.#type);
      }
      case 'product': {
        const { a, b, blocks, m, k, n, aStrides, bStrides } = instruction;
        const left = this.#matrices(a, [blocks, m, k], aStrides);
        const right = this.#matrices(b, [blocks, k, n], bStrides);
        const rows = Math.max(left.shape[0], right.shape[0]);
        const made = ir.node('MatMul', [left, right], this.#type, [rows, blocks, m, n]);
        return ir.reshaped(made, [rows, width]);
      }
      case 'unary':
        return unaryNode(ir, instruction.op, this.#values[instruction.x]);
      case 'binary':
        return binaryNode(ir, instruction.op, this.#operand(instruction.a), this.#operand(instruction.b), this.#type);
      case 'select': {
        const { condition, a, b } = instruction;
        return selectNode(ir, this.#values[condition], this.#operand(a), this.#operand(b), this.#type);
      }
      case 'copy':
        return this.#copied(instruction);
      case 'concat': {
        const parts = instruction.parts.map((part) => this.whole(part));
        return ir.node('Concat', parts, this.#type, [this.#rows, width], { axis: 1 });
      }
      case 'fill':
        return this.#number(instruction.number);
      case 'reduce': {
        const { op, x, outer, size, inner } = instruction;
        const row = this.#wide(x, outer * size * inner);
        const rows = row.shape[0];
        const parts = ir.reshaped(row, [rows, outer, size, inner]);
        return ir.reshaped(ir.reduced(op, parts, 2, this.#opset), [rows, outer * inner]);
      }
    }
  }

  /** The matrices of one side of a product of blocks: [rows, ...sizes]. */
  #matrices(value: number, sizes: readonly number[], strides: readonly number[]): IrValue {
    const whole = this.#wide(value, this.#widths[value]);
    const rows = whole.shape[0];
    const places = placesOf(0, sizes, strides);
    const isDense = places.length === whole.shape[1] && places.every((place, i) => place === i);
    const width = places.length;
    const parts = isDense ? whole : this.#ir.node('Gather', [whole, places], whole.type, [rows, width], { axis: 1 });
    return this.#ir.reshaped(parts, [rows, ...sizes]);
  }

  /** Features in other places: a range of them, or any walk. */
  #copied({ x, offset, sizes, strides, width }: Instruction & { readonly kind: 'copy' }): IrValue {
    const value = this.#values[x];
    if (value.shape[1] === 1) return value;
    if (sizes.length === 1 && strides[0] === 1) return this.#ir.sliced(value, 1, offset, sizes[0]);
    const places = placesOf(offset, sizes, strides);
    return this.#ir.node('Gather', [value, places], value.type, [value.shape[0], width], { axis: 1 });
  }
}

/** The features that a walk visits. */
function placesOf(offset: number, sizes: readonly number[], strides: readonly number[]): number[] {
  let places = [offset];
  sizes.forEach((size, i) => {
    places = places.flatMap((place) => Array.from({ length: size }, (_, at) => place + at * strides[i]));
  });
  return places;
}

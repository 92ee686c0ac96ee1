/**
 * # The instruction set
 *
 * What one row of the batch can compute, declared once. `Ref` is how an instruction names a value
 * that it reads: a value of the graph while a step is traced, the number of a value in a program.
 * `Operand` is a value or a plain number. A new instruction is one member of the union, one line in
 * `mapOperands` and in `printInstruction`, and its kernels.
 */
import type { BinaryOp, UnaryOp } from './elementwise-op.js';

/**
 * Products inside one row: for each of some blocks `[m, k] x [k, n] -> [m, n]`, dense one after
 * another in the result. Element `[i, j]` of block `l` of `a` is its feature
 * `l * aStrides[0] + i * aStrides[1] + j * aStrides[2]`; likewise of `b`. A stride of 0 in front is
 * one matrix for all blocks. `a` is a row value; `b` is one too, or a constant: weights of
 * heads, or one matrix that a matrix for each row is multiplied by.
 */
export interface BlockSizes {
  readonly blocks: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly aStrides: BlockStrides;
  readonly bStrides: BlockStrides;
}

/** From block to block, from row to row and from column to column of a matrix. */
export type BlockStrides = readonly [block: number, row: number, column: number];

/** What an instruction computes; how many features the result has stands beside it. */
export type InstructionBody<Ref, Operand> =
  | {
      /**
       * `x W` or `x W^T`, added to `init` where there is one. `x` is a row value, `weight` a fixed
       * matrix.
       */
      readonly kind: 'matmul';
      readonly x: Ref;
      readonly weight: Ref;
      /** The matrix is stored as [width of the result, width of x]. */
      readonly transposed: boolean;
      /** A row value or a fixed row of the result's width. */
      readonly init: Ref | undefined;
    }
  | ({ readonly kind: 'product'; readonly a: Ref; readonly b: Ref } & BlockSizes)
  | { readonly kind: 'unary'; readonly op: UnaryOp; readonly x: Ref }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly a: Operand; readonly b: Operand }
  | { readonly kind: 'select'; readonly condition: Ref; readonly a: Operand; readonly b: Operand }
  | {
      /**
       * Features of `x` walked with strides, `[sizes] -> width` features; a range of features has
       * one size and the stride 1.
       */
      readonly kind: 'copy';
      readonly x: Ref;
      readonly offset: number;
      readonly sizes: readonly number[];
      readonly strides: readonly number[];
    }
  | { readonly kind: 'concat'; readonly parts: readonly Ref[] }
  | { readonly kind: 'fill'; readonly number: number }
  | {
      /** Reduces the middle of features seen as `[outer, size, inner]`. */
      readonly kind: 'reduce';
      readonly op: 'sum' | 'max' | 'min';
      readonly x: Ref;
      readonly outer: number;
      readonly size: number;
      readonly inner: number;
    };

/** What becomes of the values that an instruction reads. */
export interface OperandMap<Ref, Operand, NewRef, NewOperand> {
  /** A row value, or a fixed row that stands for all rows. */
  readonly row: (value: Ref) => NewRef;
  /** A fixed matrix. */
  readonly matrix: (value: Ref) => NewRef;
  readonly operand: (operand: Operand) => NewOperand;
}

/**
 * The same instruction on other values.
 *
 * @example
 * ```ts
 * const sum = { kind: 'binary', op: 'add', a: 'x', b: 'y' } as const;
 * const named = (name: string): string => name + name;
 * const { b } = mapOperands(sum, { row: named, matrix: named, operand: named });
 * b; // 'yy'
 * ```
 */
export function mapOperands<Ref, Operand, NewRef, NewOperand>(
  instruction: InstructionBody<Ref, Operand>,
  { row, matrix, operand }: OperandMap<Ref, Operand, NewRef, NewOperand>,
): InstructionBody<NewRef, NewOperand> {
  switch (instruction.kind) {
    case 'matmul': {
      const { kind, x, weight, transposed, init } = instruction;
      return { kind, x: row(x), weight: matrix(weight), transposed, init: init === undefined ? undefined : row(init) };
    }
    case 'product':
      return { ...instruction, a: row(instruction.a), b: row(instruction.b) };
    case 'binary': {
      const { kind, op, a, b } = instruction;
      return { kind, op, a: operand(a), b: operand(b) };
    }
    case 'select': {
      const { kind, condition, a, b } = instruction;
      return { kind, condition: row(condition), a: operand(a), b: operand(b) };
    }
    case 'concat':
      return { kind: 'concat', parts: instruction.parts.map(row) };
    case 'fill':
      return instruction;
    default:
      return { ...instruction, x: row(instruction.x) };
  }
}

/** An instruction in words, without the width of its result. */
export function printInstruction<Ref, Operand>(
  instruction: InstructionBody<Ref, Operand>,
  value: (ref: Ref) => string,
  operand: (operand: Operand) => string,
): string {
  switch (instruction.kind) {
    case 'matmul': {
      const { x, weight, transposed, init } = instruction;
      return `matmul ${value(x)} ${value(weight)}${transposed ? '^T' : ''}${init === undefined ? '' : ` + ${value(init)}`}`;
    }
    case 'product': {
      const { a, b, blocks, m, k, n, aStrides, bStrides } = instruction;
      return `product ${value(a)} [${aStrides.join(', ')}] ${value(b)} [${bStrides.join(', ')}] of ${blocks} x [${m}, ${k}, ${n}]`;
    }
    case 'unary':
      return `${instruction.op} ${value(instruction.x)}`;
    case 'binary':
      return `${instruction.op} ${operand(instruction.a)} ${operand(instruction.b)}`;
    case 'select':
      return `select ${value(instruction.condition)} ${operand(instruction.a)} ${operand(instruction.b)}`;
    case 'copy': {
      const { x, offset, sizes, strides } = instruction;
      const isRange = sizes.length === 1 && strides[0] === 1;
      return isRange
        ? `copy ${value(x)}[${offset}:${offset + sizes[0]}]`
        : `copy ${value(x)} from ${offset} sizes [${sizes.join(', ')}] strides [${strides.join(', ')}]`;
    }
    case 'concat':
      return `concat ${instruction.parts.map(value).join(' ')}`;
    case 'fill':
      return `fill ${Object.is(instruction.number, -0) ? '-0' : instruction.number}`;
    case 'reduce': {
      const { op, x, outer, size, inner } = instruction;
      return `${op} ${value(x)} over [${outer}, ${size}, ${inner}]`;
    }
  }
}

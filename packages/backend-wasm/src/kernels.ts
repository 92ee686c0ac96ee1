import type { BinaryOp, DType, ReduceOp, UnaryOp } from '@rnn/core';

/** Addresses and strides count bytes, sizes count elements. */
type Run = (out: number, x: number, n: number) => void;
type Indexed = (
  out: number,
  x: number,
  index: number,
  outer: number,
  size: number,
  inner: number,
  count: number,
  outerStep: number,
  countStep: number,
  innerStep: number,
) => void;
type Reduction = (out: number, x: number, outer: number, size: number, inner: number) => void;
/** A few rows times a factor as it lies in memory, `apart` bytes between its rows or columns. */
type FewRows = (
  a: number,
  rowA: number,
  b: number,
  apart: number,
  c: number,
  rowC: number,
  init: number,
  rowInit: number,
  m: number,
  k: number,
  n: number,
) => void;

type IntegerUnary = 'neg' | 'square' | 'abs' | 'sign' | 'relu';

/** What `assembly/` exports; the comments are there. */
export type Kernels = Readonly<
  Record<`${UnaryOp}_float32` | `${IntegerUnary}_int32`, Run> & Record<`${ReduceOp}_${'float32' | 'int32'}`, Reduction>
> & {
  /** 2 in the relaxed build, else 1. */
  readonly simdLevel: WebAssembly.Global;
  readonly binary: (
    op: number,
    out: number,
    a: number,
    denseA: number,
    b: number,
    denseB: number,
    n: number,
    dims: number,
  ) => void;
  readonly select: (
    out: number,
    condition: number,
    denseC: number,
    isInt: number,
    a: number,
    denseA: number,
    b: number,
    denseB: number,
    n: number,
    dims: number,
  ) => void;
  readonly truncate: Run;
  readonly toFloat: Run;
  readonly narrow: Run;
  readonly copy: (
    out: number,
    outRow: number,
    x: number,
    rows: number,
    columns: number,
    row: number,
    column: number,
    dims: number,
  ) => void;
  readonly gather: Indexed;
  readonly scatterAdd_float32: Indexed;
  readonly scatterAdd_int32: Indexed;
  readonly pack: (to: number, b: number, row: number, column: number, k: number, n: number) => void;
  readonly product: (
    a: number,
    rowA: number,
    stepA: number,
    b: number,
    c: number,
    rowC: number,
    init: number,
    rowInit: number,
    m: number,
    k: number,
    n: number,
    room: number,
  ) => void;
  readonly multiply: (
    a: number,
    rowA: number,
    stepA: number,
    b: number,
    rowB: number,
    stepB: number,
    c: number,
    rowC: number,
    m: number,
    k: number,
    n: number,
    packed: number,
    room: number,
  ) => void;
  /**
   * Rows of `a`, `b`, `c` with bytes between them; rows, blocks, m, k, n; strides of `a` and of
   * `b`.
   */
  readonly blockProducts: (...numbers: readonly number[]) => void;
  readonly vectors: FewRows;
  readonly vectorsTransposed: FewRows;
  readonly productInt: (
    a: number,
    rowA: number,
    stepA: number,
    b: number,
    rowB: number,
    stepB: number,
    c: number,
    m: number,
    k: number,
    n: number,
  ) => void;
};

/**
 * The functions of `binary` in the order of their numbers, from which the kernels' \`Op\` is made.
 */
export const floatOps: readonly BinaryOp[] = [
  ...(['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'pow'] as const),
];
const numbers: Readonly<Record<string, number>> = Object.fromEntries(floatOps.map((op, i) => [op, i]));

export function numberOfBinary(op: BinaryOp, dtype: DType): number {
  return numbers[op] + (dtype === 'int32' ? floatOps.length : 0);
}

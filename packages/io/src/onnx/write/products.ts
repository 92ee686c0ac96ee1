/** Products of matrices, and elements by their places, in ONNX's operators. */
import type { IndexSizes, Matrices, MatmulSizes } from '@rnn/core';
import type { IrBuilder, IrType, IrValue } from './ir.js';

/** Where to look, and how that is walked: [outer, count, inner]. */
interface Places {
  readonly value: IrValue;
  readonly strides: readonly number[];
}

/** Elements along the middle of [outer, size, inner]. */
export function gathered(ir: IrBuilder, x: IrValue, index: Places, sizes: IndexSizes, type: IrType): IrValue {
  const { outer, size, inner, count } = sizes;
  const rows = ir.reshaped(x, [outer, size, inner]);
  const shape = [outer, count, inner];
  const isLine = index.strides[0] === 0 && index.strides[2] === 0;
  if (isLine) return ir.node('Gather', [rows, ir.reshaped(index.value, [count])], type, shape, { axis: 1 });
  return ir.node('GatherElements', [rows, ir.reshaped(index.value, shape)], type, shape, { axis: 1 });
}

/** Matrices of a product with their value. */
type Side = Pick<Matrices, 'batchStrides' | 'transposed'> & { readonly value: IrValue };

/** A product of matrices, or of batches of them. */
export function product(ir: IrBuilder, a: Side, b: Side, { batch, m, k, n }: MatmulSizes, type: IrType): IrValue {
  if (batch.every((size) => size === 1)) {
    const left = ir.reshaped(a.value, a.transposed ? [k, m] : [m, k]);
    const right = ir.reshaped(b.value, b.transposed ? [n, k] : [k, n]);
    const attributes = { transA: Number(a.transposed), transB: Number(b.transposed) };
    return ir.node('Gemm', [left, right], type, [m, n], attributes);
  }
  return ir.node('MatMul', [matrices(ir, a, batch, m, k), matrices(ir, b, batch, k, n)], type, [...batch, m, n]);
}

/** `[...batch, rows, columns]`, with 1 for a batch along which the matrices stay the same. */
function matrices(
  ir: IrBuilder,
  { value, batchStrides, transposed }: Side,
  batch: readonly number[],
  rows: number,
  columns: number,
): IrValue {
  const lead = batch.map((size, i) => (batchStrides[i] === 0 ? 1 : size));
  const stored = ir.reshaped(value, [...lead, ...(transposed ? [columns, rows] : [rows, columns])]);
  const rank = stored.shape.length;
  const order = stored.shape.map((_, i) => (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
  return transposed ? ir.transposed(stored, order) : stored;
}

import type { Matrices, MatmulSizes, Storage } from '@rnn/core';
import { GEMV_ROWS } from './layout.js';
import type { Factor, MatmulContext, Sizes } from './product.js';

/** Batched product. */
export function matmul(context: MatmulContext, a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
  const { memory, kernels } = context;
  const { batch, m, k, n } = sizes;
  const left = memory.addressOf(a.storage);
  const right = memory.addressOf(b.storage);
  const { dtype } = a.storage;
  const count = batch.reduce((product, size) => product * size, 1);
  const result = memory.allocate(dtype, count * m * n);
  const [rowA, columnA] = a.transposed ? [4, m * 4] : [k * 4, 4];
  const [rowB, columnB] = b.transposed ? [4, k * 4] : [n * 4, 4];
  try {
    for (let i = 0; i < count; i++) {
      const A = { at: left + offsetOf(i, batch, a.batchStrides) * 4, row: rowA, column: columnA };
      const B = { at: right + offsetOf(i, batch, b.batchStrides) * 4, row: rowB, column: columnB };
      const c = result.at + i * m * n * 4;
      if (dtype === 'int32') kernels.productInt(A.at, A.row, A.column, B.at, B.row, B.column, c, m, k, n);
      else if (m < GEMV_ROWS) gemv(context, A, B, c, sizes);
      // One column: with the factors exchanged it is one row. Its elements follow one another
      // either way.
      else if (n === 1) gemv(context, transpose(B), transpose(A), c, { m: 1, k, n: m });
      else (context.packed ?? gemv)(context, A, B, c, sizes);
    }
    return result;
  } catch (error) {
    memory.release(result);
    throw error;
  }
}

function transpose({ at, row, column }: Factor): Factor {
  return { at, row: column, column: row };
}

/** Where matrix `i` of a batch begins, in elements. */
function offsetOf(i: number, batch: readonly number[], strides: readonly number[]): number {
  let offset = 0;
  for (let dim = batch.length - 1; dim >= 0; dim--) {
    const size = batch[dim];
    offset += (i % size) * strides[dim];
    i = Math.floor(i / size);
  }
  return offset;
}

function gemv({ memory, kernels }: MatmulContext, A: Factor, B: Factor, c: number, { m, k, n }: Sizes): void {
  let { at, row } = A;
  let dense: number | undefined;
  if (A.column !== 4) {
    dense = memory.take(m * k * 4);
    kernels.copy(dense, k * 4, at, m, k, row, A.column, 0);
    at = dense;
    row = k * 4;
  }
  if (B.column === 4) kernels.vectors(at, row, B.at, B.row, c, n * 4, 0, 0, m, k, n);
  else kernels.vectorsTransposed(at, row, B.at, B.column, c, n * 4, 0, 0, m, k, n);
  if (dense !== undefined) memory.give(dense);
}

import type { Matrices, MatmulSizes, Storage } from '@rnn/core';
import type { Kernels } from './kernels.js';
import { BLOCK_K, BLOCK_M, PANEL } from './layout.js';
import type { Memory } from './memory.js';

/** Fewer rows than this do not pay for packing the other factor. */
export const FEW = 4;
/** Columns of the right factor that are packed at a time: with BLOCK_K terms they take 2 MiB. */
const BLOCK_N = 2048;

/** One matrix of a product: address, bytes from row to row and from column to column. */
interface Factor {
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

/** Batched product. */
export function matmul(memory: Memory, kernels: Kernels, a: Matrices, b: Matrices, sizes: MatmulSizes): Storage {
  const { batch, m, k, n } = sizes;
  const left = memory.addressOf(a.storage);
  const right = memory.addressOf(b.storage);
  const { dtype } = a.storage;
  const count = batch.reduce((product, size) => product * size, 1);
  const result = memory.allocate(dtype, count * m * n);
  const [rowA, columnA] = a.transposed ? [4, m * 4] : [k * 4, 4];
  const [rowB, columnB] = b.transposed ? [4, k * 4] : [n * 4, 4];
  for (let i = 0; i < count; i++) {
    const A = { at: left + offsetOf(i, batch, a.batchStrides) * 4, row: rowA, column: columnA };
    const B = { at: right + offsetOf(i, batch, b.batchStrides) * 4, row: rowB, column: columnB };
    const c = result.at + i * m * n * 4;
    if (dtype === 'int32') kernels.productInt(A.at, A.row, A.column, B.at, B.row, B.column, c, m, k, n);
    else if (m < FEW) fewRows(memory, kernels, A, B, c, m, k, n);
    // One column: with the factors exchanged it is one row. Its elements follow one another either way.
    else if (n === 1) fewRows(memory, kernels, transpose(B), transpose(A), c, 1, k, m);
    else manyRows(memory, kernels, A, B, c, m, k, n);
  }
  return result;
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

function fewRows(
  memory: Memory,
  kernels: Kernels,
  A: Factor,
  B: Factor,
  c: number,
  m: number,
  k: number,
  n: number,
): void {
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

function manyRows(
  memory: Memory,
  kernels: Kernels,
  A: Factor,
  B: Factor,
  c: number,
  m: number,
  k: number,
  n: number,
): void {
  const columns = Math.min(n, BLOCK_N);
  const terms = Math.min(k, BLOCK_K);
  const packed = memory.take(Math.ceil(columns / PANEL) * PANEL * terms * 4);
  const room = A.column === 4 ? 0 : memory.take(BLOCK_M * terms * 4);
  for (let j = 0; j < n; j += columns) {
    const width = Math.min(columns, n - j);
    const to = c + j * 4;
    for (let first = 0; first < k; first += terms) {
      const depth = Math.min(terms, k - first);
      kernels.pack(packed, B.at + first * B.row + j * B.column, B.row, B.column, depth, width);
      const from = A.at + first * A.column;
      const init = first === 0 ? 0 : to;
      kernels.product(from, A.row, A.column, packed, to, n * 4, init, n * 4, m, depth, width, room);
    }
  }
  memory.give(packed);
  if (room !== 0) memory.give(room);
}

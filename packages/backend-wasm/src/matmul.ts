import type { Matrices, MatmulSizes, Storage } from '@rnn/core';
import type { Kernels } from './kernels.js';
import { BLOCK_K, BLOCK_M, BLOCK_N, GEMV_ROWS, PANEL, TILE_BYTES, TILE_M } from './layout.js';
import type { Memory } from './memory.js';
import { cut, type Threads } from './threads/threads.js';

/** One matrix of a product: address, bytes from row to row and from column to column. */
interface Factor {
  readonly at: number;
  readonly row: number;
  readonly column: number;
}

/** Sizes of one product: rows, terms of each sum, columns. */
interface Sizes {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** What products are computed with. */
export interface MatmulContext {
  readonly memory: Memory;
  readonly kernels: Kernels;
  readonly threads: Threads;
}

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
      else gemm(context, A, B, c, sizes);
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

function gemm(context: MatmulContext, A: Factor, B: Factor, c: number, sizes: Sizes): void {
  const { memory, kernels, threads } = context;
  const { m, k, n } = sizes;
  const most = threads.sharesFor(2 * m * k * n);
  if (most > 1) {
    manyThreads(context, A, B, c, sizes, most);
    return;
  }
  const packed = packedBytes(k, n);
  const workspace = memory.take(packed + roomBytes(A, k));
  const room = workspace + packed;
  kernels.multiply(A.at, A.row, A.column, B.at, B.row, B.column, c, n * 4, m, k, n, workspace, room);
  memory.give(workspace);
}

/**
 * Splits the result into blocks, one for each thread; every sum is computed by one of them, in the
 * order in which one thread would.
 */
function manyThreads(
  { memory, kernels, threads }: MatmulContext,
  A: Factor,
  B: Factor,
  c: number,
  { m, k, n }: Sizes,
  most: number,
): void {
  // Blocks of rows pack all of B each, blocks of columns all of A if it is packed at all.
  const rows = cut(m, TILE_M, most);
  const columns = cut(n, PANEL, most);
  const byColumns = columns.length > rows.length || (columns.length === rows.length && (A.column === 4 || m < n));
  const shares = byColumns ? columns : rows;
  const packed = packedBytes(k, byColumns ? Math.max(...shares.map(({ from, to }) => to - from)) : n);
  const each = packed + roomBytes(A, k);
  const workspace = memory.take(each * shares.length);
  const calls = shares.map(({ from, to }, i) => {
    const block = byColumns
      ? { a: A.at, b: B.at + from * B.column, c: c + from * 4, m, n: to - from }
      : { a: A.at + from * A.row, b: B.at, c: c + from * n * 4, m: to - from, n };
    const own = workspace + i * each;
    const room = own + packed;
    return [block.a, A.row, A.column, block.b, B.row, B.column, block.c, n * 4, block.m, k, block.n, own, room];
  });
  try {
    threads.run({ name: 'multiply', module: undefined, call: kernels.multiply }, calls);
  } finally {
    memory.give(workspace);
  }
}

/** What `multiply` needs for packing B. */
function packedBytes(k: number, n: number): number {
  return Math.ceil(Math.min(n, BLOCK_N) / PANEL) * PANEL * Math.min(k, BLOCK_K) * 4;
}

/**
 * What it needs for a tile at the edge, and for packing A if its elements of a row do not lie side
 * by side.
 */
function roomBytes({ column }: Factor, k: number): number {
  return TILE_BYTES + (column === 4 ? 0 : BLOCK_M * Math.min(k, BLOCK_K) * 4);
}

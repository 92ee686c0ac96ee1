import { BLOCK_K, BLOCK_M, BLOCK_N, PANEL, TILE_BYTES, TILE_M } from './layout.js';
import type { Factor, Product } from './product.js';
import { cut, type Threads } from './threads/threads.js';

/**
 * Products whose right factor is packed, by one thread or by several. Those split the result into
 * blocks, one for each; every sum is computed by one of them, in the order in which one thread
 * would.
 */
export function packedProduct(threads: Threads): Product {
  return ({ memory, kernels }, A, B, c, { m, k, n }) => {
    const most = threads.sharesFor(2 * m * k * n);
    if (most === 1) {
      const packed = packedBytes(k, n);
      const workspace = memory.take(packed + roomBytes(A, k));
      const room = workspace + packed;
      kernels.multiply(A.at, A.row, A.column, B.at, B.row, B.column, c, n * 4, m, k, n, workspace, room);
      memory.give(workspace);
      return;
    }
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
  };
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

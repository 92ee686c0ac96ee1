import type { TypedArray } from '@rnn/core';
import type { Factor } from './factor.js';

/**
 * Lines of a panel, and so rows and columns of a tile. 4 x 4 sums are about what a processor's
 * registers hold.
 */
export const TILE = 4;
/**
 * Elements of the left factor that are packed at a time: 512 KiB of float64, which stay in a
 * processor's second cache.
 */
const PACKED = 2 ** 16;

// Working memory, kept from call to call; nothing in it outlives a call.
let leftPanels = new Float64Array(0);
let rightPanel = new Float64Array(0);
const edge = new Float64Array(TILE * TILE);

/**
 * The general case. Sixteen results at a time (a tile) cost eight loads for sixteen products in
 * each step along `k`, where one result at a time would cost two loads a product. For these loads
 * to be neighbours in memory, four lines each are first packed into a panel, as float64: the
 * conversion then happens once, not once a product, and sums are float64 by themselves.
 */
export function tiled(
  out: TypedArray,
  offset: number,
  left: Factor,
  right: Factor,
  m: number,
  k: number,
  n: number,
): void {
  const block = Math.min(roundUp(m), Math.max(4 * TILE, roundUp(PACKED / k)));
  if (leftPanels.length < block * k) leftPanels = new Float64Array(block * k);
  if (rightPanel.length < TILE * k) rightPanel = new Float64Array(TILE * k);
  for (let top = 0; top < m; top += block) {
    const bottom = Math.min(top + block, m);
    for (let i = top; i < bottom; i += TILE) pack(leftPanels, (i - top) * k, left, i, Math.min(TILE, m - i), k);
    for (let j = 0; j < n; j += TILE) {
      const columns = Math.min(TILE, n - j);
      pack(rightPanel, 0, right, j, columns, k);
      for (let i = top; i < bottom; i += TILE) {
        const rows = Math.min(TILE, m - i);
        const at = offset + i * n + j;
        if (rows === TILE && columns === TILE) {
          tile(out, at, n, leftPanels, (i - top) * k, rightPanel, k);
        } else {
          tile(edge, 0, TILE, leftPanels, (i - top) * k, rightPanel, k);
          for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[at + r * n + c] = edge[r * TILE + c];
        }
      }
    }
  }
}

function roundUp(lines: number): number {
  return Math.ceil(lines / TILE) * TILE;
}

/**
 * Packs lines `first` to `first + count` side by side: the panel holds element 0 of each line, then
 * element 1 of each ...
 */
function pack(panel: Float64Array, to: number, from: Factor, first: number, count: number, k: number): void {
  const { values, line, along } = from;
  const start = from.offset + first * line;
  if (count === TILE) {
    for (let j = 0, p = start, q = to; j < k; j++, p += along, q += TILE) {
      panel[q] = values[p];
      panel[q + 1] = values[p + line];
      panel[q + 2] = values[p + 2 * line];
      panel[q + 3] = values[p + 3 * line];
    }
  } else {
    // lines that are not there are zeros; the results that they lead to are not stored
    for (let j = 0; j < k; j++) {
      for (let i = 0; i < TILE; i++) panel[to + j * TILE + i] = i < count ? values[start + i * line + j * along] : 0;
    }
  }
}

/** The 4 x 4 results of two panels, stored at `at` in rows that are `row` apart. */
function tile(
  out: TypedArray,
  at: number,
  row: number,
  a: Float64Array,
  from: number,
  b: Float64Array,
  k: number,
): void {
  let c00 = 0,
    c01 = 0,
    c02 = 0,
    c03 = 0;
  let c10 = 0,
    c11 = 0,
    c12 = 0,
    c13 = 0;
  let c20 = 0,
    c21 = 0,
    c22 = 0,
    c23 = 0;
  let c30 = 0,
    c31 = 0,
    c32 = 0,
    c33 = 0;
  for (let p = from, q = 0; q < k * TILE; p += TILE, q += TILE) {
    const b0 = b[q];
    const b1 = b[q + 1];
    const b2 = b[q + 2];
    const b3 = b[q + 3];
    const a0 = a[p];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = a[p + 1];
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = a[p + 2];
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = a[p + 3];
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
  }
  storeRow(out, at, c00, c01, c02, c03);
  storeRow(out, at + row, c10, c11, c12, c13);
  storeRow(out, at + 2 * row, c20, c21, c22, c23);
  storeRow(out, at + 3 * row, c30, c31, c32, c33);
}

function storeRow(out: TypedArray, at: number, c0: number, c1: number, c2: number, c3: number): void {
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

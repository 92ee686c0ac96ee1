import type { Matrices, MatmulSizes, TypedArray } from '@rnn/core';
import type { Factor } from './factor.js';
import { TILE, tiled } from './tiles.js';
import { Runs } from './walk.js';

/** One side of the product with its elements. */
type Side = Pick<Matrices, 'batchStrides' | 'transposed'> & { readonly values: TypedArray };

/** Writes a batch of matrix products as dense `[m, n]` matrices, one after another. */
export function matmul(out: TypedArray, a: Side, b: Side, { batch, m, k, n }: MatmulSizes): void {
  // A batch is a walk like any other; the products are its runs of length 1.
  const starts = new Runs(
    [...batch, 1],
    [a, b].map(({ batchStrides }) => ({ offset: 0, strides: [...batchStrides, 0] })),
  );
  for (let offset = 0; offset < out.length; offset += m * n) {
    const left = lines(a, a.transposed, starts.at[0], m, k);
    const right = lines(b, !b.transposed, starts.at[1], n, k);
    multiply(out, offset, left, right, m, k, n);
    starts.advance();
  }
}

/**
 * The rows of the left matrix, or the columns of the right one. They lie side by side, element by
 * element, where the left matrix is transposed or the right one is not; otherwise one after
 * another.
 */
function lines({ values }: Side, sideBySide: boolean, offset: number, count: number, k: number): Factor {
  return sideBySide ? { values, offset, line: 1, along: count } : { values, offset, line: k, along: 1 };
}

/** One product of strided factors, written as a dense `[m, n]` matrix. */
export function multiply(
  out: TypedArray,
  offset: number,
  left: Factor,
  right: Factor,
  m: number,
  k: number,
  n: number,
): void {
  if (out instanceof Int32Array) {
    wholeNumbers(out, offset, left, right, m, k, n);
  } else if (m < TILE) {
    fewLines({ values: out, offset, row: n, column: 1 }, left, right, m, k, n);
  } else if (n < TILE) {
    // C^T = B^T A^T: with the factors exchanged the few lines are on the left
    fewLines({ values: out, offset, row: 1, column: n }, right, left, n, k, m);
  } else {
    tiled(out, offset, left, right, m, k, n);
  }
}

/** Where result `[i, j]` goes: `offset + i * row + j * column`. */
interface Target {
  readonly values: TypedArray;
  readonly offset: number;
  readonly row: number;
  readonly column: number;
}

/**
 * For a vector, or two or three, on the left: packing would take as long as the product itself.
 * Four results at a time share the loads of the left line.
 */
function fewLines(out: Target, left: Factor, right: Factor, m: number, k: number, n: number): void {
  const { values: c, column } = out;
  const { values: a, along: s } = left;
  const { values: b, along: t, line } = right;
  const whole = n - (n % TILE);
  for (let i = 0; i < m; i++) {
    const start = left.offset + i * left.line;
    let to = out.offset + i * out.row;
    let from = right.offset;
    for (let j = 0; j < whole; j += TILE, from += TILE * line, to += TILE * column) {
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let l = 0, p = start, q = from; l < k; l++, p += s, q += t) {
        const x = a[p];
        sum0 += x * b[q];
        sum1 += x * b[q + line];
        sum2 += x * b[q + 2 * line];
        sum3 += x * b[q + 3 * line];
      }
      c[to] = sum0;
      c[to + column] = sum1;
      c[to + 2 * column] = sum2;
      c[to + 3 * column] = sum3;
    }
    for (let j = whole; j < n; j++, from += line, to += column) {
      let sum = 0;
      for (let l = 0, p = start, q = from; l < k; l++, p += s, q += t) sum += a[p] * b[q];
      c[to] = sum;
    }
  }
}

/** int32, which wraps around: float64 would lose the low bits of large products. */
function wholeNumbers(
  out: Int32Array,
  offset: number,
  left: Factor,
  right: Factor,
  m: number,
  k: number,
  n: number,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let p = left.offset + i * left.line;
      let q = right.offset + j * right.line;
      let sum = 0;
      for (let l = 0; l < k; l++, p += left.along, q += right.along) {
        sum = (sum + Math.imul(left.values[p], right.values[q])) | 0;
      }
      out[offset + i * n + j] = sum;
    }
  }
}

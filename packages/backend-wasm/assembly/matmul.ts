// Matrix products of float32: C = init + A B.
//
// The right factor is packed into panels of 8 columns: for each term k of the sum its 8 elements lie side by side. A tile of 4 x 8 results lives in
// eight registers while two vectors of the panel and four elements of A are loaded for each k. (6 x 8 and 4 x 12 tiles spill.) Sums run over
// blocks of BLOCK_K terms, for which a panel stays in the first cache. Whatever the number of rows, each result is summed in
// the same order.
//
// A row or two would not pay for packing: `vectors...` read the right factor as it lies in memory.
import { BLOCK_K, BLOCK_M } from '../src/layout';
import { loadPart, madd, storePart } from './vector';

// @ts-ignore: decorator
@inline
function loadRow(p: usize, columns: i32, second: bool): v128 {
  const n = second ? columns - 4 : columns;
  if (n >= 4) return v128.load(p, 0);
  return n <= 0 ? f32x4.splat(0) : loadPart(p, n);
}

function storeRow(p: usize, x: v128, y: v128, columns: i32): void {
  if (columns >= 4) {
    v128.store(p, x);
    if (columns == 8) v128.store(p, y, 16);
    else if (columns > 4) storePart(p + 16, y, columns - 4);
  } else storePart(p, x, columns);
}

/**
 * A tile of up to 4 x 8 results.
 *
 * @param packed - true: the four rows of A lie side by side for each k; false: they are `rowA` bytes apart
 * @param init - where the sums start, in rows `rowInit` apart; 0 for zeros
 */
// @ts-ignore: decorator
@inline
function tileBody(packed: bool, a: usize, rowA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, rows: i32, columns: i32): void {
  // A row that is not there is read as the last one that is, and not stored.
  const two = rows > 1 ? 1 : 0;
  const three = rows > 2 ? 2 : two;
  const four = rows > 3 ? 3 : three;
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  if (init != 0) {
    const i1 = init + rowInit * two;
    const i2 = init + rowInit * three;
    const i3 = init + rowInit * four;
    if (columns == 8) {
      c00 = v128.load(init);
      c01 = v128.load(init, 16);
      c10 = v128.load(i1);
      c11 = v128.load(i1, 16);
      c20 = v128.load(i2);
      c21 = v128.load(i2, 16);
      c30 = v128.load(i3);
      c31 = v128.load(i3, 16);
    } else {
      c00 = loadRow(init, columns, false);
      c01 = loadRow(init + 16, columns, true);
      c10 = loadRow(i1, columns, false);
      c11 = loadRow(i1 + 16, columns, true);
      c20 = loadRow(i2, columns, false);
      c21 = loadRow(i2 + 16, columns, true);
      c30 = loadRow(i3, columns, false);
      c31 = loadRow(i3 + 16, columns, true);
    }
  }
  const end = b + (<usize>k << 5);
  if (packed) {
    while (b != end) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load32_splat(a, 4);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a, 8);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a, 12);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      a += 16;
      b += 32;
    }
  } else {
    let a1 = a + rowA * two;
    let a2 = a + rowA * three;
    let a3 = a + rowA * four;
    const even = b + (<usize>(k & ~1) << 5);
    while (b != even) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
      const d0 = v128.load(b, 32);
      const d1 = v128.load(b, 48);
      x = v128.load32_splat(a, 4);
      c00 = madd(x, d0, c00);
      c01 = madd(x, d1, c01);
      x = v128.load32_splat(a1, 4);
      c10 = madd(x, d0, c10);
      c11 = madd(x, d1, c11);
      x = v128.load32_splat(a2, 4);
      c20 = madd(x, d0, c20);
      c21 = madd(x, d1, c21);
      x = v128.load32_splat(a3, 4);
      c30 = madd(x, d0, c30);
      c31 = madd(x, d1, c31);
      a += 8;
      a1 += 8;
      a2 += 8;
      a3 += 8;
      b += 64;
    }
    if (b != end) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      let x = v128.load32_splat(a);
      c00 = madd(x, b0, c00);
      c01 = madd(x, b1, c01);
      x = v128.load32_splat(a1);
      c10 = madd(x, b0, c10);
      c11 = madd(x, b1, c11);
      x = v128.load32_splat(a2);
      c20 = madd(x, b0, c20);
      c21 = madd(x, b1, c21);
      x = v128.load32_splat(a3);
      c30 = madd(x, b0, c30);
      c31 = madd(x, b1, c31);
    }
  }
  if (columns == 8 && rows == 4) {
    v128.store(c, c00);
    v128.store(c, c01, 16);
    v128.store(c + rowC, c10);
    v128.store(c + rowC, c11, 16);
    v128.store(c + 2 * rowC, c20);
    v128.store(c + 2 * rowC, c21, 16);
    v128.store(c + 3 * rowC, c30);
    v128.store(c + 3 * rowC, c31, 16);
    return;
  }
  storeRow(c, c00, c01, columns);
  if (rows > 1) storeRow(c + rowC, c10, c11, columns);
  if (rows > 2) storeRow(c + 2 * rowC, c20, c21, columns);
  if (rows > 3) storeRow(c + 3 * rowC, c30, c31, columns);
}

export function tile(a: usize, rowA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, rows: i32, columns: i32): void {
  tileBody(false, a, rowA, b, k, c, rowC, init, rowInit, rows, columns);
}

export function tilePacked(a: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, rows: i32, columns: i32): void {
  tileBody(true, a, 0, b, k, c, rowC, init, rowInit, rows, columns);
}

/** 4 x 4 elements of B^T, for columns that are side by side in the panel. */
// @ts-ignore: decorator
@inline
function turn(to: usize, b: usize, column: usize): void {
  const p = v128.load(b);
  const q = v128.load(b + column);
  const r = v128.load(b + 2 * column);
  const s = v128.load(b + 3 * column);
  const pq = i32x4.shuffle(p, q, 0, 4, 1, 5);
  const PQ = i32x4.shuffle(p, q, 2, 6, 3, 7);
  const rs = i32x4.shuffle(r, s, 0, 4, 1, 5);
  const RS = i32x4.shuffle(r, s, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(pq, rs, 0, 2));
  v128.store(to, i64x2.shuffle(pq, rs, 1, 3), 32);
  v128.store(to, i64x2.shuffle(PQ, RS, 0, 2), 64);
  v128.store(to, i64x2.shuffle(PQ, RS, 1, 3), 96);
}

/** One panel: `k` times 8 elements of B. */
export function packPanel(to: usize, b: usize, row: usize, column: usize, k: i32, columns: i32): void {
  if (columns == 8 && column == 4) {
    for (let i = 0; i < k; i++) {
      v128.store(to, v128.load(b));
      v128.store(to, v128.load(b, 16), 16);
      to += 32;
      b += row;
    }
    return;
  }
  let done = 0;
  if (columns == 8 && row == 4) {
    const half = b + 4 * column;
    for (; done < (k & ~3); done += 4) {
      const along = <usize>done << 2;
      turn(to, b + along, column);
      turn(to + 16, half + along, column);
      to += 128;
    }
    b += <usize>done << 2;
  }
  for (; done < k; done++) {
    for (let i = 0; i < 8; i++) store<f32>(to + (<usize>i << 2), i < columns ? load<f32>(b + <usize>i * column) : 0);
    to += 32;
    b += row;
  }
}

/**
 * Packs a whole right factor, block after block of BLOCK_K terms, in each block panel after panel. The last panel is filled up with zeros.
 *
 * @param row - bytes from one k to the next
 * @param column - bytes from one column to the next
 */
export function pack(to: usize, b: usize, row: usize, column: usize, k: i32, n: i32): void {
  for (let first = 0; first < k; first += BLOCK_K) {
    const size = min(BLOCK_K, k - first);
    for (let j = 0; j < n; j += 8) {
      packPanel(to, b + <usize>first * row + <usize>j * column, row, column, size, min(8, n - j));
      to += <usize>size << 5;
    }
  }
}

/** Rows of A for a block, in groups of four that lie side by side: for a factor that is stored transposed. */
function packRows(to: usize, a: usize, rowA: usize, stepA: usize, rows: i32, k: i32): void {
  for (let i = 0; i < rows; i += 4) {
    const have = min(4, rows - i);
    let from = a + <usize>i * rowA;
    for (let l = 0; l < k; l++) {
      if (have == 4 && rowA == 4) v128.store(to, v128.load(from));
      else for (let r = 0; r < have; r++) store<f32>(to + (<usize>r << 2), load<f32>(from + <usize>r * rowA));
      to += 16;
      from += stepA;
    }
  }
}

/**
 * C = init + A B for a packed B, all blocks.
 *
 * @param rowA - bytes from one row of A to the next
 * @param stepA - bytes from one k to the next; if they are not side by side, rows are packed into `room`
 * @param init - 0 for zeros; rows are `rowInit` bytes apart, 0 for one row that serves all
 * @param room - BLOCK_M x BLOCK_K elements, if A has to be packed
 */
export function product(
  a: usize, rowA: usize, stepA: usize, b: usize, c: usize, rowC: usize, init: usize, rowInit: usize, m: i32, k: i32, n: i32, room: usize,
): void {
  for (let first = 0; first < k; first += BLOCK_K) {
    const size = min(BLOCK_K, k - first);
    for (let top = 0; top < m; top += BLOCK_M) {
      const bottom = min(m, top + BLOCK_M);
      let left = a + <usize>first * stepA + <usize>top * rowA;
      if (stepA != 4) {
        packRows(room, left, rowA, stepA, bottom - top, size);
        left = room;
      }
      const target = c + <usize>top * rowC;
      const start = init == 0 ? 0 : init + <usize>top * rowInit;
      let panel = b;
      for (let j = 0; j < n; j += 8) {
        const along = <usize>j << 2;
        const columns = min(8, n - j);
        let from = left;
        let to = target + along;
        let begin = start == 0 ? 0 : start + along;
        for (let i = top; i < bottom; i += 4) {
          const rows = min(4, bottom - i);
          if (stepA == 4) {
            tile(from, rowA, panel, size, to, rowC, begin, rowInit, rows, columns);
            from += 4 * rowA;
          } else {
            tilePacked(from, panel, size, to, rowC, begin, rowInit, rows, columns);
            from += <usize>size << 4;
          }
          to += 4 * rowC;
          if (begin != 0) begin += 4 * rowInit;
        }
        panel += <usize>size << 5;
      }
    }
    b += ((<usize>n + 7) >> 3) * (<usize>size << 5);
    init = c;
    rowInit = rowC;
  }
}

// @ts-ignore: decorator
@inline
function sum4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

/** 8 results of a row of A and 8 rows of B^T, each `column` bytes from the next. Four partial sums each, one for each lane. */
export function dots8(a: usize, b: usize, column: usize, k: i32, c: usize, init: usize): void {
  const b1 = b + column;
  const b2 = b1 + column;
  const b3 = b2 + column;
  const b4 = b3 + column;
  const b5 = b4 + column;
  const b6 = b5 + column;
  const b7 = b6 + column;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  const whole = <usize>(k & ~3) << 2;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const x = v128.load(a + i);
    s0 = madd(x, v128.load(b + i), s0);
    s1 = madd(x, v128.load(b1 + i), s1);
    s2 = madd(x, v128.load(b2 + i), s2);
    s3 = madd(x, v128.load(b3 + i), s3);
    s4 = madd(x, v128.load(b4 + i), s4);
    s5 = madd(x, v128.load(b5 + i), s5);
    s6 = madd(x, v128.load(b6 + i), s6);
    s7 = madd(x, v128.load(b7 + i), s7);
  }
  const rest = k & 3;
  if (rest > 0) {
    const x = loadPart(a + i, rest);
    s0 = madd(x, loadPart(b + i, rest), s0);
    s1 = madd(x, loadPart(b1 + i, rest), s1);
    s2 = madd(x, loadPart(b2 + i, rest), s2);
    s3 = madd(x, loadPart(b3 + i, rest), s3);
    s4 = madd(x, loadPart(b4 + i, rest), s4);
    s5 = madd(x, loadPart(b5 + i, rest), s5);
    s6 = madd(x, loadPart(b6 + i, rest), s6);
    s7 = madd(x, loadPart(b7 + i, rest), s7);
  }
  let low = sum4(s0, s1, s2, s3);
  let high = sum4(s4, s5, s6, s7);
  if (init != 0) {
    low = f32x4.add(low, v128.load(init));
    high = f32x4.add(high, v128.load(init, 16));
  }
  v128.store(c, low);
  v128.store(c, high, 16);
}

/** One result. */
function dot(a: usize, b: usize, k: i32): f32 {
  let s = f32x4.splat(0);
  for (; k >= 4; k -= 4) {
    s = madd(v128.load(a), v128.load(b), s);
    a += 16;
    b += 16;
  }
  if (k > 0) s = madd(loadPart(a, k), loadPart(b, k), s);
  s = sum4(s, s, s, s);
  return f32x4.extract_lane(s, 0);
}

/** A few rows times a factor whose columns lie dense in memory, `column` bytes apart (a weight as PyTorch stores it). */
export function vectorsTransposed(
  a: usize, rowA: usize, b: usize, column: usize, c: usize, rowC: usize, init: usize, rowInit: usize, m: i32, k: i32, n: i32,
): void {
  for (; m > 0; m--) {
    let j = 0;
    for (; j + 8 <= n; j += 8) {
      const along = <usize>j << 2;
      dots8(a, b + <usize>j * column, column, k, c + along, init == 0 ? 0 : init + along);
    }
    for (; j < n; j++) {
      const along = <usize>j << 2;
      const sum = dot(a, b + <usize>j * column, k);
      store<f32>(c + along, init == 0 ? sum : sum + load<f32>(init + along));
    }
    a += rowA;
    c += rowC;
    if (init != 0) init += rowInit;
  }
}

/** 16 results of a row of A and 16 columns of B, whose rows are `row` bytes apart. */
export function columns16(a: usize, b: usize, row: usize, k: i32, c: usize, init: usize): void {
  // Two sets of sums, for even and odd k: with four chains the adder would wait for itself.
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  if (init != 0) {
    s0 = v128.load(init);
    s1 = v128.load(init, 16);
    s2 = v128.load(init, 32);
    s3 = v128.load(init, 48);
  }
  for (; k >= 2; k -= 2) {
    let x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b), s0);
    s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b, 32), s2);
    s3 = madd(x, v128.load(b, 48), s3);
    b += row;
    x = v128.load32_splat(a, 4);
    t0 = madd(x, v128.load(b), t0);
    t1 = madd(x, v128.load(b, 16), t1);
    t2 = madd(x, v128.load(b, 32), t2);
    t3 = madd(x, v128.load(b, 48), t3);
    b += row;
    a += 8;
  }
  if (k > 0) {
    const x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b), s0);
    s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b, 32), s2);
    s3 = madd(x, v128.load(b, 48), s3);
  }
  v128.store(c, f32x4.add(s0, t0));
  v128.store(c, f32x4.add(s1, t1), 16);
  v128.store(c, f32x4.add(s2, t2), 32);
  v128.store(c, f32x4.add(s3, t3), 48);
}

/** Up to 4 columns. */
function columns4(a: usize, b: usize, row: usize, k: i32, c: usize, init: usize, columns: i32): void {
  let s = f32x4.splat(0);
  if (columns == 4) {
    if (init != 0) s = v128.load(init);
    for (; k > 0; k--) {
      s = madd(v128.load32_splat(a), v128.load(b), s);
      a += 4;
      b += row;
    }
    v128.store(c, s);
    return;
  }
  if (init != 0) s = loadPart(init, columns);
  for (; k > 0; k--) {
    s = madd(v128.load32_splat(a), loadPart(b, columns), s);
    a += 4;
    b += row;
  }
  storePart(c, s, columns);
}

/** A few rows times a factor whose rows lie dense in memory, `row` bytes apart. */
export function vectors(
  a: usize, rowA: usize, b: usize, row: usize, c: usize, rowC: usize, init: usize, rowInit: usize, m: i32, k: i32, n: i32,
): void {
  for (; m > 0; m--) {
    let j = 0;
    for (; j + 16 <= n; j += 16) {
      const along = <usize>j << 2;
      columns16(a, b + along, row, k, c + along, init == 0 ? 0 : init + along);
    }
    for (; j < n; j += 4) {
      const along = <usize>j << 2;
      columns4(a, b + along, row, k, c + along, init == 0 ? 0 : init + along, min(4, n - j));
    }
    a += rowA;
    c += rowC;
    if (init != 0) init += rowInit;
  }
}

/** Whole numbers, which wrap around; strides in bytes. */
export function productInt(
  a: usize, rowA: usize, stepA: usize, b: usize, rowB: usize, stepB: usize, c: usize, m: i32, k: i32, n: i32,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let p = a + <usize>i * rowA;
      let q = b + <usize>j * stepB;
      let sum = 0;
      for (let l = 0; l < k; l++) {
        sum += load<i32>(p) * load<i32>(q);
        p += stepA;
        q += rowB;
      }
      store<i32>(c, sum);
      c += 4;
    }
  }
}

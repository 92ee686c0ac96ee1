// Matrix products of float32: C = init + A B.
//
// The right factor is packed into panels of 8 columns: for each term k of the sum its 8 elements
// lie side by side. A tile of 6 x 8 results lives in twelve registers while two vectors of the
// panel and, one after the other, six elements of A are loaded for each k. The loop is not
// unrolled:
// engines then load ahead and run out of registers. Eight chains of multiply-add (4 x 8) would
// leave a processor that does two at a time with a latency of four no slack at all. Sums run over
// blocks of BLOCK_K terms, for which a panel stays in the first cache.
//
// Each block of terms is a chain of its own, 0 + a0 b0 + a1 b1 + ..., and the results of the blocks
// are added up, init first: the rounding errors of one chain would grow with all its terms. That
// holds whatever the number of rows and wherever a row lies: blocks of rows and of columns may
// be computed apart, and give the same bits.
//
// A row or two would not pay for packing a factor that is used once: `vectors...` read it as it lies
// in memory. Where it is packed already, a row takes four panels at a time (`packedRows`).
import { BLOCK_K, BLOCK_M, BLOCK_N, GEMV_ROWS, PANEL_BYTES, TILE_BYTES, TILE_M } from '../src/layout';
import { copyRun, loadPart, madd, storePart } from './vector';

/**
 * `count` tiles of R rows, one below the other, and in each `panels` times 8 results side by side,
 * for R from 1 to 6, which is a constant where this is written out. All panels of a tile come
 * before the next tile, so that a line of C is written while it is in the cache.
 *
 * @param rowA - bytes from one row of A to the next
 * @param stepA - bytes from one k to the next
 * @param nextA - bytes from the first row of a tile to the first of the next
 * @param init - what is added to the sums, in rows `rowInit` apart; 0 for nothing
 */
// @ts-ignore: decorator
@inline
function tiles(
  R: i32, a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32,
  panels: i32,
): void {
  const size = <usize>k << 5;
  for (; count > 0; count--) {
    let p = b;
    let to = c;
    let start = init;
    for (let panel = panels; panel > 0; panel--) {
      const end = p + size;
      let x0 = f32x4.splat(0);
      let y0 = f32x4.splat(0);
      let x1 = f32x4.splat(0);
      let y1 = f32x4.splat(0);
      let x2 = f32x4.splat(0);
      let y2 = f32x4.splat(0);
      let x3 = f32x4.splat(0);
      let y3 = f32x4.splat(0);
      let x4 = f32x4.splat(0);
      let y4 = f32x4.splat(0);
      let x5 = f32x4.splat(0);
      let y5 = f32x4.splat(0);
      let a0 = a;
      let a1 = a0 + rowA;
      let a2 = a1 + rowA;
      let a3 = a2 + rowA;
      let a4 = a3 + rowA;
      let a5 = a4 + rowA;
      while (p != end) {
        const left = v128.load(p);
        const right = v128.load(p, 16);
        const s = v128.load32_splat(a0);
        x0 = madd(s, left, x0);
        y0 = madd(s, right, y0);
        if (R > 1) {
          const s = v128.load32_splat(a1);
          x1 = madd(s, left, x1);
          y1 = madd(s, right, y1);
        }
        if (R > 2) {
          const s = v128.load32_splat(a2);
          x2 = madd(s, left, x2);
          y2 = madd(s, right, y2);
        }
        if (R > 3) {
          const s = v128.load32_splat(a3);
          x3 = madd(s, left, x3);
          y3 = madd(s, right, y3);
        }
        if (R > 4) {
          const s = v128.load32_splat(a4);
          x4 = madd(s, left, x4);
          y4 = madd(s, right, y4);
        }
        if (R > 5) {
          const s = v128.load32_splat(a5);
          x5 = madd(s, left, x5);
          y5 = madd(s, right, y5);
        }
        a0 += stepA;
        a1 += stepA;
        a2 += stepA;
        a3 += stepA;
        a4 += stepA;
        a5 += stepA;
        p += 32;
      }
      if (init != 0) {
        let from = start;
        x0 = f32x4.add(v128.load(from), x0);
        y0 = f32x4.add(v128.load(from, 16), y0);
        if (R > 1) {
          from += rowInit;
          x1 = f32x4.add(v128.load(from), x1);
          y1 = f32x4.add(v128.load(from, 16), y1);
        }
        if (R > 2) {
          from += rowInit;
          x2 = f32x4.add(v128.load(from), x2);
          y2 = f32x4.add(v128.load(from, 16), y2);
        }
        if (R > 3) {
          from += rowInit;
          x3 = f32x4.add(v128.load(from), x3);
          y3 = f32x4.add(v128.load(from, 16), y3);
        }
        if (R > 4) {
          from += rowInit;
          x4 = f32x4.add(v128.load(from), x4);
          y4 = f32x4.add(v128.load(from, 16), y4);
        }
        if (R > 5) {
          from += rowInit;
          x5 = f32x4.add(v128.load(from), x5);
          y5 = f32x4.add(v128.load(from, 16), y5);
        }
      }
      let row = to;
      v128.store(row, x0);
      v128.store(row, y0, 16);
      if (R > 1) {
        row += rowC;
        v128.store(row, x1);
        v128.store(row, y1, 16);
      }
      if (R > 2) {
        row += rowC;
        v128.store(row, x2);
        v128.store(row, y2, 16);
      }
      if (R > 3) {
        row += rowC;
        v128.store(row, x3);
        v128.store(row, y3, 16);
      }
      if (R > 4) {
        row += rowC;
        v128.store(row, x4);
        v128.store(row, y4, 16);
      }
      if (R > 5) {
        row += rowC;
        v128.store(row, x5);
        v128.store(row, y5, 16);
      }
      to += 32;
      start += 32;
    }
    a += nextA;
    c += <usize>R * rowC;
    if (init != 0) init += <usize>R * rowInit;
  }
}

function tiles6(
  a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32, panels: i32,
): void {
  tiles(6, a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
}

function tiles5(
  a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32, panels: i32,
): void {
  tiles(5, a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
}

function tiles4(
  a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32, panels: i32,
): void {
  tiles(4, a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
}

/** Fewer than 4 rows, one at a time. */
function tiles1(
  a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32, panels: i32,
): void {
  tiles(1, a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
}

/** `count` tiles of `rows` rows and `panels` times 8 columns. */
function column(
  rows: i32, a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32,
  panels: i32,
): void {
  if (rows == 6) tiles6(a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
  else if (rows == 5) tiles5(a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
  else if (rows == 4) tiles4(a, rowA, stepA, nextA, b, k, c, rowC, init, rowInit, count, panels);
  else
    for (; count > 0; count--) {
      tiles1(a, rowA, stepA, rowA, b, k, c, rowC, init, rowInit, rows, panels);
      a += nextA;
      c += <usize>rows * rowC;
      if (init != 0) init += <usize>rows * rowInit;
    }
}

/** The same for a panel that has fewer than 8 columns: by way of `edge`, room for one tile. */
function lastColumn(
  rows: i32, a: usize, rowA: usize, stepA: usize, nextA: usize, b: usize, k: i32, c: usize, rowC: usize, init: usize, rowInit: usize, count: i32,
  columns: i32, edge: usize,
): void {
  for (; count > 0; count--) {
    if (init != 0) {
      for (let r = 0; r < rows; r++) {
        copyRun(edge + (<usize>r << 5), init, columns);
        init += rowInit;
      }
    }
    column(rows, a, rowA, stepA, nextA, b, k, edge, 32, init == 0 ? 0 : edge, 32, 1, 1);
    for (let r = 0; r < rows; r++) {
      copyRun(c, edge + (<usize>r << 5), columns);
      c += rowC;
    }
    a += nextA;
  }
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
 * Packs a whole right factor, block after block of BLOCK_K terms, in each block panel after panel.
 * The last panel is filled up with zeros.
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

/**
 * Tiles of `rows` rows of a block of A whose rows lie side by side: for each tile, for each k, its
 * elements. Returns where the next tile is packed.
 */
function packTiles(to: usize, a: usize, stepA: usize, rows: i32, k: i32, count: i32): usize {
  const bytes = <usize>rows << 2;
  for (; count > 0; count--) {
    let from = a;
    for (let l = 0; l < k; l++) {
      if (rows >= 4) {
        v128.store(to, v128.load(from));
        // 4, 5 or 6 elements: the last two once more, or for the first time
        store<u64>(to + bytes - 8, load<u64>(from + bytes - 8));
      } else for (let r: usize = 0; r < bytes; r += 4) store<f32>(to + r, load<f32>(from + r));
      to += bytes;
      from += stepA;
    }
    a += bytes;
  }
  return to;
}

/**
 * 32 results of a row of A: four panels at a time, since a row and a panel have two chains alone,
 * and the adder would wait.
 */
function fourPanels(a: usize, b: usize, k: i32, c: usize, init: usize): void {
  const size = <usize>k << 5;
  const end = a + (<usize>k << 2);
  let b1 = b + size;
  let b2 = b1 + size;
  let b3 = b2 + size;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    s0 = madd(x, v128.load(b), s0);
    s1 = madd(x, v128.load(b, 16), s1);
    s2 = madd(x, v128.load(b1), s2);
    s3 = madd(x, v128.load(b1, 16), s3);
    s4 = madd(x, v128.load(b2), s4);
    s5 = madd(x, v128.load(b2, 16), s5);
    s6 = madd(x, v128.load(b3), s6);
    s7 = madd(x, v128.load(b3, 16), s7);
    b += 32;
    b1 += 32;
    b2 += 32;
    b3 += 32;
  }
  if (init != 0) {
    s0 = f32x4.add(v128.load(init), s0);
    s1 = f32x4.add(v128.load(init, 16), s1);
    s2 = f32x4.add(v128.load(init, 32), s2);
    s3 = f32x4.add(v128.load(init, 48), s3);
    s4 = f32x4.add(v128.load(init, 64), s4);
    s5 = f32x4.add(v128.load(init, 80), s5);
    s6 = f32x4.add(v128.load(init, 96), s6);
    s7 = f32x4.add(v128.load(init, 112), s7);
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
  v128.store(c, s2, 32);
  v128.store(c, s3, 48);
  v128.store(c, s4, 64);
  v128.store(c, s5, 80);
  v128.store(c, s6, 96);
  v128.store(c, s7, 112);
}

/** Up to 8 results of a row of A and one panel. */
function onePanel(a: usize, b: usize, k: i32, c: usize, init: usize, columns: i32): void {
  const end = a + (<usize>k << 2);
  let low = f32x4.splat(0);
  let high = low;
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    low = madd(x, v128.load(b), low);
    high = madd(x, v128.load(b, 16), high);
    b += 32;
  }
  if (columns < 4) {
    if (init != 0) low = f32x4.add(loadPart(init, columns), low);
    storePart(c, low, columns);
    return;
  }
  if (init != 0) low = f32x4.add(v128.load(init), low);
  v128.store(c, low);
  const rest = columns - 4;
  if (rest == 4) {
    if (init != 0) high = f32x4.add(v128.load(init, 16), high);
    v128.store(c, high, 16);
  } else if (rest > 0) {
    if (init != 0) high = f32x4.add(loadPart(init + 16, rest), high);
    storePart(c + 16, high, rest);
  }
}

/**
 * A few rows and one block of terms of a packed factor, with the bits that a tile of many rows
 * gives.
 */
function packedRows(a: usize, rowA: usize, b: usize, c: usize, rowC: usize, init: usize, rowInit: usize, m: i32, k: i32, n: i32): void {
  const size = <usize>k << 5;
  for (; m > 0; m--) {
    let panel = b;
    let to = c;
    let start = init;
    let left = n;
    for (; left >= 32; left -= 32) {
      fourPanels(a, panel, k, to, start);
      panel += size << 2;
      to += 128;
      if (start != 0) start += 128;
    }
    for (; left > 0; left -= 8) {
      onePanel(a, panel, k, to, start, min(8, left));
      panel += size;
      to += 32;
      if (start != 0) start += 32;
    }
    a += rowA;
    c += rowC;
    if (init != 0) init += rowInit;
  }
}

/**
 * C = init + A B for a packed B, all blocks. Rows are dealt out evenly to blocks, and in a block to
 * tiles: of any number from 20 on, tiles have 5 or 6 rows.
 *
 * @param rowA - bytes from one row of A to the next
 * @param stepA - bytes from one k to the next; if they are not side by side, the rows are, and are
 *   packed into `room`
 * @param init - 0 for zeros; rows are `rowInit` bytes apart, 0 for one row that serves all
 * @param room - TILE_BYTES if `n` is not a multiple of 8; behind them BLOCK_M x BLOCK_K elements,
 *   if A has to be packed
 */
export function product(
  a: usize, rowA: usize, stepA: usize, b: usize, c: usize, rowC: usize, init: usize, rowInit: usize, m: i32, k: i32, n: i32, room: usize,
): void {
  const isDense = stepA == 4;
  for (let first = 0; first < k; first += BLOCK_K) {
    const size = min(BLOCK_K, k - first);
    let left = a + <usize>first * stepA;
    let target = c;
    let start = init;
    let below = m;
    if (m < GEMV_ROWS && isDense) {
      packedRows(left, rowA, b, target, rowC, start, rowInit, m, size, n);
      below = 0;
    }
    while (below > 0) {
      // Blocks of the same size, or one row less.
      const rows = below / ((below + BLOCK_M - 1) / BLOCK_M);
      const count = (rows + TILE_M - 1) / TILE_M;
      const less = rows / count;
      const more = less + 1;
      const countMore = rows - less * count;
      const countLess = count - countMore;
      let from = left;
      let row = rowA;
      let step = stepA;
      let nextMore = <usize>more * rowA;
      let nextLess = <usize>less * rowA;
      if (!isDense) {
        packTiles(packTiles(room + TILE_BYTES, left, stepA, more, size, countMore), left + <usize>(countMore * more) * 4, stepA, less, size, countLess);
        from = room + TILE_BYTES;
        row = 4;
        nextMore = <usize>(more * size) << 2;
        nextLess = <usize>(less * size) << 2;
      }
      const fromLess = from + <usize>countMore * nextMore;
      const down = <usize>(countMore * more);
      let panel = b;
      let to = target;
      let begin = start;
      let panels = 0;
      for (let j = n; j > 0; j -= panels << 3) {
        panels = max(1, min(j >> 3, PANEL_BYTES / (size << 5)));
        const toLess = to + down * rowC;
        const beginLess = begin == 0 ? 0 : begin + down * rowInit;
        if (!isDense) step = <usize>more << 2;
        if (j >= 8) {
          column(more, from, row, step, nextMore, panel, size, to, rowC, begin, rowInit, countMore, panels);
          if (!isDense) step = <usize>less << 2;
          column(less, fromLess, row, step, nextLess, panel, size, toLess, rowC, beginLess, rowInit, countLess, panels);
        } else {
          lastColumn(more, from, row, step, nextMore, panel, size, to, rowC, begin, rowInit, countMore, j, room);
          if (!isDense) step = <usize>less << 2;
          lastColumn(less, fromLess, row, step, nextLess, panel, size, toLess, rowC, beginLess, rowInit, countLess, j, room);
        }
        panel += <usize>(panels * size) << 5;
        to += <usize>panels << 5;
        if (begin != 0) begin += <usize>panels << 5;
      }
      left += <usize>rows * rowA;
      target += <usize>rows * rowC;
      if (start != 0) start += <usize>rows * rowInit;
      below -= rows;
    }
    b += ((<usize>n + 7) >> 3) * (<usize>size << 5);
    init = c;
    rowInit = rowC;
  }
}

/**
 * C = A B, or a block of rows and columns of it, for factors as they lie in memory. All room that
 * it needs is given, so that threads can compute blocks side by side.
 *
 * @param rowB - bytes from one k to the next
 * @param stepB - bytes from one column to the next
 * @param packed - BLOCK_K x BLOCK_N elements, or as many as B has; columns are rounded up to whole
 *   panels
 * @param room - see `product`
 */
export function multiply(
  a: usize, rowA: usize, stepA: usize, b: usize, rowB: usize, stepB: usize, c: usize, rowC: usize, m: i32, k: i32, n: i32, packed: usize, room: usize,
): void {
  for (let j = 0; j < n; j += BLOCK_N) {
    const width = min(BLOCK_N, n - j);
    const to = c + (<usize>j << 2);
    for (let first = 0; first < k; first += BLOCK_K) {
      const depth = min(BLOCK_K, k - first);
      pack(packed, b + <usize>first * rowB + <usize>j * stepB, rowB, stepB, depth, width);
      const init = first == 0 ? 0 : to;
      product(a + <usize>first * stepA, rowA, stepA, packed, to, rowC, init, rowC, m, depth, width, room);
    }
  }
}

// @ts-ignore: decorator
@inline
function sum4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return f32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
}

/**
 * 8 results of a row of A and 8 rows of B^T, each `column` bytes from the next. Four partial sums
 * each, one for each lane.
 */
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

/**
 * A few rows times a factor whose columns lie dense in memory, `column` bytes apart (a weight as
 * PyTorch stores it).
 */
export function vectorsTransposed(
  a: usize, rowA: usize, b: usize, column: usize, c: usize, rowC: usize, init: usize, rowInit: usize, m: i32, k: i32, n: i32,
): void {
  for (; m > 0; m--) {
    let j = 0;
    for (; j + 8 <= n; j += 8) {
      const along = <usize>j << 2;
      let start = init == 0 ? 0 : init + along;
      // Each of the four lanes is a chain.
      for (let first = 0; first < k; first += 4 * BLOCK_K) {
        const further = <usize>first << 2;
        dots8(a + further, b + <usize>j * column + further, column, min(4 * BLOCK_K, k - first), c + along, start);
        start = c + along;
      }
    }
    for (; j < n; j++) {
      const along = <usize>j << 2;
      let sum: f32 = 0;
      for (let first = 0; first < k; first += 4 * BLOCK_K) {
        const further = <usize>first << 2;
        sum += dot(a + further, b + <usize>j * column + further, min(4 * BLOCK_K, k - first));
      }
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
  s0 = f32x4.add(s0, t0);
  s1 = f32x4.add(s1, t1);
  s2 = f32x4.add(s2, t2);
  s3 = f32x4.add(s3, t3);
  if (init != 0) {
    s0 = f32x4.add(v128.load(init), s0);
    s1 = f32x4.add(v128.load(init, 16), s1);
    s2 = f32x4.add(v128.load(init, 32), s2);
    s3 = f32x4.add(v128.load(init, 48), s3);
  }
  v128.store(c, s0);
  v128.store(c, s1, 16);
  v128.store(c, s2, 32);
  v128.store(c, s3, 48);
}

/** Up to 4 columns. */
function columns4(a: usize, b: usize, row: usize, k: i32, c: usize, init: usize, columns: i32): void {
  let s = f32x4.splat(0);
  if (columns == 4) {
    for (; k > 0; k--) {
      s = madd(v128.load32_splat(a), v128.load(b), s);
      a += 4;
      b += row;
    }
    if (init != 0) s = f32x4.add(v128.load(init), s);
    v128.store(c, s);
    return;
  }
  for (; k > 0; k--) {
    s = madd(v128.load32_splat(a), loadPart(b, columns), s);
    a += 4;
    b += row;
  }
  if (init != 0) s = f32x4.add(loadPart(init, columns), s);
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
      let start = init == 0 ? 0 : init + along;
      for (let first = 0; first < k; first += 2 * BLOCK_K) {
        const from = b + along + <usize>first * row;
        columns16(a + (<usize>first << 2), from, row, min(2 * BLOCK_K, k - first), c + along, start);
        start = c + along;
      }
    }
    for (; j < n; j += 4) {
      const along = <usize>j << 2;
      let start = init == 0 ? 0 : init + along;
      for (let first = 0; first < k; first += BLOCK_K) {
        const from = b + along + <usize>first * row;
        columns4(a + (<usize>first << 2), from, row, min(BLOCK_K, k - first), c + along, start, min(4, n - j));
        start = c + along;
      }
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

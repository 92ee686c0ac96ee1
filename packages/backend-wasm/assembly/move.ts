// Moving 32-bit elements of any kind.
import { copyRun } from './vector';
import { offsetOf, runsOf } from './walk';

/**
 * Four runs of four elements at `x`, `apart` bytes apart, to columns: the transposed 4 x 4 block.
 */
// @ts-ignore: decorator
@inline
function transpose4(out: usize, outApart: usize, x: usize, apart: usize): void {
  const a = v128.load(x);
  const b = v128.load(x + apart);
  const c = v128.load(x + 2 * apart);
  const d = v128.load(x + 3 * apart);
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const AB = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const CD = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(out, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(out + outApart, i64x2.shuffle(ab, cd, 1, 3));
  v128.store(out + 2 * outApart, i64x2.shuffle(AB, CD, 0, 2));
  v128.store(out + 3 * outApart, i64x2.shuffle(AB, CD, 1, 3));
}

/** One plane by elements. */
function plane(out: usize, outRow: usize, x: usize, rows: i32, columns: i32, row: i32, column: i32): void {
  for (let r = 0; r < rows; r++) {
    let from = x + r * row;
    let to = out;
    for (let c = 0; c < columns; c++) {
      store<i32>(to, load<i32>(from));
      to += 4;
      from += column;
    }
    out += outRow;
  }
}

/**
 * One plane whose elements lie side by side along the rows dimension: a transposition, in blocks of
 * 4 x 4.
 */
function transposed(out: usize, outRow: usize, x: usize, rows: i32, columns: i32, column: i32): void {
  const wholeRows = rows & ~3;
  const wholeColumns = columns & ~3;
  for (let r = 0; r < wholeRows; r += 4) {
    let from = x + (<usize>r << 2);
    let to = out + <usize>r * outRow;
    for (let c = 0; c < wholeColumns; c += 4) {
      transpose4(to, outRow, from, column);
      from += column << 2;
      to += 16;
    }
  }
  const right = <usize>wholeColumns;
  if (wholeColumns < columns) plane(out + (right << 2), outRow, x + wholeColumns * column, wholeRows, columns - wholeColumns, 4, column);
  if (wholeRows < rows) plane(out + <usize>wholeRows * outRow, outRow, x + (<usize>wholeRows << 2), rows - wholeRows, columns, 4, column);
}

/**
 * Copies planes of `rows x columns` elements; the outer dimensions are described at WALK, where
 * operand 0 is `x`.
 *
 * @param outRow - bytes from one row of the result to the next; planes of the result follow one
 *   another
 * @param row - bytes from one row of `x` to the next
 * @param column - bytes from one element of a row to the next
 */
export function copy(out: usize, outRow: usize, x: usize, rows: i32, columns: i32, row: i32, column: i32, dims: i32): void {
  const planes = runsOf(dims);
  for (let p = 0; p < planes; p++) {
    const from = x + offsetOf(p, dims, 0);
    if (column == 4) {
      for (let r = 0; r < rows; r++) copyRun(out + <usize>r * outRow, from + r * row, columns);
    } else if (row == 4) transposed(out, outRow, from, rows, columns, column);
    else plane(out, outRow, from, rows, columns, row, column);
    out += outRow * <usize>rows;
  }
}

/** `out[o, c, i] = x[o, index[o, c, i], i]`; the index has strides in bytes. */
export function gather(
  out: usize, x: usize, index: usize, outer: i32, size: i32, inner: i32, count: i32, outerStep: i32, countStep: i32, innerStep: i32,
): void {
  for (let o = 0; o < outer; o++) {
    const block = x + ((<usize>o * size * inner) << 2);
    for (let c = 0; c < count; c++) {
      let at = index + o * outerStep + c * countStep;
      if (innerStep == 0) {
        // one position for the whole row: rows of an embedding, a batch out of a data set
        copyRun(out, block + ((<usize>load<i32>(at) * inner) << 2), inner);
        out += <usize>inner << 2;
        continue;
      }
      for (let i = 0; i < inner; i++) {
        store<i32>(out, load<i32>(block + ((<usize>load<i32>(at) * inner + i) << 2)));
        out += 4;
        at += innerStep;
      }
    }
  }
}

/**
 * `sums[o, index[o, c, i], i] += source[o, c, i]` for float32, whose sums are kept as float64: the
 * rows of an embedding may meet thousands of summands.
 */
export function scatterAdd_float32(
  sums: usize, source: usize, index: usize, outer: i32, size: i32, inner: i32, count: i32, outerStep: i32, countStep: i32, innerStep: i32,
): void {
  for (let o = 0; o < outer; o++) {
    const block = sums + ((<usize>o * size * inner) << 3);
    for (let c = 0; c < count; c++) {
      let at = index + o * outerStep + c * countStep;
      for (let i = 0; i < inner; i++) {
        const to = block + ((<usize>load<i32>(at) * inner + i) << 3);
        store<f64>(to, load<f64>(to) + <f64>load<f32>(source));
        source += 4;
        at += innerStep;
      }
    }
  }
}

/** The same for int32, into zeros. */
export function scatterAdd_int32(
  out: usize, source: usize, index: usize, outer: i32, size: i32, inner: i32, count: i32, outerStep: i32, countStep: i32, innerStep: i32,
): void {
  for (let o = 0; o < outer; o++) {
    const block = out + ((<usize>o * size * inner) << 2);
    for (let c = 0; c < count; c++) {
      let at = index + o * outerStep + c * countStep;
      for (let i = 0; i < inner; i++) {
        const to = block + ((<usize>load<i32>(at) * inner + i) << 2);
        store<i32>(to, load<i32>(to) + load<i32>(source));
        source += 4;
        at += innerStep;
      }
    }
  }
}

/** float64 to float32. */
export function narrow(out: usize, x: usize, n: i32): void {
  for (; n > 0; n--) {
    store<f32>(out, <f32>load<f64>(x));
    out += 4;
    x += 8;
  }
}

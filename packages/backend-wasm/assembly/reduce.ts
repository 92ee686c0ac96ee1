// Reductions of the middle dimension of [outer, size, inner].
//
// Sums of float32: four (or fewer) neighbours are added in float32, in pairs, and everything else
// in float64. That leaves two or three roundings for a sum of any length.
import { STRIP, SUMS, TAIL } from '../src/layout';
import { run } from './binary';
import { maximum4, minimum4, Op } from './functions.generated';
import { loadPart, storePart } from './vector';

// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1));
}

// @ts-ignore: decorator
@inline
function lanes(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** The sum of `n` neighbours. */
function sumRun(x: usize, n: i32): f64 {
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  while (n >= 16) {
    const s = f32x4.add(f32x4.add(v128.load(x), v128.load(x, 16)), f32x4.add(v128.load(x, 32), v128.load(x, 48)));
    a = f64x2.add(a, low(s));
    b = f64x2.add(b, high(s));
    x += 64;
    n -= 16;
  }
  while (n >= 4) {
    const s = v128.load(x);
    a = f64x2.add(a, low(s));
    b = f64x2.add(b, high(s));
    x += 16;
    n -= 4;
  }
  let sum = lanes(f64x2.add(a, b));
  for (; n > 0; n--) {
    sum += <f64>load<f32>(x);
    x += 4;
  }
  return sum;
}

/** Adds to the float64 sums of `n` columns the sum of up to 4 rows. */
function addRows(x: usize, row: usize, rows: i32, n: i32): void {
  let sums: usize = SUMS;
  const r1 = x + (rows > 1 ? row : 0);
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    const left = n - <i32>(i >> 2);
    let s: v128;
    if (left < 4) {
      s = loadPart(x + i, left);
      for (let r = 1; r < rows; r++) s = f32x4.add(s, loadPart(x + <usize>r * row + i, left));
    } else if (rows == 4) {
      const r2 = x + 2 * row;
      s = f32x4.add(f32x4.add(v128.load(x + i), v128.load(r1 + i)), f32x4.add(v128.load(r2 + i), v128.load(r2 + row + i)));
    } else {
      s = v128.load(x + i);
      for (let r = 1; r < rows; r++) s = f32x4.add(s, v128.load(x + <usize>r * row + i));
    }
    v128.store(sums, f64x2.add(v128.load(sums), low(s)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), high(s)), 16);
    sums += 32;
  }
}

export function sum_float32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  if (inner == 1) {
    for (; outer > 0; outer--) {
      store<f32>(out, <f32>sumRun(x, size));
      out += 4;
      x += <usize>size << 2;
    }
    return;
  }
  const row = <usize>inner << 2;
  for (; outer > 0; outer--) {
    for (let first = 0; first < inner; first += STRIP) {
      const n = min(STRIP, inner - first);
      memory.fill(SUMS, 0, (<usize>n << 3) + 32);
      let from = x + (<usize>first << 2);
      for (let left = size; left > 0; left -= 4) {
        addRows(from, row, min(left, 4), n);
        from += 4 * row;
      }
      for (let i = 0; i < n; i++) {
        store<f32>(out, <f32>load<f64>(SUMS + (<usize>i << 3)));
        out += 4;
      }
    }
    x += <usize>size * row;
  }
}

// @ts-ignore: decorator
@inline
function merge(op: Op, a: v128, b: v128): v128 {
  if (op == Op.maximum) return maximum4(a, b);
  if (op == Op.minimum) return minimum4(a, b);
  if (op == Op.maximumInt) return i32x4.max_s(a, b);
  if (op == Op.minimumInt) return i32x4.min_s(a, b);
  return i32x4.add(a, b);
}

/** One run, by vectors and then by the lanes of the last. */
function mergeRun(op: Op, x: usize, n: i32): v128 {
  let best = v128.load32_splat(x);
  x += 4;
  n--;
  let wide = op == Op.addInt ? i32x4.splat(0) : best;
  for (; n >= 4; n -= 4) {
    wide = merge(op, wide, v128.load(x));
    x += 16;
  }
  for (; n > 0; n--) {
    best = merge(op, best, v128.load32_splat(x));
    x += 4;
  }
  // Two lanes onto the others, one onto the other, and the rest.
  for (let left = 0; left < 3; left++) {
    if (left == 2) best = merge(op, best, wide);
    else wide = merge(op, wide, left == 0 ? i32x4.shuffle(wide, wide, 2, 3, 0, 1) : i32x4.shuffle(wide, wide, 1, 0, 3, 2));
  }
  return best;
}

function reduce(op: Op, out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  const row = <usize>inner << 2;
  for (; outer > 0; outer--) {
    if (inner == 1) v128.store_lane<u32>(out, mergeRun(op, x, size), 0);
    else {
      memory.copy(out, x, row);
      const whole = inner & ~3;
      const wholeBytes = <usize>whole << 2;
      for (let s = 1; s < size; s++) {
        const from = x + <usize>s * row;
        run(op, out, out, 16, from, 16, whole);
        if (whole < inner) {
          run(op, TAIL, out + wholeBytes, 16, from + wholeBytes, 16, inner - whole);
          storePart(out + wholeBytes, v128.load(TAIL), inner - whole);
        }
      }
    }
    out += row;
    x += <usize>size * row;
  }
}

export function max_float32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  reduce(Op.maximum, out, x, outer, size, inner);
}

export function min_float32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  reduce(Op.minimum, out, x, outer, size, inner);
}

export function max_int32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  reduce(Op.maximumInt, out, x, outer, size, inner);
}

export function min_int32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  reduce(Op.minimumInt, out, x, outer, size, inner);
}

export function sum_int32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  reduce(Op.addInt, out, x, outer, size, inner);
}

/**
 * The first position of the largest value, or of a NaN: nothing is greater than a NaN, so the
 * search may end there.
 */
// @ts-ignore: decorator
@inline
function argmax<T>(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  const step = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let at = x + (<usize>i << 2);
      let best = load<T>(at);
      let position = 0;
      for (let s = 1; s < size && best == best; s++) {
        at += step;
        const value = load<T>(at);
        if (!(value <= best)) {
          best = value;
          position = s;
        }
      }
      store<i32>(out, position);
      out += 4;
    }
    x += <usize>size * step;
  }
}

export function argmax_float32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  argmax<f32>(out, x, outer, size, inner);
}

export function argmax_int32(out: usize, x: usize, outer: i32, size: i32, inner: i32): void {
  argmax<i32>(out, x, outer, size, inner);
}

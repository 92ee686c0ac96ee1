// Functions of two operands. An operand is walked densely or, broadcast, read from one splatted
// vector: the only difference is a step of 0.
import { SPLATS, TAIL } from '../src/layout';
import { Op, runFloat } from './functions.generated';
import { splat, storePart } from './vector';
import { offsetOf, runsOf, sizeAt, strideAt } from './walk';

// @ts-ignore: decorator
@inline
function applyInt(op: Op, a: v128, b: v128): v128 {
  if (op == Op.addInt) return i32x4.add(a, b);
  if (op == Op.subInt) return i32x4.sub(a, b);
  if (op == Op.mulInt) return i32x4.mul(a, b);
  if (op == Op.maximumInt) return i32x4.max_s(a, b);
  if (op == Op.minimumInt) return i32x4.min_s(a, b);
  if (op == Op.eqInt) return i32x4.neg(i32x4.eq(a, b));
  if (op == Op.neInt) return i32x4.neg(i32x4.ne(a, b));
  if (op == Op.ltInt) return i32x4.neg(i32x4.lt_s(a, b));
  if (op == Op.leInt) return i32x4.neg(i32x4.le_s(a, b));
  if (op == Op.gtInt) return i32x4.neg(i32x4.gt_s(a, b));
  return i32x4.neg(i32x4.ge_s(a, b));
}

/** Whole vectors: `n` is rounded up to a multiple of 4. */
// @ts-ignore: decorator
@inline
function each(op: Op, out: usize, a: usize, stepA: usize, b: usize, stepB: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    v128.store(out, applyInt(op, v128.load(a), v128.load(b)));
    out += 16;
    a += stepA;
    b += stepB;
  }
}

/**
 * Whole numbers: towards zero, and 0 where there is no quotient. The smallest number divided by -1
 * wraps around.
 */
function quotient(a: i32, b: i32): i32 {
  if (b == 0) return 0;
  return b == -1 ? -a : a / b;
}

/**
 * Whole numbers, wrapping around. With a negative exponent only 1 and -1 have a whole power; 0 is
 * where there is none.
 */
function integerPower(x: i32, y: i32): i32 {
  if (y < 0) return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
  let power = 1;
  for (; y > 0; y >>= 1) {
    if (y & 1) power *= x;
    x *= x;
  }
  return power;
}

/**
 * IEEE's power: 1 to any power is 1, also NaN and infinite ones, and so is -1 to an infinite one.
 */
export function power(x: f32, y: f32): f32 {
  return x == 1 || (x == -1 && abs(y) == Infinity) ? 1 : Mathf.pow(x, y);
}

/** What has no vector form, an element at a time. */
function single(op: Op, out: usize, a: usize, stepA: usize, b: usize, stepB: usize, n: i32): void {
  stepA >>= 2;
  stepB >>= 2;
  for (; n > 0; n--) {
    if (op == Op.pow) store<f32>(out, power(load<f32>(a), load<f32>(b)));
    else if (op == Op.divInt) store<i32>(out, quotient(load<i32>(a), load<i32>(b)));
    else store<i32>(out, integerPower(load<i32>(a), load<i32>(b)));
    out += 4;
    a += stepA;
    b += stepB;
  }
}

/**
 * `op` over whole vectors, but over `n` elements where it has no vector form. `out` may be `a` or
 * `b`.
 */
export function run(op: Op, out: usize, a: usize, stepA: usize, b: usize, stepB: usize, n: i32): void {
  if (runFloat(op, out, a, stepA, b, stepB, n)) return;
  switch (op) {
    case Op.addInt:
      return each(Op.addInt, out, a, stepA, b, stepB, n);
    case Op.subInt:
      return each(Op.subInt, out, a, stepA, b, stepB, n);
    case Op.mulInt:
      return each(Op.mulInt, out, a, stepA, b, stepB, n);
    case Op.maximumInt:
      return each(Op.maximumInt, out, a, stepA, b, stepB, n);
    case Op.minimumInt:
      return each(Op.minimumInt, out, a, stepA, b, stepB, n);
    case Op.eqInt:
      return each(Op.eqInt, out, a, stepA, b, stepB, n);
    case Op.neInt:
      return each(Op.neInt, out, a, stepA, b, stepB, n);
    case Op.ltInt:
      return each(Op.ltInt, out, a, stepA, b, stepB, n);
    case Op.leInt:
      return each(Op.leInt, out, a, stepA, b, stepB, n);
    case Op.gtInt:
      return each(Op.gtInt, out, a, stepA, b, stepB, n);
    case Op.geInt:
      return each(Op.geInt, out, a, stepA, b, stepB, n);
    default:
      return single(op, out, a, stepA, b, stepB, n);
  }
}

// @ts-ignore: decorator
@inline
function operand(at: usize, isDense: i32, place: usize): usize {
  if (isDense) return at;
  v128.store(place, v128.load32_splat(at));
  return place;
}

/**
 * `op(a, b)` over runs of `n` elements.
 *
 * What is left of a run behind its whole vectors is computed in TAIL and copied: a whole vector
 * would write over the end of the last run. A single run begins where a block of the allocator
 * begins, which ends at a multiple of 16 bytes too.
 *
 * @param denseA - 1 if the operand is dense along a run, 0 if one element stands for all of it
 * @param dims - number of outer dimensions, described at WALK
 */
export function binary(op: Op, out: usize, a: usize, denseA: i32, b: usize, denseB: i32, n: i32, dims: i32): void {
  const stepA = <usize>denseA << 4;
  const stepB = <usize>denseB << 4;
  const runs = runsOf(dims);
  const inner = dims > 0 ? sizeAt(dims - 1) : 1;
  const strideA = dims > 0 ? strideAt(dims - 1, 0) : 0;
  const strideB = dims > 0 ? strideAt(dims - 1, 1) : 0;
  const whole = runs == 1 ? n : n & ~3;
  const vectors = <usize>(whole >> 2);
  const rest = n - whole;
  for (let first = 0; first < runs; first += inner) {
    let p = a + offsetOf(first, dims, 0);
    let q = b + offsetOf(first, dims, 1);
    for (let i = 0; i < inner; i++) {
      const x = operand(p, denseA, SPLATS);
      const y = operand(q, denseB, SPLATS + 16);
      run(op, out, x, stepA, y, stepB, whole);
      out += <usize>whole << 2;
      if (rest > 0) {
        run(op, TAIL, x + vectors * stepA, stepA, y + vectors * stepB, stepB, rest);
        storePart(out, v128.load(TAIL), rest);
        out += <usize>rest << 2;
      }
      p += strideA;
      q += strideB;
    }
  }
}

/** `condition != 0 ? a : b`; NaN is not 0. The elements of `a` and `b` are 32 bits of any kind. */
export function select(
  out: usize, condition: usize, denseC: i32, isInt: i32, a: usize, denseA: i32, b: usize, denseB: i32, n: i32, dims: i32,
): void {
  const runs = runsOf(dims);
  for (let r = 0; r < runs; r++) {
    let c = operand(condition + offsetOf(r, dims, 0), denseC, SPLATS + 32);
    let p = operand(a + offsetOf(r, dims, 1), denseA, SPLATS);
    let q = operand(b + offsetOf(r, dims, 2), denseB, SPLATS + 16);
    for (let left = n; left > 0; left -= 4) {
      const marks = v128.load(c);
      const isZero = isInt ? i32x4.eq(marks, i32x4.splat(0)) : f32x4.eq(marks, splat(0));
      const y = v128.bitselect(v128.load(q), v128.load(p), isZero);
      if (left >= 4) v128.store(out, y);
      else storePart(out, y, left);
      out += <usize>min(left, 4) << 2;
      c += <usize>denseC << 4;
      p += <usize>denseA << 4;
      q += <usize>denseB << 4;
    }
  }
}

/**
 * Elementwise functions of four float32: the one source of what programs are emitted with and of
 * the kernels of single operations, for which scripts/assembly-functions.ts writes the same as
 * text. NaN goes through all of them: `pmin(x, c)` and `pmax(x, c)` give x when it is NaN.
 */
import type { BinaryOp, UnaryOp } from '@rnn/core';
import * as k from '../coefficients.js';
import type { Vectors } from './vectors.js';

/** The bits of sqrt(1/2). */
const SQRT_HALF_BITS = 0x3f3504f3;

/**
 * Functions by polynomials. They are written out where they are used: a call would cost their
 * constants, and all registers, each time.
 */
type LongFunction = 'exp' | 'log' | 'tanh' | 'sigmoid' | 'softplus';

const long: Readonly<Record<LongFunction, <E>(v: Vectors<E>, x: E) => E>> = {
  // exp(x) = 2^n exp(r) with n = round(x / ln 2) and r = x - n ln 2. The factor 2^n is applied in
  // two halves: from infinity down to the smallest denormal there is no step that leaves the range
  // of float32 too early.
  exp(v, x) {
    const y = v.keep(v.pmax(v.pmin(x, v.splat(89)), v.splat(-104)));
    const t = v.keep(v.madd(y, v.splat(k.LOG2E), v.splat(k.ROUND)));
    const n = v.keep(v.sub(t, v.splat(k.ROUND)));
    const r = v.keep(v.nmadd(n, v.splat(k.LN2_LOW), v.nmadd(n, v.splat(k.LN2_HIGH), y)));
    const whole = v.keep(v.subInt(t, v.splat(k.ROUND)));
    const half = v.keep(v.shiftRight(whole, 1));
    const power = (e: typeof x): typeof x => v.shiftLeft(v.addInt(e, v.splatInt(127)), 23);
    return v.mul(v.mul(expSmall(v, r), power(half)), power(v.subInt(whole, half)));
  },
  // 1 / (1 + exp(-x)) with exp(-x) = 2^n exp(r). From n = 128 on the power is infinite and the
  // result 0. The polynomial is tanh's, so that a program with both needs fewer constants.
  sigmoid(v, x) {
    const y = v.keep(v.pmax(v.pmin(x, v.splat(87)), v.splat(-89)));
    const t = v.keep(v.nmadd(y, v.splat(k.LOG2E), v.splat(k.ROUND + 127)));
    const n = v.keep(v.sub(t, v.splat(k.ROUND + 127)));
    const r = v.keep(v.madd(n, v.splat(k.LN2_LOW), v.madd(n, v.splat(k.LN2_HIGH), y))); // -r
    let q = v.nmadd(r, v.splat(k.EXPM1_6), v.splat(k.EXPM1_5));
    q = v.nmadd(q, r, v.splat(k.EXPM1_4));
    q = v.nmadd(q, r, v.splat(k.EXPM1_3));
    q = v.nmadd(q, r, v.splat(k.EXPM1_2));
    q = v.nmadd(q, r, v.splat(1)); // 1 + -r * -(...)
    const p = v.nmadd(q, r, v.splat(1));
    return v.div(v.splat(1), v.madd(p, v.shiftLeft(t, 23), v.splat(1)));
  },
  // tanh|x| = e / (e + 2) with e = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1): no cancellation
  // near 0, and near 1 an error of e hardly matters. 1 from |x| = 9.02 on. The sign is set at the
  // end.
  tanh(v, x) {
    const y = v.keep(v.pmin(v.abs(x), v.splat(9.02)));
    const z = v.keep(v.add(y, y));
    const t = v.keep(v.madd(z, v.splat(k.LOG2E), v.splat(k.ROUND + 127)));
    const n = v.keep(v.sub(t, v.splat(k.ROUND + 127)));
    const r = v.keep(v.nmadd(n, v.splat(k.LN2_LOW), v.nmadd(n, v.splat(k.LN2_HIGH), z)));
    let q = v.madd(r, v.splat(k.EXPM1_6), v.splat(k.EXPM1_5));
    q = v.madd(q, r, v.splat(k.EXPM1_4));
    q = v.madd(q, r, v.splat(k.EXPM1_3));
    q = v.madd(q, r, v.splat(k.EXPM1_2));
    const p = v.keep(v.madd(v.mul(r, r), q, r));
    const power = v.keep(v.shiftLeft(t, 23));
    const e = v.keep(v.madd(power, p, v.sub(power, v.splat(1))));
    return v.or(v.div(e, v.add(e, v.splat(2))), v.and(x, v.splat(-0)));
  },
  // log(x) = n ln 2 + log(m) with m in [sqrt(1/2), sqrt(2)) and log(m) = 2 s + s^3 R(s^2), s = (m -
  // 1) / (m + 1). Denormals are scaled up first; 0, negative numbers and infinity are put right at
  // the end.
  log(v, x) {
    const tiny = v.keep(v.lt(x, v.splat(1.1754943508222875e-38)));
    const scaled = v.keep(v.choose(v.mul(x, v.splat(8388608)), x, tiny));
    const exponent = v.keep(v.shiftRight(v.subInt(scaled, v.splatInt(SQRT_HALF_BITS)), 23));
    const m = v.keep(v.subInt(scaled, v.shiftLeft(exponent, 23)));
    const n = v.keep(v.sub(v.toFloat(exponent), v.and(tiny, v.splat(23))));
    const s = v.keep(v.div(v.sub(m, v.splat(1)), v.add(m, v.splat(1))));
    const z = v.keep(v.mul(s, s));
    const R = v.madd(v.madd(z, v.splat(k.LOG_2), v.splat(k.LOG_1)), z, v.splat(k.LOG_0));
    const low = v.madd(v.mul(z, s), R, v.mul(n, v.splat(k.LN2_LOW)));
    const y = v.madd(n, v.splat(k.LN2_HIGH), v.madd(v.splat(2), s, low));
    // NaN and infinity are themselves; 0 gives -infinity, less gives NaN.
    const special = v.not(v.lt(x, v.splat(Infinity)));
    const below = v.choose(v.splat(-Infinity), v.splat(NaN), v.eq(x, v.splat(0)));
    return v.choose(x, v.choose(below, y, v.le(x, v.splat(0))), special);
  },
  // log(1 + exp(x)) = max(x, 0) + log(1 + u), u = exp(-|x|), and log(1 + u) = 2 s + s^3 R(s^2) with
  // s = u / (2 + u).
  softplus(v, x) {
    const u = v.keep(expNegative(v, x));
    const s = v.keep(v.div(u, v.add(u, v.splat(2))));
    const z = v.keep(v.mul(s, s));
    let R = v.madd(z, v.splat(k.LOG1P_3), v.splat(k.LOG1P_2));
    R = v.madd(R, z, v.splat(k.LOG1P_1));
    R = v.madd(R, z, v.splat(k.LOG1P_0));
    return v.add(v.pmax(x, v.splat(0)), v.madd(v.mul(z, s), R, v.add(s, s)));
  },
};

/** exp(r) for |r| <= ln(2) / 2. */
function expSmall<E>(v: Vectors<E>, r: E): E {
  let q = v.madd(r, v.splat(k.EXP_6), v.splat(k.EXP_5));
  q = v.madd(q, r, v.splat(k.EXP_4));
  q = v.madd(q, r, v.splat(k.EXP_3));
  q = v.madd(q, r, v.splat(k.EXP_2));
  return v.add(v.madd(v.mul(r, r), q, r), v.splat(1));
}

/**
 * exp(-|x|), at most 1: one factor is enough, and results below the smallest normal number become
 * 0.
 */
function expNegative<E>(v: Vectors<E>, x: E): E {
  const y = v.keep(v.pmin(v.abs(x), v.splat(88)));
  const t = v.keep(v.nmadd(y, v.splat(k.LOG2E), v.splat(k.ROUND + 127)));
  const n = v.keep(v.sub(t, v.splat(k.ROUND + 127)));
  const r = v.keep(v.nmadd(n, v.splat(k.LN2_LOW), v.nmadd(n, v.splat(k.LN2_HIGH), v.neg(y))));
  return v.mul(expSmall(v, r), v.shiftLeft(t, 23));
}

/** A unary function applied to an expression that may be used more than once. */
export function unaryExpression<E>(op: UnaryOp, v: Vectors<E>, x: E): E {
  switch (op) {
    case 'neg':
      return v.neg(x);
    case 'sqrt':
      return v.sqrt(x);
    case 'square':
      return v.mul(x, x);
    case 'reciprocal':
      return v.div(v.splat(1), x);
    case 'abs':
      return v.abs(x);
    case 'sign': // no comparison with NaN holds, so that it gives 0
      return v.sub(v.and(v.gt(x, v.splat(0)), v.splat(1)), v.and(v.lt(x, v.splat(0)), v.splat(1)));
    case 'round':
      return v.nearest(x);
    case 'relu': // asked so because no comparison with NaN holds, and NaN has to stay; so does the sign of -0
      return v.without(x, v.lt(x, v.splat(0)));
    default:
      return long[op](v, x);
  }
}

/**
 * Whether `binaryExpression` has a function. `pow` it has only for the exponents that derivatives
 * bring.
 */
export function isEmittable(op: BinaryOp, b: unknown): boolean {
  return op !== 'pow' || b === 2 || b === 1 || b === -1;
}

/**
 * A binary function of expressions that may be used more than once. `exponent` is the number that
 * `b` stands for, if any.
 */
export function binaryExpression<E>(op: BinaryOp, v: Vectors<E>, a: E, b: E, exponent: number | undefined): E {
  const flag = (mask: E): E => v.and(mask, v.splat(1));
  switch (op) {
    case 'add':
      return v.add(a, b);
    case 'sub':
      return v.sub(a, b);
    case 'mul':
      return v.mul(a, b);
    case 'div':
      return v.div(a, b);
    case 'pow':
      return exponent === 2 ? v.mul(a, a) : exponent === -1 ? v.div(v.splat(1), a) : a;
    case 'maximum': // NaN if one is: `pmax` alone gives `a` when `b` is NaN, and `f32x4.max` takes eight instructions
      return v.or(v.pmax(a, b), v.ne(b, b));
    case 'minimum':
      return v.or(v.pmin(a, b), v.ne(b, b));
    case 'eq':
      return flag(v.eq(a, b));
    case 'ne':
      return flag(v.ne(a, b));
    case 'lt':
      return flag(v.lt(a, b));
    case 'le':
      return flag(v.le(a, b));
    case 'gt':
      return flag(v.gt(a, b));
    case 'ge':
      return flag(v.ge(a, b));
  }
}

// exp, log and their relatives for four float32 at a time. NaN goes through all of them: `pmin(x, c)` and `pmax(x, c)` give x when it is NaN.
import {
  EXPM1_2, EXPM1_3, EXPM1_4, EXPM1_5, EXPM1_6, EXP_2, EXP_3, EXP_4, EXP_5, EXP_6, LN2_HIGH, LN2_LOW, LOG1P_0, LOG1P_1, LOG1P_2, LOG1P_3,
  LOG2E, LOG_0, LOG_1, LOG_2, ROUND,
} from '../src/coefficients';
import { madd, nmadd, splat } from './vector';

/** exp(r) for |r| <= ln(2) / 2. */
// @ts-ignore: decorator
@inline
function expSmall(r: v128): v128 {
  let q = madd(r, splat(EXP_6), splat(EXP_5));
  q = madd(q, r, splat(EXP_4));
  q = madd(q, r, splat(EXP_3));
  q = madd(q, r, splat(EXP_2));
  return f32x4.add(madd(f32x4.mul(r, r), q, r), splat(1));
}

/**
 * exp(x) = 2^n exp(r) with n = round(x / ln 2) and r = x - n ln 2. The factor 2^n is applied in two halves: from infinity down to the
 * smallest denormal there is no step that leaves the range of float32 too early.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(x, splat(89)), splat(-104));
  const t = madd(y, splat(LOG2E), splat(ROUND));
  const n = f32x4.sub(t, splat(ROUND));
  const r = nmadd(n, splat(LN2_LOW), nmadd(n, splat(LN2_HIGH), y));
  const whole = i32x4.sub(t, splat(ROUND));
  const half = i32x4.shr_s(whole, 1);
  const one = i32x4.splat(127);
  const first = i32x4.shl(i32x4.add(half, one), 23);
  const second = i32x4.shl(i32x4.add(i32x4.sub(whole, half), one), 23);
  return f32x4.mul(f32x4.mul(expSmall(r), first), second);
}

/**
 * exp(-|x|), at most 1: one factor is enough, and results below the smallest normal number become 0.
 */
// @ts-ignore: decorator
@inline
function expNegative4(x: v128): v128 {
  const y = f32x4.pmin(f32x4.abs(x), splat(88));
  const t = nmadd(y, splat(LOG2E), splat(ROUND + 127));
  const n = f32x4.sub(t, splat(ROUND + 127));
  const r = nmadd(n, splat(LN2_LOW), nmadd(n, splat(LN2_HIGH), f32x4.neg(y)));
  return f32x4.mul(expSmall(r), i32x4.shl(t, 23));
}

/**
 * 1 / (1 + exp(-x)) with exp(-x) = 2^n exp(r). From n = 128 on the power is infinite and the result 0. The polynomial is tanh's, so that a
 * program with both needs fewer constants.
 */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(x, splat(87)), splat(-89));
  const t = nmadd(y, splat(LOG2E), splat(ROUND + 127));
  const n = f32x4.sub(t, splat(ROUND + 127));
  const r = madd(n, splat(LN2_LOW), madd(n, splat(LN2_HIGH), y)); // -r
  let q = nmadd(r, splat(EXPM1_6), splat(EXPM1_5));
  q = nmadd(q, r, splat(EXPM1_4));
  q = nmadd(q, r, splat(EXPM1_3));
  q = nmadd(q, r, splat(EXPM1_2));
  q = nmadd(q, r, splat(1)); // 1 + -r * -(...)
  const p = nmadd(q, r, splat(1));
  return f32x4.div(splat(1), madd(p, i32x4.shl(t, 23), splat(1)));
}

/**
 * tanh|x| = e / (e + 2) with e = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1): no cancellation near 0, and near 1 an error of e hardly
 * matters. 1 from |x| = 9.02 on. The sign is set at the end.
 */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const y = f32x4.pmin(f32x4.abs(x), splat(9.02));
  const z = f32x4.add(y, y);
  const t = madd(z, splat(LOG2E), splat(ROUND + 127));
  const n = f32x4.sub(t, splat(ROUND + 127));
  const r = nmadd(n, splat(LN2_LOW), nmadd(n, splat(LN2_HIGH), z));
  let q = madd(r, splat(EXPM1_6), splat(EXPM1_5));
  q = madd(q, r, splat(EXPM1_4));
  q = madd(q, r, splat(EXPM1_3));
  q = madd(q, r, splat(EXPM1_2));
  const p = madd(f32x4.mul(r, r), q, r);
  const power = i32x4.shl(t, 23);
  const e = madd(power, p, f32x4.sub(power, splat(1)));
  return v128.or(f32x4.div(e, f32x4.add(e, splat(2))), v128.and(x, splat(-0.0)));
}

/**
 * log(x) = n ln 2 + log(m) with m in [sqrt(1/2), sqrt(2)) and log(m) = 2 s + s^3 R(s^2), s = (m - 1) / (m + 1). Denormals are scaled
 * up first; 0, negative numbers and infinity are put right at the end.
 */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(1.1754943508222875e-38));
  const scaled = v128.bitselect(f32x4.mul(x, splat(8388608)), x, tiny);
  const bits = i32x4.sub(scaled, i32x4.splat(0x3f3504f3)); // from sqrt(1/2) on
  const exponent = i32x4.shr_s(bits, 23);
  const m = i32x4.sub(scaled, i32x4.shl(exponent, 23));
  const n = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, splat(23)));
  const s = f32x4.div(f32x4.sub(m, splat(1)), f32x4.add(m, splat(1)));
  const z = f32x4.mul(s, s);
  const R = madd(madd(z, splat(LOG_2), splat(LOG_1)), z, splat(LOG_0));
  const low = madd(f32x4.mul(z, s), R, f32x4.mul(n, splat(LN2_LOW)));
  const y = madd(n, splat(LN2_HIGH), madd(splat(2), s, low));
  // NaN and infinity are themselves; 0 gives -infinity, less gives NaN.
  const special = v128.not(f32x4.lt(x, splat(Infinity)));
  const below = v128.bitselect(splat(-Infinity), splat(NaN), f32x4.eq(x, splat(0)));
  return v128.bitselect(x, v128.bitselect(below, y, f32x4.le(x, splat(0))), special);
}

/** log(1 + exp(x)) = max(x, 0) + log(1 + u), u = exp(-|x|), and log(1 + u) = 2 s + s^3 R(s^2) with s = u / (2 + u). */
// @ts-ignore: decorator
@inline
export function softplus4(x: v128): v128 {
  const u = expNegative4(x);
  const s = f32x4.div(u, f32x4.add(u, splat(2)));
  const z = f32x4.mul(s, s);
  let R = madd(z, splat(LOG1P_3), splat(LOG1P_2));
  R = madd(R, z, splat(LOG1P_1));
  R = madd(R, z, splat(LOG1P_0));
  return f32x4.add(f32x4.pmax(x, splat(0)), madd(f32x4.mul(z, s), R, f32x4.add(s, s)));
}

// Functions of one operand over dense elements. Each is a function of its own, which an engine optimises by itself.
import { exp4, log4, sigmoid4, softplus4, tanh4 } from './functions';
import { splat } from './vector';

const enum Op {
  neg, exp, log, sqrt, square, reciprocal, abs, sign, tanh, sigmoid, relu, softplus, round,
  negInt, squareInt, absInt, signInt, reluInt, truncate, toFloat,
}

// @ts-ignore: decorator
@inline
function apply(op: Op, x: v128): v128 {
  if (op == Op.neg) return f32x4.neg(x);
  if (op == Op.exp) return exp4(x);
  if (op == Op.log) return log4(x);
  if (op == Op.sqrt) return f32x4.sqrt(x);
  if (op == Op.square) return f32x4.mul(x, x);
  if (op == Op.reciprocal) return f32x4.div(splat(1), x);
  if (op == Op.abs) return f32x4.abs(x);
  // No comparison with NaN holds, so that it gives 0, as in PyTorch.
  if (op == Op.sign) {
    return f32x4.sub(v128.and(f32x4.gt(x, splat(0)), splat(1)), v128.and(f32x4.lt(x, splat(0)), splat(1)));
  }
  if (op == Op.tanh) return tanh4(x);
  if (op == Op.sigmoid) return sigmoid4(x);
  // asked the other way round: no comparison with NaN holds, and NaN has to stay
  if (op == Op.relu) return v128.andnot(x, f32x4.le(x, splat(0)));
  if (op == Op.softplus) return softplus4(x);
  if (op == Op.round) return f32x4.nearest(x);
  if (op == Op.negInt) return i32x4.neg(x);
  if (op == Op.squareInt) return i32x4.mul(x, x);
  if (op == Op.absInt) return i32x4.abs(x);
  if (op == Op.signInt) return v128.or(i32x4.shr_s(x, 31), i32x4.shr_u(i32x4.neg(x), 31));
  if (op == Op.reluInt) return i32x4.max_s(x, i32x4.splat(0));
  if (op == Op.truncate) return i32x4.trunc_sat_f32x4_s(x);
  return f32x4.convert_i32x4_s(x);
}

/** Whole vectors: operand and result are whole blocks of the allocator, which end at a multiple of 16 bytes. */
// @ts-ignore: decorator
@inline
function each(op: Op, out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    v128.store(out, apply(op, v128.load(x)));
    out += 16;
    x += 16;
  }
}

export function neg_float32(out: usize, x: usize, n: i32): void {
  each(Op.neg, out, x, n);
}
export function exp_float32(out: usize, x: usize, n: i32): void {
  each(Op.exp, out, x, n);
}
export function log_float32(out: usize, x: usize, n: i32): void {
  each(Op.log, out, x, n);
}
export function sqrt_float32(out: usize, x: usize, n: i32): void {
  each(Op.sqrt, out, x, n);
}
export function square_float32(out: usize, x: usize, n: i32): void {
  each(Op.square, out, x, n);
}
export function reciprocal_float32(out: usize, x: usize, n: i32): void {
  each(Op.reciprocal, out, x, n);
}
export function abs_float32(out: usize, x: usize, n: i32): void {
  each(Op.abs, out, x, n);
}
export function sign_float32(out: usize, x: usize, n: i32): void {
  each(Op.sign, out, x, n);
}
export function tanh_float32(out: usize, x: usize, n: i32): void {
  each(Op.tanh, out, x, n);
}
export function sigmoid_float32(out: usize, x: usize, n: i32): void {
  each(Op.sigmoid, out, x, n);
}
export function relu_float32(out: usize, x: usize, n: i32): void {
  each(Op.relu, out, x, n);
}
export function softplus_float32(out: usize, x: usize, n: i32): void {
  each(Op.softplus, out, x, n);
}
export function round_float32(out: usize, x: usize, n: i32): void {
  each(Op.round, out, x, n);
}
export function neg_int32(out: usize, x: usize, n: i32): void {
  each(Op.negInt, out, x, n);
}
export function square_int32(out: usize, x: usize, n: i32): void {
  each(Op.squareInt, out, x, n);
}
export function abs_int32(out: usize, x: usize, n: i32): void {
  each(Op.absInt, out, x, n);
}
export function sign_int32(out: usize, x: usize, n: i32): void {
  each(Op.signInt, out, x, n);
}
export function relu_int32(out: usize, x: usize, n: i32): void {
  each(Op.reluInt, out, x, n);
}
/** float32 to int32: towards zero, to the nearer limit from beyond, and 0 for NaN. */
export function truncate(out: usize, x: usize, n: i32): void {
  each(Op.truncate, out, x, n);
}
/** int32 to float32. */
export function toFloat(out: usize, x: usize, n: i32): void {
  each(Op.toFloat, out, x, n);
}

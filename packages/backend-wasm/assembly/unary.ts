// Functions of one whole number over dense elements, and conversions. Those of float32 stand in
// kernels.generated.ts. Each is a function of its own, which an engine optimises by itself.

const enum Op {
  neg, square, abs, sign, relu, truncate, toFloat,
}

// @ts-ignore: decorator
@inline
function apply(op: Op, x: v128): v128 {
  if (op == Op.neg) return i32x4.neg(x);
  if (op == Op.square) return i32x4.mul(x, x);
  if (op == Op.abs) return i32x4.abs(x);
  if (op == Op.sign) return v128.or(i32x4.shr_s(x, 31), i32x4.shr_u(i32x4.neg(x), 31));
  if (op == Op.relu) return i32x4.max_s(x, i32x4.splat(0));
  if (op == Op.truncate) return i32x4.trunc_sat_f32x4_s(x);
  return f32x4.convert_i32x4_s(x);
}

/**
 * Whole vectors: operand and result are whole blocks of the allocator, which end at a multiple of
 * 16 bytes.
 */
// @ts-ignore: decorator
@inline
function each(op: Op, out: usize, x: usize, n: i32): void {
  for (; n > 0; n -= 4) {
    v128.store(out, apply(op, v128.load(x)));
    out += 16;
    x += 16;
  }
}

export function neg_int32(out: usize, x: usize, n: i32): void {
  each(Op.neg, out, x, n);
}
export function square_int32(out: usize, x: usize, n: i32): void {
  each(Op.square, out, x, n);
}
export function abs_int32(out: usize, x: usize, n: i32): void {
  each(Op.abs, out, x, n);
}
export function sign_int32(out: usize, x: usize, n: i32): void {
  each(Op.sign, out, x, n);
}
export function relu_int32(out: usize, x: usize, n: i32): void {
  each(Op.relu, out, x, n);
}
/** float32 to int32: towards zero, to the nearer limit from beyond, and 0 for NaN. */
export function truncate(out: usize, x: usize, n: i32): void {
  each(Op.truncate, out, x, n);
}
/** int32 to float32. */
export function toFloat(out: usize, x: usize, n: i32): void {
  each(Op.toFloat, out, x, n);
}

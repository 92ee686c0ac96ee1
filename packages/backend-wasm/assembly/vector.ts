// Small things that all kernels use.

// @ts-ignore: decorator
@inline
export function splat(x: f64): v128 {
  return f32x4.splat(<f32>x);
}

/** `a * b + c`, in one rounding where relaxed SIMD is there and the processor has it. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** `c - a * b`. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The first 1 to 3 elements at `p`; the other lanes are 0. */
export function loadPart(p: usize, n: i32): v128 {
  if (n == 1) return v128.load32_zero(p);
  const two = v128.load64_zero(p);
  return n == 2 ? two : v128.load_lane<u32>(p + 8, two, 2);
}

/** Stores the first 1 to 3 lanes. */
export function storePart(p: usize, v: v128, n: i32): void {
  if (n == 1) {
    v128.store_lane<u32>(p, v, 0);
    return;
  }
  v128.store_lane<u64>(p, v, 0);
  if (n == 3) v128.store_lane<u32>(p + 8, v, 2);
}

/** A bulk copy costs a call out of WebAssembly: short runs are copied here. */
// @ts-ignore: decorator
@inline
export function copyRun(to: usize, from: usize, count: i32): void {
  if (count >= 64) {
    memory.copy(to, from, <usize>count << 2);
    return;
  }
  while (count >= 4) {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
    count -= 4;
  }
  if (count > 0) storePart(to, loadPart(from, count), count);
}

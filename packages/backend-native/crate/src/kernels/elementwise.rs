//! Loops over elements. An operand is dense or, where `DENSE` is false, one number for all.
use super::functions::{Binary, Unary};
use super::reals::Real;

#[inline(always)]
pub unsafe fn unary<R: Real, F: Unary, const FUSED: bool>(out: *mut R, x: *const R, n: usize) {
    for i in 0..n {
        unsafe { *out.add(i) = F::apply::<R, FUSED>(*x.add(i)) };
    }
}

#[inline(always)]
pub unsafe fn binary<R: Real, F: Binary, const DENSE_A: bool, const DENSE_B: bool, const FUSED: bool>(
    out: *mut R,
    a: *const R,
    b: *const R,
    n: usize,
) {
    let at = |x: *const R, dense: bool, first: R, i: usize| if dense { unsafe { *x.add(i) } } else { first };
    let (first_a, first_b) = unsafe { (*a, *b) };
    for i in 0..n {
        unsafe { *out.add(i) = F::apply::<R, FUSED>(at(a, DENSE_A, first_a, i), at(b, DENSE_B, first_b, i)) };
    }
}

/// `mark != 0 ? a : b` with the condition as truth: NaN is not 0. A step of 0 is one number for all.
///
/// # Safety
/// The operands have `n` elements, or one where their step is 0.
#[inline(always)]
pub unsafe fn select<C: Copy + PartialEq, T: Copy>(
    out: *mut T,
    c: (*const C, usize),
    zero: C,
    a: (*const T, usize),
    b: (*const T, usize),
    n: usize,
) {
    unsafe {
        match (a.1, b.1) {
            _ if c.1 == 0 => {
                let (from, step) = if *c.0 == zero { b } else { a };
                for i in 0..n {
                    *out.add(i) = *from.add(i * step);
                }
            }
            (1, 1) => choose(out, c.0, zero, n, |i| *a.0.add(i), |i| *b.0.add(i)),
            (1, _) => choose(out, c.0, zero, n, |i| *a.0.add(i), |_| *b.0),
            (_, 1) => choose(out, c.0, zero, n, |_| *a.0, |i| *b.0.add(i)),
            _ => choose(out, c.0, zero, n, |_| *a.0, |_| *b.0),
        }
    }
}

#[inline(always)]
unsafe fn choose<C: Copy + PartialEq, T: Copy>(
    out: *mut T,
    c: *const C,
    zero: C,
    n: usize,
    a: impl Fn(usize) -> T,
    b: impl Fn(usize) -> T,
) {
    for i in 0..n {
        let (x, y) = (a(i), b(i));
        unsafe { *out.add(i) = if *c.add(i) == zero { y } else { x } };
    }
}

/// Whole numbers wrap around.
pub fn unary_int(op: usize) -> Option<fn(i32) -> i32> {
    // In the order of `UNARY`.
    Some(match op {
        0 => i32::wrapping_neg,
        4 => |x| x.wrapping_mul(x),
        6 => i32::wrapping_abs,
        7 => i32::signum,
        10 => |x| x.max(0),
        12 => |x| x,
        _ => return None,
    })
}

//! Elementwise functions of one and of two numbers. They are plain arithmetic without branches, so that a loop over them becomes vector
//! instructions. `FUSED` says whether `a b + c` rounds once.
use super::reals::Real;

/// A function of one number.
pub trait Unary {
    fn apply<R: Real, const FUSED: bool>(x: R) -> R;
}

/// A function of two numbers.
pub trait Binary {
    fn apply<R: Real, const FUSED: bool>(a: R, b: R) -> R;
}

#[inline(always)]
pub fn madd<R: Real, const FUSED: bool>(a: R, b: R, c: R) -> R {
    if FUSED { a.fused(b, c) } else { a * b + c }
}

/// `b` where it is less, else `a`: `a` where one of them is NaN.
#[inline(always)]
fn lesser<R: Real>(a: R, b: R) -> R {
    if b < a { b } else { a }
}

#[inline(always)]
fn greater<R: Real>(a: R, b: R) -> R {
    if b > a { b } else { a }
}

#[inline(always)]
fn horner<R: Real, const FUSED: bool>(coefficients: &[R], x: R) -> R {
    let mut q = coefficients[0];
    for c in &coefficients[1..] {
        q = madd::<R, FUSED>(q, x, *c);
    }
    q
}

/// `r` of `x = n ln 2 + r`.
#[inline(always)]
fn rest<R: Real, const FUSED: bool>(x: R, n: R) -> R {
    madd::<R, FUSED>(-n, R::LN2_LOW, madd::<R, FUSED>(-n, R::LN2_HIGH, x))
}

#[inline(always)]
fn exp_small<R: Real, const FUSED: bool>(r: R) -> R {
    madd::<R, FUSED>(r * r, horner::<R, FUSED>(R::EXP, r), r) + R::ONE
}

/// exp(x) = 2^n exp(r) with n = round(x / ln 2). The factor 2^n is applied in two halves: from infinity down to the smallest denormal number
/// there is no step that leaves the range too early.
#[inline(always)]
fn exp<R: Real, const FUSED: bool>(x: R) -> R {
    let y = greater(lesser(x, R::EXP_LIMITS.0), R::EXP_LIMITS.1);
    let n = madd::<R, FUSED>(y, R::LOG2E, R::ROUND) - R::ROUND;
    let r = rest::<R, FUSED>(y, n);
    // From `n`, which is a whole number exactly: NaN, which has no whole number, comes through by `r`.
    let first = n * R::HALF + R::ROUND_BIASED;
    let second = (n - (first - R::ROUND_BIASED)) + R::ROUND_BIASED;
    exp_small::<R, FUSED>(r) * first.as_exponent() * second.as_exponent()
}

/// exp(-|x|), at most 1: one factor is enough, and results below the smallest normal number become 0.
#[inline(always)]
fn exp_negative<R: Real, const FUSED: bool>(x: R) -> R {
    let y = -lesser(x.abs(), R::NORMAL);
    let t = madd::<R, FUSED>(y, R::LOG2E, R::ROUND_BIASED);
    let r = rest::<R, FUSED>(y, t - R::ROUND_BIASED);
    exp_small::<R, FUSED>(r) * t.as_exponent()
}

/// log(x) = n ln 2 + log(m) with m in [sqrt(1/2), sqrt(2)) and log(m) = 2 s + s^3 R(s^2), s = (m - 1) / (m + 1). Denormal numbers are scaled up
/// first; 0, negative numbers and infinity are put right at the end.
#[inline(always)]
fn log<R: Real, const FUSED: bool>(x: R) -> R {
    let tiny = x < R::LEAST_NORMAL;
    let (m, exponent) = (if tiny { x * R::SCALE } else { x }).split();
    let n = exponent - if tiny { R::SCALE_EXPONENT } else { R::ZERO };
    let s = (m - R::ONE) / (m + R::ONE);
    let z = s * s;
    let low = madd::<R, FUSED>(z * s, horner::<R, FUSED>(R::LOG, z), n * R::LN2_LOW);
    let y = madd::<R, FUSED>(n, R::LN2_HIGH, madd::<R, FUSED>(R::TWO, s, low));
    let below = if x == R::ZERO { -R::INFINITY } else { R::NAN };
    let finite = if x <= R::ZERO { below } else { y };
    // NaN and infinity are themselves.
    if x < R::INFINITY { finite } else { x }
}

/// tanh|x| = e / (e + 2) with e = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1): no cancellation near 0, and near 1 an error of e hardly matters.
#[inline(always)]
fn tanh<R: Real, const FUSED: bool>(x: R) -> R {
    let y = lesser(x.abs(), R::TANH_LIMIT);
    let z = y + y;
    let t = madd::<R, FUSED>(z, R::LOG2E, R::ROUND_BIASED);
    let r = rest::<R, FUSED>(z, t - R::ROUND_BIASED);
    let p = madd::<R, FUSED>(r * r, horner::<R, FUSED>(R::EXPM1, r), r);
    let power = t.as_exponent();
    let e = madd::<R, FUSED>(power, p, power - R::ONE);
    (e / (e + R::TWO)).with_sign(x)
}

/// 1 / (1 + exp(-x)). From some x on the power of 2 is infinite and the result 0.
#[inline(always)]
fn sigmoid<R: Real, const FUSED: bool>(x: R) -> R {
    let y = greater(lesser(x, R::SIGMOID_LIMITS.0), R::SIGMOID_LIMITS.1);
    let t = madd::<R, FUSED>(-y, R::LOG2E, R::ROUND_BIASED);
    let r = rest::<R, FUSED>(-y, t - R::ROUND_BIASED);
    let p = madd::<R, FUSED>(r * r, horner::<R, FUSED>(R::EXPM1, r), r) + R::ONE;
    R::ONE / madd::<R, FUSED>(p, t.as_exponent(), R::ONE)
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + u), u = exp(-|x|), and log(1 + u) = 2 s + s^3 R(s^2) with s = u / (2 + u).
#[inline(always)]
fn softplus<R: Real, const FUSED: bool>(x: R) -> R {
    let u = exp_negative::<R, FUSED>(x);
    let s = u / (u + R::TWO);
    let z = s * s;
    greater(x, R::ZERO) + madd::<R, FUSED>(z * s, horner::<R, FUSED>(R::LOG1P, z), s + s)
}

/// NaN alone differs from itself.
#[inline(always)]
#[allow(clippy::eq_op)]
fn is_nan<R: Real>(x: R) -> bool {
    x != x
}

/// 1 or 0.
#[inline(always)]
fn truth<R: Real>(holds: bool) -> R {
    if holds { R::ONE } else { R::ZERO }
}

macro_rules! unary_functions {
    ($($name:ident = |$x:ident| $body:expr;)*) => {$(
        pub struct $name;
        impl Unary for $name {
            #[inline(always)]
            fn apply<R: Real, const FUSED: bool>($x: R) -> R { $body }
        }
    )*};
}

unary_functions! {
    Neg = |x| -x;
    Exp = |x| exp::<R, FUSED>(x);
    Log = |x| log::<R, FUSED>(x);
    Sqrt = |x| x.sqrt();
    Square = |x| x * x;
    Reciprocal = |x| R::ONE / x;
    Abs = |x| x.abs();
    // No comparison with NaN holds, so that it gives 0, as in PyTorch.
    Sign = |x| truth::<R>(x > R::ZERO) - truth::<R>(x < R::ZERO);
    Tanh = |x| tanh::<R, FUSED>(x);
    Sigmoid = |x| sigmoid::<R, FUSED>(x);
    // Asked this way round NaN stays NaN, and -0 as it is.
    Relu = |x| if x < R::ZERO { R::ZERO } else { x };
    Softplus = |x| softplus::<R, FUSED>(x);
    Round = |x| x.round_even();
}

macro_rules! binary_functions {
    ($($name:ident = |$a:ident, $b:ident| $body:expr;)*) => {$(
        pub struct $name;
        impl Binary for $name {
            #[inline(always)]
            fn apply<R: Real, const FUSED: bool>($a: R, $b: R) -> R { $body }
        }
    )*};
}

binary_functions! {
    Add = |a, b| a + b;
    Sub = |a, b| a - b;
    Mul = |a, b| a * b;
    Div = |a, b| a / b;
    Pow = |a, b| if b == R::TWO { a * a } else { R::from_f64(libm::pow(a.to_f64(), b.to_f64())) };
    // A NaN wins on either side.
    Maximum = |a, b| if a > b || is_nan(a) { a } else { b };
    Minimum = |a, b| if a < b || is_nan(a) { a } else { b };
    Eq = |a, b| truth(a == b);
    Ne = |a, b| truth(a != b);
    Lt = |a, b| truth(a < b);
    Le = |a, b| truth(a <= b);
    Gt = |a, b| truth(a > b);
    Ge = |a, b| truth(a >= b);
}

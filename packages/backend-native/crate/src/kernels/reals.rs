//! float32 and float64 as the elementwise functions see them: numbers whose bits can be computed with, and their polynomials.
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A floating-point type.
pub trait Real:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Send
    + Sync
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    const TWO: Self;
    const HALF: Self;
    const NAN: Self;
    const INFINITY: Self;
    /// `1.5 * 2^p` with p bits of fraction: adding it rounds to a whole number, which then stands in the low bits.
    const ROUND: Self;
    /// The same, and the bias of the exponent.
    const ROUND_BIASED: Self;
    const LOG2E: Self;
    /// ln 2 in two parts, of which the first has so few bits that its product with an exponent is exact.
    const LN2_HIGH: Self;
    const LN2_LOW: Self;
    /// exp is infinite above the first, 0 below the second.
    const EXP_LIMITS: (Self, Self);
    /// Between these `exp(-x)` is a normal number, or its power of 2 infinite.
    const SIGMOID_LIMITS: (Self, Self);
    /// `exp(-x)` is a normal number up to here.
    const NORMAL: Self;
    /// tanh is 1 from here on.
    const TANH_LIMIT: Self;
    const LEAST_NORMAL: Self;
    /// A power of 2 that makes every denormal number normal, and its exponent.
    const SCALE: Self;
    const SCALE_EXPONENT: Self;
    /// exp(r) = 1 + r + r^2 q(r) and exp(r) - 1 = r + r^2 q(r) for |r| <= ln(2) / 2: q, the highest power first.
    const EXP: &'static [Self];
    const EXPM1: &'static [Self];
    /// log((1 + s) / (1 - s)) = 2 s + s^3 R(s^2), for |s| <= 0.1716 and for 0 <= s <= 1/3: R, the highest power first.
    const LOG: &'static [Self];
    const LOG1P: &'static [Self];

    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    /// `self * b + c`, in one rounding.
    fn fused(self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    fn round_even(self) -> Self;
    /// The bits, moved up into the place of the exponent.
    fn as_exponent(self) -> Self;
    /// Sign of `sign`, size of this number.
    fn with_sign(self, sign: Self) -> Self;
    /// A normal positive number as `m 2^n` with m from sqrt(1/2) to sqrt(2).
    fn split(self) -> (Self, Self);
}

macro_rules! real {
    ($real:ident, $bits:ident, $mantissa:literal, $sqrt_half:literal, { $($constants:tt)* }) => {
        impl Real for $real {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const TWO: Self = 2.0;
            const HALF: Self = 0.5;
            const NAN: Self = $real::NAN;
            const INFINITY: Self = $real::INFINITY;
            const LOG2E: Self = std::f64::consts::LOG2_E as $real;
            const LEAST_NORMAL: Self = $real::MIN_POSITIVE;
            $($constants)*

            #[inline(always)]
            fn from_f64(x: f64) -> Self { x as $real }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)]
            fn fused(self, b: Self, c: Self) -> Self { self.mul_add(b, c) }
            #[inline(always)]
            fn sqrt(self) -> Self { self.sqrt() }
            #[inline(always)]
            fn abs(self) -> Self { $real::from_bits(self.to_bits() & ($bits::MAX >> 1)) }
            #[inline(always)]
            fn round_even(self) -> Self {
                // Beyond 2^p there are whole numbers only. (The function of the standard library is a call without SSE 4.1.)
                let round = ((1 as $bits) << $mantissa) as $real;
                let size = Real::abs(self);
                let whole = (size + round) - round;
                (if size < round { whole } else { size }).with_sign(self)
            }
            #[inline(always)]
            fn as_exponent(self) -> Self { $real::from_bits(self.to_bits() << $mantissa) }
            #[inline(always)]
            fn with_sign(self, sign: Self) -> Self {
                let mask = 1 << ($bits::BITS - 1);
                $real::from_bits((self.to_bits() & !mask) | (sign.to_bits() & mask))
            }
            #[inline(always)]
            fn split(self) -> (Self, Self) {
                const ONE: $bits = (1.0 as $real).to_bits();
                const FRACTION: $bits = (1 << $mantissa) - 1;
                let moved = self.to_bits().wrapping_add(ONE - $sqrt_half);
                // The exponent as the low bits of a number around 2^p, so that no integer has to be converted.
                let scale = ((1 as $bits) << $mantissa) as $real;
                let n = $real::from_bits((moved >> $mantissa) | scale.to_bits()) - scale - ((ONE >> $mantissa) as $real);
                ($real::from_bits((moved & FRACTION) + $sqrt_half), n)
            }
        }
    };
}

// Fitted for the least relative error of the function, as those of the WebAssembly backend, which has the same numbers.
real!(f32, u32, 23, 0x3f35_04f3u32, {
    const ROUND: f32 = 12582912.0;
    const ROUND_BIASED: f32 = 12582912.0 + 127.0;
    const LN2_HIGH: f32 = 0.693145751953125;
    const LN2_LOW: f32 = 1.428606765330187e-6;
    const EXP_LIMITS: (f32, f32) = (89.0, -104.0);
    const SIGMOID_LIMITS: (f32, f32) = (87.0, -89.0);
    const NORMAL: f32 = 88.0;
    const TANH_LIMIT: f32 = 9.02;
    const SCALE: f32 = 8388608.0;
    const SCALE_EXPONENT: f32 = 23.0;
    const EXP: &'static [f32] =
        &[0.0013814598512679227, 0.008368716883609535, 0.04166838804804033, 0.16666520631667364, 0.49999993447783025];
    const EXPM1: &'static [f32] =
        &[0.0013882521482202262, 0.008366520578701462, 0.04166719985946313, 0.16666543620995244, 0.49999998154046954];
    const LOG: &'static [f32] = &[0.2987199517066387, 0.39977532450539216, 0.6666677644799252];
    const LOG1P: &'static [f32] = &[0.2802582088902532, 0.27998885904910153, 0.4002171320411961, 0.6666641291571952];
});

/// Taylor's coefficients 1/2!, 1/3!, ... of exp, the highest first: what is left out is below 2^-57 for |r| <= ln(2) / 2.
const TAYLOR: [f64; 12] = {
    let mut list = [0.0; 12];
    let mut factorial = 1.0;
    let mut i = 0;
    while i < 12 {
        factorial *= (i + 2) as f64;
        list[11 - i] = 1.0 / factorial;
        i += 1;
    }
    list
};

/// 2/3, 2/5, 2/7, ..., the highest power first.
const fn odd<const N: usize>() -> [f64; N] {
    let mut list = [0.0; N];
    let mut i = 0;
    while i < N {
        list[N - 1 - i] = 2.0 / (2 * i + 3) as f64;
        i += 1;
    }
    list
}

const ODD_10: [f64; 10] = odd();
const ODD_17: [f64; 17] = odd();

real!(f64, u64, 52, 0x3fe6_a09e_667f_3bcdu64, {
    const ROUND: f64 = 6755399441055744.0;
    const ROUND_BIASED: f64 = 6755399441055744.0 + 1023.0;
    const LN2_HIGH: f64 = 6.93147180369123816490e-01;
    const LN2_LOW: f64 = 1.90821492927058770002e-10;
    const EXP_LIMITS: (f64, f64) = (710.0, -746.0);
    const SIGMOID_LIMITS: (f64, f64) = (708.0, -710.0);
    const NORMAL: f64 = 708.0;
    const TANH_LIMIT: f64 = 19.1;
    const SCALE: f64 = 4503599627370496.0;
    const SCALE_EXPONENT: f64 = 52.0;
    const EXP: &'static [f64] = &TAYLOR;
    const EXPM1: &'static [f64] = &TAYLOR;
    const LOG: &'static [f64] = &ODD_10;
    const LOG1P: &'static [f64] = &ODD_17;
});

//! Vector registers as the products see them: a row of a tile is a few of these.
use super::reals::Real;

/// A vector of `N` numbers.
pub trait Lanes: Copy {
    type Element: Real;
    const N: usize;

    /// # Safety
    /// `N` numbers can be read there.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// # Safety
    /// `N` numbers can be written there.
    unsafe fn store(self, to: *mut Self::Element);
    /// The first `count` numbers, then zeros; what lies behind them is not read.
    ///
    /// # Safety
    /// `count` numbers, at most `N`, can be read there.
    unsafe fn load_first(from: *const Self::Element, count: usize) -> Self;
    /// Stores the first `count` numbers; what lies behind them stays.
    ///
    /// # Safety
    /// `count` numbers, at most `N`, can be written there.
    unsafe fn store_first(self, to: *mut Self::Element, count: usize);
    fn splat(x: Self::Element) -> Self;
    /// `a * b + self`, in one rounding if `FUSED`.
    fn add_product<const FUSED: bool>(self, a: Self, b: Self) -> Self;
    /// Asks for a line of the cache that is read soon. Any address will do: nothing is read by it.
    #[inline(always)]
    fn fetch(_: *const Self::Element) {}
}

/// Registers that every machine of a kind has, left to the compiler: SSE2, NEON.
#[derive(Clone, Copy)]
pub struct Plain<R, const N: usize>([R; N]);

impl<R: Real, const N: usize> Lanes for Plain<R, N> {
    type Element = R;
    const N: usize = N;

    #[inline(always)]
    unsafe fn load(from: *const R) -> Self {
        Plain(unsafe { *from.cast::<[R; N]>() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut R) {
        unsafe { *to.cast::<[R; N]>() = self.0 }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const R, count: usize) -> Self {
        Plain(std::array::from_fn(|i| if i < count { unsafe { *from.add(i) } } else { R::ZERO }))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut R, count: usize) {
        for (i, number) in self.0.iter().enumerate().take(count) {
            unsafe { *to.add(i) = *number };
        }
    }
    #[inline(always)]
    fn splat(x: R) -> Self {
        Plain([x; N])
    }
    #[inline(always)]
    fn add_product<const FUSED: bool>(self, a: Self, b: Self) -> Self {
        let mut sum = self.0;
        for i in 0..N {
            sum[i] = super::functions::madd::<R, FUSED>(a.0[i], b.0[i], sum[i]);
        }
        Plain(sum)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    /// A mask of the first numbers begins as many before the middle.
    static FIRST_OF_8: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static FIRST_OF_4: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

    #[inline(always)]
    unsafe fn first_of_8(count: usize) -> __m256i {
        unsafe { _mm256_loadu_si256(FIRST_OF_8.as_ptr().add(8 - count).cast()) }
    }
    #[inline(always)]
    unsafe fn first_of_4(count: usize) -> __m256i {
        unsafe { _mm256_loadu_si256(FIRST_OF_4.as_ptr().add(4 - count).cast()) }
    }
    #[inline(always)]
    unsafe fn first_of_16(count: usize) -> __mmask16 {
        ((1u32 << count) - 1) as __mmask16
    }
    #[inline(always)]
    unsafe fn first_of_8_wide(count: usize) -> __mmask8 {
        ((1u32 << count) - 1) as __mmask8
    }
    #[inline(always)]
    unsafe fn maskload_16(from: *const f32, mask: __mmask16) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }
    #[inline(always)]
    unsafe fn maskload_8_wide(from: *const f64, mask: __mmask8) -> __m512d {
        unsafe { _mm512_maskz_loadu_pd(mask, from) }
    }

    macro_rules! lanes {
        (
            $vector:ident, $element:ty, $n:literal, $load:ident, $store:ident, $first:ident, $load_first:ident, $store_first:ident,
            $splat:ident, $fma:ident, $mul:ident, $add:ident
        ) => {
            // The kernels that use these are entered only where the processor has the instructions.
            impl Lanes for $vector {
                type Element = $element;
                const N: usize = $n;

                #[inline(always)]
                unsafe fn load(from: *const $element) -> Self {
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $element) {
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn load_first(from: *const $element, count: usize) -> Self {
                    unsafe { $load_first(from, $first(count)) }
                }
                #[inline(always)]
                unsafe fn store_first(self, to: *mut $element, count: usize) {
                    unsafe { $store_first(to, $first(count), self) }
                }
                #[inline(always)]
                fn splat(x: $element) -> Self {
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                fn add_product<const FUSED: bool>(self, a: Self, b: Self) -> Self {
                    unsafe { if FUSED { $fma(a, b, self) } else { $add($mul(a, b), self) } }
                }
                #[inline(always)]
                fn fetch(line: *const $element) {
                    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) }
                }
            }
        };
    }
    #[rustfmt::skip]
    lanes!(
        __m256, f32, 8, _mm256_loadu_ps, _mm256_storeu_ps, first_of_8, _mm256_maskload_ps, _mm256_maskstore_ps,
        _mm256_set1_ps, _mm256_fmadd_ps, _mm256_mul_ps, _mm256_add_ps
    );
    #[rustfmt::skip]
    lanes!(
        __m256d, f64, 4, _mm256_loadu_pd, _mm256_storeu_pd, first_of_4, _mm256_maskload_pd, _mm256_maskstore_pd,
        _mm256_set1_pd, _mm256_fmadd_pd, _mm256_mul_pd, _mm256_add_pd
    );
    #[rustfmt::skip]
    lanes!(
        __m512, f32, 16, _mm512_loadu_ps, _mm512_storeu_ps, first_of_16, maskload_16, _mm512_mask_storeu_ps,
        _mm512_set1_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_add_ps
    );
    #[rustfmt::skip]
    lanes!(
        __m512d, f64, 8, _mm512_loadu_pd, _mm512_storeu_pd, first_of_8_wide, maskload_8_wide, _mm512_mask_storeu_pd,
        _mm512_set1_pd, _mm512_fmadd_pd, _mm512_mul_pd, _mm512_add_pd
    );
}

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

    macro_rules! lanes {
        ($vector:ident, $element:ty, $n:literal, $load:ident, $store:ident, $splat:ident, $fma:ident, $mul:ident, $add:ident) => {
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
    lanes!(__m256, f32, 8, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_mul_ps, _mm256_add_ps);
    lanes!(__m256d, f64, 4, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_mul_pd, _mm256_add_pd);
    lanes!(__m512, f32, 16, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_add_ps);
    lanes!(__m512d, f64, 8, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_mul_pd, _mm512_add_pd);
}

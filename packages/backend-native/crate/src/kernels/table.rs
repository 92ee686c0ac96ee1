//! Every kernel as a pointer, one table for each set of registers: the functions of this crate are compiled for any machine of its kind, and
//! what a processor has besides is found out when a backend is made.
use super::functions::*;
use super::lanes::{Lanes, Plain};
use super::reals::Real;
use super::reduction::Ordered;
use super::tiles::Product;
use super::{elementwise, reduction, tiles};

/// Names by which JavaScript asks for functions; their places are the numbers that it sends.
pub const UNARY: [&str; 13] =
    ["neg", "exp", "log", "sqrt", "square", "reciprocal", "abs", "sign", "tanh", "sigmoid", "relu", "softplus", "round"];
pub const BINARY: [&str; 13] = ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge"];
pub const REDUCE: [&str; 4] = ["sum", "max", "min", "argmax"];

pub type UnaryKernel<R> = unsafe fn(*mut R, *const R, usize);
pub type BinaryKernel<R> = unsafe fn(*mut R, *const R, *const R, usize);
pub type ReduceKernel<R> = unsafe fn(*mut R, *const R, usize, usize, usize);
pub type Pair<R> = (*const R, usize);
/// A matrix by its first element, from row to row, from column to column.
pub type Matrix<R> = (*const R, isize, isize);

pub struct Table<R: 'static> {
    pub unary: [UnaryKernel<R>; 13],
    /// With both operands dense, the first alone, the second alone.
    pub binary: [[BinaryKernel<R>; 3]; 13],
    pub select: unsafe fn(*mut R, Pair<R>, Pair<R>, Pair<R>, usize),
    pub sum: ReduceKernel<R>,
    pub max: ReduceKernel<R>,
    pub min: ReduceKernel<R>,
    pub multiply: unsafe fn(&Product<R>, usize, usize),
    pub multiply_small: unsafe fn(*mut R, Matrix<R>, Matrix<R>, usize, usize, usize),
    #[allow(clippy::type_complexity)]
    pub pack: unsafe fn(*mut R, *const R, isize, isize, usize, usize, usize, usize),
    pub pack_strips: unsafe fn(*mut R, *const R, isize, usize, usize, usize),
    /// Columns of a panel, rows of a tile.
    pub panel: usize,
    pub tile: usize,
}

/// The tables of a backend.
pub struct Tables {
    pub f32: Table<f32>,
    pub f64: Table<f64>,
}

macro_rules! each_unary {
    ($kernel:ident, $($function:ident)*) => { [$($kernel::<R, $function>),*] };
}

macro_rules! each_binary {
    ($kernel:ident, $($function:ident)*) => {
        [$([$kernel::<R, $function, true, true>, $kernel::<R, $function, true, false>, $kernel::<R, $function, false, true>]),*]
    };
}

macro_rules! tables {
    ($module:ident, [$($feature:literal)?], $fused:literal, $f32:ty, $rows32:literal, $f64:ty, $rows64:literal) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $feature)])?
            unsafe fn unary<R: Real, F: Unary>(out: *mut R, x: *const R, n: usize) {
                unsafe { elementwise::unary::<R, F, $fused>(out, x, n) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn binary<R: Real, F: Binary, const A: bool, const B: bool>(out: *mut R, a: *const R, b: *const R, n: usize) {
                unsafe { elementwise::binary::<R, F, A, B, $fused>(out, a, b, n) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn select<R: Real>(out: *mut R, c: Pair<R>, a: Pair<R>, b: Pair<R>, n: usize) {
                unsafe { elementwise::select(out, c, R::ZERO, a, b, n) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn sum_run<R: Real>(x: *const R, n: usize) -> f64 {
                unsafe { reduction::sum_run(x, n) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn sum_block<R: Real>(x: *const R, row: usize, n: usize, columns: usize, sums: &mut reduction::Sums) {
                unsafe { reduction::sum_block(x, row, n, columns, sums) }
            }
            unsafe fn sum<R: Real>(out: *mut R, x: *const R, outer: usize, size: usize, inner: usize) {
                unsafe { reduction::sum((sum_run, sum_block), out, x, outer, size, inner) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn extreme<R: Ordered, const LARGEST: bool>(out: *mut R, x: *const R, outer: usize, size: usize, inner: usize) {
                unsafe { reduction::extreme::<R, LARGEST>(out, x, outer, size, inner) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn multiply<L: Lanes, const M: usize>(p: &Product<L::Element>, left: usize, right: usize) {
                unsafe { tiles::multiply::<L, M, $fused>(p, left, right) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn multiply_small<R: Real>(c: *mut R, a: Matrix<R>, b: Matrix<R>, m: usize, k: usize, n: usize) {
                unsafe { tiles::multiply_small::<R, $fused>(c, a, b, m, k, n) }
            }
            $(#[target_feature(enable = $feature)])?
            #[allow(clippy::too_many_arguments)]
            unsafe fn pack<L: Lanes>(to: *mut L::Element, b: *const L::Element, row: isize, column: isize, k: usize, n: usize, first: usize, last: usize) {
                unsafe { tiles::pack(to, b, row, column, k, n, 2 * L::N, first, last) }
            }

            $(#[target_feature(enable = $feature)])?
            unsafe fn pack_strips<R: Real, const M: usize>(to: *mut R, a: *const R, term: isize, k: usize, top: usize, bottom: usize) {
                unsafe { tiles::pack_strips::<R, M>(to, a, term, k, top, bottom) }
            }

            fn table<R: Real + Ordered, L: Lanes<Element = R>, const M: usize>() -> Table<R> {
                Table {
                    unary: each_unary!(unary, Neg Exp Log Sqrt Square Reciprocal Abs Sign Tanh Sigmoid Relu Softplus Round),
                    binary: each_binary!(binary, Add Sub Mul Div Pow Maximum Minimum Eq Ne Lt Le Gt Ge),
                    select: select::<R>,
                    sum: sum::<R>,
                    max: extreme::<R, true>,
                    min: extreme::<R, false>,
                    multiply: multiply::<L, M>,
                    multiply_small: multiply_small::<R>,
                    pack: pack::<L>,
                    pack_strips: pack_strips::<R, M>,
                    panel: 2 * L::N,
                    tile: M,
                }
            }

            pub fn tables() -> Tables {
                Tables { f32: table::<f32, $f32, $rows32>(), f64: table::<f64, $f64, $rows64>() }
            }
        }
    };
}

// NEON is what every 64-bit ARM has, and its multiplication with addition too.
#[cfg(target_arch = "aarch64")]
tables!(plain_fused, [], true, Plain<f32, 4>, 8, Plain<f64, 2>, 8);
tables!(plain, [], false, Plain<f32, 4>, 6, Plain<f64, 2>, 6);
#[cfg(target_arch = "x86_64")]
tables!(avx2, ["avx2,fma"], true, std::arch::x86_64::__m256, 6, std::arch::x86_64::__m256d, 6);
#[cfg(target_arch = "x86_64")]
tables!(avx2_strict, ["avx2,fma"], false, std::arch::x86_64::__m256, 6, std::arch::x86_64::__m256d, 6);
#[cfg(target_arch = "x86_64")]
tables!(avx512, ["avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"], true, std::arch::x86_64::__m512, 12, std::arch::x86_64::__m512d, 12);

/// The registers to be had, best first, by name; `plain` is always there.
pub fn registers() -> Vec<&'static str> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        let has512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        let has256 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if has512 && has256 {
            found.push("avx512");
        }
        if has256 {
            found.push("avx2");
        }
    }
    #[cfg(target_arch = "aarch64")]
    found.push("neon");
    found.push("plain");
    found
}

/// The tables for registers that `registers` gave. `strict` rounds every product, as all processors can.
pub fn tables_for(registers: &str, strict: bool) -> Tables {
    match (registers, strict) {
        #[cfg(target_arch = "x86_64")]
        ("avx512", false) => avx512::tables(),
        #[cfg(target_arch = "x86_64")]
        ("avx512" | "avx2", true) => avx2_strict::tables(),
        #[cfg(target_arch = "x86_64")]
        ("avx2", false) => avx2::tables(),
        #[cfg(target_arch = "aarch64")]
        ("neon", false) => plain_fused::tables(),
        _ => plain::tables(),
    }
}

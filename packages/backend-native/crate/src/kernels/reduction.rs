//! Reductions of the middle dimension of `[outer, size, inner]`.
//!
//! Sums are float64 whatever the type, in lanes and by halves: with one running total each of n additions would round, so only some
//! log2 n roundings reach a summand. The order is the same for all registers.
use super::reals::Real;

const LANES: usize = 8;
/// The longest run that one set of lanes adds up.
const RUN: usize = 1024;

/// The sum of at most `RUN` neighbours.
#[inline(always)]
pub unsafe fn sum_run<R: Real>(x: *const R, n: usize) -> f64 {
    let mut lanes = [0.0f64; LANES];
    let whole = n - n % LANES;
    for i in (0..whole).step_by(LANES) {
        for (j, lane) in lanes.iter_mut().enumerate() {
            *lane += unsafe { *x.add(i + j) }.to_f64();
        }
    }
    let mut rest = 0.0;
    for i in whole..n {
        rest += unsafe { *x.add(i) }.to_f64();
    }
    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7])) + rest
}

/// Columns that are added up at once.
const COLUMNS: usize = 32;
/// The most rows that are added one after another.
const ROWS: usize = 128;

pub type Sums = [f64; COLUMNS];

/// Sums of up to `COLUMNS` columns that lie side by side, at most `ROWS` rows that are `row` apart.
#[inline(always)]
pub unsafe fn sum_block<R: Real>(x: *const R, row: usize, n: usize, columns: usize, sums: &mut Sums) {
    let mut totals = [0.0; COLUMNS];
    unsafe {
        if columns == COLUMNS {
            for i in 0..n {
                let from = x.add(i * row);
                for (j, sum) in totals.iter_mut().enumerate() {
                    *sum += (*from.add(j)).to_f64();
                }
            }
        } else {
            for i in 0..n {
                for (j, sum) in totals.iter_mut().enumerate().take(columns) {
                    *sum += (*x.add(i * row + j)).to_f64();
                }
            }
        }
    }
    *sums = totals;
}

/// The two above, compiled for the registers in use: what goes by halves is the same for all.
type Parts<R> = (unsafe fn(*const R, usize) -> f64, unsafe fn(*const R, usize, usize, usize, &mut Sums));

/// The sum of `n` neighbours.
unsafe fn sum_neighbours<R: Real>(parts: Parts<R>, x: *const R, n: usize) -> f64 {
    unsafe {
        if n <= RUN {
            return (parts.0)(x, n);
        }
        let half = (n / 2).next_multiple_of(LANES);
        sum_neighbours(parts, x, half) + sum_neighbours(parts, x.add(half), n - half)
    }
}

/// Sums of columns that lie side by side.
unsafe fn sum_columns<R: Real>(parts: Parts<R>, x: *const R, row: usize, n: usize, columns: usize, sums: &mut Sums) {
    unsafe {
        if n <= ROWS {
            return (parts.1)(x, row, n, columns, sums);
        }
        let half = n / 2;
        let mut other = [0.0; COLUMNS];
        sum_columns(parts, x, row, half, columns, sums);
        sum_columns(parts, x.add(half * row), row, n - half, columns, &mut other);
        for (sum, more) in sums.iter_mut().zip(other) {
            *sum += more;
        }
    }
}

pub unsafe fn sum<R: Real>(parts: Parts<R>, out: *mut R, x: *const R, outer: usize, size: usize, inner: usize) {
    unsafe {
        for o in 0..outer {
            let from = x.add(o * size * inner);
            if inner == 1 {
                *out.add(o) = R::from_f64(sum_neighbours(parts, from, size));
                continue;
            }
            for first in (0..inner).step_by(COLUMNS) {
                let columns = COLUMNS.min(inner - first);
                let mut sums = [0.0; COLUMNS];
                sum_columns(parts, from.add(first), inner, size, columns, &mut sums);
                for (j, sum) in sums.iter().enumerate().take(columns) {
                    *out.add(o * inner + first + j) = R::from_f64(*sum);
                }
            }
        }
    }
}

/// What `max` and `min` need of a type; a NaN wins.
pub trait Ordered: Copy {
    /// Whether this comes before `other` as the largest.
    fn beats(self, other: Self, largest: bool) -> bool;
}

macro_rules! ordered {
    ($($type:ty),*) => {$(
        impl Ordered for $type {
            #[inline(always)]
            #[allow(clippy::eq_op)] // NaN alone differs from itself
            fn beats(self, other: Self, largest: bool) -> bool {
                if largest { !(self <= other) && other == other } else { !(self >= other) && other == other }
            }
        }
    )*};
}
ordered!(f32, f64);

impl Ordered for i32 {
    #[inline(always)]
    fn beats(self, other: Self, largest: bool) -> bool {
        if largest { self > other } else { self < other }
    }
}

#[inline(always)]
pub unsafe fn extreme<T: Ordered, const LARGEST: bool>(out: *mut T, x: *const T, outer: usize, size: usize, inner: usize) {
    unsafe {
        for o in 0..outer {
            let from = x.add(o * size * inner);
            for i in 0..inner {
                let to = out.add(o * inner + i);
                *to = *from.add(i);
            }
            for s in 1..size {
                for i in 0..inner {
                    let to = out.add(o * inner + i);
                    let value = *from.add(s * inner + i);
                    *to = if value.beats(*to, LARGEST) { value } else { *to };
                }
            }
        }
    }
}

/// Positions of the largest, the first one on a tie.
pub unsafe fn argmax<T: Ordered>(out: *mut i32, x: *const T, outer: usize, size: usize, inner: usize) {
    unsafe {
        for o in 0..outer {
            for i in 0..inner {
                let from = x.add(o * size * inner + i);
                let mut best = 0;
                for s in 1..size {
                    if (*from.add(s * inner)).beats(*from.add(best * inner), true) {
                        best = s;
                    }
                }
                *out.add(o * inner + i) = best as i32;
            }
        }
    }
}

pub unsafe fn sum_int(out: *mut i32, x: *const i32, outer: usize, size: usize, inner: usize) {
    unsafe {
        for o in 0..outer {
            for i in 0..inner {
                let mut sum = 0i32;
                for s in 0..size {
                    sum = sum.wrapping_add(*x.add((o * size + s) * inner + i));
                }
                *out.add(o * inner + i) = sum;
            }
        }
    }
}

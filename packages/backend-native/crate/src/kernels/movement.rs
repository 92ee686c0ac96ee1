//! Kernels that move elements of any type of one size.

/// Walks over all places of `sizes` but the last `inner` dimensions; `visit` gets the number of the place and an offset for each operand.
pub fn walk<const N: usize>(sizes: &[usize], strides: [&[isize]; N], inner: usize, mut visit: impl FnMut(usize, [isize; N])) {
    let dims = sizes.len() - inner.min(sizes.len());
    let mut position = [0usize; 32];
    let mut offsets = [0isize; N];
    let total: usize = sizes[..dims].iter().product();
    for place in 0..total {
        visit(place, offsets);
        for dim in (0..dims).rev() {
            position[dim] += 1;
            for i in 0..N {
                offsets[i] += strides[i][dim];
            }
            if position[dim] < sizes[dim] {
                break;
            }
            for i in 0..N {
                offsets[i] -= strides[i][dim] * sizes[dim] as isize;
            }
            position[dim] = 0;
        }
    }
}

/// Side of the squares by which a matrix is transposed: what they touch stays in the first cache.
const SQUARE: usize = 16;

/// A matrix `[rows, columns]` with any strides, into rows that are `row_out` apart.
///
/// # Safety
/// All places that the walk meets can be read, those of the result written.
#[inline(always)]
pub unsafe fn copy_plane<T: Copy>(out: *mut T, row_out: usize, x: *const T, rows: usize, columns: usize, row: isize, column: isize) {
    unsafe {
        if column == 1 {
            for r in 0..rows {
                copy_run(out.add(r * row_out), x.offset(r as isize * row), columns);
            }
        } else if column == 0 {
            for r in 0..rows {
                let value = *x.offset(r as isize * row);
                for c in 0..columns {
                    *out.add(r * row_out + c) = value;
                }
            }
        } else {
            for top in (0..rows).step_by(SQUARE) {
                let bottom = rows.min(top + SQUARE);
                for left in (0..columns).step_by(SQUARE) {
                    let right = columns.min(left + SQUARE);
                    for r in top..bottom {
                        let from = x.offset(r as isize * row);
                        for c in left..right {
                            *out.add(r * row_out + c) = *from.offset(c as isize * column);
                        }
                    }
                }
            }
        }
    }
}

/// Neighbours; a short run without a call.
///
/// # Safety
/// As for `copy_nonoverlapping`.
#[inline(always)]
pub unsafe fn copy_run<T: Copy>(out: *mut T, x: *const T, n: usize) {
    unsafe {
        if n <= 16 {
            for i in 0..n {
                *out.add(i) = *x.add(i);
            }
        } else {
            std::ptr::copy_nonoverlapping(x, out, n);
        }
    }
}

//! Matrix products `[m, k] x [k, n]` by tiles: some rows by two vectors of columns, whose sums stay in registers for all of `k`.
//!
//! The right factor is packed: in panels of as many columns as a tile has, row after row, so that it is read straight on; what is missing in
//! the last panel is 0. The left factor is read where it lies, or, where its rows lie side by side, in strips as high as a tile. Every sum
//! goes from the first term to the last, however high the tile is: neither the number of rows nor that of threads changes a bit. Long sums
//! are cut (`TERMS`), for the cache and for accuracy.
use super::lanes::Lanes;
use super::reals::Real;

/// Terms that are added up before they are added to the result: a panel of so many is half of the first cache of most processors.
pub const TERMS: usize = 256;
const VECTORS: usize = 2;

/// Rows of a result to be computed and what of; steps count elements.
#[derive(Clone, Copy)]
pub struct Product<R> {
    pub a: *const R,
    /// From row to row of a tile and from term to term.
    pub row_a: isize,
    pub step_a: isize,
    /// From tile to tile, if the left factor lies in strips; else 0.
    pub strip_a: isize,
    /// Panels of all columns for the first `TERMS` terms, then for the next ones.
    pub packed: *const R,
    pub c: *mut R,
    pub row_c: isize,
    /// What the sums begin with, or null: a row for each row, or one for all if the step is 0.
    pub init: *const R,
    pub row_init: isize,
    pub m: usize,
    pub k: usize,
    pub n: usize,
    /// Whether one row goes through the panels from the last to the first. Steps of a recurrence take turns, so that each begins with those
    /// that the one before has left in the first cache, which is too small for all.
    pub backwards: bool,
}

// SAFETY: it is passed on to threads that write different rows.
unsafe impl<R> Sync for Product<R> {}

/// Elements of a packed factor.
pub fn packed_size(k: usize, n: usize, panel: usize) -> usize {
    k * n.next_multiple_of(panel)
}

/// Packs columns `from..to` of a factor for `TERMS` terms at a time; `from` is a multiple of the panel.
///
/// # Safety
/// The factor can be read, and `packed` has room for `packed_size`.
#[inline(always)]
pub unsafe fn pack<R: Real>(
    packed: *mut R,
    b: *const R,
    row: isize,
    column: isize,
    k: usize,
    n: usize,
    panel: usize,
    from: usize,
    to: usize,
) {
    let width = n.next_multiple_of(panel);
    for first in (0..k).step_by(TERMS) {
        let terms = TERMS.min(k - first);
        for left in (from..to).step_by(panel) {
            let columns = panel.min(n - left);
            unsafe {
                let target = packed.add(first * width + left * terms);
                let source = b.offset(first as isize * row + left as isize * column);
                if column == 1 {
                    for t in 0..terms {
                        let (to, from) = (target.add(t * panel), source.offset(t as isize * row));
                        for c in 0..columns {
                            *to.add(c) = *from.add(c);
                        }
                        for c in columns..panel {
                            *to.add(c) = R::ZERO;
                        }
                    }
                } else {
                    // Columns lie along the terms: some terms of all columns at a time, so that both sides stay in the cache.
                    for top in (0..terms).step_by(16) {
                        let bottom = terms.min(top + 16);
                        for c in 0..panel {
                            let from = source.offset(c as isize * column);
                            for t in top..bottom {
                                *target.add(t * panel + c) = if c < columns { *from.offset(t as isize * row) } else { R::ZERO };
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Elements of a left factor in strips.
pub fn strips_size(m: usize, k: usize, tile: usize) -> usize {
    m.next_multiple_of(tile) * k
}

/// Terms of a left factor whose rows lie side by side, put into strips together: what they touch stays in the second cache.
const TOGETHER: usize = 16;

/// Puts rows `top..bottom` of a left factor whose rows lie side by side, terms `term` apart, into strips of `M` rows; `top` is a multiple of `M`.
///
/// # Safety
/// The factor can be read, and `strips` has room for `strips_size`.
#[inline(always)]
pub unsafe fn pack_strips<R: Real, const M: usize>(strips: *mut R, a: *const R, term: isize, k: usize, top: usize, bottom: usize) {
    for first in (0..k).step_by(TOGETHER) {
        let last = k.min(first + TOGETHER);
        for row in (top..bottom).step_by(M) {
            let rows = M.min(bottom - row);
            for t in first..last {
                unsafe {
                    let (to, from) = (strips.add(row * k + t * M), a.offset(t as isize * term).add(row));
                    if rows == M {
                        *to.cast::<[R; M]>() = *from.cast::<[R; M]>();
                    } else {
                        for i in 0..M {
                            *to.add(i) = if i < rows { *from.add(i) } else { R::ZERO };
                        }
                    }
                }
            }
        }
    }
}

/// `M` rows by `P` panels, or by the first `columns` of one panel where `EDGE` is set. Lines from `next` on are asked for meanwhile, one for
/// each `LINE` terms.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn tile<L: Lanes, const M: usize, const P: usize, const EDGE: bool, const FUSED: bool>(
    p: &Product<L::Element>,
    a: *const L::Element,
    panel: *const L::Element,
    c: *mut L::Element,
    init: *const L::Element,
    row_init: isize,
    terms: usize,
    columns: usize,
    next: *const L::Element,
) {
    let there = |v: usize| columns.saturating_sub(v * L::N).min(L::N);
    unsafe {
        let mut sums = [[[L::splat(L::Element::ZERO); VECTORS]; P]; M];
        if !init.is_null() {
            for (i, row) in sums.iter_mut().enumerate() {
                for (q, part) in row.iter_mut().enumerate() {
                    for (v, sum) in part.iter_mut().enumerate() {
                        let from = init.offset(i as isize * row_init).add((q * VECTORS + v) * L::N);
                        *sum = if EDGE { L::load_first(from, there(v)) } else { L::load(from) };
                    }
                }
            }
        }
        let mut b = panel;
        let mut from = a;
        for t in 0..terms {
            if t % LINE == 0 {
                L::fetch(next.wrapping_add(t / LINE * (64 / size_of::<L::Element>())));
            }
            let mut right = [[L::splat(L::Element::ZERO); VECTORS]; P];
            for (q, part) in right.iter_mut().enumerate() {
                for (v, each) in part.iter_mut().enumerate() {
                    *each = L::load(b.add(q * terms * VECTORS * L::N + v * L::N));
                }
            }
            for (i, row) in sums.iter_mut().enumerate() {
                let left = L::splat(*from.offset(i as isize * p.row_a));
                for (q, part) in row.iter_mut().enumerate() {
                    for (v, sum) in part.iter_mut().enumerate() {
                        *sum = sum.add_product::<FUSED>(left, right[q][v]);
                    }
                }
            }
            b = b.add(VECTORS * L::N);
            from = from.offset(p.step_a);
        }
        for (i, row) in sums.iter().enumerate() {
            for (q, part) in row.iter().enumerate() {
                for (v, sum) in part.iter().enumerate() {
                    let to = c.offset(i as isize * p.row_c).add((q * VECTORS + v) * L::N);
                    if !EDGE || there(v) == L::N {
                        sum.store(to);
                    } else if there(v) > 0 {
                        sum.store_first(to, there(v));
                    }
                }
            }
        }
    }
}

/// In so many terms a tile asks for a line.
const LINE: usize = 8;

/// Rows that go through all panels before the next ones: what they read of the left factor stays in the second cache.
const ROWS: usize = 144;

/// Columns `left..right` of a product; `left` is a multiple of the panel.
///
/// # Safety
/// All that `p` describes can be read and written.
#[inline(always)]
pub unsafe fn multiply<L: Lanes, const MOST: usize, const FUSED: bool>(p: &Product<L::Element>, left: usize, right: usize) {
    let panel = VECTORS * L::N;
    let width = p.n.next_multiple_of(panel);
    let per_line = 64 / size_of::<L::Element>();
    const { assert!(ROWS.is_multiple_of(MOST)) };
    if p.k == 0 {
        return;
    }
    // A step of a small cell: what it takes to find the way through larger products would be most of its time.
    if p.m == 1 && left == 0 && right <= panel && p.k <= TERMS {
        unsafe { tile::<L, 1, 1, true, FUSED>(p, p.a, p.packed, p.c, p.init, 0, p.k, right, p.packed) };
        return;
    }
    for top in (0..p.m).step_by(ROWS) {
        let rows = ROWS.min(p.m - top);
        // Tiles as high as possible and about equally so; as high as the strips where there are some.
        let count = rows.div_ceil(MOST);
        let (least, higher) = if count == 1 { (rows, 0) } else { (rows / count, rows % count) };
        let height_of = |i: usize| if p.strip_a == 0 { least + usize::from(i < higher) } else { MOST.min(rows - i * MOST) };
        for first in (0..p.k).step_by(TERMS) {
            let terms = TERMS.min(p.k - first);
            let part_of_panel = terms.div_ceil(LINE) * per_line;
            let place_of = |row: usize, column: usize| unsafe {
                let start = if p.strip_a == 0 { row as isize * p.row_a } else { (row / MOST) as isize * p.strip_a };
                let a = p.a.offset(start + first as isize * p.step_a);
                let c = p.c.offset(row as isize * p.row_c).add(column);
                if first > 0 {
                    (a, c, c.cast_const(), p.row_c)
                } else if p.init.is_null() {
                    (a, c, p.init, 0)
                } else {
                    (a, c, p.init.offset(row as isize * p.row_init).add(column), p.row_init)
                }
            };
            let mut column = left;
            // One row takes several panels at a time, since the sums of one wait for each other.
            let together = if rows == 1 { (right - left) / (4 * panel) } else { 0 };
            while column < right {
                unsafe {
                    if column == left && together > 0 {
                        for i in 0..together {
                            let column = left + 4 * panel * if p.backwards { together - 1 - i } else { i };
                            let packed = p.packed.add(first * width + column * terms);
                            let (a, c, init, row_init) = place_of(top, column);
                            tile::<L, 1, 4, false, FUSED>(p, a, packed, c, init, row_init, terms, 4 * panel, packed);
                        }
                        column += 4 * panel * together;
                        continue;
                    }
                    let packed = p.packed.add(first * width + column * terms);
                    let place = |row: usize| place_of(row, column);
                    // Two rows likewise.
                    if rows == 2 && column + 2 * panel <= right {
                        let (a, c, init, row_init) = place(top);
                        tile::<L, 2, 2, false, FUSED>(p, a, packed, c, init, row_init, terms, 2 * panel, packed);
                        column += 2 * panel;
                        continue;
                    }
                    let columns = panel.min(right - column);
                    let mut row = top;
                    for i in 0..count {
                        let height = height_of(i);
                        let (a, c, init, row_init) = place(row);
                        // The tiles of a panel fetch the next one, each its part, so that the first tile there finds it.
                        let next = packed.wrapping_add(if i * per_line < LINE * panel { panel * terms + i * part_of_panel } else { 0 });
                        macro_rules! heights {
                            ($($m:literal)*) => {
                                match (height, columns == panel) {
                                    $(
                                        ($m, true) if $m <= MOST => tile::<L, $m, 1, false, FUSED>(p, a, packed, c, init, row_init, terms, panel, next),
                                        ($m, false) if $m <= MOST => tile::<L, $m, 1, true, FUSED>(p, a, packed, c, init, row_init, terms, columns, next),
                                    )*
                                    _ => unreachable!(),
                                }
                            };
                        }
                        heights!(1 2 3 4 5 6 7 8 9 10 11 12);
                        row += height;
                    }
                    column += panel;
                }
            }
        }
    }
}

/// Products of whole numbers, which wrap around.
///
/// # Safety
/// All matrices can be read and written.
pub unsafe fn multiply_int(c: *mut i32, a: (*const i32, isize, isize), b: (*const i32, isize, isize), m: usize, k: usize, n: usize) {
    unsafe {
        for i in 0..m as isize {
            for j in 0..n as isize {
                let mut sum = 0i32;
                for t in 0..k as isize {
                    let left = *a.0.offset(i * a.1 + t * a.2);
                    sum = sum.wrapping_add(left.wrapping_mul(*b.0.offset(t * b.1 + j * b.2)));
                }
                *c.add(i as usize * n + j as usize) = sum;
            }
        }
    }
}

/// Small products that nobody packs: `[m, k] x [k, n]` with any strides (from row to row, from column to column), dense rows of results.
///
/// # Safety
/// All matrices can be read and written.
#[inline(always)]
pub unsafe fn multiply_small<R: Real, const FUSED: bool>(
    c: *mut R,
    a: (*const R, isize, isize),
    b: (*const R, isize, isize),
    m: usize,
    k: usize,
    n: usize,
) {
    unsafe {
        for i in 0..m {
            let row = c.add(i * n);
            let left = a.0.offset(i as isize * a.1);
            if b.2 == 1 || k == 1 {
                for j in 0..n {
                    *row.add(j) = R::ZERO;
                }
                for t in 0..k as isize {
                    let x = *left.offset(t * a.2);
                    let right = b.0.offset(t * b.1);
                    if b.2 == 1 {
                        for j in 0..n {
                            *row.add(j) = super::functions::madd::<R, FUSED>(x, *right.add(j), *row.add(j));
                        }
                    } else {
                        for j in 0..n {
                            *row.add(j) = super::functions::madd::<R, FUSED>(x, *right.offset(j as isize * b.2), *row.add(j));
                        }
                    }
                }
            } else {
                for j in 0..n {
                    let right = b.0.offset(j as isize * b.2);
                    // Eight sums side by side, in one order for all registers.
                    let mut lanes = [R::ZERO; 8];
                    let whole = k - k % 8;
                    for t in (0..whole).step_by(8) {
                        for (l, lane) in lanes.iter_mut().enumerate() {
                            let at = (t + l) as isize;
                            *lane = super::functions::madd::<R, FUSED>(*left.offset(at * a.2), *right.offset(at * b.1), *lane);
                        }
                    }
                    let mut sum = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
                    for t in whole as isize..k as isize {
                        sum = super::functions::madd::<R, FUSED>(*left.offset(t * a.2), *right.offset(t * b.1), sum);
                    }
                    *row.add(j) = sum;
                }
            }
        }
    }
}

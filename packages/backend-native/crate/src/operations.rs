//! The operations that JavaScript can name: one table, whose places are the numbers that it sends.
use crate::arguments::{Arguments, Failure, Outcome};
use crate::engine::{Engine, Tabled};
use crate::kernels::elementwise::{select, unary_int};
use crate::kernels::movement::{copy_plane, copy_run, walk};
use crate::kernels::reduction::{argmax, extreme, sum_int};
use crate::kernels::tiles::{self, Product};
use crate::program::Compiled;

type Operation = fn(&mut Engine, Arguments) -> Outcome;

pub const OPERATIONS: &[(&str, Operation)] = &[
    ("upload", upload),
    ("write", write),
    ("read", read),
    ("fill", fill),
    ("flush", flush),
    ("unary", unary),
    ("binary", binary),
    ("select", select_elements),
    ("copy", copy),
    ("concat", concat),
    ("gather", gather),
    ("scatterAdd", scatter_add),
    ("reduce", reduce),
    ("matmul", matmul),
    ("compile", compile),
    ("forget", forget),
    ("run", run),
    ("helped", helped),
    ("panic", panic),
];

/// Element types by their numbers.
const FLOAT32: usize = 0;
const FLOAT64: usize = 1;
const INT32: usize = 2;

fn size_of_type(dtype: usize) -> usize {
    if dtype == FLOAT64 { 8 } else { 4 }
}

macro_rules! by_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            FLOAT32 => {
                type $T = f32;
                $body
            }
            FLOAT64 => {
                type $T = f64;
                $body
            }
            _ => {
                type $T = i32;
                $body
            }
        }
    };
}

// --- memory ---------------------------------------------------------------------------------------------------------

/// `bytes`, and whether they lie in the words.
fn upload(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let bytes = args.size();
    let from = if args.flag() { engine.room().0.cast_const() } else { engine.given.0.cast_const() };
    let to = engine.result(bytes)?;
    // SAFETY: the caller's array has so many bytes, and so has the new storage.
    unsafe { std::ptr::copy_nonoverlapping(from, to as *mut u8, bytes) };
    Ok(())
}

fn write(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (to, first, bytes) = (args.size(), args.size(), args.size());
    engine.check("write", to, 1, first as isize, (first + bytes) as isize - 1)?;
    // SAFETY: as in `upload`; core has checked that the values fit.
    unsafe { std::ptr::copy_nonoverlapping(engine.given.0.cast_const(), (to + first) as *mut u8, bytes) };
    Ok(())
}

fn read(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (from, bytes) = (args.size(), args.size());
    engine.check("read", from, 1, 0, bytes as isize - 1)?;
    let to = if args.flag() { engine.room().0 } else { engine.given.0 };
    // SAFETY: the caller's array has so many bytes, and so has the storage.
    unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to, bytes) };
    Ok(())
}

fn fill(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (dtype, size, value) = (args.size(), args.size(), args.float());
    let to = engine.result(size * size_of_type(dtype))?;
    // SAFETY: the storage is new and has so many elements.
    by_type!(dtype, T => unsafe { std::slice::from_raw_parts_mut(to as *mut T, size) }.fill(value as T));
    Ok(())
}

/// Nothing: what waits to be released has been by then.
fn flush(_: &mut Engine, _: Arguments) -> Outcome {
    Ok(())
}

// --- elementwise ----------------------------------------------------------------------------------------------------

fn unary(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (op, dtype, x, size) = (args.size(), args.size(), args.size(), args.size());
    let bytes = size_of_type(dtype);
    engine.check("unary", x, bytes, 0, size as isize - 1)?;
    let out = engine.result(size * bytes)?;
    let Engine { tables, .. } = engine;
    // SAFETY: operand and result have `size` elements.
    unsafe {
        match dtype {
            FLOAT32 => tables.f32.unary[op](out as *mut f32, x as *const f32, size),
            FLOAT64 => tables.f64.unary[op](out as *mut f64, x as *const f64, size),
            _ => {
                let whole = unary_int(op);
                for i in 0..size {
                    let value = *(x as *const i32).add(i);
                    // A function on the reals: there and back, the fraction cut off.
                    let real = || {
                        let (number, mut result) = (value as f64, 0.0);
                        tables.f64.unary[op](&mut result, &number, 1);
                        result as i32
                    };
                    *(out as *mut i32).add(i) = whole.map_or_else(real, |function| function(value));
                }
            }
        }
    }
    Ok(())
}

/// An operand of a walk: where its first element lies, or the number that it is.
struct Walked {
    at: usize,
    number: f64,
    strides: Vec<isize>,
}

/// Address (0: a number follows), offset, strides.
fn walked(engine: &Engine, args: &mut Arguments, size: usize, sizes: &[usize]) -> Result<Walked, Failure> {
    let address = args.size();
    if address == 0 {
        return Ok(Walked { at: 0, number: args.float(), strides: vec![0; sizes.len()] });
    }
    let offset = args.step();
    let strides = args.steps(sizes.len());
    engine.check_walk("walk", address, size, offset, sizes, &strides)?;
    Ok(Walked { at: (address as isize + offset * size as isize) as usize, number: 0.0, strides })
}

impl Walked {
    fn pointer<T>(&self, number: &T) -> *const T {
        if self.at == 0 { number } else { self.at as *const T }
    }
}

/// Elements that are put side by side where an operand jumps.
const BLOCK: usize = 256;

/// `kernel` over a run of `n`; operands with steps other than 0 and 1 are gathered first.
unsafe fn binary_run<T: Copy>(
    kernels: &[unsafe fn(*mut T, *const T, *const T, usize); 3],
    out: *mut T,
    a: (*const T, isize),
    b: (*const T, isize),
    n: usize,
) {
    unsafe {
        match (a.1, b.1) {
            (1, 1) => kernels[0](out, a.0, b.0, n),
            (1, 0) => kernels[1](out, a.0, b.0, n),
            (0, 1) => kernels[2](out, a.0, b.0, n),
            (0, 0) => {
                kernels[0](out, a.0, b.0, 1);
                for i in 1..n {
                    *out.add(i) = *out;
                }
            }
            _ => {
                let (mut left, mut right) = ([*a.0; BLOCK], [*b.0; BLOCK]);
                for first in (0..n).step_by(BLOCK) {
                    let count = BLOCK.min(n - first);
                    let side = |x: (*const T, isize), room: &mut [T; BLOCK]| {
                        let from = x.0.offset(first as isize * x.1);
                        if x.1 == 1 || x.1 == 0 && count == 1 {
                            return from;
                        }
                        if x.1 != 0 {
                            for (i, each) in room.iter_mut().enumerate().take(count) {
                                *each = *from.offset(i as isize * x.1);
                            }
                        }
                        room.as_ptr()
                    };
                    let (p, q) = (side(a, &mut left), side(b, &mut right));
                    kernels[0](out.add(first), p, q, count);
                }
            }
        }
    }
}

fn int_function(op: usize) -> fn(i32, i32) -> i32 {
    // In the order of `BINARY`.
    match op {
        0 => i32::wrapping_add,
        1 => i32::wrapping_sub,
        2 => i32::wrapping_mul,
        3 => |a, b| (a as f64 / b as f64) as i32,
        4 => |a, b| if b == 2 { a.wrapping_mul(a) } else { libm::pow(a as f64, b as f64) as i32 },
        5 => |a, b| a.max(b),
        6 => |a, b| a.min(b),
        7 => |a, b| (a == b) as i32,
        8 => |a, b| (a != b) as i32,
        9 => |a, b| (a < b) as i32,
        10 => |a, b| (a <= b) as i32,
        11 => |a, b| (a > b) as i32,
        _ => |a, b| (a >= b) as i32,
    }
}

fn binary(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (op, dtype) = (args.size(), args.size());
    let sizes = args.sizes();
    let bytes = size_of_type(dtype);
    let a = walked(engine, &mut args, bytes, &sizes)?;
    let b = walked(engine, &mut args, bytes, &sizes)?;
    let n = sizes[sizes.len() - 1];
    let out = engine.result(sizes.iter().product::<usize>() * bytes)?;
    let last = sizes.len() - 1;
    let Engine { tables, .. } = engine;
    // SAFETY: core has checked that the walks stay in their storages.
    unsafe {
        match dtype {
            FLOAT32 => {
                let numbers = [a.number as f32, b.number as f32];
                let (p, q) = (a.pointer(&numbers[0]), b.pointer(&numbers[1]));
                walk(&sizes, [&a.strides, &b.strides], 1, |place, [i, j]| {
                    binary_run(
                        &tables.f32.binary[op],
                        (out as *mut f32).add(place * n),
                        (p.offset(i), a.strides[last]),
                        (q.offset(j), b.strides[last]),
                        n,
                    );
                });
            }
            FLOAT64 => {
                let (p, q) = (a.pointer(&a.number), b.pointer(&b.number));
                walk(&sizes, [&a.strides, &b.strides], 1, |place, [i, j]| {
                    binary_run(
                        &tables.f64.binary[op],
                        (out as *mut f64).add(place * n),
                        (p.offset(i), a.strides[last]),
                        (q.offset(j), b.strides[last]),
                        n,
                    );
                });
            }
            _ => {
                let numbers = [a.number as i32, b.number as i32];
                let (p, q) = (a.pointer(&numbers[0]), b.pointer(&numbers[1]));
                let function = int_function(op);
                walk(&sizes, [&a.strides, &b.strides], 0, |place, [i, j]| {
                    *(out as *mut i32).add(place) = function(*p.offset(i), *q.offset(j));
                });
            }
        }
    }
    Ok(())
}

fn select_elements(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (dtype, condition) = (args.size(), args.size());
    let sizes = args.sizes();
    let bytes = size_of_type(dtype);
    let c = walked(engine, &mut args, size_of_type(condition), &sizes)?;
    let a = walked(engine, &mut args, bytes, &sizes)?;
    let b = walked(engine, &mut args, bytes, &sizes)?;
    let last = sizes.len() - 1;
    let n = sizes[last];
    let out = engine.result(sizes.iter().product::<usize>() * bytes)?;
    // SAFETY: core has checked that the walks stay in their storages.
    by_type!(dtype, T => by_type!(condition, C => unsafe {
        let numbers = [a.number as T, b.number as T];
        let (p, q) = (a.pointer(&numbers[0]), b.pointer(&numbers[1]));
        // Strides that are not 0 or 1 are walked element by element.
        let steps = [c.strides[last], a.strides[last], b.strides[last]];
        let inner = usize::from(steps.iter().all(|step| *step == 0 || *step == 1));
        let n = if inner == 1 { n } else { 1 };
        let step = |i: usize| if inner == 1 { steps[i] as usize } else { 0 };
        walk(&sizes, [&c.strides, &a.strides, &b.strides], inner, |place, [i, j, k]| {
            let marks = (c.at as *const C).offset(i);
            select((out as *mut T).add(place * n), (marks, step(0)), 0 as C, (p.offset(j), step(1)), (q.offset(k), step(2)), n);
        });
    }));
    Ok(())
}

// --- moving data ----------------------------------------------------------------------------------------------------

fn copy(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (from, to) = (args.size(), args.size());
    let sizes = args.sizes();
    let x = walked(engine, &mut args, size_of_type(from), &sizes)?;
    let out = engine.result(sizes.iter().product::<usize>() * size_of_type(to))?;
    // SAFETY: core has checked that the walk stays in its storage.
    unsafe {
        if from != to {
            by_type!(from, F => by_type!(to, T => walk(&sizes, [&x.strides], 0, |place, [i]| {
                *(out as *mut T).add(place) = *(x.at as *const F).offset(i) as T;
            })));
        } else if size_of_type(to) == 8 {
            copy_walk::<u64>(out, &x, &sizes);
        } else {
            copy_walk::<u32>(out, &x, &sizes);
        }
    }
    Ok(())
}

unsafe fn copy_walk<T: Copy>(out: usize, x: &Walked, sizes: &[usize]) {
    let dims = sizes.len();
    let columns = sizes[dims - 1];
    let (rows, row) = if dims > 1 { (sizes[dims - 2], x.strides[dims - 2]) } else { (1, 0) };
    walk(sizes, [&x.strides], 2, |place, [i]| unsafe {
        let to = (out as *mut T).add(place * rows * columns);
        copy_plane(to, columns, (x.at as *const T).offset(i), rows, columns, row, x.strides[dims - 1]);
    });
}

fn concat(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (size, outer, count) = (args.size(), args.size(), args.size());
    let parts: Vec<(usize, usize)> = (0..count).map(|_| (args.size(), args.size())).collect();
    let row: usize = parts.iter().map(|part| part.1).sum();
    for (address, run) in &parts {
        engine.check("concat", *address, size, 0, (outer * run) as isize - 1)?;
    }
    let out = engine.result(row * outer * size)?;
    let mut at = 0;
    for (address, run) in parts {
        let run = run * size;
        // SAFETY: a part has `outer` runs, and the result has room for them beside each other.
        unsafe { copy_plane((out as *mut u8).add(at), row * size, address as *const u8, outer, run, run as isize, 1) };
        at += run;
    }
    Ok(())
}

/// Indices of `gather` and `scatterAdd`.
struct Indices {
    at: *const i32,
    strides: Vec<isize>,
    outer: usize,
    size: usize,
    inner: usize,
    count: usize,
}

fn indices(engine: &Engine, args: &mut Arguments) -> Result<Indices, Failure> {
    let (outer, size, inner, count) = (args.size(), args.size(), args.size(), args.size());
    let index = walked(engine, args, 4, &[outer, count, inner])?;
    Ok(Indices { at: index.at as *const i32, strides: index.strides, outer, size, inner, count })
}

impl Indices {
    /// For each place of `[outer, count, inner]` the one that it names in `[outer, size, inner]`.
    unsafe fn each(&self, mut visit: impl FnMut(usize, usize)) {
        let mut place = 0;
        for o in 0..self.outer as isize {
            for c in 0..self.count as isize {
                for i in 0..self.inner as isize {
                    let pick = unsafe { *self.at.offset(o * self.strides[0] + c * self.strides[1] + i * self.strides[2]) };
                    visit(place, (o as usize * self.size + pick as usize) * self.inner + i as usize);
                    place += 1;
                }
            }
        }
    }
}

fn gather(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (size, x) = (args.size(), args.size());
    let list = indices(engine, &mut args)?;
    engine.check("gather", x, size, 0, (list.outer * list.size * list.inner) as isize - 1)?;
    let out = engine.result(list.outer * list.count * list.inner * size)?;
    // SAFETY: core has checked the indices.
    unsafe {
        if list.strides[2] == 0 || list.inner == 1 {
            // One position for a whole row: rows of an embedding, a batch out of a data set.
            let run = list.inner * size;
            for o in 0..list.outer {
                for c in 0..list.count {
                    let pick = *list.at.offset(o as isize * list.strides[0] + c as isize * list.strides[1]) as usize;
                    copy_run((out as *mut u8).add((o * list.count + c) * run), (x as *const u8).add((o * list.size + pick) * run), run);
                }
            }
        } else if size == 8 {
            list.each(|to, from| *(out as *mut u64).add(to) = *(x as *const u64).add(from));
        } else {
            list.each(|to, from| *(out as *mut u32).add(to) = *(x as *const u32).add(from));
        }
    }
    Ok(())
}

fn scatter_add(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (dtype, x) = (args.size(), args.size());
    let size = size_of_type(dtype);
    let list = indices(engine, &mut args)?;
    engine.check("scatterAdd", x, size, 0, (list.outer * list.count * list.inner) as isize - 1)?;
    let total = list.outer * list.size * list.inner;
    let out = engine.result(total * size)?;
    // SAFETY: core has checked the indices.
    unsafe {
        match dtype {
            FLOAT32 => {
                // A row may meet thousands of summands, so sums are float64 until all are in.
                let sums = match engine.memory.take(total * 8) {
                    Ok(block) => block,
                    Err(full) => {
                        engine.memory.give(out, total * size);
                        return Err(full.into());
                    }
                };
                let numbers = std::slice::from_raw_parts_mut(sums as *mut f64, total);
                numbers.fill(0.0);
                list.each(|from, to| numbers[to] += *(x as *const f32).add(from) as f64);
                for (i, sum) in numbers.iter().enumerate() {
                    *(out as *mut f32).add(i) = *sum as f32;
                }
                engine.memory.give(sums, total * 8);
            }
            FLOAT64 => {
                let numbers = std::slice::from_raw_parts_mut(out as *mut f64, total);
                numbers.fill(0.0);
                list.each(|from, to| numbers[to] += *(x as *const f64).add(from));
            }
            _ => {
                let numbers = std::slice::from_raw_parts_mut(out as *mut i32, total);
                numbers.fill(0);
                list.each(|from, to| numbers[to] = numbers[to].wrapping_add(*(x as *const i32).add(from)));
            }
        }
    }
    Ok(())
}

// --- contracting ----------------------------------------------------------------------------------------------------

fn reduce(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let (op, dtype, x) = (args.size(), args.size(), args.size());
    let (outer, size, inner) = (args.size(), args.size(), args.size());
    engine.check("reduce", x, size_of_type(dtype), 0, (outer * size * inner) as isize - 1)?;
    let out = engine.result(outer * inner * if op == 3 { 4 } else { size_of_type(dtype) })?;
    let Engine { tables, .. } = engine;
    // SAFETY: the operand is `[outer, size, inner]`, the result `[outer, inner]`.
    unsafe {
        match (op, dtype) {
            (3, _) => by_type!(dtype, T => argmax(out as *mut i32, x as *const T, outer, size, inner)),
            (0, INT32) => sum_int(out as *mut i32, x as *const i32, outer, size, inner),
            (1, INT32) => extreme::<i32, true>(out as *mut i32, x as *const i32, outer, size, inner),
            (_, INT32) => extreme::<i32, false>(out as *mut i32, x as *const i32, outer, size, inner),
            (0, FLOAT32) => (tables.f32.sum)(out as *mut f32, x as *const f32, outer, size, inner),
            (1, FLOAT32) => (tables.f32.max)(out as *mut f32, x as *const f32, outer, size, inner),
            (_, FLOAT32) => (tables.f32.min)(out as *mut f32, x as *const f32, outer, size, inner),
            (0, _) => (tables.f64.sum)(out as *mut f64, x as *const f64, outer, size, inner),
            (1, _) => (tables.f64.max)(out as *mut f64, x as *const f64, outer, size, inner),
            _ => (tables.f64.min)(out as *mut f64, x as *const f64, outer, size, inner),
        }
    }
    Ok(())
}

/// Offset of matrix `i` of a batch.
fn offset_of(mut i: usize, batch: &[usize], strides: &[isize]) -> isize {
    let mut offset = 0;
    for (size, stride) in batch.iter().zip(strides).rev() {
        offset += (i % size) as isize * stride;
        i /= size;
    }
    offset
}

fn matmul(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let dtype = args.size();
    let batch = args.sizes();
    let (m, k, n) = (args.size(), args.size(), args.size());
    let mut side = |rows: usize, columns: usize| {
        let (address, transposed) = (args.size(), args.flag());
        let strides = args.steps(batch.len());
        let (row, column) = if transposed { (1, rows as isize) } else { (columns as isize, 1) };
        let mut sizes = batch.clone();
        sizes.extend([rows, columns]);
        let mut all = strides.clone();
        all.extend([row, column]);
        engine.check_walk("matmul", address, size_of_type(dtype), 0, &sizes, &all)?;
        Ok::<_, Failure>((address, strides, row, column))
    };
    let a = side(m, k)?;
    let b = side(k, n)?;
    let bytes = m * n * size_of_type(dtype) * batch.iter().product::<usize>();
    let out = engine.result(bytes)?;
    let done = by_type!(dtype, T => matrices::<T>(engine, out, &batch, (m, k, n), &a, &b));
    if done.is_err() {
        engine.memory.give(out, bytes);
    }
    done
}

/// One side: address, strides of the batch, from row to row, from column to column.
type Side = (usize, Vec<isize>, isize, isize);

trait Multiplied: Copy {
    fn multiply(
        engine: &mut Engine,
        c: *mut Self,
        a: (*const Self, isize, isize),
        b: (*const Self, isize, isize),
        sizes: (usize, usize, usize),
    ) -> Outcome;
}

fn matrices<T: Multiplied>(engine: &mut Engine, out: usize, batch: &[usize], sizes: (usize, usize, usize), a: &Side, b: &Side) -> Outcome {
    for i in 0..batch.iter().product() {
        // SAFETY: core has checked that the matrices of the batch lie in their storages.
        unsafe {
            let left = ((a.0 as *const T).offset(offset_of(i, batch, &a.1)), a.2, a.3);
            let right = ((b.0 as *const T).offset(offset_of(i, batch, &b.1)), b.2, b.3);
            T::multiply(engine, (out as *mut T).add(i * sizes.0 * sizes.2), left, right, sizes)?;
        }
    }
    Ok(())
}

impl Multiplied for i32 {
    fn multiply(
        _: &mut Engine,
        c: *mut i32,
        a: (*const i32, isize, isize),
        b: (*const i32, isize, isize),
        (m, k, n): (usize, usize, usize),
    ) -> Outcome {
        // SAFETY: as for all sides of a product.
        unsafe { tiles::multiply_int(c, a, b, m, k, n) };
        Ok(())
    }
}

macro_rules! multiplied {
    ($($real:ty),*) => {$(
        impl Multiplied for $real {
            fn multiply(engine: &mut Engine, c: *mut Self, a: (*const Self, isize, isize), b: (*const Self, isize, isize), sizes: (usize, usize, usize)) -> Outcome {
                multiply_real(engine, c, a, b, sizes)
            }
        }
    )*};
}
multiplied!(f32, f64);

/// Fewer rows than this do not pay for packing the other factor.
const FEW: usize = 4;
/// Multiplications and additions that are worth a thread.
pub const WORTHWHILE: usize = 600_000;

fn multiply_real<R: Tabled>(
    engine: &mut Engine,
    c: *mut R,
    a: (*const R, isize, isize),
    b: (*const R, isize, isize),
    (m, k, n): (usize, usize, usize),
) -> Outcome {
    // SAFETY: as for all sides of a product.
    unsafe {
        if m < FEW || n == 1 {
            let small = R::table(&engine.tables).multiply_small;
            // One column: with the factors exchanged it is one row. Its elements follow one another either way.
            if n == 1 && m > 1 {
                small(c, (b.0, b.2, b.1), (a.0, a.2, a.1), 1, k, m)
            } else {
                small(c, a, b, m, k, n)
            };
            return Ok(());
        }
        let table = R::table(&engine.tables);
        let panel = table.panel;
        let packed_bytes = tiles::packed_size(k, n, panel) * size_of::<R>();
        // The left factor is read row by row where its terms lie side by side. Else its rows do, and it is put into strips.
        let has_strips = a.2 != 1;
        let strips_bytes = if has_strips { tiles::strips_size(m, k, table.tile) * size_of::<R>() } else { 0 };
        let strips_at = packed_bytes.next_multiple_of(64);
        let bytes = strips_at + strips_bytes;
        let room = engine.memory.take(bytes)?;
        let (packed, strips) = (room as *mut R, (room + strips_at) as *mut R);
        let table = R::table(&engine.tables);
        let tile = table.tile;
        let pool = &engine.pool;
        let shares = pool.count().min((2 * m * k * n / WORTHWHILE).max(1));
        let cut = |size: usize, unit: usize, share: usize| (size.div_ceil(unit) * share / shares * unit).min(size);
        let product = Product {
            a: if has_strips { strips.cast_const() } else { a.0 },
            row_a: if has_strips { 1 } else { a.1 },
            step_a: if has_strips { tile as isize } else { 1 },
            strip_a: if has_strips { (tile * k) as isize } else { 0 },
            packed: packed.cast_const(),
            c,
            row_c: n as isize,
            init: std::ptr::null(),
            row_init: 0,
            m,
            k,
            n,
            backwards: false,
        };
        let by_rows = m >= n;
        let (p, source, target, packed_at) = (&product, (a.0 as usize, b.0 as usize), strips as usize, packed as usize);
        let done = pool
            .run(shares, &|share| {
                let (left, right) = (cut(n, panel, share), cut(n, panel, share + 1));
                if left < right {
                    (table.pack)(packed_at as *mut R, source.1 as *const R, b.1, b.2, k, n, left, right);
                }
                let (top, bottom) = (cut(m, tile, share), cut(m, tile, share + 1));
                if has_strips && top < bottom {
                    (table.pack_strips)(target as *mut R, source.0 as *const R, a.2, k, top, bottom);
                }
            })
            .and_then(|()| {
                pool.run(shares, &|share| {
                    if by_rows {
                        let (top, bottom) = (cut(m, tile, share), cut(m, tile, share + 1));
                        let mut own = *p;
                        own.a = if has_strips { p.a.add(top * k) } else { p.a.offset(top as isize * p.row_a) };
                        own.c = p.c.add(top * n);
                        own.m = bottom - top;
                        if own.m > 0 {
                            (table.multiply)(&own, 0, n);
                        }
                    } else {
                        let (left, right) = (cut(n, panel, share), cut(n, panel, share + 1));
                        if left < right {
                            (table.multiply)(p, left, right);
                        }
                    }
                })
            });
        engine.memory.give(room, bytes);
        done.map_err(Failure::Wrong)
    }
}

// --- programs -------------------------------------------------------------------------------------------------------

/// A program in the given array; the answer is its number.
fn compile(engine: &mut Engine, _: Arguments) -> Outcome {
    let (at, bytes) = engine.given;
    // SAFETY: the caller's array is there during the call.
    let words = unsafe { Arguments::new(at.cast_const().cast(), 0, bytes / 8) };
    let program = Some(Box::new(Compiled::new(words)));
    let number = match engine.programs.iter().position(Option::is_none) {
        Some(free) => {
            engine.programs[free] = program;
            free
        }
        None => {
            engine.programs.push(program);
            engine.programs.len() - 1
        }
    };
    engine.answer(1, number as f64);
    Ok(())
}

fn forget(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let number = args.size();
    engine.programs[number] = None;
    Ok(())
}

fn run(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let number = args.size();
    let mut program = engine.programs[number].take().ok_or_else(|| Failure::Wrong("the program was forgotten".into()))?;
    // It is put back whatever becomes of the run.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| program.run(engine, args)));
    engine.programs[number] = Some(program);
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

// --- for tests ------------------------------------------------------------------------------------------------------

/// How many shares other threads than the caller's took.
fn helped(engine: &mut Engine, _: Arguments) -> Outcome {
    let count = engine.pool.helped();
    engine.answer(1, count as f64);
    Ok(())
}

/// What becomes of a mistake in here, on this thread or another.
fn panic(engine: &mut Engine, mut args: Arguments) -> Outcome {
    let elsewhere = args.flag();
    assert!(elsewhere, "a test asked for a panic");
    let shares = engine.pool.count() * 4;
    let told = engine.pool.run(shares, &|share| {
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(share != shares - 1, "a test asked for a panic in a share");
    });
    told.map_err(Failure::Wrong)
}

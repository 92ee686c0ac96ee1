//! All registers that this processor has, against plain arithmetic in float64.
use super::reals::Real;
use super::table::{Table, UNARY, registers, tables_for};
use super::tiles::{Product, packed_size, strips_size};
use crate::engine::Tabled;

/// Numbers between -1 and 1 that are the same everywhere.
fn numbers<R: Real>(count: usize, seed: u64) -> Vec<R> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    };
    (0..count).map(|_| R::from_f64(draw())).collect()
}

fn product<R: Real>(table: &Table<R>, m: usize, k: usize, n: usize, has_init: bool) -> (Vec<R>, Vec<f64>) {
    let (a, b, init) = (numbers::<R>(m * k, 1), numbers::<R>(k * n, 2), numbers::<R>(n, 3));
    // The left factor turned, and from there in strips.
    let turned: Vec<R> = (0..m * k).map(|i| a[i % m * k + i / m]).collect();
    let mut strips = vec![R::NAN; strips_size(m, k, table.tile)];
    let mut packed = vec![R::NAN; packed_size(k, n, table.panel)];
    let mut c = vec![R::NAN; m * n];
    let start = if has_init { init.as_ptr() } else { std::ptr::null() };
    let p = Product {
        a: a.as_ptr(),
        row_a: k as isize,
        step_a: 1,
        strip_a: 0,
        packed: packed.as_ptr(),
        c: c.as_mut_ptr(),
        row_c: n as isize,
        init: start,
        row_init: 0,
        m,
        k,
        n,
        backwards: false,
    };
    // SAFETY: the vectors are as large as the sizes say.
    unsafe {
        (table.pack)(packed.as_mut_ptr(), b.as_ptr(), n as isize, 1, k, n, 0, n);
        (table.multiply)(&p, 0, n);
        (table.pack_strips)(strips.as_mut_ptr(), turned.as_ptr(), m as isize, k, 0, m);
    }
    let mut again = vec![R::NAN; m * n];
    let (a_strips, step_a, strip_a) = (strips.as_ptr(), table.tile as isize, (table.tile * k) as isize);
    // SAFETY: likewise.
    unsafe { (table.multiply)(&Product { a: a_strips, row_a: 1, step_a, strip_a, backwards: true, c: again.as_mut_ptr(), ..p }, 0, n) };
    assert!(again == c, "[{m}, {k}, {n}]: strips or the order of columns change bits");
    let mut exact = Vec::new();
    for i in 0..m {
        for j in 0..n {
            let sum: f64 = (0..k).map(|t| a[i * k + t].to_f64() * b[t * n + j].to_f64()).sum();
            exact.push(sum + if has_init { init[j].to_f64() } else { 0.0 });
        }
    }
    (c, exact)
}

fn products<R: Tabled>(tolerance: f64) {
    let sizes = [
        (1, 3, 2),
        (1, 40, 200),
        (2, 17, 65),
        (3, 5, 33),
        (5, 385, 31),
        (7, 64, 64),
        (13, 100, 40),
        (31, 800, 17),
        (150, 20, 70),
        (291, 300, 19),
    ];
    for name in registers() {
        for strict in [false, true] {
            let tables = tables_for(name, strict);
            let table = R::table(&tables);
            for (m, k, n) in sizes {
                for has_init in [false, true] {
                    let (c, exact) = product(table, m, k, n, has_init);
                    for (got, exact) in c.iter().zip(exact) {
                        let error = (got.to_f64() - exact).abs();
                        assert!(
                            error <= tolerance * (k as f64).sqrt(),
                            "{name} {strict} [{m}, {k}, {n}]: {} and not {exact}",
                            got.to_f64()
                        );
                    }
                    // One row alone is what it is among others.
                    let (first, _) = product(table, 1, k, n, has_init);
                    assert!(first.iter().zip(&c).all(|(x, y)| x == y), "{name} {strict} [{m}, {k}, {n}]: the number of rows changes bits");
                }
            }
        }
    }
}

#[test]
fn products_are_right_and_rows_do_not_matter() {
    products::<f32>(2e-6);
    products::<f64>(4e-15);
}

/// Functions of the mathematical library, and where they are compared.
fn exact(name: &str, x: f64) -> Option<f64> {
    Some(match name {
        "exp" => libm::exp(x),
        "log" => libm::log(x.abs()),
        "tanh" => libm::tanh(x),
        "sigmoid" => 1.0 / (1.0 + libm::exp(-x)),
        "softplus" => x.max(0.0) + libm::log1p(libm::exp(-x.abs())),
        _ => return None,
    })
}

fn functions<R: Tabled>(units: f64, epsilon: f64) {
    for name in registers() {
        for strict in [false, true] {
            let tables = tables_for(name, strict);
            let table = R::table(&tables);
            for (op, function) in UNARY.iter().enumerate() {
                let x: Vec<R> = (-4000..4000).map(|i| R::from_f64(i as f64 * 0.0217 + 0.00013)).collect();
                let x: Vec<R> = if *function == "log" { x.iter().map(|x| x.abs()).collect() } else { x };
                let mut y = vec![R::NAN; x.len()];
                // SAFETY: both have as many elements.
                unsafe { (table.unary[op])(y.as_mut_ptr(), x.as_ptr(), x.len()) };
                for (x, y) in x.iter().zip(&y) {
                    let Some(exact) = exact(function, x.to_f64()) else { break };
                    let least = R::LEAST_NORMAL.to_f64();
                    let error = (y.to_f64() - exact).abs() / exact.abs().max(least);
                    assert!(
                        error <= units * epsilon || exact.abs() < 1e-37,
                        "{name} {strict} {function}({}): {} and not {exact}",
                        x.to_f64(),
                        y.to_f64()
                    );
                }
            }
        }
    }
}

#[test]
fn functions_are_right_to_a_few_units() {
    functions::<f32>(3.0, f32::EPSILON as f64);
    functions::<f64>(4.0, f64::EPSILON);
}

#[test]
fn strict_results_are_the_same_bits_with_all_registers() {
    let plain = tables_for("plain", true);
    let x = numbers::<f32>(1003, 5);
    for name in registers() {
        let tables = tables_for(name, true);
        for op in 0..UNARY.len() {
            let (mut y, mut z) = (vec![0f32; x.len()], vec![0f32; x.len()]);
            // SAFETY: all have as many elements.
            unsafe {
                (tables.f32.unary[op])(y.as_mut_ptr(), x.as_ptr(), x.len());
                (plain.f32.unary[op])(z.as_mut_ptr(), x.as_ptr(), x.len());
            }
            let bits = |list: &[f32]| list.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect::<Vec<_>>();
            assert_eq!(bits(&y), bits(&z), "{name} {}", UNARY[op]);
        }
        let (ours, theirs) = (product(&tables.f32, 9, 500, 37, true).0, product(&plain.f32, 9, 500, 37, true).0);
        assert_eq!(ours, theirs, "{name}");
    }
}

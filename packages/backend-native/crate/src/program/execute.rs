//! Runs a program for some rows.
use super::decode::{Kind, Program};
use super::layout::{Group, Home, Layout};
use super::segment::Workspace;
use crate::engine::Tabled;
use crate::kernels::movement::{copy_plane, copy_run, walk};
use crate::kernels::table::Table;
use crate::kernels::tiles::{self, Product};

/// What a run works on; addresses of first elements.
pub struct Run<'a, R: Tabled> {
    pub program: &'a Program,
    pub layout: &'a Layout,
    pub table: &'a Table<R>,
    pub steps: usize,
    pub rows: usize,
    /// By the number of a value.
    pub operands: &'a [usize],
    pub packed: &'a [usize],
    /// Outputs, then the state at the end.
    pub results: &'a [usize],
    pub block_rows: usize,
}

/// A list of `count` at the beginning of some room, which then begins behind it.
///
/// # Safety
/// There is so much room, for as long as the list lives.
unsafe fn list<'a, T: Copy>(room: &mut usize, count: usize, value: T) -> &'a mut [T] {
    const { assert!(align_of::<T>() <= align_of::<usize>()) };
    let at = *room as *mut T;
    *room += count * size_of::<T>();
    unsafe {
        for i in 0..count {
            at.add(i).write(value);
        }
        std::slice::from_raw_parts_mut(at, count)
    }
}

impl<R: Tabled> Run<'_, R> {
    /// Rows `from..to`, with room for one block of them.
    ///
    /// # Safety
    /// All operands and results are as large as the program says, and nobody else has these rows of the results, nor the room.
    pub unsafe fn rows(&self, from: usize, to: usize, room: usize) {
        for top in (from..to).step_by(self.block_rows) {
            unsafe { self.block(top, self.block_rows.min(to - top), room) };
        }
    }

    unsafe fn block(&self, top: usize, rows: usize, mut room: usize) {
        let Run { program, layout, steps, .. } = *self;
        let slots = &layout.slots;
        let first = if program.reverse { steps.saturating_sub(1) } else { 0 };
        let direction = if program.reverse { -1 } else { 1 };
        let states = program.carry.len();
        // SAFETY: `room_bytes` has counted all of these.
        let (pointers, moves, buffers, mut workspace) = unsafe {
            let nowhere = std::ptr::null_mut::<R>();
            let pointers = list(&mut room, slots.count, nowhere);
            // How far each pointer moves from step to step.
            let moves = list(&mut room, slots.count, 0isize);
            // Two buffers take turns where a state has no output to lie in; the last step writes into the result.
            let buffers = list(&mut room, states, [nowhere; 2]);
            let loads = list(&mut room, layout.most_loads, (nowhere.cast_const(), 0usize));
            let results = list(&mut room, layout.most_members, nowhere);
            (pointers, moves, buffers, Workspace { loads, results })
        };
        let mut slot = 0;
        let mut put = |address: usize, width: usize, moves_on: bool| unsafe {
            pointers[slot] = (address as *mut R).add((if moves_on { first * self.rows } else { 0 } + top) * width);
            moves[slot] = if moves_on { direction * (self.rows * width) as isize } else { 0 };
            slot += 1;
        };
        for (value, address) in self.operands.iter().enumerate() {
            put(*address, if program.is_const(value) { 0 } else { program.widths[value] }, value < program.xs.len());
        }
        let (outputs, last) = self.results.split_at(program.ys.len());
        outputs.iter().zip(&program.ys).for_each(|(address, value)| put(*address, program.widths[*value], true));
        last.iter().zip(&program.carry).for_each(|(address, width)| put(*address, *width, false));
        let mut free = room.next_multiple_of(64) as *mut R;
        let unit = 64 / size_of::<R>();
        for (i, width) in layout.scratch.iter().enumerate() {
            pointers[slots.scratch + i] = free;
            // Scratch values are counted for whole blocks.
            free = unsafe { free.add((width * self.block_rows).next_multiple_of(unit)) };
        }
        for (i, width) in program.carry.iter().enumerate() {
            let last = pointers[slots.after + i];
            buffers[i] = [last, last];
            if layout.carry_in[i].is_none() {
                buffers[i][1] = free;
                free = unsafe { free.add((width * self.block_rows).next_multiple_of(unit)) };
                pointers[slots.after + i] = buffers[i][(steps + 1) % 2];
            }
        }
        unsafe {
            for n in 0..steps {
                for group in &layout.groups {
                    match group {
                        Group::Segment(segment) => {
                            segment.run(self.table, rows, free, &mut workspace, |home| pointers[home.slot].offset(home.offset));
                        }
                        Group::Single(value) => self.single(*value, rows, pointers, n % 2 == 1),
                    }
                }
                for (value, place) in &layout.copies {
                    self.copy(layout.home(*value), *place, program.widths[*value], rows, pointers);
                }
                // What was the state after this step is the state before the next.
                for (i, output) in layout.carry_in.iter().enumerate() {
                    match output {
                        Some(output) => pointers[slots.before + i] = pointers[slots.outputs + output],
                        None => {
                            pointers[slots.before + i] = pointers[slots.after + i];
                            pointers[slots.after + i] = buffers[i][(steps - n) % 2];
                        }
                    }
                }
                for (pointer, step) in pointers.iter_mut().zip(moves.iter()) {
                    *pointer = pointer.wrapping_offset(*step);
                }
            }
            for (i, width) in program.carry.iter().enumerate() {
                let to = (last[i] as *mut R).add(top * width);
                let from = pointers[slots.before + i];
                if from != to {
                    std::ptr::copy(from.cast_const(), to, rows * width);
                }
            }
        }
    }

    unsafe fn copy(&self, from: Home, to: Home, width: usize, rows: usize, pointers: &[*mut R]) {
        unsafe {
            let (x, out) = (pointers[from.slot].offset(from.offset), pointers[to.slot].offset(to.offset));
            for row in 0..rows {
                copy_run(out.add(row * to.step), x.add(row * from.step), width);
            }
        }
    }

    unsafe fn single(&self, value: usize, rows: usize, pointers: &[*mut R], backwards: bool) {
        let Run { program, layout, table, .. } = *self;
        let at = |home: Home| unsafe { pointers[home.slot].offset(home.offset) };
        let home = layout.home(value);
        let out = at(home);
        let width = program.widths[value];
        unsafe {
            match &program.instruction(value).expect("an instruction").kind {
                Kind::Matmul { x, init, .. } => {
                    let (left, k) = (layout.home(*x), program.widths[*x]);
                    let start = init.map(|init| layout.home(init));
                    let packed = self.packed[layout.packing_of[value].expect("weights are packed")] as *const R;
                    let product = Product {
                        a: at(left),
                        row_a: left.step as isize,
                        step_a: 1,
                        strip_a: 0,
                        packed,
                        c: out,
                        row_c: home.step as isize,
                        init: start.map_or(std::ptr::null(), |home| at(home).cast_const()),
                        row_init: start.map_or(0, |home| home.step as isize),
                        m: rows,
                        k,
                        n: width,
                        backwards,
                    };
                    (table.multiply)(&product, 0, width);
                }
                Kind::Product { .. } => self.product(value, rows, pointers),
                Kind::Copy { x, offset, sizes, strides } => {
                    let from = layout.home(*x);
                    let x = at(from).offset(*offset);
                    let dims = sizes.len();
                    let columns = sizes[dims - 1];
                    let (lines, line) = if dims > 1 { (sizes[dims - 2], strides[dims - 2]) } else { (1, 0) };
                    for row in 0..rows {
                        let (x, out) = (x.add(row * from.step), out.add(row * home.step));
                        walk(sizes, [strides], 2, |place, [i]| {
                            copy_plane(out.add(place * lines * columns), columns, x.offset(i), lines, columns, line, strides[dims - 1]);
                        });
                    }
                }
                Kind::Concat { parts } => {
                    let mut offset = home.offset;
                    for part in parts {
                        let place = Home { offset, ..home };
                        if layout.home(*part) != place {
                            self.copy(layout.home(*part), place, program.widths[*part], rows, pointers);
                        }
                        offset += program.widths[*part] as isize;
                    }
                }
                Kind::Reduce { op, x, outer, size, inner } => {
                    let from = layout.home(*x);
                    let kernel = [table.sum, table.max, table.min][*op];
                    if from.step == program.widths[*x] && home.step == width {
                        kernel(out, at(from), rows * outer, *size, *inner);
                    } else {
                        for row in 0..rows {
                            kernel(out.add(row * home.step), at(from).add(row * from.step), *outer, *size, *inner);
                        }
                    }
                }
                _ => unreachable!("elementwise instructions are in segments"),
            }
        }
    }

    /// Products inside each row.
    unsafe fn product(&self, value: usize, rows: usize, pointers: &[*mut R]) {
        let Run { program, layout, table, .. } = *self;
        let Kind::Product { a, b, blocks, m, k, n, strides_a, strides_b } = &program.instruction(value).expect("an instruction").kind
        else {
            unreachable!("a product");
        };
        let at = |home: Home| unsafe { pointers[home.slot].offset(home.offset) };
        let (home, left, right) = (layout.home(value), layout.home(*a), layout.home(*b));
        unsafe {
            let Some(packing) = layout.packing_of[value] else {
                for row in 0..rows {
                    for block in 0..*blocks {
                        let x = at(left).add(row * left.step).offset(block as isize * strides_a[0]);
                        let y = at(right).add(row * right.step).offset(block as isize * strides_b[0]);
                        let c = at(home).add(row * home.step + block * m * n);
                        (table.multiply_small)(c, (x, strides_a[1], strides_a[2]), (y, strides_b[1], strides_b[2]), *m, *k, *n);
                    }
                }
                return;
            };
            let form = layout.packings[packing].form;
            for block in 0..*blocks {
                let factor = if form.count == 1 { 0 } else { block * tiles::packed_size(*k, *n, table.panel) };
                let each = |a: *const R, row_a: isize, c: *mut R, row_c: usize, m: usize| {
                    let packed = (self.packed[packing] as *const R).add(factor);
                    let (step_a, strip_a) = (strides_a[2], 0);
                    let (init, row_init) = (std::ptr::null(), 0);
                    let product = Product {
                        a,
                        row_a,
                        step_a,
                        strip_a,
                        packed,
                        c,
                        row_c: row_c as isize,
                        init,
                        row_init,
                        m,
                        k: *k,
                        n: *n,
                        backwards: false,
                    };
                    (table.multiply)(&product, 0, *n);
                };
                let x = at(left).offset(block as isize * strides_a[0]).cast_const();
                let c = at(home).add(block * m * n);
                // One matrix for each row, dense: all rows are rows of one product. Else all first lines are, all second ones, ...
                if *blocks == 1 && left.step as isize == *m as isize * strides_a[1] && home.step == m * n {
                    each(x, strides_a[1], c, *n, rows * m);
                } else if rows >= *m {
                    for i in 0..*m {
                        each(x.offset(i as isize * strides_a[1]), left.step as isize, c.add(i * n), home.step, rows);
                    }
                } else {
                    for row in 0..rows {
                        each(x.add(row * left.step), strides_a[1], c.add(row * home.step), *n, *m);
                    }
                }
            }
        }
    }
}

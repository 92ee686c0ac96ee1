//! Segments: elementwise instructions of one width, computed for some elements at a time, so that what they make of each other stays in the
//! first cache.
use super::decode::{Kind, Operand, Program};
use super::layout::Home;
use crate::engine::Tabled;
use crate::kernels::table::Table;

/// Elements at a time.
const BLOCK: usize = 512;

/// Where a member's operand comes from.
#[derive(Clone, Copy)]
enum Source {
    /// Another member.
    Member(usize),
    /// Something in memory, by its place in `loads`.
    Load(usize),
    /// A number, by its place in `numbers`.
    Number(usize),
}

enum Op {
    Unary(usize),
    Binary(usize),
    Select,
    /// One element, or the same, repeated.
    Copy,
}

struct Member {
    op: Op,
    sources: [Source; 3],
    /// Where the result is wanted outside.
    home: Option<Home>,
    /// Its buffer.
    buffer: usize,
}

struct Load {
    home: Home,
    /// One element stands for all features.
    single: bool,
    /// The same for all rows: a row that is repeated in its buffer once.
    constant: bool,
    buffer: usize,
}

/// Pointers of a segment that runs: as many as the largest segment has.
pub struct Workspace<'a, R> {
    /// Elements, and a step of 0 or 1 from one to the next.
    pub loads: &'a mut [(*const R, usize)],
    pub results: &'a mut [*mut R],
}

pub struct Segment {
    width: usize,
    members: Vec<Member>,
    loads: Vec<Load>,
    numbers: (Vec<f32>, Vec<f64>),
    buffers: usize,
    rows: usize,
    columns: usize,
}

impl Segment {
    pub fn new(program: &Program, homes: &[Option<Home>], width: usize, values: &[usize]) -> Segment {
        let mut loads: Vec<(usize, Load)> = Vec::new();
        let mut numbers: Vec<f64> = Vec::new();
        let mut source = |operand: Operand| match operand {
            Operand::Number(number) => {
                numbers.push(number);
                Source::Number(numbers.len() - 1)
            }
            Operand::Value(value) => {
                if let Some(member) = values.iter().position(|each| *each == value) {
                    return Source::Member(member);
                }
                if let Some(known) = loads.iter().position(|each| each.0 == value) {
                    return Source::Load(known);
                }
                let home = homes[value].expect("a value from outside is in memory");
                let single = program.widths[value] == 1 && width > 1;
                loads.push((value, Load { home, single, constant: home.step == 0, buffer: 0 }));
                Source::Load(loads.len() - 1)
            }
        };
        let none = Source::Number(0);
        let mut members: Vec<Member> = values
            .iter()
            .map(|value| {
                let (op, sources) = match &program.instruction(*value).expect("members are instructions").kind {
                    Kind::Unary { op, x } => (Op::Unary(*op), [source(*x), none, none]),
                    Kind::Binary { op, a, b } => (Op::Binary(*op), [source(*a), source(*b), none]),
                    Kind::Select { condition, a, b } => (Op::Select, [source(*condition), source(*a), source(*b)]),
                    Kind::Copy { x, .. } => (Op::Copy, [source(Operand::Value(*x)), none, none]),
                    Kind::Fill { number } => (Op::Copy, [source(Operand::Number(*number)), none, none]),
                    _ => unreachable!("an elementwise instruction"),
                };
                Member { op, sources, home: homes[*value], buffer: 0 }
            })
            .collect();
        let mut loads: Vec<Load> = loads.into_iter().map(|each| each.1).collect();
        let columns = width.clamp(1, BLOCK);
        let numbers = (numbers.iter().map(|number| *number as f32).collect(), numbers);
        let rows = if width > BLOCK { 1 } else { BLOCK / width.max(1) };
        let buffers = allot(&mut members, &mut loads);
        Segment { width, members, loads, numbers, buffers, rows: rows.max(1), columns }
    }

    pub fn loads(&self) -> usize {
        self.loads.len()
    }

    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Elements of its buffers.
    pub fn room(&self) -> usize {
        self.buffers * BLOCK
    }

    /// Computes `rows` rows; `at` gives the pointer of a place's first row.
    ///
    /// # Safety
    /// All places have so many rows, and `room` has `room()` elements.
    pub unsafe fn run<R: Tabled>(
        &self,
        table: &Table<R>,
        rows: usize,
        room: *mut R,
        workspace: &mut Workspace<R>,
        at: impl Fn(Home) -> *mut R,
    ) {
        if rows == 1 {
            return unsafe { self.row(table, room, workspace, at) };
        }
        let width = self.width;
        let Workspace { loads, results } = workspace;
        let most = self.rows.min(rows);
        unsafe {
            for load in self.loads.iter().filter(|load| load.constant && !load.single && most > 1) {
                let (buffer, row) = (room.add(load.buffer * BLOCK), at(load.home));
                for i in 0..most {
                    copy_small(buffer.add(i * width), row, width);
                }
            }
            for top in (0..rows).step_by(self.rows) {
                let count = self.rows.min(rows - top);
                for left in (0..width).step_by(self.columns) {
                    let columns = self.columns.min(width - left);
                    let n = count * columns;
                    for (load, (pointer, step)) in self.loads.iter().zip(loads.iter_mut()) {
                        let Load { home, single, constant, buffer } = *load;
                        let from = at(home).add(top * home.step + if single { 0 } else { left });
                        let room = room.add(buffer * BLOCK);
                        (*pointer, *step) = if single && (constant || count == 1) {
                            (from.cast_const(), 0)
                        } else if single {
                            for i in 0..count {
                                let value = *from.add(i * home.step);
                                for j in 0..columns {
                                    *room.add(i * columns + j) = value;
                                }
                            }
                            (room.cast_const(), 1)
                        } else if count == 1 || home.step == width {
                            (from.cast_const(), 1)
                        } else if constant {
                            (room.cast_const(), 1)
                        } else {
                            for i in 0..count {
                                copy_small(room.add(i * width), from.add(i * home.step), width);
                            }
                            (room.cast_const(), 1)
                        };
                    }
                    for (i, member) in self.members.iter().enumerate() {
                        let direct = member.home.filter(|home| count == 1 || home.step == width);
                        let out = match direct {
                            Some(home) => at(home).add(top * home.step + left),
                            None => room.add(member.buffer * BLOCK),
                        };
                        results[i] = out;
                        self.compute(table, member, out, n, loads, results);
                        if let (None, Some(home)) = (direct, member.home) {
                            let to = at(home).add(top * home.step);
                            for i in 0..count {
                                copy_small(to.add(i * home.step), out.add(i * width), width);
                            }
                        }
                    }
                }
            }
        }
    }

    /// One row, which lies wherever it is wanted: what it takes to gather rows and to spread them would be most of the time of a small cell.
    unsafe fn row<R: Tabled>(&self, table: &Table<R>, room: *mut R, workspace: &mut Workspace<R>, at: impl Fn(Home) -> *mut R) {
        let Workspace { loads, results } = workspace;
        unsafe {
            for left in (0..self.width).step_by(self.columns) {
                let n = self.columns.min(self.width - left);
                for (load, place) in self.loads.iter().zip(loads.iter_mut()) {
                    let from = at(load.home).cast_const();
                    *place = if load.single { (from, 0) } else { (from.add(left), 1) };
                }
                for (i, member) in self.members.iter().enumerate() {
                    let out = member.home.map_or_else(|| room.add(member.buffer * BLOCK), |home| at(home).add(left));
                    results[i] = out;
                    self.compute(table, member, out, n, loads, results);
                }
            }
        }
    }

    /// `n` elements of a member.
    #[inline(always)]
    unsafe fn compute<R: Tabled>(
        &self,
        table: &Table<R>,
        member: &Member,
        out: *mut R,
        n: usize,
        loads: &[(*const R, usize)],
        results: &[*mut R],
    ) {
        let numbers = R::pick(&self.numbers.0, &self.numbers.1);
        let operand = |source: Source| match source {
            Source::Member(j) => (results[j].cast_const(), 1),
            Source::Load(j) => loads[j],
            Source::Number(j) => (&numbers[j] as *const R, 0),
        };
        let [x, y, z] = member.sources;
        let a = operand(x);
        unsafe {
            match member.op {
                Op::Unary(op) => spread(out, a.1, n, |m| (table.unary[op])(out, a.0, m)),
                Op::Binary(op) => {
                    let b = operand(y);
                    let kernels = &table.binary[op];
                    match (a.1, b.1) {
                        (1, 1) => kernels[0](out, a.0, b.0, n),
                        (1, _) => kernels[1](out, a.0, b.0, n),
                        (_, 1) => kernels[2](out, a.0, b.0, n),
                        _ => spread(out, 0, n, |m| kernels[0](out, a.0, b.0, m)),
                    }
                }
                Op::Select => (table.select)(out, a, operand(y), operand(z), n),
                Op::Copy if a.1 == 1 => std::ptr::copy(a.0, out, n),
                Op::Copy => spread(out, 0, n, |_| *out = *a.0),
            }
        }
    }
}

/// A result of one number is computed once and repeated.
unsafe fn spread<R: Copy>(out: *mut R, step: usize, n: usize, compute: impl FnOnce(usize)) {
    if step == 1 {
        return compute(n);
    }
    compute(1);
    unsafe {
        let value = *out;
        for i in 1..n {
            *out.add(i) = value;
        }
    }
}

#[inline(always)]
unsafe fn copy_small<R: Copy>(to: *mut R, from: *const R, n: usize) {
    unsafe { crate::kernels::movement::copy_run(to, from, n) }
}

/// Gives each member and each load a buffer; members take those that nobody reads any more. Returns how many there are.
fn allot(members: &mut [Member], loads: &mut [Load]) -> usize {
    let mut count = 0;
    for load in loads.iter_mut() {
        load.buffer = count;
        count += 1;
    }
    // The last member that reads each.
    let mut last: Vec<usize> = (0..members.len()).collect();
    for (i, member) in members.iter().enumerate() {
        for source in member.sources {
            if let Source::Member(j) = source {
                last[j] = i;
            }
        }
    }
    let mut free: Vec<usize> = Vec::new();
    for i in 0..members.len() {
        // A result never goes where an operand is read, so what ends here is free from the next member on.
        members[i].buffer = free.pop().unwrap_or_else(|| {
            count += 1;
            count - 1
        });
        for j in 0..=i {
            if last[j] == i {
                free.push(members[j].buffer);
            }
        }
    }
    count
}

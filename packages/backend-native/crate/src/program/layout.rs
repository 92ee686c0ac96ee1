//! Where the values of a program live while it runs, and in which groups its instructions are computed.
use super::Packing;
use super::decode::{Kind, Program};
use super::segment::Segment;
use crate::engine::Form;

/// A place in memory: a pointer that moves from step to step, elements to add to it, elements from row to row (0: the same for all rows).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Home {
    pub slot: usize,
    pub offset: isize,
    pub step: usize,
}

pub enum Group {
    /// Elementwise instructions of one width, in one pass.
    Segment(Segment),
    /// An instruction by itself.
    Single(usize),
}

/// Where pointers of a kind begin.
pub struct Slots {
    pub before: usize,
    pub outputs: usize,
    pub after: usize,
    pub scratch: usize,
    pub count: usize,
}

pub struct Layout {
    pub slots: Slots,
    pub homes: Vec<Option<Home>>,
    pub groups: Vec<Group>,
    /// Elements a row of each scratch value.
    pub scratch: Vec<usize>,
    /// Values that have to be copied at the end of a step to where they are wanted as well.
    pub copies: Vec<(usize, Home)>,
    /// For each part of the carry the output that holds its next values already, so that nothing is copied.
    pub carry_in: Vec<Option<usize>>,
    pub packings: Vec<Packing>,
    /// By the number of a value: its first packing.
    pub packing_of: Vec<Option<usize>>,
    pub work_of_row: usize,
    /// Elements a row of each state that needs a second buffer.
    states: Vec<usize>,
    /// Elements that the segments need.
    pub segment_room: usize,
    /// Of one segment.
    pub most_loads: usize,
    pub most_members: usize,
    row_elements: usize,
    weight_elements: usize,
    is_loop: bool,
}

/// Bytes of values that one pass over some rows may touch, so that the next group finds them in the second cache.
const CACHED: usize = 192 * 1024;

impl Layout {
    pub fn of(program: &Program) -> Layout {
        let count = program.widths.len();
        // Operands have the pointers of their numbers; what is written follows.
        let after = program.first + program.ys.len();
        let mut slots = Slots { before: program.xs.len(), outputs: program.first, after, scratch: after + program.carry.len(), count: 0 };
        let mut homes: Vec<Option<Home>> = vec![None; count];
        for (value, home) in homes.iter_mut().enumerate().take(program.first) {
            let step = if program.is_const(value) { 0 } else { program.widths[value] };
            *home = Some(Home { slot: value, offset: 0, step });
        }

        // What is wanted somewhere is computed there.
        let is_made = |value: usize| value >= program.first && program.range(value).is_none();
        for (i, value) in program.ys.iter().enumerate() {
            if is_made(*value) && homes[*value].is_none() {
                homes[*value] = Some(Home { slot: slots.outputs + i, offset: 0, step: program.widths[*value] });
            }
        }
        for (i, value) in program.carry_out.iter().enumerate() {
            if is_made(*value) && homes[*value].is_none() {
                homes[*value] = Some(Home { slot: slots.after + i, offset: 0, step: program.widths[*value] });
            }
        }
        let groups = group(program);
        let mut scratch = Vec::new();
        let mut leaves = vec![false; count];
        let base = |mut value: usize| {
            while let Some((x, _)) = program.range(value) {
                value = x;
            }
            value
        };
        for value in program.first..count {
            for x in program.operands(value) {
                let stays = program.is_elementwise(value)
                    && program.is_elementwise(x)
                    && groups.of[x] == groups.of[value]
                    && program.widths[x] == program.widths[value];
                if !stays {
                    leaves[base(x)] = true;
                }
            }
        }
        for value in program.ys.iter().chain(&program.carry_out) {
            leaves[base(*value)] = true;
        }
        // Backwards: a concatenation has its place before its parts get theirs in it.
        for value in (program.first..count).rev() {
            if program.range(value).is_some() {
                continue;
            }
            if homes[value].is_none() && (leaves[value] || !program.is_elementwise(value)) {
                homes[value] = Some(Home { slot: slots.scratch + scratch.len(), offset: 0, step: program.widths[value] });
                scratch.push(program.widths[value]);
            }
            if let Some(Kind::Concat { parts }) = program.instruction(value).map(|each| &each.kind) {
                let whole = homes[value].expect("concatenations have places");
                let mut offset = whole.offset;
                for part in parts {
                    if is_made(*part) && homes[*part].is_none() {
                        homes[*part] = Some(Home { offset, ..whole });
                    }
                    offset += program.widths[*part] as isize;
                }
            }
        }
        for value in program.first..count {
            if let Some((x, offset)) = program.range(value) {
                homes[value] = homes[x].map(|home| Home { offset: home.offset + offset, ..home });
            }
        }
        slots.count = slots.scratch + scratch.len();

        let mut copies = Vec::new();
        let mut want = |value: usize, slot: usize, step: usize| {
            let place = Home { slot, offset: 0, step };
            if homes[value] != Some(place) {
                copies.push((value, place));
            }
        };
        for (i, value) in program.ys.iter().enumerate() {
            want(*value, slots.outputs + i, program.widths[*value]);
        }
        let mut carry_in = Vec::new();
        for (i, value) in program.carry_out.iter().enumerate() {
            // An output that is written while it is computed holds the state as well.
            let output = program.ys.iter().position(|output| output == value).filter(|_| is_made(*value));
            if output.is_none() {
                want(*value, slots.after + i, program.carry[i]);
            }
            carry_in.push(output);
        }

        let (packings, packing_of) = pack(program);
        let segments = groups.list;
        let mut list = Vec::new();
        let (mut segment_room, mut most_loads, mut most_members) = (0, 0, 0);
        for draft in segments {
            list.push(match draft {
                Draft::Single(value) => Group::Single(value),
                Draft::Segment(width, members) => {
                    let segment = Segment::new(program, &homes, width, &members);
                    segment_room = segment_room.max(segment.room());
                    most_loads = most_loads.max(segment.loads());
                    most_members = most_members.max(segment.members());
                    Group::Segment(segment)
                }
            });
        }
        let made: usize = program.body.iter().map(|each| each.width).sum();
        let has_output = |i: usize| carry_in[i].is_some();
        let states = (0..program.carry.len()).filter(|i| !has_output(*i)).map(|i| program.carry[i]).collect();
        Layout {
            states,
            slots,
            homes,
            groups: list,
            scratch,
            copies,
            carry_in,
            packings,
            packing_of,
            work_of_row: program.body.iter().map(|each| work(program, each)).sum(),
            segment_room,
            most_loads,
            most_members,
            row_elements: (made + program.xs.iter().sum::<usize>()).max(1),
            weight_elements: program.consts.iter().map(|shape| shape.0 * shape.1).max().unwrap_or(0),
            is_loop: !program.carry.is_empty(),
        }
    }

    pub fn home(&self, value: usize) -> Home {
        self.homes[value].expect("a value that is read from memory has a place")
    }

    /// Rows that go through all steps, or through all instructions, before the next ones.
    pub fn block_rows(&self, rows: usize, size: usize) -> usize {
        let least = if self.is_loop || self.weight_elements * size > CACHED { 144 } else { 24 };
        let fitting = CACHED / size / self.row_elements / 24 * 24;
        fitting.max(least).min(rows).max(1)
    }

    /// Bytes of the room of one share, whole lines of the cache: scratch values, two buffers of each state that needs them, what segments
    /// need, and the lists of `Run::block`.
    pub fn room_bytes(&self, program: &Program, rows: usize, size: usize) -> usize {
        let bytes = |width: usize| (width * rows * size).next_multiple_of(64);
        let scratch: usize = self.scratch.iter().map(|width| bytes(*width)).sum();
        let states: usize = self.states.iter().map(|width| bytes(*width)).sum();
        let lists = 2 * self.slots.count + 2 * program.carry.len() + 2 * self.most_loads + self.most_members;
        scratch + states + (self.segment_room * size + lists * size_of::<usize>()).next_multiple_of(64)
    }
}

/// About how much an instruction is for one row, in multiplications and additions.
fn work(program: &Program, instruction: &super::decode::Instruction) -> usize {
    let width = instruction.width;
    match &instruction.kind {
        Kind::Matmul { x, .. } => 2 * program.widths[*x] * width,
        Kind::Product { k, .. } => 4 * k * width,
        Kind::Unary { op, .. } => width * if [1, 2, 3, 5, 8, 9, 11].contains(op) { 16 } else { 4 },
        Kind::Reduce { x, .. } => program.widths[*x] * 4,
        _ => width * 4,
    }
}

enum Draft {
    Segment(usize, Vec<usize>),
    Single(usize),
}

struct Grouped {
    list: Vec<Draft>,
    /// By the number of a value.
    of: Vec<Option<usize>>,
}

/// Puts each elementwise instruction into the first segment of its width behind all that it needs.
fn group(program: &Program) -> Grouped {
    let count = program.widths.len();
    let mut list: Vec<Draft> = Vec::new();
    let mut of: Vec<Option<usize>> = vec![None; count];
    // From which group on a value can be read from memory.
    let mut ready = vec![0usize; count];
    for value in program.first..count {
        if let Some((x, _)) = program.range(value) {
            ready[value] = ready[x];
            continue;
        }
        let width = program.widths[value];
        if program.is_elementwise(value) {
            let from = program
                .operands(value)
                .into_iter()
                .map(|x| match of[x] {
                    Some(group) if program.is_elementwise(x) && program.widths[x] == width => group,
                    _ => ready[x],
                })
                .max()
                .unwrap_or(0);
            let found = (from..list.len()).find(|g| matches!(&list[*g], Draft::Segment(w, _) if *w == width));
            let place = found.unwrap_or_else(|| {
                list.push(Draft::Segment(width, Vec::new()));
                list.len() - 1
            });
            if let Draft::Segment(_, members) = &mut list[place] {
                members.push(value);
            }
            of[value] = Some(place);
        } else {
            list.push(Draft::Single(value));
            of[value] = Some(list.len() - 1);
        }
        ready[value] = of[value].map_or(0, |place| place + 1);
    }
    Grouped { list, of }
}

/// Weights are packed in the order in which a product reads them.
fn pack(program: &Program) -> (Vec<Packing>, Vec<Option<usize>>) {
    let mut packings: Vec<Packing> = Vec::new();
    let mut packing_of = vec![None; program.widths.len()];
    for value in program.first..program.widths.len() {
        let wanted = match program.instruction(value).map(|each| &each.kind) {
            Some(Kind::Matmul { x, weight, transposed, .. }) => {
                let (k, n) = (program.widths[*x], program.widths[value]);
                let (row, column) = if *transposed { (1, k as isize) } else { (n as isize, 1) };
                Some((*weight, Form { count: 1, apart: 0, row, column, k, n }))
            }
            Some(Kind::Product { b, blocks, k, n, strides_b, .. }) if program.is_const(*b) => {
                let [apart, row, column] = *strides_b;
                Some((*b, Form { count: if apart == 0 { 1 } else { *blocks }, apart, row, column, k: *k, n: *n }))
            }
            _ => None,
        };
        if let Some((weight, form)) = wanted {
            let constant = weight - program.first_const;
            let known = packings.iter().position(|each| each.constant == constant && each.form == form);
            packing_of[value] = Some(known.unwrap_or_else(|| {
                packings.push(Packing { constant, form });
                packings.len() - 1
            }));
        }
    }
    (packings, packing_of)
}

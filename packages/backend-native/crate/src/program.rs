//! Programs, compiled: where the values of a program live and in which order they are computed is found out once; a run loops over blocks of rows
//! and over steps.
mod decode;
mod execute;
mod layout;
mod segment;

use crate::arguments::{Arguments, Failure, Outcome};
use crate::engine::{Engine, Form, Tabled};
use crate::memory::Full;
use crate::operations::WORTHWHILE;
use decode::Program;
use execute::Run;
use layout::Layout;

pub struct Compiled {
    program: Program,
    layout: Layout,
    lists: Lists,
}

/// Addresses of a run, kept for the next one: a small program takes a microsecond in all, of which allocations would be a good part.
#[derive(Default)]
struct Lists {
    /// By the number of a value.
    operands: Vec<usize>,
    packed: Vec<usize>,
    /// Outputs, then the state at the end.
    results: Vec<usize>,
}

/// Shares of rows begin at multiples of this, where there are as many: so products have whole tiles.
const UNIT: usize = 4;

impl Compiled {
    pub fn new(words: Arguments) -> Compiled {
        let program = Program::decode(words);
        let layout = Layout::of(&program);
        Compiled { program, layout, lists: Lists::default() }
    }

    /// `steps`, `rows`, then the addresses of all operands; answers with those of outputs and of the state at the end.
    pub fn run(&mut self, engine: &mut Engine, args: Arguments) -> Outcome {
        let mut lists = std::mem::take(&mut self.lists);
        let done = if self.program.is_float64 {
            self.run_as::<f64>(engine, args, &mut lists)
        } else {
            self.run_as::<f32>(engine, args, &mut lists)
        };
        self.lists = lists;
        done
    }

    fn run_as<R: Tabled>(&self, engine: &mut Engine, mut args: Arguments, lists: &mut Lists) -> Outcome {
        let Compiled { program, layout, .. } = self;
        let Lists { operands, packed, results } = lists;
        let size = size_of::<R>();
        let (steps, rows) = (args.size(), args.size());
        operands.clear();
        let sizes = [
            ("x", &program.xs, steps * rows),
            ("carry", &program.carry, rows),
            ("per-row constant", &program.per_row, rows),
            ("constant", &program.const_elements, 1),
        ];
        for (name, elements, times) in sizes {
            for each in elements {
                let address = args.size();
                engine.check(name, address, size, 0, (each * times) as isize - 1)?;
                operands.push(address);
            }
        }
        packed.clear();
        for packing in &layout.packings {
            packed.push(engine.packed::<R>(operands[program.first_const + packing.constant], packing.form)?);
        }
        let work = layout.work_of_row.saturating_mul(rows * steps);
        let most = engine.pool.count().min((work / WORTHWHILE).max(1)).min(rows.div_ceil(UNIT));
        let block_rows = layout.block_rows(rows.div_ceil(most), size);

        // Everything is taken first, and given back if not all of it fits.
        results.clear();
        let bytes_of = |i: usize| match program.ys.get(i) {
            Some(value) => steps * rows * program.widths[*value] * size,
            None => rows * program.carry[i - program.ys.len()] * size,
        };
        let give_back = |engine: &mut Engine, results: &[usize]| {
            for (i, block) in results.iter().enumerate() {
                engine.memory.give(*block, bytes_of(i));
            }
        };
        let room_bytes = layout.room_bytes(program, block_rows, size);
        let count = program.ys.len() + program.carry.len();
        let mut take_all = || -> Result<usize, Full> {
            for i in 0..count {
                results.push(engine.memory.take(bytes_of(i))?);
            }
            engine.memory.take(room_bytes * most)
        };
        let room = match take_all() {
            Ok(room) => room,
            Err(full) => {
                give_back(engine, results);
                return Err(full.into());
            }
        };

        let table = R::table(&engine.tables);
        let run = Run::<R> { program, layout, table, steps, rows, operands, packed, results, block_rows };
        let units = rows.div_ceil(UNIT);
        let done = engine.pool.run(most, &|share| {
            let cut = |share: usize| (units * share / most * UNIT).min(rows);
            // SAFETY: the operands were checked, the rest was just taken, and shares have rows and room of their own.
            unsafe { run.rows(cut(share), cut(share + 1), room + share * room_bytes) };
        });
        engine.memory.give(room, room_bytes * most);
        if let Err(text) = done {
            give_back(engine, results);
            return Err(Failure::Wrong(text));
        }
        for (i, address) in results.iter().enumerate() {
            engine.answer(1 + i, *address as f64);
        }
        Ok(())
    }
}

/// A weight that some product reads packed.
struct Packing {
    /// Which of the constants it is.
    constant: usize,
    form: Form,
}

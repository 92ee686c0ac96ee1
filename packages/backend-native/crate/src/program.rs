//! Programs, compiled: where the values of a program live and in which order they are computed is found out once; a run loops over blocks of rows
//! and over steps.
mod decode;
mod execute;
mod layout;
mod segment;

use crate::arguments::{Arguments, Failure, Outcome};
use crate::engine::{Engine, Form, Tabled};
use crate::operations::WORTHWHILE;
use decode::Program;
use execute::Run;
use layout::Layout;

pub struct Compiled {
    program: Program,
    layout: Layout,
}

/// Shares of rows begin at multiples of this, where there are as many: so products have whole tiles.
const UNIT: usize = 4;

impl Compiled {
    pub fn new(words: Arguments) -> Compiled {
        let program = Program::decode(words);
        let layout = Layout::of(&program);
        Compiled { program, layout }
    }

    /// `steps`, `rows`, then the addresses of all operands; answers with those of outputs and of the state at the end.
    pub fn run(&self, engine: &mut Engine, args: Arguments) -> Outcome {
        if self.program.is_float64 { self.run_as::<f64>(engine, args) } else { self.run_as::<f32>(engine, args) }
    }

    fn run_as<R: Tabled>(&self, engine: &mut Engine, mut args: Arguments) -> Outcome {
        let Compiled { program, layout } = self;
        let size = size_of::<R>();
        let (steps, rows) = (args.size(), args.size());
        let mut operands = |engine: &Engine, name: &str, widths: &[usize], times: usize| -> Result<Vec<usize>, Failure> {
            widths
                .iter()
                .map(|width| {
                    let address = args.size();
                    engine.check(name, address, size, 0, (width * times) as isize - 1)?;
                    Ok(address)
                })
                .collect()
        };
        let stacked = operands(engine, "stacked operand", &program.stacked, steps * rows)?;
        let carried = operands(engine, "carried operand", &program.carried, rows)?;
        let per_row = operands(engine, "per-row operand", &program.per_row, rows)?;
        let elements: Vec<usize> = program.fixed.iter().map(|shape| shape.0 * shape.1).collect();
        let fixed = operands(engine, "fixed operand", &elements, 1)?;

        let mut packed = Vec::with_capacity(layout.packings.len());
        for packing in &layout.packings {
            packed.push(engine.packed::<R>(fixed[packing.fixed], packing.form)?);
        }
        let work = layout.work_of_row.saturating_mul(rows * steps);
        let most = engine.pool.count().min((work / WORTHWHILE).max(1)).min(rows.div_ceil(UNIT));
        let block_rows = layout.block_rows(rows.div_ceil(most), size);

        // Everything is taken first, and given back if not all of it fits.
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut take = |engine: &mut Engine, elements: usize| -> Result<usize, Failure> {
            let bytes = elements * size;
            match engine.memory.take(bytes) {
                Ok(block) => {
                    taken.push((block, bytes));
                    Ok(block)
                }
                Err(full) => {
                    for (block, bytes) in &taken {
                        engine.memory.give(*block, *bytes);
                    }
                    Err(full.into())
                }
            }
        };
        let mut outputs = Vec::with_capacity(program.outputs.len());
        for value in &program.outputs {
            outputs.push(take(engine, steps * rows * program.widths[*value])?);
        }
        let mut last = Vec::with_capacity(program.carried.len());
        for width in &program.carried {
            last.push(take(engine, rows * width)?);
        }
        let room_elements = layout.room_elements(block_rows, 64 / size);
        let room = take(engine, room_elements * most)?;

        let table = R::table(&engine.tables);
        let run = Run::<R> { program, layout, table, steps, rows, stacked, carried, per_row, fixed, packed, outputs, last, block_rows };
        let units = rows.div_ceil(UNIT);
        let done = engine.pool.run(most, &|share| {
            let cut = |share: usize| (units * share / most * UNIT).min(rows);
            // SAFETY: the operands were checked, the rest was just taken, and shares have rows and room of their own.
            unsafe { run.rows(cut(share), cut(share + 1), room + share * room_elements * size) };
        });
        let Run { outputs, last, .. } = run;
        engine.memory.give(room, room_elements * most * size);
        if let Err(text) = done {
            taken.pop();
            for (block, bytes) in taken {
                engine.memory.give(block, bytes);
            }
            return Err(Failure::Wrong(text));
        }
        for (i, address) in outputs.iter().chain(&last).enumerate() {
            engine.answer(1 + i, *address as f64);
        }
        Ok(())
    }
}

/// A weight that some product reads packed.
struct Packing {
    /// Which of the fixed operands it is.
    fixed: usize,
    form: Form,
}

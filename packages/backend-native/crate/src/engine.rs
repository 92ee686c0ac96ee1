//! One backend: its memory, its threads, its kernels, its programs.
use crate::arguments::{Arguments, Failure, Outcome};
use crate::kernels::reals::Real;
use crate::kernels::table::{Table, Tables, tables_for};
use crate::kernels::tiles;
use crate::memory::{CHECKED, Memory};
use crate::operations::OPERATIONS;
use crate::pool::{Pool, message_of};
use crate::program::Compiled;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a storage is packed: `count` factors `[k, n]`, `apart` elements from each other.
#[derive(Clone, Copy, PartialEq)]
pub struct Form {
    pub count: usize,
    pub apart: isize,
    pub row: isize,
    pub column: isize,
    pub k: usize,
    pub n: usize,
}

struct Packed {
    form: Form,
    block: usize,
    bytes: usize,
}

pub struct Engine {
    pub memory: Memory,
    pub pool: Pool,
    pub tables: Tables,
    pub programs: Vec<Option<Box<Compiled>>>,
    /// Factors of products in the order in which they are read; storages never change, so they are kept as long as the storage.
    packed: BTreeMap<usize, Vec<Packed>>,
    words: *mut f64,
    count: usize,
    /// An array of the caller's, for the call that runs now: address and bytes.
    pub given: (*mut u8, usize),
}

/// Storages that wait to be released at the next call: as in `channel.ts`. Behind the words stand their number and, for each, address and bytes.
const RELEASES: usize = 128;

/// What the first word says after a call.
const DONE: f64 = 0.0;
const GREW: f64 = 1.0;
const FULL: f64 = 2.0;
const WRONG: f64 = 3.0;

/// Element types a kernel's table exists for.
pub trait Tabled: Real {
    fn table(tables: &Tables) -> &Table<Self>;
    /// The numbers of this type.
    fn pick<'a>(single: &'a [f32], double: &'a [f64]) -> &'a [Self];
}

impl Tabled for f32 {
    fn table(tables: &Tables) -> &Table<f32> {
        &tables.f32
    }

    fn pick<'a>(single: &'a [f32], _: &'a [f64]) -> &'a [f32] {
        single
    }
}

impl Tabled for f64 {
    fn table(tables: &Tables) -> &Table<f64> {
        &tables.f64
    }

    fn pick<'a>(_: &'a [f32], double: &'a [f64]) -> &'a [f64] {
        double
    }
}

impl Engine {
    /// # Safety
    /// `all` words at `words`, more than those of the releases, can be read and written as long as the engine lives.
    pub unsafe fn new(words: *mut f64, all: usize, threads: usize, registers: &str, strict: bool, limit: usize) -> Engine {
        Engine {
            memory: Memory::new(limit),
            pool: Pool::new(threads),
            tables: tables_for(registers, strict),
            programs: Vec::new(),
            packed: BTreeMap::new(),
            words,
            count: all - (1 + 2 * RELEASES),
            given: (std::ptr::null_mut(), 0),
        }
    }

    /// Runs the operation that the words name.
    pub fn call(&mut self) {
        let before = self.memory.reserved();
        // SAFETY: the words are there for as long as this lives.
        let mut arguments = unsafe { Arguments::new(self.words, 0, self.count) };
        let number = arguments.size();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.release_waiting();
            match OPERATIONS.get(number) {
                Some((_, operation)) => operation(self, arguments),
                None => Err(Failure::Wrong(format!("there is no operation {number}"))),
            }
        }))
        .unwrap_or_else(|panic| Err(Failure::Wrong(message_of(panic))));
        match outcome {
            Ok(()) => self.answer(0, if self.memory.reserved() > before { GREW } else { DONE }),
            Err(Failure::Full(bytes)) => {
                self.answer(1, bytes as f64);
                self.answer(2, self.memory.reserved() as f64);
                self.answer(0, FULL);
            }
            Err(Failure::Wrong(text)) => {
                let bytes = &text.as_bytes()[..text.len().min((self.count - 2) * 8)];
                // SAFETY: the text was cut to what there is room for.
                unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.words.add(2).cast(), bytes.len()) };
                self.answer(1, bytes.len() as f64);
                self.answer(0, WRONG);
            }
        }
    }

    fn release_waiting(&mut self) {
        // SAFETY: these words are there, behind those of the arguments.
        let mut waiting = unsafe { Arguments::new(self.words, self.count, self.count + 1 + 2 * RELEASES) };
        let count = waiting.size();
        if count == 0 {
            return;
        }
        // SAFETY: as above. None is released twice, whatever becomes of this.
        unsafe { *self.words.add(self.count) = 0.0 };
        for _ in 0..count {
            let (address, bytes) = (waiting.size(), waiting.size());
            self.release(address, bytes);
        }
    }

    pub fn answer(&mut self, at: usize, word: f64) {
        assert!(at < self.count, "an answer is longer than the words");
        // SAFETY: just checked.
        unsafe { *self.words.add(at) = word };
    }

    /// Where small values may be left for the caller.
    pub fn room(&mut self) -> (*mut u8, usize) {
        // SAFETY: there are more words than this.
        (unsafe { self.words.add(16).cast() }, (self.count - 16) * 8)
    }

    /// Takes a storage for a result, whose address is the answer.
    pub fn result(&mut self, bytes: usize) -> Result<usize, Failure> {
        let block = self.memory.take(bytes)?;
        self.answer(1, block as f64);
        Ok(block)
    }

    /// Refuses addresses that are no storage's, where calls are checked: `count` elements from `address + first * size` on, both ways.
    pub fn check(&self, what: &str, address: usize, size: usize, least: isize, most: isize) -> Outcome {
        if !CHECKED {
            return Ok(());
        }
        let start = address as isize + least * size as isize;
        let bytes = (most - least + 1) * size as isize;
        if bytes < 0 || start < 0 || !self.memory.holds(start as usize, bytes as usize) || !self.memory.holds(address, 0) {
            return Err(Failure::Wrong(format!("{what}: {bytes} bytes at {start:#x} are not in one storage")));
        }
        Ok(())
    }

    /// The same for a walk with strides.
    pub fn check_walk(&self, what: &str, address: usize, size: usize, offset: isize, sizes: &[usize], strides: &[isize]) -> Outcome {
        if !CHECKED {
            return Ok(());
        }
        let (mut least, mut most) = (offset, offset);
        for (n, stride) in sizes.iter().zip(strides) {
            let reach = (*n as isize - 1) * stride;
            least += reach.min(0);
            most += reach.max(0);
        }
        self.check(what, address, size, least, most)
    }

    pub fn release(&mut self, address: usize, bytes: usize) {
        self.memory.give(address, bytes);
        if self.packed.is_empty() {
            return;
        }
        for packed in self.packed.remove(&address).unwrap_or_default() {
            self.memory.give(packed.block, packed.bytes);
        }
    }

    /// Factors of a storage, packed; made when they are first wanted.
    pub fn packed<R: Tabled>(&mut self, address: usize, form: Form) -> Result<usize, Failure> {
        if let Some(known) = self.packed.get(&address).and_then(|list| list.iter().find(|each| each.form == form)) {
            return Ok(known.block);
        }
        let Form { count, apart, row, column, k, n } = form;
        let table = R::table(&self.tables);
        let each = tiles::packed_size(k, n, table.panel);
        let bytes = (count * each * size_of::<R>()).max(1);
        let block = self.memory.take(bytes)?;
        for i in 0..count {
            // SAFETY: the factors lie in the storage, as core has checked.
            unsafe {
                let from = (address as *const R).offset(i as isize * apart);
                (table.pack)((block as *mut R).add(i * each), from, row, column, k, n, 0, n);
            }
        }
        self.packed.entry(address).or_default().push(Packed { form, block, bytes });
        Ok(block)
    }
}

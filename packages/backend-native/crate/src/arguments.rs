//! The block of memory through which JavaScript and this crate talk: 64-bit floats, which hold addresses and sizes exactly. The first word
//! names the operation and is then the answer's kind; the arguments follow, and in their place the results.

/// What an operation answers when it cannot be done.
pub enum Failure {
    /// There is no room for so many bytes.
    Full(usize),
    /// Something that does not happen: a caller's mistake, or a panic.
    Wrong(String),
}

impl From<crate::memory::Full> for Failure {
    fn from(full: crate::memory::Full) -> Failure {
        Failure::Full(full.bytes)
    }
}

pub type Outcome = Result<(), Failure>;

/// Reads arguments one after another.
#[derive(Clone, Copy)]
pub struct Arguments {
    words: *const f64,
    at: usize,
    count: usize,
}

impl Arguments {
    /// # Safety
    /// `count` words can be read for as long as this lives.
    pub unsafe fn new(words: *const f64, at: usize, count: usize) -> Arguments {
        Arguments { words, at, count }
    }

    pub fn float(&mut self) -> f64 {
        assert!(self.at < self.count, "an operation has fewer arguments than it reads");
        // SAFETY: `at` is below the count.
        let word = unsafe { *self.words.add(self.at) };
        self.at += 1;
        word
    }

    pub fn size(&mut self) -> usize {
        self.float() as usize
    }

    pub fn step(&mut self) -> isize {
        self.float() as isize
    }

    pub fn flag(&mut self) -> bool {
        self.float() != 0.0
    }

    pub fn sizes(&mut self) -> Vec<usize> {
        let count = self.size();
        (0..count).map(|_| self.size()).collect()
    }

    pub fn steps(&mut self, count: usize) -> Vec<isize> {
        (0..count).map(|_| self.step()).collect()
    }
}

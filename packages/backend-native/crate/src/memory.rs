//! The memory of one backend: blocks by size classes, kept for the next one of their class, within a limit.
//!
//! Storages come and go at every step of a loop, in a few sizes. A block that is given back waits in the list of its class, so that taking
//! one is a read, and no page is touched for the first time again. Eight classes for each doubling waste a ninth at most. What waits is
//! bounded by what was in use at once lately; beyond that blocks go back to the system.
use std::alloc::{Layout, alloc, dealloc};

/// Blocks begin at multiples of a cache line, which serves every vector too.
const LINE: usize = 64;
/// Blocks up to this size are cut from slabs, which stay.
const SMALL: usize = 2048;
const SLAB: usize = 16 * 1024;
/// So much may always wait.
const KEPT: usize = 64 << 20;
/// After so many blocks the largest use is forgotten by and by.
const EPOCH: usize = 4096;

/// There is no room for a block.
#[derive(Debug, PartialEq)]
pub struct Full {
    pub bytes: usize,
}

pub struct Memory {
    limit: usize,
    /// Bytes taken from the system, those that wait among them.
    reserved: usize,
    waiting: usize,
    free: Vec<Vec<usize>>,
    /// The rest of the newest slab.
    slab: usize,
    slab_left: usize,
    slabs: Vec<usize>,
    /// Large blocks in use, so that all can be freed at the end: the number of bytes alone, or each one where calls are checked.
    in_use: usize,
    most_in_use: usize,
    most_before: usize,
    taken: usize,
    large: std::collections::BTreeMap<usize, usize>,
    live: std::collections::BTreeMap<usize, usize>,
}

/// Whether calls from outside are checked.
pub const CHECKED: bool = cfg!(any(debug_assertions, feature = "checked"));

/// Whether each block is an allocation of just its bytes that goes back at once, as AddressSanitizer needs to see a step beyond it.
const EXACT: bool = cfg!(feature = "exact");

/// The class of a size, and the bytes of its blocks.
fn class_of(bytes: usize) -> (usize, usize) {
    if EXACT {
        return (0, bytes.max(1));
    }
    let least = bytes.max(1).next_multiple_of(LINE);
    let step = LINE.max(1 << (least.ilog2() - 3));
    let size = least.next_multiple_of(step);
    let coarse = size.ilog2() as usize;
    (coarse * 8 + ((size >> (coarse - 3)) & 7), size)
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, LINE).expect("sizes of classes are multiples of a line")
}

impl Memory {
    pub fn new(limit: usize) -> Memory {
        Memory {
            limit,
            reserved: 0,
            waiting: 0,
            free: vec![Vec::new(); 64 * 8],
            slab: 0,
            slab_left: 0,
            slabs: Vec::new(),
            in_use: 0,
            most_in_use: 0,
            most_before: 0,
            taken: 0,
            large: Default::default(),
            live: Default::default(),
        }
    }

    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// A block of at least so many bytes, at a multiple of a line. What is in it is arbitrary.
    pub fn take(&mut self, bytes: usize) -> Result<usize, Full> {
        if bytes > self.limit {
            return Err(Full { bytes });
        }
        let (class, size) = class_of(bytes);
        let block = match self.free[class].pop() {
            Some(block) => {
                self.waiting -= size;
                block
            }
            None if size <= SMALL && !EXACT => self.cut(size)?,
            None => {
                let block = self.reserve(size, bytes)?;
                self.large.insert(block, size);
                block
            }
        };
        self.in_use += size;
        self.most_in_use = self.most_in_use.max(self.in_use);
        self.taken += 1;
        if self.taken.is_multiple_of(EPOCH) {
            self.most_before = self.most_in_use;
            self.most_in_use = self.in_use;
        }
        if CHECKED {
            self.live.insert(block, bytes);
        }
        Ok(block)
    }

    /// Gives back a block that was taken with so many bytes.
    pub fn give(&mut self, block: usize, bytes: usize) {
        let (class, size) = class_of(bytes);
        if CHECKED {
            assert_eq!(self.live.remove(&block), Some(bytes), "a block is given back that was not taken so");
        }
        self.in_use -= size;
        self.waiting += size;
        self.free[class].push(block);
        if EXACT {
            self.free_class(class, 0);
        } else if self.waiting > KEPT.max(self.most_in_use).max(self.most_before) {
            self.trim(self.waiting / 2);
        }
    }

    /// Whether `bytes` bytes from `address` on lie in one block that is in use; known where calls are checked.
    pub fn holds(&self, address: usize, bytes: usize) -> bool {
        let found = self.live.range(..=address).next_back();
        found.is_some_and(|(start, size)| address + bytes <= start + size)
    }

    fn cut(&mut self, size: usize) -> Result<usize, Full> {
        if self.slab_left < size {
            // The rest is too small for this class and serves none any more: at most a small block for each slab.
            let slab = self.reserve(SLAB, size)?;
            self.slabs.push(slab);
            (self.slab, self.slab_left) = (slab, SLAB);
        }
        let block = self.slab;
        self.slab += size;
        self.slab_left -= size;
        Ok(block)
    }

    fn reserve(&mut self, size: usize, wanted: usize) -> Result<usize, Full> {
        if self.reserved + size > self.limit {
            self.trim(0);
        }
        if self.reserved + size > self.limit {
            return Err(Full { bytes: wanted });
        }
        // SAFETY: the size is not 0.
        let block = unsafe { alloc(layout(size)) } as usize;
        if block == 0 {
            return Err(Full { bytes: wanted });
        }
        self.reserved += size;
        Ok(block)
    }

    /// Gives large blocks that wait back to the system, the largest first, until so many bytes wait.
    fn trim(&mut self, keep: usize) {
        for class in (class_of(SMALL).0 + 1..self.free.len()).rev() {
            self.free_class(class, keep);
        }
    }

    fn free_class(&mut self, class: usize, keep: usize) {
        while self.waiting > keep {
            let Some(block) = self.free[class].pop() else { break };
            let size = self.large.remove(&block).expect("large blocks are listed");
            // SAFETY: it was allocated with this layout, and nobody has it.
            unsafe { dealloc(block as *mut u8, layout(size)) };
            self.waiting -= size;
            self.reserved -= size;
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (block, size) in &self.large {
            // SAFETY: as in `trim`; the engine is gone, and with it everyone who could read these.
            unsafe { dealloc(*block as *mut u8, layout(*size)) };
        }
        for slab in &self.slabs {
            // SAFETY: likewise.
            unsafe { dealloc(*slab as *mut u8, layout(SLAB)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(feature = "exact"))]
    fn a_class_holds_its_sizes_and_wastes_little() {
        let mut before = (0, 0);
        for bytes in 1..200_000 {
            let (class, size) = class_of(bytes);
            assert!(size >= bytes && (size - bytes < LINE || (size - bytes) * 8 < bytes));
            assert!(class == before.0 && size == before.1 || class > before.0 && size > before.1);
            before = (class, size);
        }
    }

    #[test]
    fn blocks_do_not_overlap_and_the_limit_holds() {
        let mut memory = Memory::new(1 << 20);
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        let mut state = 1u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for _ in 0..20_000 {
            if draw(3) == 0 && !blocks.is_empty() {
                let (at, bytes) = blocks.swap_remove(draw(blocks.len()));
                memory.give(at, bytes);
                continue;
            }
            let bytes = 1 + draw(30_000);
            match memory.take(bytes) {
                Ok(at) => {
                    assert_eq!(at % LINE, 0);
                    assert!(blocks.iter().all(|(other, size)| at + bytes <= *other || other + size <= at));
                    blocks.push((at, bytes));
                }
                Err(full) => {
                    assert_eq!(full, Full { bytes });
                    for (at, bytes) in blocks.drain(..) {
                        memory.give(at, bytes);
                    }
                }
            }
            assert!(memory.reserved() <= 1 << 20);
        }
    }
}

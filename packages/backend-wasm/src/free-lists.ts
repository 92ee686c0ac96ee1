/**
 * In front of every block: its size (bit 0: in use), where the block before it begins, and the
 * neighbours in its free list.
 */
export const HEADER = 16;
const SIZE = 0;
const BEFORE = 1;
const NEXT = 2;
const PREVIOUS = 3;
/** What is left of a block is a block of its own from this size on. */
const SPLIT = 48;
/** Free lists for each doubling of the size. */
const FINE = 8;
const FINE_BITS = 3;
/** Blocks up to this size go through the quick lists, so many of each size. */
const QUICK = 4096;
const QUICK_BLOCKS = 8;

/**
 * The allocator of linear memory, a two-level segregated fit: free blocks hang in lists by size,
 * eight for each doubling, and two bit maps find the first list with a block that is large enough,
 * so that taking and giving back take the same short time at any size of the heap.
 * Only before the memory has to grow is a list searched.
 * A block that is given back joins its free neighbours at once: sequences of ever changing lengths
 * do not fragment the heap. Every block carries its header in front of it, in linear memory itself.
 * Sizes and addresses here count the header.
 *
 * Most blocks are small and of a few sizes that come again at every step. A few free ones of each
 * size stay marked as used and hang in quick lists, where taking one is a single read. They join
 * their neighbours before the memory would grow.
 */
export class FreeLists {
  /** All of linear memory; a new array after a growth. */
  private words: Uint32Array;
  private readonly heads: Int32Array = new Int32Array(33 * FINE);
  private readonly fineMaps: Int32Array = new Int32Array(33);
  private coarseMap = 0;
  private readonly quickHeads: Int32Array = new Int32Array(QUICK / 16 + 1);
  private readonly quickCounts: Uint8Array = new Uint8Array(QUICK / 16 + 1);
  /** The last block's end: a header of size 0 that is in use. */
  private end: number;

  /**
   * @param words - linear memory
   * @param start - where the blocks begin
   */
  constructor(words: Uint32Array, start: number) {
    this.words = words;
    this.end = start;
    words[start >>> 2] = 1;
    words[(start >>> 2) + BEFORE] = 0;
    this.extend(words);
  }

  /** A block of at least so many bytes, or `undefined` if none is free. */
  take(size: number): number | undefined {
    if (size <= QUICK) {
      const quick = size >>> 4;
      const block = this.quickHeads[quick] >>> 0;
      if (block !== 0) {
        this.quickHeads[quick] = this.words[(block >>> 2) + NEXT];
        this.quickCounts[quick]--;
        return block;
      }
    }
    return this.takeJoined(size) ?? (this.joinQuick() ? this.takeJoined(size) : undefined);
  }

  /** Gives back a block that `take` gave. */
  give(block: number): void {
    const at = block >>> 2;
    const size = this.words[at] - 1;
    const quick = size >>> 4;
    if (size <= QUICK && this.quickCounts[quick] < QUICK_BLOCKS) {
      this.words[at + NEXT] = this.quickHeads[quick];
      this.quickHeads[quick] = block;
      this.quickCounts[quick]++;
    } else this.join(block);
  }

  /** Empties the quick lists. Returns whether there was anything in them. */
  private joinQuick(): boolean {
    let hadAny = false;
    for (let quick = 0; quick < this.quickHeads.length; quick++) {
      for (let block = this.quickHeads[quick] >>> 0; block !== 0;) {
        const next = this.words[(block >>> 2) + NEXT];
        this.join(block);
        block = next;
        hadAny = true;
      }
    }
    this.quickHeads.fill(0);
    this.quickCounts.fill(0);
    return hadAny;
  }

  /** A block from the lists of joined ones. */
  private takeJoined(size: number): number | undefined {
    const list = this.search(size);
    const block = list < 0 ? this.searchWithin(size) : this.heads[list] >>> 0;
    if (block === 0) return undefined;
    const { words } = this;
    this.unlink(block, listOf(words[block >>> 2]));
    const at = block >>> 2;
    const found = words[at + SIZE];
    const rest = found - size;
    if (rest >= SPLIT) {
      words[at + SIZE] = size + 1;
      const tail = block + size;
      words[(tail >>> 2) + BEFORE] = block;
      words[((block + found) >>> 2) + BEFORE] = tail;
      this.link(tail, rest);
    } else words[at + SIZE] = found + 1;
    return block;
  }

  /** Joins a block with its free neighbours. */
  private join(given: number): void {
    const { words } = this;
    let block = given;
    let size = words[block >>> 2] - 1;
    const next = block + size;
    const nextSize = words[next >>> 2];
    if ((nextSize & 1) === 0) {
      this.unlink(next, listOf(nextSize));
      size += nextSize;
    }
    const before = words[(block >>> 2) + BEFORE];
    if (before !== 0) {
      const beforeSize = words[before >>> 2];
      if ((beforeSize & 1) === 0) {
        this.unlink(before, listOf(beforeSize));
        size += beforeSize;
        block = before;
      }
    }
    words[((block + size) >>> 2) + BEFORE] = block;
    this.link(block, size);
  }

  /** Takes in a grown memory: what lies between the last block and the new end is a free block. */
  extend(words: Uint32Array): void {
    this.words = words;
    // The highest header has to lie below 2^32.
    const end = words.byteLength - HEADER;
    const block = this.end;
    const before = words[(block >>> 2) + BEFORE];
    words[block >>> 2] = end - block + 1;
    words[(block >>> 2) + BEFORE] = before;
    words[end >>> 2] = 1;
    words[(end >>> 2) + BEFORE] = block;
    this.end = end;
    this.join(block);
  }

  /**
   * The first list all of whose blocks have at least `size` bytes and which is not empty; -1 if
   * there is none.
   */
  private search(size: number): number {
    // Rounded up to the next class, so that any block in the list will do.
    const coarse = 31 - Math.clz32(size);
    const roundedUp = size + 2 ** (coarse - FINE_BITS) - 1;
    if (roundedUp >= 2 ** 32) return -1;
    const list = listOf(roundedUp);
    let row = list >>> FINE_BITS;
    const fine = this.fineMaps[row] & (-1 << (list & (FINE - 1)));
    if (fine !== 0) return (row << FINE_BITS) | lowest(fine);
    const rows = row >= 31 ? 0 : this.coarseMap & (-1 << (row + 1));
    if (rows === 0) return -1;
    row = lowest(rows);
    return (row << FINE_BITS) | lowest(this.fineMaps[row]);
  }

  /**
   * A block among those of the size's own class, of which some are large enough; 0 if there is
   * none. For when memory is short: it takes time.
   */
  private searchWithin(size: number): number {
    const { words } = this;
    let block = this.heads[listOf(size)] >>> 0;
    while (block !== 0 && words[block >>> 2] < size) block = words[(block >>> 2) + NEXT];
    return block;
  }

  private link(block: number, size: number): void {
    const { words, heads } = this;
    const list = listOf(size);
    const head = heads[list] >>> 0;
    const at = block >>> 2;
    words[at + SIZE] = size;
    words[at + NEXT] = head;
    words[at + PREVIOUS] = 0;
    if (head !== 0) words[(head >>> 2) + PREVIOUS] = block;
    heads[list] = block;
    this.fineMaps[list >>> FINE_BITS] |= 1 << (list & (FINE - 1));
    this.coarseMap |= 1 << (list >>> FINE_BITS);
  }

  private unlink(block: number, list: number): void {
    const { words, heads } = this;
    const next = words[(block >>> 2) + NEXT];
    const previous = words[(block >>> 2) + PREVIOUS];
    if (next !== 0) words[(next >>> 2) + PREVIOUS] = previous;
    if (previous !== 0) {
      words[(previous >>> 2) + NEXT] = next;
      return;
    }
    heads[list] = next;
    if (next !== 0) return;
    const row = list >>> FINE_BITS;
    this.fineMaps[row] &= ~(1 << (list & (FINE - 1)));
    if (this.fineMaps[row] === 0) this.coarseMap &= ~(1 << row);
  }
}

/** The free list of blocks of a size. */
function listOf(size: number): number {
  const coarse = 31 - Math.clz32(size);
  return (coarse << FINE_BITS) | ((size >>> (coarse - FINE_BITS)) & (FINE - 1));
}

/** Position of the lowest bit. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

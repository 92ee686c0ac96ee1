/** Words in the state, and how far apart the ones that are mixed lie. */
const WORDS = 624;
const APART = 397;

/**
 * The generator mt19937 of Matsumoto and Nishimura (1998), word for word as PyTorch's. Each word is
 * replaced when it has been drawn, not all 624 at once, so that no draw takes longer than another.
 */
export class MersenneTwister {
  private readonly words: Int32Array;
  /** Which word is drawn next. */
  private index: number;

  private constructor(words: Int32Array, index: number) {
    this.words = words;
    this.index = index;
  }

  /** The stream of a seed, of which the low 32 bits count. */
  static from(seed: number): MersenneTwister {
    const words = new Int32Array(WORDS);
    words[0] = seed;
    for (let i = 1; i < WORDS; i++) words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
    const made = new MersenneTwister(words, 0);
    for (let i = 0; i < WORDS; i++) made.advance();
    return made;
  }

  /** A stream from where it was, given what `state` gave. */
  static at([index, ...words]: readonly number[]): MersenneTwister {
    return new MersenneTwister(Int32Array.from(words), index);
  }

  /** The next index and the words, as int32 numbers. */
  state(): number[] {
    return [this.index, ...this.words];
  }

  /** The next word, an int32 number. */
  next(): number {
    let word = this.words[this.index];
    this.advance();
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return word ^ (word >>> 18);
  }

  /** Replaces the word at the index, and goes to the next. */
  private advance(): void {
    const { words, index } = this;
    const following = index + 1 === WORDS ? 0 : index + 1;
    const mixed = (words[index] & 0x80000000) | (words[following] & 0x7fffffff);
    const other = index + APART < WORDS ? index + APART : index + APART - WORDS;
    words[index] = words[other] ^ (mixed >>> 1) ^ (-(mixed & 1) & 0x9908b0df);
    this.index = following;
  }
}

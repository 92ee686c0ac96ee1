import { checkCount, checkList, checkNumber } from './checks/values.js';
import { refuse } from './checks/refusal.js';
import { dtypeOf, type DType } from './dtype.js';
import { ArgumentError } from './errors.js';
import { checkBounds, checkOut, checkSeed, isIntegerIn, refuseValue } from './generator-checks.js';
import { MersenneTwister } from './mersenne-twister.js';
import { refuseTracing } from './tracing-mode.js';
import { cosTurns, ln, sinTurns } from './portable-math.js';

/**
 * The draws have the same bits on every engine and machine, since they go through integers,
 * `+ - * /` and `Math.sqrt` alone (see portable-math.ts). They also follow PyTorch's CPU generator
 * draw for draw: the same Mersenne twister (mt19937), the same way from its words to numbers, in
 * the same order. So a seed gives the weights that the same seed gives in PyTorch: float32 uniform
 * draws, integers and permutations are the same, normal draws agree to float32 rounding (for arrays
 * of 16 and more PyTorch takes logarithm, sine and cosine in float32).
 */

/** The seed of a `new Generator()`, PyTorch's own. */
const DEFAULT_SEED = 67280421310721;

// The operator ** is one of those whose last bits are the engine's choice; these are exact.
const TWO_POW_32 = 0x1_0000_0000;
const TWO_POW_64 = 0x1_0000_0000_0000_0000n;
const TWO_POW_MINUS_24 = 1 / 0x100_0000;
const TWO_POW_MINUS_53 = 1 / 0x20_0000_0000_0000;
/** From this range on PyTorch divides a 64-bit word instead of a 32-bit one. */
const WIDE_RANGE = 0x1000_0000;
/** `normal` fills arrays from this length on in blocks of this size, as PyTorch does. */
const NORMAL_BLOCK = 16;
const STATE_LENGTH = 625;
const LARGEST_FLOAT32 = 3.4028234663852886e38;
const SMALLEST_INT32 = -0x8000_0000;
const LARGEST_INT32 = 0x7fff_ffff;
const FLOATING: readonly DType[] = ['float32', 'float64'];
const WHOLE: readonly DType[] = ['int32'];
const notNegative = { from: 0 };

/**
 * A seeded stream of random numbers.
 *
 * @example
 * ```ts
 * const generator = new Generator(0);
 * const draws = new Float32Array(3);
 * generator.uniform(draws, 0, 1); // 0.4963, 0.7682, 0.0885: torch.manual_seed(0); torch.rand(3)
 * ```
 *
 * Differs from PyTorch: `integers` and `permutation` redraw the few words that would favour small
 * numbers (fewer than one in 2^32 / range), normal draws are not rounded on the way, and seeds are
 * safe integers. As in PyTorch the low 32 bits of a seed count.
 */
export class Generator {
  private seed: number;
  private words: MersenneTwister;
  /** Normal draws come in pairs; the second of a pair waits here. */
  private spareNormal: number | undefined;

  /**
   * @param seed a safe integer; 67280421310721 unless given, as for `torch.Generator()`
   * @throws ArgumentError if the seed is not a safe integer
   */
  constructor(seed: number = DEFAULT_SEED) {
    checkSeed('Generator', seed);
    this.seed = seed;
    this.words = MersenneTwister.from(seed);
  }

  /** The seed that the stream started from. */
  get initialSeed(): number {
    return this.seed;
  }

  /**
   * Starts the stream anew from a seed.
   *
   * @param seed a safe integer
   * @returns this generator
   * @throws ArgumentError if the seed is not a safe integer
   */
  manualSeed(seed: number): this {
    checkSeed('manualSeed', seed);
    this.seed = seed;
    this.words = MersenneTwister.from(seed);
    this.spareNormal = undefined;
    return this;
  }

  /**
   * One draw from [0, 1).
   *
   * @returns a multiple of 2^-53
   */
  nextUniform(): number {
    const high = this.nextWord() & 0x1fffff;
    const low = this.nextWord() >>> 0;
    return (high * TWO_POW_32 + low) * TWO_POW_MINUS_53;
  }

  /**
   * One draw from the normal distribution with mean 0 and standard deviation 1.
   *
   * Box and Muller's transformation: for independent uniform u, v the numbers r cos(2πu) and r
   * sin(2πu) with r = √(-2 ln(1 - v)) are normal and independent. 1 - v lies in (0, 1] and is
   * exact, so no draw is infinite. The second number of a pair is the next draw.
   *
   * @returns a number of size at most 8.6
   */
  nextNormal(): number {
    if (this.spareNormal !== undefined) {
      const spare = this.spareNormal;
      this.spareNormal = undefined;
      return spare;
    }
    const turns = this.nextUniform();
    const radius = Math.sqrt(-2 * ln(1 - this.nextUniform()));
    this.spareNormal = radius * sinTurns(turns);
    return radius * cosTurns(turns);
  }

  /**
   * Fills an array with draws from [low, high).
   *
   * @example
   * ```ts
   * generator.uniform(weights, -0.5, 0.5);
   * ```
   * @param out where the draws go; its type decides between 24 random bits a draw (float32) and 53
   *   (float64)
   * @param low the least value, rounded to float32 for a Float32Array
   * @param high the bound that no draw reaches, rounded likewise; where it equals `low`, every draw
   *   is `low`
   * @throws ArgumentError if `out` is another array, a bound is not finite in the array's type,
   *   low > high, or high - low is beyond the type's range
   */
  uniform(out: Float32Array | Float64Array, low: number, high: number): void {
    checkOut('uniform', out, FLOATING);
    const single = dtypeOf(out) === 'float32';
    // Rounding would throw for a BigInt.
    if (typeof low !== 'number') refuseValue('uniform', 'low', low, 'a finite number');
    if (typeof high !== 'number') refuseValue('uniform', 'high', high, 'a finite number');
    const from = single ? Math.fround(low) : low;
    const to = single ? Math.fround(high) : high;
    checkBounds(from, to, single ? LARGEST_FLOAT32 : Number.MAX_VALUE, low, high);
    const width = single ? Math.fround(to - from) : to - from;
    for (let i = 0; i < out.length; i++) {
      out[i] = (single ? this.nextUniform24() : this.nextUniform()) * width + from;
      // Rounding the sum can give `high` itself; PyTorch, too, then puts `low`.
      if (out[i] === to) out[i] = from;
    }
  }

  /**
   * Fills an array with normal draws.
   *
   * @example
   * ```ts
   * generator.normal(weights, 0, 0.02);
   * ```
   * @param out where the draws go
   * @param mean the distribution's mean, finite
   * @param std its standard deviation, finite, at least 0
   * @throws ArgumentError if `out` is another array, `mean` or `std` is not finite, or `std` is
   *   negative
   */
  normal(out: Float32Array | Float64Array, mean: number, std: number): void {
    checkOut('normal', out, FLOATING);
    checkNumber('Generator.normal', 'mean', mean);
    checkNumber('Generator.normal', 'std', std, notNegative);
    if (out.length < NORMAL_BLOCK) {
      for (let i = 0; i < out.length; i++) out[i] = this.nextNormal() * std + mean;
      return;
    }
    this.uniform(out, 0, 1);
    const whole = out.length - (out.length % NORMAL_BLOCK);
    for (let start = 0; start < whole; start += NORMAL_BLOCK) normalBlock(out, start, mean, std);
    if (whole < out.length) {
      // The last block overlaps the one before it and is drawn anew.
      const last = out.subarray(out.length - NORMAL_BLOCK);
      this.uniform(last, 0, 1);
      normalBlock(last, 0, mean, std);
    }
  }

  /**
   * Fills an array with integers from low up to, but without, high, all equally likely.
   *
   * @example
   * ```ts
   * generator.integers(labels, 0, 10); // 0 to 9
   * ```
   * @param out where the draws go
   * @param low the least value, an int32
   * @param high one more than the greatest value, at most 2^31
   * @throws ArgumentError if `out` is another array, a bound is not an integer or out of range, or
   *   low >= high
   */
  integers(out: Int32Array, low: number, high: number): void {
    checkOut('integers', out, WHOLE);
    checkCount('Generator.integers', 'low', low, SMALLEST_INT32, LARGEST_INT32);
    checkCount('Generator.integers', 'high', high, SMALLEST_INT32 + 1, LARGEST_INT32 + 1);
    if (low >= high) refuseValue('integers', 'high', high, `greater than low (${low})`);
    for (let i = 0; i < out.length; i++) out[i] = low + this.nextBelow(high - low);
  }

  /**
   * The numbers from 0 to n - 1 in random order, every order equally likely (Fisher and Yates's
   * shuffle).
   *
   * @example
   * ```ts
   * new Generator(0).permutation(4); // Int32Array [0, 1, 3, 2]: torch.manual_seed(0); torch.randperm(4)
   * ```
   * @param n how many numbers, 0 or more
   * @returns an array of length n
   * @throws ArgumentError if n is not an integer from 0 to 2^31 - 1
   */
  permutation(n: number): Int32Array {
    checkCount('Generator.permutation', 'n', n, 0, LARGEST_INT32);
    const order = new Int32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = 0; i < n - 1; i++) {
      const other = i + this.nextBelow(n - i);
      const moved = order[i];
      order[i] = order[other];
      order[other] = moved;
    }
    return order;
  }

  /**
   * Where the stream stands, as numbers that JSON and float64 tensors keep exactly. The seed is not
   * part of it.
   *
   * @returns 625 integers, and a waiting normal draw if there is one
   */
  state(): readonly number[] {
    const words = this.words.state();
    return this.spareNormal === undefined ? words : [...words, this.spareNormal];
  }

  /**
   * Takes the stream to where another stood when it gave its `state()`.
   *
   * @param state what `state()` returned
   * @throws ArgumentError if it is anything else
   */
  setState(state: readonly number[]): void {
    checkList('Generator.setState', 'state', state, 'numbers');
    const words = state.slice(0, STATE_LENGTH);
    const [index, ...twister] = words;
    const rest = state.slice(STATE_LENGTH);
    const valid =
      words.length === STATE_LENGTH &&
      isIntegerIn(index, 0, STATE_LENGTH - 2) &&
      twister.every((word) => isIntegerIn(word, SMALLEST_INT32, LARGEST_INT32)) &&
      twister.some((word) => word !== 0) &&
      rest.length <= 1 &&
      rest.every(Number.isFinite);
    if (!valid) {
      const expected = `what Generator.state() returned (an index, ${STATE_LENGTH - 1} int32 words and at most one more number)`;
      refuse(ArgumentError, 'Generator.setState', 'state', { value: state, expected });
    }
    this.words = MersenneTwister.at(words);
    this.spareNormal = rest[0];
  }

  private nextWord(): number {
    refuseTracing('draws random numbers');
    return this.words.next();
  }

  /** One draw from [0, 1): a multiple of 2^-24, hence exact in float32. */
  private nextUniform24(): number {
    return (this.nextWord() & 0xffffff) * TWO_POW_MINUS_24;
  }

  /**
   * One integer from 0 to range - 1 (range at most 2^32), all equally likely: words past the last
   * whole multiple of `range` are drawn again.
   */
  private nextBelow(range: number): number {
    if (range >= WIDE_RANGE) return this.nextBelowWide(BigInt(range));
    const end = TWO_POW_32 - (TWO_POW_32 % range);
    let word = this.nextWord() >>> 0;
    while (word >= end) word = this.nextWord() >>> 0;
    return word % range;
  }

  private nextBelowWide(range: bigint): number {
    const end = TWO_POW_64 - (TWO_POW_64 % range);
    for (;;) {
      const high = BigInt(this.nextWord() >>> 0);
      const word = (high << 32n) | BigInt(this.nextWord() >>> 0);
      if (word < end) return Number(word % range);
    }
  }
}

/**
 * Turns 16 uniform numbers into normal ones: 8 radii and then 8 angles into 8 cosines and 8 sines
 * (see {@link Generator.nextNormal}).
 */
function normalBlock(data: Float32Array | Float64Array, start: number, mean: number, std: number): void {
  const half = NORMAL_BLOCK / 2;
  for (let i = start; i < start + half; i++) {
    const radius = Math.sqrt(-2 * ln(1 - data[i]));
    const turns = data[i + half];
    data[i] = radius * cosTurns(turns) * std + mean;
    data[i + half] = radius * sinTurns(turns) * std + mean;
  }
}

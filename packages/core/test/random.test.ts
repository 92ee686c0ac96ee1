import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hostArray, type DType, type TypedArray } from '../src/dtype.js';
import { ArgumentError } from '../src/errors.js';
import { defaultGenerator, Generator, manualSeed } from '../src/random.js';
import torchDraws from './cases/torch-draws.json' with { type: 'json' };

function uniform(generator: Generator, n: number, low = 0, high = 1): Float64Array {
  const out = new Float64Array(n);
  generator.uniform(out, low, high);
  return out;
}

function normal(generator: Generator, n: number): Float64Array {
  const out = new Float64Array(n);
  generator.normal(out, 0, 1);
  return out;
}

function mean(values: ArrayLike<number>, of: (value: number) => number = (value) => value): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += of(values[i]);
  return sum / values.length;
}

/**
 * Kolmogorov and Smirnov's distance between the draws and a distribution function, times √n; above
 * 1.95 in one of 1000 samples.
 */
function kolmogorovSmirnov(draws: Float32Array | Float64Array, cdf: (x: number) => number): number {
  const sorted = draws.slice().sort();
  const n = sorted.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const expected = cdf(sorted[i]);
    distance = Math.max(distance, expected - i / n, (i + 1) / n - expected);
  }
  return distance * Math.sqrt(n);
}

/** The normal distribution function: Φ(x) = 1/2 + φ(x) (x + x³/3 + x⁵/(3·5) + ...). */
function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; Math.abs(term) > 1e-17 && k < 400; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/**
 * Pearson's statistic against equally likely outcomes, standardised: about normal with mean 0 and
 * deviation 1.
 */
function chiSquare(counts: number[]): number {
  const expected = mean(counts);
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  return (statistic - freedom) / Math.sqrt(2 * freedom);
}

function countsOf(values: ArrayLike<number>, outcomes: number): number[] {
  const counts = Array.from({ length: outcomes }, () => 0);
  for (let i = 0; i < values.length; i++) counts[values[i]]++;
  return counts;
}

describe('draws what PyTorch draws', () => {
  interface Call {
    op: string;
    dtype: DType;
    n: number;
    skipped?: number;
    low: number;
    high: number;
    mean: number;
    std: number;
    values: number[];
  }

  function run(generator: Generator, { op, dtype, n, low, high, mean: mu, std }: Call): TypedArray {
    if (op === 'permutation') return generator.permutation(n);
    const out = hostArray(dtype, n);
    if (out instanceof Int32Array) generator.integers(out, low, high);
    else if (op === 'uniform') generator.uniform(out, low, high);
    else generator.normal(out, mu, std);
    return out;
  }

  /**
   * Integers, and float32 numbers from float64 arithmetic, are the same. Otherwise a processor's
   * fused sums may differ in float64's last bits, and from 16 normal float32 draws on PyTorch
   * computes the angle (up to 2π) and the logarithm in float32.
   */
  function tolerance({ op, dtype, n }: Call): number {
    if (dtype === 'float64') return 4e-15;
    return op === 'normal' && n >= 16 ? 1e-6 : 0;
  }

  const streams = torchDraws as unknown as { seed: number; calls: Call[] }[];
  test.each(streams)('seed $seed', ({ seed, calls }) => {
    const generator = new Generator(seed);
    for (const [number, call] of calls.entries()) {
      const ours = run(generator, call).slice(call.skipped ?? 0);
      const what = `call ${number}: ${call.op} ${call.dtype}[${call.n}]`;
      expect(ours, what).toHaveLength(call.values.length);
      for (const [i, value] of ours.entries()) {
        expect(Math.abs(value - call.values[i]), `${what}, draw ${i}`).toBeLessThanOrEqual(tolerance(call));
      }
    }
  });

  test("the lesson's weights and inputs, torch.manual_seed(0)", () => {
    const generator = new Generator(0);
    const draw = (n: number): Float32Array => {
      const out = new Float32Array(n);
      generator.normal(out, 0, 1);
      return out;
    };
    expect([...draw(4)]).toEqual([1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991]);
    expect([...draw(6)].slice(0, 2)).toEqual([-1.0845223665237427, -1.3985954523086548]);
    expect([...draw(3)].slice(0, 2)).toEqual([-0.5966353416442871, 0.18203648924827576]);
  });
});

describe('the same bits everywhere', () => {
  afterEach(() => void vi.restoreAllMocks());

  test('no function whose last bits an engine may choose', () => {
    const some = [
      'acos',
      'acosh',
      'asin',
      'asinh',
      'atan',
      'atanh',
      'atan2',
      'cbrt',
      'cos',
      'cosh',
      'exp',
      'expm1',
    ] as const;
    const more = ['hypot', 'log', 'log1p', 'log10', 'log2', 'pow', 'sin', 'sinh', 'tan', 'tanh', 'random'] as const;
    const spies = [...some, ...more].map((name) => vi.spyOn(Math, name));
    const generator = new Generator(3);
    uniform(generator, 20);
    normal(generator, 20);
    generator.nextNormal();
    generator.integers(new Int32Array(3), 0, 2 ** 31);
    generator.permutation(9);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  test("a seed's numbers stay as they are from version to version", () => {
    const generator = new Generator(2024);
    const bytes = new Uint8Array(normal(generator, 5001).buffer);
    let hash = 0x811c9dc5; // FNV-1a
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    expect(hash >>> 0).toBe(14827974);
    expect(Array.from({ length: 3 }, () => generator.nextNormal())).toEqual([
      -0.22698960189733988, 0.9011573458493539, 1.3800511164384388,
    ]);
  });
});

describe('uniform', () => {
  test.each([
    ['float32', new Float32Array(20_000)],
    ['float64', new Float64Array(20_000)],
  ])('%s draws follow the distribution', (_, draws) => {
    new Generator(11).uniform(draws, -2, 3);
    expect(kolmogorovSmirnov(draws, (x) => (x + 2) / 5)).toBeLessThan(1.95);
    // Five standard errors: the deviation of the mean is 5 / √(12 n), that of the mean square about
    // the middle 25 / √(180 n).
    expect(Math.abs(mean(draws) - 0.5)).toBeLessThan((5 * 5) / Math.sqrt(12 * draws.length));
    expect(Math.abs(mean(draws, (x) => (x - 0.5) ** 2) - 25 / 12)).toBeLessThan(
      (5 * 25) / Math.sqrt(180 * draws.length),
    );
    // Neighbours are not correlated.
    const products = draws.slice(1).map((x, i) => (x - 0.5) * (draws[i] - 0.5));
    expect(Math.abs(mean(products))).toBeLessThan((5 * 25) / 12 / Math.sqrt(products.length));
  });

  test('the draws of neighbouring seeds are independent', () => {
    const first = Float64Array.from({ length: 5000 }, (_, seed) => new Generator(seed).nextUniform());
    expect(kolmogorovSmirnov(first, (x) => x)).toBeLessThan(1.95);
    const products = first.slice(1).map((x, i) => (x - 0.5) * (first[i] - 0.5));
    expect(Math.abs(mean(products))).toBeLessThan(5 / 12 / Math.sqrt(products.length));
  });

  test('have 24 random bits in float32 and 53 in float64', () => {
    const single = new Float32Array(500);
    new Generator(5).uniform(single, 0, 1);
    expect(single.every((x) => Number.isInteger(x * 2 ** 24))).toBe(true);
    expect(single.some((x) => !Number.isInteger(x * 2 ** 23))).toBe(true);
    const double = uniform(new Generator(5), 500);
    expect(double.every((x) => Number.isInteger(x * 2 ** 53))).toBe(true);
    expect(double.some((x) => !Number.isInteger(x * 2 ** 52))).toBe(true);
  });

  test('stay in [low, high) after rounding', () => {
    const bound = fc.float({ min: -(2 ** 100), max: 2 ** 100, noNaN: true });
    fc.assert(
      fc.property(bound, bound, fc.integer(), (a, b, seed) => {
        fc.pre(a !== b);
        const [low, high] = a < b ? [a, b] : [b, a];
        for (const draws of [new Float32Array(20), new Float64Array(20)]) {
          new Generator(seed).uniform(draws, low, high);
          expect(draws.every((x) => x >= low && x < high)).toBe(true);
        }
      }),
    );
  });

  test('never give high, where half of the draws would round to it', () => {
    const draws = new Float32Array(100);
    new Generator(0).uniform(draws, 1, 1 + 2 ** -23);
    expect(draws.every((x) => x === 1)).toBe(true);
  });

  test('are low where high equals it', () => {
    expect([...uniform(new Generator(0), 3, 0.5, 0.5)]).toEqual([0.5, 0.5, 0.5]);
  });

  test('may span the whole range of the type', () => {
    const draws = new Float32Array(1000);
    new Generator(1).uniform(draws, 0, 3.4028234663852886e38);
    expect(draws.every(Number.isFinite)).toBe(true);
  });
});

describe('normal', () => {
  test('draws follow the distribution, in blocks and one by one', () => {
    const generator = new Generator(12);
    const single = new Float32Array(20_000);
    generator.normal(single, 0, 1);
    const oneByOne = Float64Array.from({ length: 20_000 }, () => generator.nextNormal());
    for (const draws of [single, normal(generator, 20_000), oneByOne]) {
      expect(kolmogorovSmirnov(draws, normalCdf)).toBeLessThan(1.95);
      // Mean, variance, skewness and kurtosis within five standard errors: √(1/n), √(2/n), √(6/n),
      // √(24/n).
      const error = 5 / Math.sqrt(draws.length);
      const mu = mean(draws);
      const variance = mean(draws, (x) => (x - mu) ** 2);
      expect(Math.abs(mu)).toBeLessThan(error);
      expect(Math.abs(variance - 1)).toBeLessThan(error * Math.sqrt(2));
      expect(Math.abs(mean(draws, (x) => (x - mu) ** 3) / variance ** 1.5)).toBeLessThan(error * Math.sqrt(6));
      expect(Math.abs(mean(draws, (x) => (x - mu) ** 4) / variance ** 2 - 3)).toBeLessThan(error * Math.sqrt(24));
      // The two of a pair are independent: neighbours one by one, eight apart in a block; so are
      // their squares.
      for (const lag of [1, 8]) {
        const pairs = Array.from({ length: draws.length - lag }, (_, i) => [draws[i], draws[i + lag]]);
        expect(Math.abs(mean(pairs.map(([a, b]) => a * b)))).toBeLessThan(error);
        expect(Math.abs(mean(pairs.map(([a, b]) => (a * a - 1) * (b * b - 1))))).toBeLessThan(2 * error);
      }
    }
  });

  test('mean and std shift and stretch the same draws', () => {
    for (const n of [3, 40]) {
      const plain = normal(new Generator(9), n);
      const moved = new Float64Array(n);
      new Generator(9).normal(moved, 3, 0.5);
      expect([...moved]).toEqual([...plain].map((x) => x * 0.5 + 3));
    }
  });

  test('std 0 gives the mean', () => {
    for (const n of [3, 40]) {
      const draws = new Float32Array(n);
      new Generator(9).normal(draws, 1.5, 0);
      expect(draws.every((x) => x === 1.5)).toBe(true);
    }
  });

  test('no draw is infinite, even at the largest radius', () => {
    const generator = new Generator(0);
    // This word leaves the twister as 32 ones; four of them make the two largest uniform numbers,
    // 1 - 2^-53.
    const ones = 316513203;
    generator.setState([0, ones, ones, ones, ones, ...Array.from({ length: 620 }, () => 0)]);
    expect(generator.nextNormal()).toBeCloseTo(Math.sqrt(2 * 53 * Math.LN2), 14);
    // The zeros after them make the smallest radius.
    expect(Math.abs(generator.nextNormal())).toBeLessThan(1e-14);
    expect(Math.abs(generator.nextNormal())).toBe(0);
  });
});

describe('integers', () => {
  test.each([2, 6, 10, 256])('below %i are equally likely', (range) => {
    const draws = new Int32Array(20_000);
    new Generator(range).integers(draws, 0, range);
    expect(Math.abs(chiSquare(countsOf(draws, range)))).toBeLessThan(4);
  });

  test('the remainder of a word would favour small numbers, the draws do not', () => {
    // 2^32 is 16.5 times this range, so that the remainder falls into the lower half with
    // probability 17/33: 9 standard errors from 1/2.
    const range = Math.floor(2 ** 32 / 16.5);
    const draws = new Int32Array(100_000);
    new Generator(4).integers(draws, 0, range);
    const inLowerHalf = draws.filter((x) => x < range / 2).length / draws.length;
    expect(Math.abs(inLowerHalf - 0.5)).toBeLessThan(4 * 0.5 * Math.sqrt(1 / draws.length));
  });

  test('cover a wide range evenly', () => {
    const draws = new Int32Array(50_000);
    const low = -(2 ** 31);
    new Generator(8).integers(draws, low, 2 ** 31);
    const eighths = draws.map((x) => Math.floor((x - low) / 2 ** 29));
    expect(Math.abs(chiSquare(countsOf(eighths, 8)))).toBeLessThan(4);
  });

  test('lie from low to high - 1', () => {
    const bound = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(bound, bound, fc.integer(), (a, b, seed) => {
        const draws = new Int32Array(20);
        const [low, high] = [Math.min(a, b), Math.max(a, b) + 1];
        new Generator(seed).integers(draws, low, high);
        expect(draws.every((x) => x >= low && x < high)).toBe(true);
      }),
    );
  });
});

describe('permutation', () => {
  test('holds every number once', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer(), (n, seed) => {
        expect([...new Generator(seed).permutation(n).sort()]).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('takes every order equally often', () => {
    const generator = new Generator(21);
    const counts = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const order = generator.permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(Math.abs(chiSquare([...counts.values()]))).toBeLessThan(4);
  });
});

describe('seed and state', () => {
  test('the same seed gives the same draws, another seed others', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (seed) => {
        expect(uniform(new Generator(seed), 4)).toEqual(uniform(new Generator(seed), 4));
        expect(uniform(new Generator(seed), 4)).not.toEqual(uniform(new Generator(seed ^ 1), 4));
        expect(new Generator(seed).initialSeed).toBe(seed);
      }),
    );
  });

  test('a new generator has a fixed seed, as in PyTorch', () => {
    expect(new Generator().initialSeed).toBe(67280421310721);
    expect(uniform(new Generator(), 3)).toEqual(uniform(new Generator(67280421310721), 3));
  });

  test('manualSeed starts anew, and forgets the waiting normal draw', () => {
    const generator = new Generator(1);
    generator.nextNormal();
    expect(generator.manualSeed(7)).toBe(generator);
    expect(generator.initialSeed).toBe(7);
    expect(normal(generator, 5)).toEqual(normal(new Generator(7), 5));
  });

  test('a state goes through JSON and resumes the stream anywhere in it', () => {
    fc.assert(
      fc.property(fc.nat(1500), fc.boolean(), (skipped, pairBroken) => {
        const generator = new Generator(33);
        uniform(generator, skipped);
        if (pairBroken) generator.nextNormal();
        const saved = JSON.parse(JSON.stringify(generator.state())) as number[];
        const resumed = new Generator(0);
        resumed.setState(saved);
        expect(normal(resumed, 5)).toEqual(normal(generator, 5));
        expect(resumed.state()).toEqual(generator.state());
      }),
      { numRuns: 30 },
    );
  });

  test('a state does not change with the generator that gave it', () => {
    const generator = new Generator(2);
    const state = generator.state();
    const copy = [...state];
    uniform(generator, 700);
    expect(state).toEqual(copy);
    const other = new Generator(3);
    other.setState(state);
    uniform(other, 700);
    expect(state).toEqual(copy);
  });

  test('the default generator is one object, seeded by chance until manualSeed', async () => {
    expect(defaultGenerator()).toBe(defaultGenerator());
    vi.resetModules();
    const fresh = await import('../src/random.js');
    expect(fresh.defaultGenerator().initialSeed).not.toBe(defaultGenerator().initialSeed);
    const held = defaultGenerator();
    expect(manualSeed(5)).toBe(held);
    expect(held.initialSeed).toBe(5);
    expect(uniform(defaultGenerator(), 3)).toEqual(uniform(new Generator(5), 3));
  });
});

describe('mistakes', () => {
  const generator = new Generator(0);
  const single = new Float32Array(2);
  const double = new Float64Array(2);
  const whole = new Int32Array(2);
  const states = generator.state();

  test.each<[string, () => unknown]>([
    ['Generator: seed is 1.5, expected a whole number from -(2^53 - 1) to 2^53 - 1', () => new Generator(1.5)],
    ['Generator: seed is NaN, expected a whole number from -(2^53 - 1) to 2^53 - 1', () => new Generator(NaN)],
    ['manualSeed: seed is Infinity, expected a whole number from -(2^53 - 1) to 2^53 - 1', () => manualSeed(Infinity)],
    [
      'manualSeed: seed is 9007199254740992, expected a whole number from -(2^53 - 1) to 2^53 - 1',
      () => generator.manualSeed(2 ** 53),
    ],
    ['Generator.uniform: high is 1, expected at least low (2)', () => generator.uniform(double, 2, 1)],
    [
      "Generator.uniform: low is NaN, expected a finite number of at most 1.7976931348623157e+308 in size, as the array's type holds",
      () => generator.uniform(double, NaN, 1),
    ],
    [
      "Generator.uniform: high is Infinity, expected a finite number of at most 1.7976931348623157e+308 in size, as the array's type holds",
      () => generator.uniform(double, 0, Infinity),
    ],
    ['of at most 3.4028234663852886e+38 in size', () => generator.uniform(single, 0, 1e39)],
    [
      'Generator.uniform: high is 3e+38, expected at most 3.4028234663852886e+38 above low (-3e+38)',
      () => generator.uniform(single, -3e38, 3e38),
    ],
    [
      'Generator.uniform: high is 1e+308, expected at most 1.7976931348623157e+308 above low (-1e+308)',
      () => generator.uniform(double, -1e308, 1e308),
    ],
    ['Generator.normal: mean is NaN, expected a finite number', () => generator.normal(double, NaN, 1)],
    [
      'Generator.normal: std is Infinity, expected a finite number from 0 up',
      () => generator.normal(double, 0, Infinity),
    ],
    ['Generator.normal: std is -1, expected a finite number from 0 up', () => generator.normal(double, 0, -1)],
    ['Generator.integers: high is 3, expected greater than low (3)', () => generator.integers(whole, 3, 3)],
    [
      'Generator.integers: low is 0.5, expected a whole number from -2147483648 to 2147483647',
      () => generator.integers(whole, 0.5, 3),
    ],
    [
      'Generator.integers: high is 2147483649, expected a whole number from -2147483647 to 2147483648',
      () => generator.integers(whole, 0, 2 ** 31 + 1),
    ],
    ['Generator.permutation: n is -1, expected a whole number from 0 to 2147483647', () => generator.permutation(-1)],
    ['Generator.permutation: n is 2.5, expected a whole number from 0 to 2147483647', () => generator.permutation(2.5)],
    [
      'Generator.setState: state is an array of 3, expected what Generator.state() returned (an index, 624 int32 words and at most one more number)',
      () => generator.setState([1, 2, 3]),
    ],
    [
      'Generator.setState: state is an array of 627, expected what Generator.state() returned (an index, 624 int32 words and at most one more number)',
      () => generator.setState([...states, 0.5, 0.5]),
    ],
    [
      'Generator.setState: state is an array of 626, expected what Generator.state() returned (an index, 624 int32 words and at most one more number)',
      () => generator.setState([...states, NaN]),
    ],
    [
      'Generator.setState: state is an array of 625, expected what Generator.state() returned (an index, 624 int32 words and at most one more number)',
      () => generator.setState([624, ...states.slice(1)]),
    ],
    [
      'Generator.setState: state is an array of 625, expected what Generator.state() returned (an index, 624 int32 words and at most one more number)',
      () => generator.setState(states.map((word, i) => (i === 9 ? 0.5 : word))),
    ],
    ['Generator.setState: state is an array of 625, expected what', () => generator.setState(states.map(() => 0))],
  ])('%s', (message, call) => {
    const before = [...generator.state()];
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(message);
    expect(generator.state()).toEqual(before);
  });
});

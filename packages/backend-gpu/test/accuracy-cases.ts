/** The README's table of errors, measured. */
import type { Backend, BinaryOp, Storage, UnaryOp } from '@rnn/core';
import { Generator } from '@rnn/core';
import { expect } from 'vitest';
import readme from '../README.md?raw';

type Range = readonly [from: number, to: number];

/** What measures errors on a backend, with the same numbers at each run. */
class Meter {
  private readonly backend: Backend;
  private readonly generator = new Generator(11);
  private owned: Storage[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async unary(ops: Readonly<Partial<Record<UnaryOp, (x: number) => number>>>, [from, to]: Range): Promise<number> {
    const x = this.draw(20_000, from, to);
    const storage = this.own(this.backend.upload(x));
    let worst = 0;
    for (const [op, exact] of Object.entries(ops) as [UnaryOp, (x: number) => number][]) {
      const found = await this.backend.read(this.own(this.backend.unary(op, storage)));
      worst = Math.max(
        worst,
        worstOf(found, (i) => exact(x[i])),
      );
    }
    return this.done(worst);
  }

  async binary(
    ops: Readonly<Partial<Record<BinaryOp, (a: number, b: number) => number>>>,
    [left, right]: readonly [Range, Range],
  ): Promise<number> {
    const [a, b] = [this.draw(20_000, ...left), this.draw(20_000, ...right)];
    const [first, second] = [a, b].map((values) => ({
      storage: this.own(this.backend.upload(values)),
      offset: 0,
      strides: [1],
    }));
    let worst = 0;
    for (const [op, exact] of Object.entries(ops) as [BinaryOp, (a: number, b: number) => number][]) {
      const found = await this.backend.read(this.own(this.backend.binary(op, first, second, [a.length])));
      worst = Math.max(
        worst,
        worstOf(found, (i) => exact(a[i], b[i])),
      );
    }
    return this.done(worst);
  }

  async sums(sizes: readonly number[]): Promise<number> {
    let worst = 0;
    for (const size of sizes) {
      const lines = Math.max(1, Math.floor(20_000 / size));
      const x = this.draw(lines * size, -1, 1);
      const result = this.own(this.backend.reduce('sum', this.own(this.backend.upload(x)), lines, size, 1));
      const exact = (line: number): number => sumOf(size, (i) => x[line * size + i]);
      worst = Math.max(worst, worstOf(await this.backend.read(result), exact));
    }
    return this.done(worst);
  }

  async products(lengths: readonly number[], side: number): Promise<number> {
    let worst = 0;
    for (const k of lengths) {
      const [a, b] = [this.draw(side * k, -1, 1), this.draw(side * k, -1, 1)];
      const [left, right] = [a, b].map((values) => this.own(this.backend.upload(values)));
      const result = this.own(
        this.backend.matmul(
          { storage: left, batchStrides: [], transposed: false },
          { storage: right, batchStrides: [], transposed: true },
          { batch: [], m: side, k, n: side },
        ),
      );
      const exact = (at: number): number => sumOf(k, (i) => a[Math.floor(at / side) * k + i] * b[(at % side) * k + i]);
      worst = Math.max(worst, worstOf(await this.backend.read(result), exact));
    }
    return this.done(worst);
  }

  /** `count` rows of one number, all added to the second of two rows. */
  async additions(x: Float32Array): Promise<number> {
    const index = this.own(this.backend.fill(1, x.length, 'int32'));
    const source = this.own(this.backend.upload(x));
    const result = this.own(
      this.backend.scatterAdd(
        source,
        { storage: index, offset: 0, strides: [0, 1, 0] },
        { outer: 1, size: 2, inner: 1, count: x.length },
      ),
    );
    const exact = sumOf(x.length, (i) => x[i]);
    return this.done(worstOf(await this.backend.read(result), (row) => row * exact));
  }

  draw(size: number, from: number, to: number): Float32Array {
    const values = new Float32Array(size);
    this.generator.uniform(values, from, to);
    return values;
  }

  private own(storage: Storage): Storage {
    this.owned.push(storage);
    return storage;
  }

  private done(worst: number): number {
    for (const storage of this.owned) this.backend.release(storage);
    this.owned = [];
    return worst;
  }
}

/** Their sum in float64, whose own error is 1e-10 of the terms here. */
function sumOf(size: number, term: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += term(i);
  return sum;
}

function worstOf(found: ArrayLike<number>, exact: (i: number) => number): number {
  let worst = 0;
  for (let i = 0; i < found.length; i++) {
    const right = exact(i);
    const error = Math.abs(found[i] - right) / Math.max(1, Math.abs(right));
    worst = error <= worst ? worst : Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}

/** By the first cell of a row of the table. */
const rows: Readonly<Record<string, (meter: Meter) => Promise<number>>> = {
  '`+ - * /`': (meter) =>
    meter.binary({ add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b }, [
      [-1000, 1000],
      [-1000, 1000],
    ]),
  'sqrt, square, reciprocal': (meter) =>
    meter.unary({ sqrt: Math.sqrt, square: (x) => x * x, reciprocal: (x) => 1 / x }, [0.001, 1000]),
  log: (meter) => meter.unary({ log: Math.log }, [1e-6, 1000]),
  'tanh, sigmoid, softplus': (meter) =>
    meter.unary(
      {
        tanh: Math.tanh,
        sigmoid: (x) => 1 / (1 + Math.exp(-x)),
        softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
      },
      [-20, 20],
    ),
  'exp, up to e^±88': (meter) => meter.unary({ exp: Math.exp }, [-88, 88]),
  'pow, bases to 8, exponents within ±4': (meter) =>
    meter.binary({ pow: Math.pow }, [
      [0.01, 8],
      [-4, 4],
    ]),
  'pow, bases to 1000, exponents within ±10': (meter) =>
    meter.binary({ pow: Math.pow }, [
      [1, 1000],
      [-10, 10],
    ]),
  'sums of 16 to 10^6 numbers within ±1': (meter) => meter.sums([16, 100, 256, 257, 1000, 10_007, 1_000_000]),
  'products of 16 to 4096 terms within ±1': (meter) => meter.products([16, 100, 512, 1000, 4096], 48),
  '10,007 numbers within ±1 added to one row': (meter) => meter.additions(meter.draw(10_007, -1, 1)),
  '0.1 added to one row 10^6 times': (meter) => meter.additions(new Float32Array(1_000_000).fill(0.1)),
};

/** What only the notes speak of, as it goes beyond the bound. */
const beyondBound: ReadonlySet<string> = new Set(['pow, bases to 1000, exponents within ±10']);

/** The errors of the README for a device, by the first cell of their row. */
function table({ info }: Backend): Map<string, number> {
  const found = new Map<string, number>();
  const isCard = info.device.toLowerCase().includes('nvidia');
  for (const [, name, software, card] of readme.matchAll(/^\| (.+?) +\| +([\d.]+e-\d+) \| +([\d.]+e-\d+) \|$/gm)) {
    found.set(name, Number(isCard ? card : software));
  }
  return found;
}

/** The worst errors of a backend, by the first cell of their row. */
async function measureErrors(backend: Backend): Promise<Map<string, number>> {
  const meter = new Meter(backend);
  const found = new Map<string, number>();
  for (const [name, measure] of Object.entries(rows)) found.set(name, await measure(meter));
  return found;
}

/**
 * Measures every row of the table: no error is larger than it says, nor than the declared bound.
 */
export async function expectAccuracy(backend: Backend): Promise<void> {
  const stated = table(backend);
  expect([...stated.keys()].sort()).toEqual(Object.keys(rows).sort());
  for (const [name, worst] of await measureErrors(backend)) {
    expect(worst, name).toBeLessThanOrEqual(stated.get(name) as number);
    if (!beyondBound.has(name)) expect(worst, name).toBeLessThanOrEqual(backend.info.bound?.tolerance ?? 0);
  }
  expect(backend.memory().storages).toBe(0);
}

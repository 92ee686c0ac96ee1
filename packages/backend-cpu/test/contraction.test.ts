import type { Backend, Matrices, ReduceOp } from '@rnn/core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { cpu } from '../src/index.js';
import { anyDType, anyFloat, anyNumber, anyNumbers, anyWalk } from './arbitrary.js';
import { arrayOf, expectClose, places } from './plain.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('reduce', () => {
  const definitions: Record<ReduceOp, (values: readonly number[]) => number> = {
    sum,
    max: (values) => Math.max(...values),
    min: (values) => Math.min(...values),
    argmax: (values) => values.indexOf(Math.max(...values)),
  };
  const anyCase = fc
    .record({
      op: fc.constantFrom<ReduceOp>('sum', 'max', 'min', 'argmax'),
      dtype: anyDType,
      outer: fc.integer({ min: 1, max: 4 }),
      // past 128 elements sums are halved
      size: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(127, 128, 129, 300, 515)),
      inner: fc.integer({ min: 1, max: 4 }),
    })
    .chain((sizes) =>
      fc.record({
        sizes: fc.constant(sizes),
        values: anyNumbers(sizes.dtype, sizes.outer * sizes.size * sizes.inner, -1000, 1000),
      }),
    );

  test('any operation along the middle dimension', () => {
    fc.assert(
      fc.property(anyCase, ({ sizes: { op, dtype, outer, size, inner }, values }) => {
        const lines = places([outer, inner], { offset: 0, strides: [size * inner, 1] }).map((start) =>
          places([size], { offset: start, strides: [inner] }).map((at) => values[at]),
        );
        const result = backend.reduce(op, backend.upload(arrayOf(dtype, values)), outer, size, inner);
        expectClose(
          backend.readSync(result),
          lines.map(definitions[op]),
          op === 'argmax' ? 'int32' : dtype,
          lines.map((line) => sum(line.map(Math.abs))),
        );
      }),
      { numRuns: 300 },
    );
  });

  const reduced = (op: ReduceOp, ...values: number[]): number =>
    backend.readSync(backend.reduce(op, backend.upload(new Float32Array(values)), 1, values.length, 1))[0];

  test('NaN wins in max and min, wherever it stands', () => {
    for (const values of [
      [NaN, 1, 2],
      [1, NaN, 2],
      [1, 2, NaN],
    ]) {
      expect(reduced('max', ...values)).toBeNaN();
      expect(reduced('min', ...values)).toBeNaN();
    }
  });

  test('argmax gives the first of equals, and the first NaN', () => {
    expect(reduced('argmax', 1, 3, 3)).toBe(1);
    expect(reduced('argmax', -Infinity, -Infinity)).toBe(0);
    expect(reduced('argmax', 1, Infinity, NaN, NaN)).toBe(2);
    expect(reduced('argmax', NaN, Infinity)).toBe(0);
  });

  test('infinities add up as IEEE says', () => {
    expect(reduced('sum', 1, Infinity)).toBe(Infinity);
    expect(reduced('sum', Infinity, -Infinity)).toBeNaN();
    expect(reduced('sum', 3e38, 3e38, -3e38)).toBe(Math.fround(3e38)); // float32 would overflow on the way
  });

  test('int32 sums wrap around', () => {
    const x = backend.upload(new Int32Array([2 ** 31 - 1, 1, 5]));
    expect(backend.readSync(backend.reduce('sum', x, 1, 3, 1))).toEqual(new Int32Array([-(2 ** 31) + 5]));
  });

  test('a million float64 numbers keep all digits but the last few', () => {
    // multiples of 2^-30 in [0, 1): their sum below 2^23 is exact in a BigInt
    const count = 1_000_003;
    const values = new Float64Array(count);
    let exact = 0n;
    for (let i = 0, state = 1; i < count; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const numerator = state >>> 2;
      // thirds have no short binary form, so every addition rounds
      values[i] = numerator / 2 ** 30 / 3;
      exact += BigInt(numerator);
    }
    const expected = Number(exact) / 2 ** 30 / 3;
    const [got] = backend.readSync(backend.reduce('sum', backend.upload(values), 1, count, 1));
    expect(Math.abs(got - expected) / expected).toBeLessThan(4 * Number.EPSILON);
  });
});

describe('matmul', () => {
  /** Sizes on both sides of a tile, and of the choice between tiles and lines. */
  const anySize = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(13, 16, 33));
  const anyCase = fc
    .record({
      dtype: anyDType,
      m: anySize,
      k: anySize,
      n: anySize,
      batch: fc.array(fc.integer({ min: 2, max: 3 }), { maxLength: 2 }),
      transposed: fc.tuple(fc.boolean(), fc.boolean()),
    })
    .chain((sizes) => {
      const { dtype, batch, m, k, n } = sizes;
      const range = dtype === 'int32' ? ([-(2 ** 31), 2 ** 31 - 1] as const) : ([-9, 9] as const);
      // matrices in any order, one for several places of the batch as well
      const anySide = (size: number) =>
        (batch.length === 0 ? fc.constant({ offset: 0, strides: [], size: 1 }) : anyWalk(batch))
          .map(({ offset, strides }) => (offset === 0 && strides.every((s) => s >= 0) ? strides : batch.map(() => 0)))
          .chain((strides) => {
            const matrices = 1 + sum(batch.map((count, dim) => (count - 1) * strides[dim]));
            return fc.record({
              batchStrides: fc.constant(strides.map((s) => s * size)),
              values: anyNumbers(dtype, matrices * size, ...range),
            });
          });
      return fc.record({ sizes: fc.constant(sizes), a: anySide(m * k), b: anySide(k * n) });
    });

  test('any sizes, types, batches and transposes', () => {
    fc.assert(
      fc.property(anyCase, ({ sizes: { dtype, batch, m, k, n, transposed }, a, b }) => {
        const expected: number[] = [];
        const terms: number[] = [];
        const startsA = places(batch, { offset: 0, strides: a.batchStrides });
        const startsB = places(batch, { offset: 0, strides: b.batchStrides });
        startsA.forEach((startA, at) => {
          for (const [i, j] of places([m, n], { offset: 0, strides: [n, 1] }).map((p) => [Math.floor(p / n), p % n])) {
            const pairs = Array.from({ length: k }, (_, l) => [
              a.values[startA + (transposed[0] ? l * m + i : i * k + l)],
              b.values[startsB[at] + (transposed[1] ? j * k + l : l * n + j)],
            ]);
            const whole = (): bigint => pairs.reduce((total, [x, y]) => total + BigInt(x) * BigInt(y), 0n);
            expected.push(dtype === 'int32' ? Number(BigInt.asIntN(32, whole())) : sum(pairs.map(([x, y]) => x * y)));
            terms.push(sum(pairs.map(([x, y]) => Math.abs(x * y))));
          }
        });
        const side = ({ values, batchStrides }: typeof a, flipped: boolean): Matrices => ({
          storage: backend.upload(arrayOf(dtype, values)),
          batchStrides,
          transposed: flipped,
        });
        const result = backend.matmul(side(a, transposed[0]), side(b, transposed[1]), { batch, m, k, n });
        expectClose(backend.readSync(result), expected, dtype, terms);
      }),
      { numRuns: 400 },
    );
  });

  test('more rows than are packed at a time', () => {
    // with k = 2^13 a block has 16 rows; ones and powers of two give results that are exact
    const [m, k, n] = [37, 2 ** 13, 6];
    const a = Float32Array.from({ length: m * k }, (_, at) => Math.floor(at / k) + 1);
    const b = Float32Array.from({ length: k * n }, (_, at) => 2 ** (at % n));
    const side = (values: Float32Array): Matrices => ({
      storage: backend.upload(values),
      batchStrides: [],
      transposed: false,
    });
    const result = backend.readSync(backend.matmul(side(a), side(b), { batch: [], m, k, n }));
    const expected = Float32Array.from({ length: m * n }, (_, at) => (Math.floor(at / n) + 1) * k * 2 ** (at % n));
    expect(result).toEqual(expected);
  });

  test('NaN and infinities reach their row and column and no other', () => {
    const anyPlace = anyFloat.chain((dtype) =>
      fc.record({
        dtype: fc.constant(dtype),
        special: fc.constantFrom(NaN, Infinity),
        size: fc.integer({ min: 2, max: 7 }),
        row: fc.nat(6),
        filler: anyNumber(dtype, 1, 2),
      }),
    );
    fc.assert(
      fc.property(anyPlace, ({ dtype, special, size, row, filler }) => {
        const at = row % size;
        const square = (): number[] => Array.from({ length: size * size }, () => filler);
        const a = square();
        a[at * size] = special;
        const side = (values: number[]): Matrices => ({
          storage: backend.upload(arrayOf(dtype, values)),
          batchStrides: [],
          transposed: false,
        });
        const result = backend.matmul(side(a), side(square()), { batch: [], m: size, k: size, n: size });
        const expected = square().map((_, i) => (Math.floor(i / size) === at ? special : size * filler * filler));
        expectClose(backend.readSync(result), expected, dtype);
      }),
    );
  });
});

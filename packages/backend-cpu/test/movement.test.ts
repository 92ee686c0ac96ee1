import type { Backend, DType } from '@rnn/core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { cpu } from '../src/index.js';
import { anyDType, anyNumbers, anySizes, anyWalk } from './arbitrary.js';
import { arrayOf, expectClose, places } from './plain.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
});

const small = fc.integer({ min: 1, max: 5 });
/** The innermost length, on both sides of the one from which block copies are used. */
const anyInner = fc.oneof(small, fc.constantFrom(31, 32, 33));

describe('copy', () => {
  const anyCase = fc.tuple(anyDType, anyDType, anySizes).chain(([from, to, sizes]) =>
    anyWalk(sizes).chain((walk) =>
      fc.record({
        from: fc.constant(from),
        to: fc.constant(to),
        sizes: fc.constant(sizes),
        walk: fc.constant(walk),
        values: anyNumbers(from, walk.size, -1000, 1000),
      }),
    ),
  );

  test('any walk, from any type to any other', () => {
    fc.assert(
      fc.property(anyCase, ({ from, to, sizes, walk, values }) => {
        const expected = places(sizes, walk).map((at) => (to === 'int32' ? Math.trunc(values[at]) : values[at]));
        const x = { storage: backend.upload(arrayOf(from, values)), ...walk };
        expectClose(backend.readSync(backend.copy(x, sizes, to)), expected, to);
      }),
      { numRuns: 300 },
    );
  });

  test('cuts fractions off towards zero, as PyTorch does', () => {
    const x = { storage: backend.upload(new Float32Array([-1.9, 1.9, -0.5, 2e9])), offset: 0, strides: [1] };
    expect(backend.readSync(backend.copy(x, [4], 'int32'))).toEqual(new Int32Array([-1, 1, 0, 2e9]));
  });

  test('keeps special values', () => {
    const special = [NaN, Infinity, -Infinity, -0];
    const x = { storage: backend.upload(new Float64Array(special)), offset: 0, strides: [1] };
    expect([...backend.readSync(backend.copy(x, [4], 'float32'))]).toEqual(special);
  });
});

describe('concat', () => {
  const anyCase = fc.record({
    dtype: anyDType,
    outer: small,
    runs: fc.array(anyInner, { minLength: 1, maxLength: 4 }),
  });

  test('rows of runs side by side', () => {
    fc.assert(
      fc.property(anyCase, ({ dtype, outer, runs }) => {
        // every element is different, so that a misplaced one shows
        let next = 0;
        const pieces = runs.map((run) => Array.from({ length: outer * run }, () => next++));
        const parts = pieces.map((values, i) => ({ storage: backend.upload(arrayOf(dtype, values)), run: runs[i] }));
        const expected = Array.from({ length: outer }, (_, row) =>
          pieces.flatMap((values, i) => values.slice(row * runs[i], (row + 1) * runs[i])),
        ).flat();
        expect([...backend.readSync(backend.concat(parts, outer))]).toEqual(expected);
      }),
    );
  });
});

/**
 * Values, and an index that is dense, or one list for all outer and inner places, or any other
 * walk.
 */
const anyIndexed = fc
  .record({ dtype: anyDType, outer: small, size: small, inner: anyInner, count: small })
  .chain(({ dtype, ...sizes }) => {
    const { outer, size, inner, count } = sizes;
    const anyIndex = fc.oneof(
      fc.constant({ offset: 0, strides: [count * inner, inner, 1], size: outer * count * inner }),
      fc.constant({ offset: 0, strides: [0, 1, 0], size: count }),
      anyWalk([outer, count, inner]),
    );
    return anyIndex.chain((walk) =>
      fc.record({
        dtype: fc.constant<DType>(dtype),
        sizes: fc.constant(sizes),
        walk: fc.constant(walk),
        positions: fc.array(fc.integer({ min: 0, max: size - 1 }), { minLength: walk.size, maxLength: walk.size }),
        values: anyNumbers(dtype, outer * size * inner, -9, 9),
        source: anyNumbers(dtype, outer * count * inner, -9, 9),
      }),
    );
  });

type Indexed = typeof anyIndexed extends fc.Arbitrary<infer T> ? T : never;

/** For each `[o, c, i]`, its place in `[outer, size, inner]`. */
function targets({ sizes: { outer, size, inner, count }, walk, positions }: Indexed): number[] {
  return places([outer, count, inner], walk).map((at, place) => {
    const o = Math.floor(place / (count * inner));
    return (o * size + positions[at]) * inner + (place % inner);
  });
}

test('gather picks along the middle dimension', () => {
  fc.assert(
    fc.property(anyIndexed, (indexed) => {
      const { dtype, sizes, walk, positions, values } = indexed;
      const index = { storage: backend.upload(new Int32Array(positions)), ...walk };
      const result = backend.gather(backend.upload(arrayOf(dtype, values)), index, sizes);
      expectClose(
        backend.readSync(result),
        targets(indexed).map((at) => values[at]),
        dtype,
      );
    }),
    { numRuns: 200 },
  );
});

describe('scatterAdd', () => {
  test('adds along the middle dimension', () => {
    fc.assert(
      fc.property(anyIndexed, (indexed) => {
        const { dtype, sizes, walk, positions, source } = indexed;
        const expected = indexed.values.map(() => 0);
        const terms = indexed.values.map(() => 0);
        targets(indexed).forEach((at, i) => {
          expected[at] += source[i];
          terms[at] += Math.abs(source[i]);
        });
        // a released storage of the result's size must not shine through
        backend.release(backend.fill(7, expected.length, dtype));
        const index = { storage: backend.upload(new Int32Array(positions)), ...walk };
        const result = backend.scatterAdd(backend.upload(arrayOf(dtype, source)), index, sizes);
        expectClose(backend.readSync(result), expected, dtype, terms);
      }),
      { numRuns: 200 },
    );
  });

  test('keeps its digits over a hundred thousand summands', () => {
    const count = 100_000;
    const source = backend.upload(new Float32Array(count).fill(0.1));
    const index = { storage: backend.fill(0, count, 'int32'), offset: 0, strides: [0, 1, 0] };
    const result = backend.scatterAdd(source, index, { outer: 1, size: 1, inner: 1, count });
    expect(backend.readSync(result)).toEqual(new Float32Array([Math.fround(0.1) * count]));
  });
});

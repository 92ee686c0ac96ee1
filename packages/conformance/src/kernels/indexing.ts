import * as fc from 'fast-check';
import type { DType } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import { arithmeticTolerance, rounded } from '../plain/rounding.js';
import { defineProperty } from '../property.js';
import { checkStorage, dtypes, without } from './storage-checks.js';
import { numbersOf } from './values.js';
import { lengths, walked, type Walk } from './walk.js';
import { atWorkbench } from './workbench.js';

const GROUP = 'kernel indexing';
const range = { min: -10, max: 10 };

interface Example {
  readonly sizes: { readonly outer: number; readonly size: number; readonly inner: number; readonly count: number };
  readonly walk: Walk;
  readonly index: readonly number[];
  readonly values: readonly number[];
}

/** Indices one for each place, one list for all places, or walked backwards from an offset. */
function walkOf(kind: 'whole' | 'list' | 'backwards', outer: number, count: number, inner: number): Walk {
  const whole = outer * count * inner;
  switch (kind) {
    case 'whole':
      return { offset: 0, strides: [count * inner, inner, 1], storageSize: whole };
    case 'list':
      return { offset: 0, strides: [0, 1, 0], storageSize: count };
    case 'backwards':
      return { offset: whole + 1, strides: [-count * inner, -inner, -1], storageSize: whole + 3 };
  }
}

function examples(dtype: DType, valueCount: 'size' | 'count'): fc.Arbitrary<Example> {
  const few = fc.integer({ min: 1, max: 4 });
  const kinds = fc.constantFrom('whole' as const, 'list' as const, 'backwards' as const);
  const sizes = fc.oneof(
    fc.record({ outer: few, size: few, inner: few, count: lengths, kind: kinds }),
    fc.record({ outer: few, size: lengths, inner: few, count: few, kind: kinds }),
    fc.record({ outer: few, size: few, inner: lengths, count: few, kind: kinds }),
  );
  return sizes.chain(({ kind, ...sizes }) => {
    const walk = walkOf(kind, sizes.outer, sizes.count, sizes.inner);
    return fc.record({
      sizes: fc.constant(sizes),
      walk: fc.constant(walk),
      index: fc.array(fc.nat({ max: sizes.size - 1 }), { minLength: walk.storageSize, maxLength: walk.storageSize }),
      values: numbersOf(dtype, range, sizes.outer * sizes[valueCount] * sizes.inner),
    });
  });
}

/** Picking by index, and its adjoint. */
export function indexingCases(): ConformanceCase[] {
  return [...dtypes(true).map(gatherCase), ...dtypes(true).map(scatterAddCase)];
}

/**
 * For each element of `[outer, count, inner]` where its index points to in `[outer, size, inner]`.
 */
function targets({ sizes: { outer, size, inner, count }, walk, index }: Example): number[] {
  const picked = walked(index, walk, [outer, count, inner]);
  return picked.map((at, place) => (Math.floor(place / (count * inner)) * size + at) * inner + (place % inner));
}

function gatherCase(dtype: DType): ConformanceCase {
  return defineProperty(
    GROUP,
    `gather ${dtype}`,
    examples(dtype, 'size'),
    (example, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const { sizes, walk, index, values } = example;
        const x = bench.upload(dtype, values);
        const result = bench.own(backend.gather(x, bench.strided('int32', index, walk), sizes));
        const expected = targets(example).map((at) => values[at]);
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: 0 });
      }),
    { exempt: without(dtype) },
  );
}

function scatterAddCase(dtype: DType): ConformanceCase {
  return defineProperty(
    GROUP,
    `scatterAdd ${dtype}`,
    examples(dtype, 'count'),
    (example, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const { sizes, walk, index, values } = example;
        const source = bench.upload(dtype, values);
        const result = bench.own(backend.scatterAdd(source, bench.strided('int32', index, walk), sizes));
        const length = sizes.outer * sizes.size * sizes.inner;
        const expected = new Array<number>(length).fill(0);
        const scale = new Array<number>(length).fill(0);
        targets(example).forEach((at, i) => {
          expected[at] += values[i];
          scale[at] += Math.abs(values[i]);
        });
        await checkStorage(checks, bench, result, {
          dtype,
          expected: expected.map((value) => rounded(value, dtype)),
          tolerance: arithmeticTolerance[dtype],
          scale,
        });
      }),
    { exempt: without(dtype) },
  );
}

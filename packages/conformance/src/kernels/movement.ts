import * as fc from 'fast-check';
import { sizeOf, type DType } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import { rounded } from '../plain/rounding.js';
import { defineProperty } from '../property.js';
import { checkStorage, dtypes, without } from './storage-checks.js';
import { numbersOf } from './values.js';
import { lengths, walked, walksOf } from './walk.js';
import { atWorkbench } from './workbench.js';

const GROUP = 'kernel movement';
const range = { min: -1000, max: 1000 };

/** Copies, conversions and concatenations. */
export function movementCases(): ConformanceCase[] {
  const types = dtypes(true);
  return [
    ...types.flatMap((from) => types.map((to) => copyCase(from, to))),
    ...types.map(concatCase),
    ...types.map(fillCase),
  ];
}

function copyCase(from: DType, to: DType): ConformanceCase {
  const examples = walksOf(1).chain(({ sizes, walks: [walk] }) =>
    fc.record({ sizes: fc.constant(sizes), walk: fc.constant(walk), values: numbersOf(from, range, walk.storageSize) }),
  );
  return defineProperty(
    GROUP,
    from === to ? `copy ${from}` : `copy ${from} to ${to}`,
    examples,
    ({ sizes, walk, values }, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(backend.copy(bench.strided(from, values, walk), sizes, to));
        const expected = walked(values, walk, sizes).map((value) => rounded(value, to));
        await checkStorage(checks, bench, result, { dtype: to, expected, tolerance: 0 });
      }),
    { exempt: without(from, to) },
  );
}

function concatCase(dtype: DType): ConformanceCase {
  const examples = fc
    .record({ outer: fc.integer({ min: 1, max: 5 }), runs: fc.array(lengths, { minLength: 1, maxLength: 5 }) })
    .chain(({ outer, runs }) =>
      fc.record({
        outer: fc.constant(outer),
        parts: fc.tuple(...runs.map((run) => numbersOf(dtype, range, outer * run))),
      }),
    );
  return defineProperty(
    GROUP,
    `concat ${dtype}`,
    examples,
    ({ outer, parts }, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(
          backend.concat(
            parts.map((values) => ({ storage: bench.upload(dtype, values), run: values.length / outer })),
            outer,
          ),
        );
        const expected = Array.from({ length: outer }, (_, row) =>
          parts.flatMap((values) => values.slice((row * values.length) / outer, ((row + 1) * values.length) / outer)),
        ).flat();
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: 0 });
      }),
    { exempt: without(dtype) },
  );
}

function fillCase(dtype: DType): ConformanceCase {
  return defineProperty(
    GROUP,
    `fill ${dtype}`,
    fc.tuple(
      numbersOf(dtype, range, 1),
      fc.oneof(
        fc.constant([0]),
        lengths.map((size) => [size]),
      ),
    ),
    ([[value], sizes], checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(backend.fill(value, sizeOf(sizes), dtype));
        const expected = Array.from({ length: sizeOf(sizes) }, () => value);
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: 0 });
      }),
    { exempt: without(dtype) },
  );
}

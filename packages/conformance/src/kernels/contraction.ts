import * as fc from 'fast-check';
import { sizeOf, type DType, type ReduceOp } from '@rnn/core';
import { defineCase, type ConformanceCase } from '../case.js';
import { arithmeticTolerance, rounded } from '../plain/rounding.js';
import { defineProperty } from '../property.js';
import { checkStorage, dtypes, without } from './storage-checks.js';
import { numbersOf } from './values.js';
import { lengths, simplified } from './walk.js';
import { atWorkbench } from './workbench.js';

const GROUP = 'kernel contraction';
const range = { min: -10, max: 10 };
const few: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4 });

/** Reductions and matrix products. */
export function contractionCases(): ConformanceCase[] {
  const reductions: readonly ReduceOp[] = ['sum', 'max', 'min', 'argmax'];
  return [
    ...reductions.flatMap((op) => dtypes(true).map((dtype) => reduceCase(op, dtype))),
    ...dtypes(false).map(longSumCase),
    ...[false, true].flatMap((a) =>
      [false, true].flatMap((b) => dtypes(false).map((dtype) => matmulCase(a, b, dtype))),
    ),
  ];
}

/** The three sizes of a reduction, one of them long. */
const reductionSizes: fc.Arbitrary<readonly [outer: number, size: number, inner: number]> = fc.oneof(
  fc.tuple(few, lengths, few),
  fc.tuple(few, few, lengths),
  fc.tuple(lengths, few, few),
  fc.tuple(fc.constant(1), lengths, fc.constant(1)),
);

/** Reduces one line of numbers in float64. */
const lineFunctions: Readonly<Record<ReduceOp, (line: readonly number[]) => number>> = {
  sum: (line) => line.reduce((sum, x) => sum + x, 0),
  max: (line) => Math.max(...line),
  min: (line) => Math.min(...line),
  argmax: (line) => {
    const nan = line.findIndex(Number.isNaN);
    return nan >= 0 ? nan : line.indexOf(Math.max(...line));
  },
};

/** The lines along the middle dimension of `[outer, size, inner]`. */
function linesOf(values: readonly number[], outer: number, size: number, inner: number): number[][] {
  return Array.from({ length: outer * inner }, (_, line) => {
    const start = Math.floor(line / inner) * size * inner + (line % inner);
    return Array.from({ length: size }, (__, i) => values[start + i * inner]);
  });
}

function reduceCase(op: ReduceOp, dtype: DType): ConformanceCase {
  const examples = reductionSizes.chain(([outer, size, inner]) =>
    fc.record({
      sizes: fc.constant([outer, size, inner] as const),
      values: numbersOf(dtype, range, outer * size * inner),
    }),
  );
  return defineProperty(
    GROUP,
    `reduce ${op} ${dtype}`,
    examples,
    ({ sizes: [outer, size, inner], values }, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(backend.reduce(op, bench.upload(dtype, values), outer, size, inner));
        const lines = linesOf(values, outer, size, inner);
        await checkStorage(checks, bench, result, {
          dtype: op === 'argmax' ? 'int32' : dtype,
          expected: lines.map((line) => rounded(lineFunctions[op](line), op === 'argmax' ? 'int32' : dtype)),
          tolerance: op === 'sum' ? arithmeticTolerance[dtype] : 0,
          // The terms may cancel; their rounding is relative to their sizes.
          scale: op === 'sum' ? lines.map((line) => line.reduce((sum, x) => sum + Math.abs(x), 0)) : undefined,
        });
      }),
    { exempt: without(dtype) },
  );
}

/**
 * A running float32 sum of these million numbers is off by 2e-3 of its value; sums by halves or in
 * float64 are not.
 */
function longSumCase(dtype: DType): ConformanceCase {
  return defineCase(
    GROUP,
    `reduce a million ${dtype} numbers`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const values = Array.from({ length: 1_000_000 }, (_, i) => rounded(0.1 + (i % 7) * 0.01, dtype));
        const storage = bench.upload(dtype, values);
        const tolerance = arithmeticTolerance[dtype];
        for (const columns of [1, 2]) {
          const size = values.length / columns;
          const result = bench.own(backend.reduce('sum', storage, 1, size, columns));
          const expected = linesOf(values, 1, size, columns).map(countedSum);
          await checkStorage(checks, bench, result, { dtype, expected, tolerance });
        }
      }),
    without(dtype),
  );
}

/** The sum of many numbers of which few differ, with hardly any rounding: each times its count. */
function countedSum(line: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of line) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((sum, [value, count]) => sum + value * count, 0);
}

interface Product {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** For each side and batch dimension, whether one matrix serves all places. */
  readonly shared: readonly (readonly boolean[])[];
  /** A single product as no batch dimension at all, instead of one of size 1. */
  readonly bare: boolean;
}

const batches: fc.Arbitrary<Pick<Product, 'batch' | 'shared'>> = fc
  .array(fc.integer({ min: 2, max: 3 }), { maxLength: 2 })
  .chain((batch) => {
    const flags = fc.array(fc.boolean(), { minLength: batch.length, maxLength: batch.length });
    return fc.record({ batch: fc.constant(batch), shared: fc.tuple(flags, flags) });
  });

/** Matrix sizes with at most one of them long, and batches of small products. */
const products: fc.Arbitrary<Product> = fc.oneof(
  ...(['m', 'k', 'n'] as const).map((long) =>
    fc
      .record({ m: few, k: few, n: few, size: lengths, kind: batches })
      .map(({ kind, size, ...rest }) => ({ ...rest, [long]: size, ...kind, bare: false })),
  ),
  fc
    .record({ m: lengths, k: lengths, n: lengths })
    .filter(({ m, k, n }) => m * k + k * n + m * n < 3000)
    .map((sizes) => ({ ...sizes, batch: [], shared: [[], []], bare: true })),
);

function matmulCase(transposeA: boolean, transposeB: boolean, dtype: DType): ConformanceCase {
  const examples = products.chain((product) => {
    const { batch, m, k, n, shared } = product;
    const matrices = shared.map((flags) => sizeOf(batch.filter((_, dim) => !flags[dim])));
    return fc.record({
      product: fc.constant(product),
      a: numbersOf(dtype, range, matrices[0] * m * k),
      b: numbersOf(dtype, range, matrices[1] * k * n),
    });
  });
  const name = `matmul ${transposeA ? 'A^T' : 'A'} ${transposeB ? 'B^T' : 'B'} ${dtype}`;
  return defineProperty(
    GROUP,
    name,
    examples,
    ({ product: { batch, m, k, n, shared, bare }, a, b }, checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const strides = [m * k, k * n].map((size, side) => batchStrides(batch, shared[side], size));
        const walks = strides.map((list) => ({ offset: 0, strides: list, storageSize: 0 }));
        const merged = bare ? { sizes: batch, walks } : simplified({ sizes: batch, walks });
        const result = bench.own(
          backend.matmul(
            { storage: bench.upload(dtype, a), batchStrides: merged.walks[0].strides, transposed: transposeA },
            { storage: bench.upload(dtype, b), batchStrides: merged.walks[1].strides, transposed: transposeB },
            { batch: merged.sizes, m, k, n },
          ),
        );
        const terms = places(batch).flatMap((place) => {
          const [startA, startB] = strides.map((list) => list.reduce((at, stride, dim) => at + stride * place[dim], 0));
          const left = (row: number, i: number): number => a[startA + (transposeA ? i * m + row : row * k + i)];
          const right = (i: number, column: number): number =>
            b[startB + (transposeB ? column * k + i : i * n + column)];
          return Array.from({ length: m * n }, (_, element) =>
            Array.from({ length: k }, (__, i) => left(Math.floor(element / n), i) * right(i, element % n)),
          );
        });
        await checkStorage(checks, bench, result, {
          dtype,
          expected: terms.map((list) => rounded(lineFunctions.sum(list), dtype)),
          tolerance: arithmeticTolerance[dtype],
          scale: terms.map((list) => list.reduce((sum, x) => sum + Math.abs(x), 0)),
        });
      }),
    { exempt: without(dtype) },
  );
}

function batchStrides(batch: readonly number[], shared: readonly boolean[], size: number): number[] {
  const strides: number[] = batch.map(() => 0);
  let apart = size;
  for (let dim = batch.length - 1; dim >= 0; dim--) {
    if (shared[dim]) continue;
    strides[dim] = apart;
    apart *= batch[dim];
  }
  return strides;
}

/** All places of a batch in order. */
function places(batch: readonly number[]): number[][] {
  return batch.reduce<number[][]>(
    (list, size) => list.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}

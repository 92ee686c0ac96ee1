/**
 * int32 up to its limits: arithmetic that wraps around, orders that do not, and floats that become
 * whole numbers.
 */
import { amax, amin, argmax, argmin, max, min, tensor, type BinaryOp, type DType, type UnaryOp } from '@rnn/core';
import { defineCase, type ConformanceCase, type Exemption } from '../case.js';
import { checkStorage, without } from './storage-checks.js';
import { atWorkbench } from './workbench.js';

const GROUP = 'kernel whole numbers';

const LEAST = -(2 ** 31);
const GREATEST = 2 ** 31 - 1;
const limits = [LEAST, LEAST + 1, -65537, -46341, -2, -1, 0, 1, 2, 46341, 65537, GREATEST - 1, GREATEST];

/** The number of 32 bits that is left of an exact one, by integers without limits. */
function wrapped(exact: bigint): number {
  return Number(BigInt.asIntN(32, exact));
}

const unaryFunctions: Readonly<Partial<Record<UnaryOp, (x: bigint) => bigint>>> = {
  neg: (x) => -x,
  square: (x) => x * x,
  abs: (x) => (x < 0n ? -x : x),
  sign: (x) => (x < 0n ? -1n : x > 0n ? 1n : 0n),
  relu: (x) => (x < 0n ? 0n : x),
};

const truth = (holds: boolean): bigint => (holds ? 1n : 0n);

const binaryFunctions: Readonly<Partial<Record<BinaryOp, (a: bigint, b: bigint) => bigint>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  maximum: (a, b) => (a > b ? a : b),
  minimum: (a, b) => (a < b ? a : b),
  eq: (a, b) => truth(a === b),
  ne: (a, b) => truth(a !== b),
  lt: (a, b) => truth(a < b),
  le: (a, b) => truth(a <= b),
  gt: (a, b) => truth(a > b),
  ge: (a, b) => truth(a >= b),
};

/** Whole numbers of any size. */
export function wholeNumberCases(): ConformanceCase[] {
  return [
    ...(Object.keys(unaryFunctions) as UnaryOp[]).map(unaryCase),
    ...(Object.keys(binaryFunctions) as BinaryOp[]).map(binaryCase),
    reduceCase(),
    matmulCase(),
    scatterCase(),
    extremesCase(),
    ...(['float32', 'float64'] as const).flatMap((dtype) => [nanCase(dtype), beyondCase(dtype)]),
  ];
}

/** A device without 32-bit integers is not asked for what it refuses. */
function needsAll(...types: readonly DType[]): Exemption {
  return (info) =>
    without('int32', ...types)(info) ??
    (info.largestInteger === undefined
      ? undefined
      : `${info.name} declares whole numbers up to ${info.largestInteger} only`);
}

function unaryCase(op: UnaryOp): ConformanceCase {
  const fn = unaryFunctions[op] as (x: bigint) => bigint;
  return defineCase(
    GROUP,
    `unary ${op}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const result = bench.own(backend.unary(op, bench.upload('int32', limits)));
        const expected = limits.map((x) => wrapped(fn(BigInt(x))));
        await checkStorage(checks, bench, result, { dtype: 'int32', expected, tolerance: 0 });
      }),
    needsAll(),
  );
}

function binaryCase(op: BinaryOp): ConformanceCase {
  const fn = binaryFunctions[op] as (a: bigint, b: bigint) => bigint;
  return defineCase(
    GROUP,
    `binary ${op}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const count = limits.length;
        const storage = bench.upload('int32', limits);
        const column = { storage, offset: 0, strides: [1, 0] };
        const row = { storage, offset: 0, strides: [0, 1] };
        const table = bench.own(backend.binary(op, column, row, [count, count]));
        const exact = (a: number, b: number): number => wrapped(fn(BigInt(a), BigInt(b)));
        const expect = { dtype: 'int32', tolerance: 0 } as const;
        await checkStorage(checks, bench, table, {
          ...expect,
          expected: limits.flatMap((a) => limits.map((b) => exact(a, b))),
        });
        const dense = { storage, offset: 0, strides: [1] };
        for (const value of limits) {
          const left = bench.own(backend.binary(op, value, dense, [count]));
          const right = bench.own(backend.binary(op, dense, value, [count]));
          await checkStorage(checks, bench, left, { ...expect, expected: limits.map((b) => exact(value, b)) });
          await checkStorage(checks, bench, right, { ...expect, expected: limits.map((a) => exact(a, value)) });
        }
      }),
    needsAll(),
  );
}

function reduceCase(): ConformanceCase {
  return defineCase(
    GROUP,
    'reduce',
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const expect = { dtype: 'int32', tolerance: 0 } as const;
        // Along rows of the memory and across them, with each limit at the beginning.
        for (let turn = 0; turn < limits.length; turn++) {
          const line = [...limits.slice(turn), ...limits.slice(0, turn)];
          const results = {
            sum: wrapped(line.reduce((total, x) => total + BigInt(x), 0n)),
            max: GREATEST,
            min: LEAST,
            argmax: line.indexOf(GREATEST),
          };
          for (const inner of [1, 3]) {
            const values = line.flatMap((x) => Array.from({ length: inner }, () => x));
            const storage = bench.upload('int32', values);
            for (const op of ['sum', 'max', 'min', 'argmax'] as const) {
              const result = bench.own(backend.reduce(op, storage, 1, line.length, inner));
              const expected = Array.from({ length: inner }, () => results[op]);
              await checkStorage(checks, bench, result, { ...expect, expected });
            }
          }
          bench.releaseAll();
        }
        // 2^23 times 2^31 - 1 is more than float64 tells apart.
        const size = 2 ** 23 + 1;
        const many = bench.own(backend.fill(GREATEST, size, 'int32'));
        const total = bench.own(backend.reduce('sum', many, 1, size, 1));
        await checkStorage(checks, bench, total, { ...expect, expected: [wrapped(BigInt(size) * BigInt(GREATEST))] });
      }),
    needsAll(),
  );
}

function matmulCase(): ConformanceCase {
  return defineCase(
    GROUP,
    'matmul',
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const k = limits.length;
        const left = limits.flatMap((x) => [x, 1 - Math.max(x, 0)]);
        const a = { storage: bench.upload('int32', left), batchStrides: [], transposed: true };
        const b = { storage: bench.upload('int32', limits), batchStrides: [], transposed: false };
        const result = bench.own(backend.matmul(a, b, { batch: [], m: 2, k, n: 1 }));
        const expected = [0, 1].map((row) =>
          wrapped(limits.reduce((total, x, i) => total + BigInt(left[2 * i + row]) * BigInt(x), 0n)),
        );
        await checkStorage(checks, bench, result, { dtype: 'int32', expected, tolerance: 0 });
      }),
    needsAll(),
  );
}

function scatterCase(): ConformanceCase {
  return defineCase(
    GROUP,
    'scatterAdd',
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const count = limits.length;
        const places = limits.map((_, i) => i % 2);
        const index = { storage: bench.upload('int32', places), offset: 0, strides: [0, 1, 0] };
        const source = bench.upload('int32', limits);
        const result = bench.own(backend.scatterAdd(source, index, { outer: 1, size: 2, inner: 1, count }));
        const expected = [0, 1].map((place) =>
          wrapped(limits.reduce((total, x, i) => (places[i] === place ? total + BigInt(x) : total), 0n)),
        );
        await checkStorage(checks, bench, result, { dtype: 'int32', expected, tolerance: 0 });
      }),
    needsAll(),
  );
}

/** Of tensors: the smallest by the largest of something else must not take -(-2^31) for it. */
function extremesCase(): ConformanceCase {
  return defineCase(
    GROUP,
    'extremes of tensors and their positions',
    async (checks, { backend }) => {
      const values = [5, LEAST, -1, GREATEST, LEAST, GREATEST, LEAST + 1, 0];
      const x = tensor(values, { dtype: 'int32', backend });
      const column = x.reshape([values.length, 1]);
      const low = min(column, 0);
      const high = max(column, 0);
      const made = [
        [amin(x), LEAST],
        [amax(x), GREATEST],
        [min(x), LEAST],
        [max(x), GREATEST],
        [argmin(x), values.indexOf(LEAST)],
        [argmax(x), values.indexOf(GREATEST)],
        [low.values, LEAST],
        [low.indices, values.indexOf(LEAST)],
        [high.values, GREATEST],
        [high.indices, values.indexOf(GREATEST)],
      ] as const;
      for (const [i, [result, expected]] of made.entries()) {
        checks.close(`result ${i}`, await result.data(), [expected], [1], { tolerance: 0, exact: true });
      }
      for (const t of [x, column, ...made.map(([result]) => result)]) t.dispose();
    },
    needsAll(),
  );
}

/** One row of numbers and its columns apart: a dense copy and one that jumps. */
function conversionCase(name: string, dtype: DType, pairs: readonly (readonly [number, number])[], exempt: Exemption) {
  return defineCase(
    GROUP,
    name,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const expected = pairs.map(([, whole]) => whole);
        const dense = bench.upload(
          dtype,
          pairs.map(([x]) => x),
        );
        const apart = bench.upload(
          dtype,
          pairs.flatMap(([x]) => [x, 0.5]),
        );
        for (const [storage, stride] of [
          [dense, 1],
          [apart, 2],
        ] as const) {
          const result = bench.own(backend.copy({ storage, offset: 0, strides: [stride] }, [pairs.length], 'int32'));
          await checkStorage(checks, bench, result, { dtype: 'int32', expected, tolerance: 0 });
        }
      }),
    exempt,
  );
}

function nanCase(dtype: DType): ConformanceCase {
  const pairs = [
    [NaN, 0],
    [-0, 0],
    [0.9, 0],
    [-0.9, 0],
    [1e-30, 0],
    [2.5, 2],
    [-2.5, -2],
    [8388607.5, 8388607],
    [-16777216, -16777216],
  ] as const;
  return conversionCase(`NaN and fractions of ${dtype} to int32`, dtype, pairs, without(dtype));
}

function beyondCase(dtype: DType): ConformanceCase {
  const pairs = [
    [2147483520, 2147483520],
    [2147483648, GREATEST],
    [4294967296, GREATEST],
    [3e9, GREATEST],
    [1e30, GREATEST],
    [Infinity, GREATEST],
    [-2147483648, LEAST],
    [-4294967296, LEAST],
    [-3e9, LEAST],
    [-1e30, LEAST],
    [-Infinity, LEAST],
  ] as const;
  return conversionCase(`${dtype} beyond the limits to int32`, dtype, pairs, needsAll(dtype));
}

/** NaN, infinities, zeros, overflow and underflow, at every place of a vector register. */
import type { BinaryOp, DType, UnaryOp } from '@rnn/core';
import { defineCase, type ConformanceCase } from '../case.js';
import { binaryFunctions, unaryFunctions } from '../plain/elementwise.js';
import { arithmeticTolerance, rounded } from '../plain/rounding.js';
import { checkStorage, dtypes, without } from './storage-checks.js';
import { atWorkbench } from './workbench.js';

const GROUP = 'kernel special values';

const limits = [NaN, Infinity, -Infinity, 0, -0, 1, -1];
/** Past the point where functions saturate or their powers overflow, in float32 and in float64. */
const large = [20, -20, 90, -90, 104, -104, 720, -720, 1e10, -1e10, 1e30, -1e30];
const small = [1e-4, -1e-4, 1e-8, -1e-8, 1e-30, -1e-30];

/** Special values in every kernel that meets numbers. */
export function specialValueCases(): ConformanceCase[] {
  const unary = Object.keys(unaryFunctions) as UnaryOp[];
  const binary = Object.keys(binaryFunctions) as BinaryOp[];
  return dtypes(false).flatMap((dtype) => [
    ...unary.map((op) => unaryCase(op, dtype)),
    ...binary.map((op) => binaryCase(op, dtype)),
    selectCase(dtype),
    movementCase(dtype),
    reduceCase(dtype),
    matmulCase(dtype),
  ]);
}

function unaryCase(op: UnaryOp, dtype: DType): ConformanceCase {
  const fn = unaryFunctions[op];
  const values = [...limits, ...large, ...small].map((x) => rounded(x, dtype));
  return defineCase(
    GROUP,
    `unary ${op} ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        // Rotations bring every value to every place of a register, and to the rest behind the last
        // full one.
        for (let turn = 0; turn < values.length; turn++) {
          const turned = [...values.slice(turn), ...values.slice(0, turn)];
          const result = bench.own(backend.unary(op, bench.upload(dtype, turned)));
          const expected = turned.map((x) => rounded(fn(x), dtype));
          await checkStorage(checks, bench, result, { dtype, expected, tolerance: arithmeticTolerance[dtype] });
          const got = await bench.read(result);
          for (const [i, x] of turned.entries())
            if (x === 0 && expected[i] === 0)
              checks.fact(
                `${op}(${shown(x)}) is ${shown(got[i])}, expected ${shown(expected[i])}`,
                Object.is(got[i], expected[i]),
              );
          bench.releaseAll();
        }
      }),
    without(dtype),
  );
}

/** With the sign of a zero. */
function shown(x: number): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

function binaryCase(op: BinaryOp, dtype: DType): ConformanceCase {
  const fn = binaryFunctions[op];
  const values = [...limits, 2, -2, 0.5, 1e20, -1e20, 1e-20].map((x) => rounded(x, dtype));
  return defineCase(
    GROUP,
    `binary ${op} ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const count = values.length;
        const storage = bench.upload(dtype, values);
        // Every value with every other, as a column and a row, and with each as a plain number.
        const column = { storage, offset: 0, strides: [1, 0] };
        const row = { storage, offset: 0, strides: [0, 1] };
        const table = bench.own(backend.binary(op, column, row, [count, count]));
        const expected = values.flatMap((a) => values.map((b) => rounded(fn(a, b), dtype)));
        const tolerance = arithmeticTolerance[dtype];
        await checkStorage(checks, bench, table, { dtype, expected, tolerance });
        const dense = { storage, offset: 0, strides: [1] };
        for (const value of values) {
          const left = bench.own(backend.binary(op, value, dense, [count]));
          const right = bench.own(backend.binary(op, dense, value, [count]));
          const expectedLeft = values.map((b) => rounded(fn(value, b), dtype));
          const expectedRight = values.map((a) => rounded(fn(a, value), dtype));
          await checkStorage(checks, bench, left, { dtype, expected: expectedLeft, tolerance });
          await checkStorage(checks, bench, right, { dtype, expected: expectedRight, tolerance });
        }
      }),
    without(dtype),
  );
}

function selectCase(dtype: DType): ConformanceCase {
  return defineCase(
    GROUP,
    `select ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        // What is not picked leaves no trace; a condition that is NaN is not 0.
        const condition = [1, 0, NaN, -0, 1, 0];
        const a = [NaN, NaN, 1, NaN, Infinity, 5];
        const b = [2, 3, NaN, 4, NaN, -Infinity];
        const [test, left, right] = [condition, a, b].map((values) => ({
          storage: bench.upload(dtype, values),
          offset: 0,
          strides: [1],
        }));
        const result = bench.own(backend.select(test, left, right, [condition.length], dtype));
        await checkStorage(checks, bench, result, {
          dtype,
          expected: [NaN, 3, 1, 4, Infinity, -Infinity],
          tolerance: 0,
        });
      }),
    without(dtype),
  );
}

function movementCase(dtype: DType): ConformanceCase {
  return defineCase(
    GROUP,
    `copy, concat, gather ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const values = [...limits, ...large, ...small].map((x) => rounded(x, dtype));
        const count = values.length;
        const storage = bench.upload(dtype, values);
        const expect = { dtype, tolerance: 0 };
        const backwards = [...values].reverse();
        const flipped = bench.own(backend.copy({ storage, offset: count - 1, strides: [-1] }, [count], dtype));
        await checkStorage(checks, bench, flipped, { ...expect, expected: backwards });
        const joined = bench.own(
          backend.concat(
            [storage, flipped].map((part) => ({ storage: part, run: count })),
            1,
          ),
        );
        await checkStorage(checks, bench, joined, { ...expect, expected: [...values, ...backwards] });
        const order = bench.upload(
          'int32',
          Array.from({ length: count }, (_, i) => count - 1 - i),
        );
        const index = { storage: order, offset: 0, strides: [0, 1, 0] };
        const picked = bench.own(backend.gather(storage, index, { outer: 1, size: count, inner: 1, count }));
        await checkStorage(checks, bench, picked, { ...expect, expected: backwards });
        for (const value of [NaN, Infinity, -Infinity]) {
          const filled = bench.own(backend.fill(value, 5, dtype));
          await checkStorage(checks, bench, filled, { ...expect, expected: [value, value, value, value, value] });
        }
      }),
    without(dtype),
  );
}

function reduceCase(dtype: DType): ConformanceCase {
  return defineCase(
    GROUP,
    `reduce ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        const lines = [
          [1, NaN, 3, NaN, 2],
          [NaN, 1, 1, 1, 1],
          [1, 2, 3, 4, NaN],
          [Infinity, 1, 2, 3, 4],
          [-Infinity, -Infinity, -Infinity, -Infinity, -Infinity],
          [Infinity, -Infinity, 0, 0, 0],
          [7, 7, 7, 7, 7],
          [-3, -1, -1, -2, -1],
          [0, -0, 0, -0, 0],
        ];
        const expected = {
          sum: [NaN, NaN, NaN, Infinity, -Infinity, NaN, 35, -8, 0],
          max: [NaN, NaN, NaN, Infinity, -Infinity, Infinity, 7, -1, 0],
          min: [NaN, NaN, NaN, 1, -Infinity, -Infinity, 7, -3, 0],
          argmax: [1, 0, 4, 0, 0, 0, 0, 1, 0],
        };
        const count = lines.length;
        // Once with the lines side by side in memory, once with their elements far apart.
        const rows = bench.upload(dtype, lines.flat());
        const columns = bench.upload(
          dtype,
          lines[0].flatMap((_, i) => lines.map((line) => line[i])),
        );
        for (const op of ['sum', 'max', 'min', 'argmax'] as const) {
          const along = bench.own(backend.reduce(op, rows, count, 5, 1));
          const across = bench.own(backend.reduce(op, columns, 1, 5, count));
          const type = op === 'argmax' ? 'int32' : dtype;
          await checkStorage(checks, bench, along, { dtype: type, expected: expected[op], tolerance: 0 });
          await checkStorage(checks, bench, across, { dtype: type, expected: expected[op], tolerance: 0 });
        }
      }),
    without(dtype),
  );
}

function matmulCase(dtype: DType): ConformanceCase {
  return defineCase(
    GROUP,
    `matmul ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        // A zero hides neither NaN nor infinity: 0 * NaN and 0 * Infinity are NaN.
        const a = { storage: bench.upload(dtype, [1, 0, 0, 1, 2, 3]), batchStrides: [], transposed: false };
        const b = { storage: bench.upload(dtype, [NaN, 1, Infinity, 4]), batchStrides: [], transposed: false };
        const result = bench.own(backend.matmul(a, b, { batch: [], m: 3, k: 2, n: 2 }));
        const expected = [NaN, 1, NaN, 4, NaN, 14];
        await checkStorage(checks, bench, result, { dtype, expected, tolerance: 0 });
      }),
    without(dtype),
  );
}

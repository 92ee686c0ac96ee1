/**
 * Long sums of float32 against float64: the errors of PyTorch's own products of these sizes are up
 * to 6e-7 of the largest result.
 */
import type { Backend, Instruction, Program } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { wasm } from '../src/index.js';
import { wasm as lean } from '../src/lean.js';

const LARGEST_ERROR = 6e-7;

/** Sums of twelve uniform draws, nearly normal. */
function normal(size: number, seed: number): Float32Array {
  let state = seed;
  const draw = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: size }, () => Array.from({ length: 12 }, draw).reduce((sum, x) => sum + x, -6));
}

/** The largest error as a share of the largest result. */
function errorOf(got: ArrayLike<number>, exact: readonly number[]): number {
  const largest = Math.max(...exact.map(Math.abs));
  return Math.max(...exact.map((value, i) => Math.abs(got[i] - value))) / largest;
}

describe.each([
  { name: 'relaxed SIMD', make: () => wasm({ threads: 1 }) },
  { name: 'strict SIMD', make: () => wasm({ threads: 1, deterministic: true }) },
  { name: 'the lean entry', make: () => lean() },
])('$name', ({ make }) => {
  let backend: Backend;

  beforeAll(async () => {
    backend = await make();
  });

  // Gradients of weights, [rows, m]^T [rows, n]; a few rows times a weight, as it is and
  // transposed; one column.
  test.each<[number, number, number, boolean, boolean]>([
    [64, 2000, 64, true, false],
    [37, 2003, 21, true, false],
    [16, 10_000, 24, true, false],
    [1, 2000, 64, false, false],
    [3, 5000, 19, false, false],
    [3, 5000, 19, false, true],
    [200, 2000, 1, false, false],
  ])('a product of %i x %i x %i', (m, k, n, transposeA, transposeB) => {
    const [left, right] = [normal(m * k, 1), normal(k * n, 2)];
    const a = { storage: backend.upload(left), batchStrides: [], transposed: transposeA };
    const b = { storage: backend.upload(right), batchStrides: [], transposed: transposeB };
    const got = backend.readSync(backend.matmul(a, b, { batch: [], m, k, n }));
    const exact = Array.from({ length: m * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let l = 0; l < k; l++) {
        sum += left[transposeA ? l * m + i : i * k + l] * right[transposeB ? j * k + l : l * n + j];
      }
      return sum;
    });
    expect(errorOf(got, exact)).toBeLessThan(LARGEST_ERROR);
  });
});

describe.each([false, true])('deterministic: %s', (deterministic) => {
  let backend: Backend;

  beforeAll(async () => {
    backend = await wasm({ threads: 1, deterministic });
  });

  /** One instruction on rows of features, and on a fixed matrix if there is one. */
  function run(instruction: Instruction, rows: number, width: number, weight?: Float32Array): [Float32Array, number[]] {
    const x = normal(rows * width, 3).map((value) => value + 0.5);
    const program: Program = {
      dtype: 'float32',
      xs: [width],
      carry: [],
      perRow: [],
      consts: weight === undefined ? [] : [{ rows: width, columns: instruction.width }],
      body: [instruction],
      carryOut: [],
      ys: [weight === undefined ? 1 : 2],
      reverse: false,
    };
    const consts = weight === undefined ? [] : [backend.upload(weight)];
    const args = {
      steps: 1,
      rows,
      xs: [backend.upload(x)],
      carry: [],
      perRow: [],
      consts,
    };
    const compiled = backend.compile?.(program);
    if (compiled === undefined) throw new Error('the program is not compiled');
    return [backend.readSync(compiled.run(args).ys[0]) as Float32Array, Array.from(x)];
  }

  test.each([
    [20_000, 1],
    [5003, 1],
    [4000, 3],
    [300_000, 1],
  ])('a compiled sum of %i features, %i apart', (size, inner) => {
    const rows = 2;
    const [got, x] = run({ kind: 'reduce', op: 'sum', x: 0, outer: 1, size, inner, width: inner }, rows, size * inner);
    const exact = Array.from({ length: rows * inner }, (_, at) => {
      const start = Math.floor(at / inner) * size * inner + (at % inner);
      return Array.from({ length: size }, (__, i) => x[start + i * inner]).reduce((sum, value) => sum + value, 0);
    });
    expect(errorOf(got, exact)).toBeLessThan(2e-7);
  });

  test.each([1, 6])('a compiled product of %i rows of 3000 features', (rows) => {
    const [width, n] = [3000, 24];
    const weight = normal(width * n, 4);
    const instruction = { kind: 'matmul', x: 0, weight: 1, transposed: false, init: undefined, width: n } as const;
    const [got, x] = run(instruction, rows, width, weight);
    const exact = Array.from({ length: rows * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let l = 0; l < width; l++) sum += x[i * width + l] * weight[l * n + j];
      return sum;
    });
    expect(errorOf(got, exact)).toBeLessThan(LARGEST_ERROR);
  });
});

import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { conformance } from '@rnn/conformance/vitest';
import { executeProgram, type Backend, type Instruction, type Program, type TypedArray } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';

let reference: Backend;
let compiled: readonly Backend[];

beforeAll(async () => {
  reference = await cpu();
  compiled = [await wasm({ threads: 1 }), await wasm({ threads: 1, deterministic: true })];
});

describe.each([false, true])('deterministic: %s', (deterministic) => {
  conformance(() => wasm({ threads: 1, deterministic }), { filter: 'random programs compiled', runs: 400 });
});

test('one storage may be two weights, used both ways', () => {
  const size = 6;
  const rows = 5;
  const program: Program = {
    dtype: 'float32',
    xs: [size],
    carry: [],
    perRow: [],
    consts: [
      { rows: size, columns: size },
      { rows: size, columns: size },
    ],
    body: [
      { kind: 'matmul', width: size, x: 0, weight: 1, transposed: false, init: undefined },
      { kind: 'matmul', width: size, x: 0, weight: 2, transposed: true, init: 3 },
    ],
    carryOut: [],
    ys: [4],
    reverse: false,
  };
  const x = Float32Array.from({ length: rows * size }, (_, i) => ((i * 7) % 11) - 5);
  const w = Float32Array.from({ length: size * size }, (_, i) => ((i * 5) % 13) - 6);
  const results = [reference, ...compiled].map((backend) => {
    const weight = backend.upload(w);
    const args = {
      steps: 1,
      rows,
      xs: [backend.upload(x)],
      carry: [],
      perRow: [],
      consts: [weight, weight],
    };
    const { ys } = backend.compile?.(program)?.run(args) ?? executeProgram(backend, program, args);
    return [...backend.readSync(ys[0])];
  });
  // Whole numbers: the products are exact.
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('the first feature of a row stands for that row only', () => {
  const program: Program = {
    dtype: 'float32',
    xs: [2],
    carry: [],
    perRow: [],
    consts: [],
    body: [
      { kind: 'copy', width: 1, x: 0, offset: 0, sizes: [1], strides: [1] },
      { kind: 'binary', width: 2, op: 'add', a: { value: 1 }, b: { value: 0 } },
    ],
    carryOut: [],
    ys: [2],
    reverse: false,
  };
  for (const backend of compiled) {
    const xs = [backend.upload(Float32Array.of(1, 2, 3, 4, 5, 6))];
    const args = { steps: 1, rows: 3, xs, carry: [], perRow: [], consts: [] };
    const { ys } = backend.compile?.(program)?.run(args) ?? executeProgram(backend, program, args);
    expect([...backend.readSync(ys[0])]).toEqual([2, 3, 6, 7, 10, 11]);
  }
});

test('a program may have thousands of instructions', () => {
  const half = 6000;
  const body: Instruction[] = Array.from({ length: half }, (_, i): Instruction[] => [
    { kind: 'binary', width: 3, op: 'mul', a: { value: 2 * i }, b: 1.5 },
    { kind: 'unary', width: 3, op: 'tanh', x: 2 * i + 1 },
  ]).flat();
  const outputs = [2 * half, 701];
  const program: Program = {
    dtype: 'float32',
    xs: [3],
    carry: [],
    perRow: [],
    consts: [],
    body,
    carryOut: [],
    ys: outputs,
    reverse: false,
  };
  let fixedPoint = 1;
  for (let i = 0; i < 100; i++) fixedPoint = Math.tanh(1.5 * fixedPoint);
  for (const backend of compiled) {
    const xs = [backend.fill(1, 15, 'float32')];
    const args = { steps: 1, rows: 5, xs, carry: [], perRow: [], consts: [] };
    const results = backend
      .compile?.(program)
      ?.run(args)
      .ys.map((storage) => [...backend.readSync(storage)]);
    const near = (x: number): unknown => Array.from({ length: 15 }, (): unknown => expect.closeTo(x, 5));
    expect(results).toEqual([near(fixedPoint), near(1.5 * fixedPoint)]);
  }
});

/** Numbers that look like nothing in particular. */
function noise(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));
}

test("a row's bits do not depend on which rows are computed with it", () => {
  const [k, n] = [300, 43];
  const program: Program = {
    dtype: 'float32',
    xs: [k],
    carry: [],
    perRow: [],
    consts: [
      { rows: k, columns: n },
      { rows: 1, columns: n },
      { rows: k, columns: n },
    ],
    body: [
      { kind: 'matmul', width: n, x: 0, weight: 1, transposed: false, init: 2 },
      { kind: 'unary', width: n, op: 'tanh', x: 4 },
      { kind: 'matmul', width: k, x: 5, weight: 3, transposed: true, init: 0 },
      { kind: 'reduce', width: 1, op: 'sum', x: 6, outer: 1, size: k, inner: 1 },
      { kind: 'binary', width: k, op: 'sub', a: { value: 6 }, b: { value: 7 } },
    ],
    carryOut: [],
    ys: [8, 5],
    reverse: false,
  };
  const rows = 131;
  const x = noise(rows * k, 1);
  const weights = [noise(k * n, 2), noise(n, 3), noise(k * n, 4)];
  for (const backend of compiled) {
    const ready = backend.compile?.(program);
    const consts = weights.map((values) => backend.upload(values));
    const run = (from: number, to: number): number[][] => {
      const xs = [backend.upload(x.subarray(from * k, to * k))];
      const args = { steps: 1, rows: to - from, xs, carry: [], perRow: [], consts };
      return ready?.run(args).ys.map((storage) => [...backend.readSync(storage)]) ?? [];
    };
    const whole = run(0, rows);
    for (const cuts of [[4], [7, 19], [96], [13, 17, 40, 101], [127]]) {
      const ends = [...cuts, rows];
      const parts = ends.map((to, i) => run(ends[i - 1] ?? 0, to));
      expect(whole.map((_, output) => parts.flatMap((part) => part[output]))).toEqual(whole);
    }
  }
});

test('a block of a product has the bits of the whole product', () => {
  // More terms than a block has, and edges everywhere; A and B as they are, and transposed.
  const [m, k, n] = [101, 515, 21];
  const a = noise(m * k, 5);
  const b = noise(k * n, 6);
  const block = (from: number, to: number, aTransposed: boolean): Float32Array =>
    aTransposed
      ? Float32Array.from(
          { length: k * (to - from) },
          (_, i) => a[Math.floor(i / (to - from)) * m + from + (i % (to - from))],
        )
      : a.slice(from * k, to * k);
  for (const backend of compiled) {
    for (const [aTransposed, bTransposed] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ]) {
      const right = backend.upload(b);
      const rows = (from: number, to: number): number[] => {
        const left = backend.upload(block(from, to, aTransposed));
        const product = backend.matmul(
          { storage: left, batchStrides: [], transposed: aTransposed },
          { storage: right, batchStrides: [], transposed: bTransposed },
          { batch: [], m: to - from, k, n },
        );
        return [...backend.readSync(product)];
      };
      const whole = rows(0, m);
      for (const cut of [4, 31, 60, 96]) expect([...rows(0, cut), ...rows(cut, m)]).toEqual(whole);
    }
  }
});

describe.each([false, true])(
  'a row of a product has the same bits among any number of rows, transposed: %s',
  (transposed) => {
    // Terms in several blocks, and all that may be left of columns behind whole groups and panels.
    test.each([
      [1, 1],
      [2, 6],
      [5, 8],
      [64, 32],
      [70, 43],
      [300, 77],
      [513, 99],
    ])('%i terms, %i columns', (k, n) => {
      const rows = 7;
      const program: Program = {
        dtype: 'float32',
        xs: [k],
        carry: [],
        perRow: [n],
        consts: [transposed ? { rows: n, columns: k } : { rows: k, columns: n }],
        body: [{ kind: 'matmul', width: n, x: 0, weight: 2, transposed, init: 1 }],
        carryOut: [],
        ys: [3],
        reverse: false,
      };
      const numbers = (count: number, seed: number): Float32Array =>
        Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed) * 1.7);
      const [x, init, w] = [numbers(rows * k, 1), numbers(rows * n, 2), numbers(k * n, 3)];
      for (const backend of compiled) {
        const run = (from: number, count: number): TypedArray => {
          const args = {
            steps: 1,
            rows: count,
            xs: [backend.upload(x.slice(from * k, (from + count) * k))],
            carry: [],
            perRow: [backend.upload(init.slice(from * n, (from + count) * n))],
            consts: [backend.upload(w)],
          };
          const made = backend.compile?.(program)?.run(args);
          if (made === undefined) throw new Error('the program does not compile');
          return backend.readSync(made.ys[0]);
        };
        const all = run(0, rows);
        for (const count of [1, 2, 3])
          for (let from = 0; from + count <= rows; from++)
            expect(run(from, count)).toEqual(all.slice(from * n, (from + count) * n));
      }
    });
  },
);

/**
 * Zeros, infinities, NaN and subnormal numbers through every elementwise function, by single
 * operations and compiled.
 */
import type { BinaryOp, Instruction, Program, Storage, UnaryOp } from '@rnn/core';
import { expect } from 'vitest';
import type { GpuBackend } from '../src/index.js';

const N = NaN;
const I = Infinity;
const xs: readonly number[] = [0, -0, I, -I, N];

/** PyTorch 2's results for `xs`. */
const unary: Readonly<Record<UnaryOp, readonly number[]>> = {
  neg: [-0, 0, -I, I, N],
  exp: [1, 1, I, 0, N],
  log: [-I, -I, I, N, N],
  sqrt: [0, -0, I, N, N],
  square: [0, 0, I, I, N],
  reciprocal: [I, -I, 0, -0, N],
  abs: [0, 0, I, I, N],
  sign: [0, 0, 1, -1, 0],
  tanh: [0, -0, 1, -1, N],
  sigmoid: [0.5, 0.5, 1, 0, N],
  relu: [0, -0, I, 0, N],
  softplus: [Math.fround(Math.LN2), Math.fround(Math.LN2), I, 0, N],
  round: [0, -0, I, -I, N],
};

/** PyTorch 2's results for `xs` and a number. */
const binary: readonly (readonly [op: BinaryOp, b: number, expected: readonly number[]])[] = [
  ['add', 0, [0, 0, I, -I, N]],
  ['add', -0, [0, -0, I, -I, N]],
  ['sub', 0, [0, -0, I, -I, N]],
  ['mul', 0, [0, -0, N, N, N]],
  ['mul', -1, [-0, 0, -I, I, N]],
  ['div', -1, [-0, 0, -I, I, N]],
  ['div', I, [0, -0, N, N, N]],
  ['div', 0, [N, N, I, -I, N]],
  ['div', -0, [N, N, -I, I, N]],
  ['pow', 3, [0, -0, I, -I, N]],
  ['pow', 2, [0, 0, I, I, N]],
  ['pow', -1, [I, -I, 0, -0, N]],
  ['pow', 0, [1, 1, 1, 1, 1]],
  ['maximum', 1, [1, 1, I, 1, N]],
  ['minimum', 1, [0, -0, 1, -I, N]],
  ['maximum', N, [N, N, N, N, N]],
  ['eq', 0, [1, 1, 0, 0, 0]],
  ['ne', 0, [0, 0, 1, 1, 1]],
  ['lt', 0, [0, 0, 0, 1, 0]],
  ['ge', -0, [1, 1, 1, 0, 0]],
];

const ops = Object.keys(unary) as UnaryOp[];
const tiny = 2 ** -130;

/**
 * Whether a device computes with subnormal numbers, as its info says; it says that or the contrary.
 */
function keepsSubnormals({ info }: GpuBackend): boolean {
  const note = info.notes.find((each) => each.includes('subnormal')) ?? '';
  expect(note).toMatch(/computed with|count as 0/);
  return note.includes('computed with');
}

/** Held against PyTorch. The sign of a zero counts. */
export async function expectSpecialValues(backend: GpuBackend): Promise<void> {
  const x = backend.upload(Float32Array.from(xs));
  const operand = { storage: x, offset: 0, strides: [1] };
  const single = [
    ...ops.map((op) => backend.unary(op, x)),
    ...binary.map(([op, b]) => backend.binary(op, operand, b, [xs.length])),
  ];
  const compiled = runCompiled(backend, x);
  const names = [...ops, ...binary.map(([op, b]) => `${op} ${Object.is(b, -0) ? '-0' : b}`)];
  const expected = [...ops.map((op) => unary[op]), ...binary.map((each) => each[2])];
  for (const results of [single, compiled]) {
    const found = await Promise.all(results.map((result) => backend.read(result)));
    // Values with a rounding error are held elsewhere.
    const close = found.map((values, i) => Array.from(values, (y, j) => near(y, expected[i][j])));
    expect(Object.fromEntries(names.map((name, i) => [name, close[i]]))).toEqual(
      Object.fromEntries(names.map((name, i) => [name, expected[i]])),
    );
    for (const result of results) backend.release(result);
  }
  backend.release(x);
  expect(backend.memory().storages).toBe(0);
}

/** A number that is not exactly as expected, but within rounding, as expected. */
function near(y: number, expected: number): number {
  return expected !== 0 && Math.abs(y - expected) < 1e-6 ? expected : y;
}

/** The same functions as a program of one row of five. */
function runCompiled(backend: GpuBackend, x: Storage): Storage[] {
  const width = xs.length;
  const body: Instruction[] = [
    ...ops.map((op): Instruction => ({ kind: 'unary', width, op, x: 0 })),
    ...binary.map(([op, b]): Instruction => ({ kind: 'binary', width, op, a: { value: 0 }, b })),
  ];
  const program: Program = {
    dtype: 'float32',
    xs: [width],
    carry: [],
    perRow: [],
    consts: [],
    body,
    carryOut: [],
    ys: body.map((_, i) => i + 1),
    reverse: false,
  };
  const run = backend.compile?.(program);
  if (run === undefined) throw new Error('not compiled');
  return [...run.run({ steps: 1, rows: 1, xs: [x], carry: [], perRow: [], consts: [] }).ys];
}

/**
 * What is subnormal is computed with, or counts as 0 of its sign, as the info says: nothing in
 * between.
 */
export async function expectSubnormals(backend: GpuBackend): Promise<void> {
  const keeps = keepsSubnormals(backend);
  const x = backend.upload(Float32Array.of(tiny, -tiny));
  const results = async (op: UnaryOp): Promise<number[]> => {
    const result = backend.unary(op, x);
    const found = Array.from(await backend.read(result));
    backend.release(result);
    return found;
  };
  expect(await results('sign')).toEqual(keeps ? [1, -1] : [0, 0]);
  expect(await results('sqrt')).toEqual(keeps ? [2 ** -65, N] : [0, -0]);
  expect(await results('relu')).toEqual(keeps ? [tiny, 0] : [0, -0]);
  expect(await results('tanh')).toEqual(keeps ? [tiny, -tiny] : [0, -0]);
  expect(await results('square')).toEqual([0, 0]);
  expect(await results('reciprocal')).toEqual([I, -I]);
  const log = await results('log');
  expect(log[0]).toBeCloseTo(keeps ? -130 * Math.LN2 : -I, 4);
  // Some devices change the sign alone, others compute.
  expect(
    keeps
      ? [[tiny, tiny]]
      : [
          [tiny, tiny],
          [0, 0],
        ],
  ).toContainEqual(await results('abs'));
  backend.release(x);
}

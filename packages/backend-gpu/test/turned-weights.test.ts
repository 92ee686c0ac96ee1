/**
 * Products by a matrix that is stored transposed, which is turned first where that is worth a
 * kernel.
 */
import { Generator, type Instruction, type Program } from '@rnn/core';
import { expect, test } from 'vitest';
import { turnWeights } from '../src/compile-weights.js';
import { gpu } from '../src/index.js';

test.each([
  ['turned', 20, 64, 70, [2], [70 * 64]],
  ['one matrix for the whole batch', 20, 64, 70, [2], [0]],
  ['too few rows', 3, 64, 70, [], []],
  ['too small', 20, 5, 7, [], []],
])('a product, %s', async (_, m, k, n, batch, batchStrides) => {
  const backend = await gpu({ mode: 'cpu' });
  const generator = new Generator(3);
  const draw = (size: number): Float32Array => {
    const values = new Float32Array(size);
    generator.uniform(values, -1, 1);
    return values;
  };
  const count = batch[0] ?? 1;
  const [a, b] = [draw(count * m * k), draw((batchStrides[0] === 0 ? 1 : count) * n * k)];
  const [left, right] = [a, b].map((values) => backend.upload(values));
  const result = backend.matmul(
    { storage: left, batchStrides: batch.length === 0 ? [] : [m * k], transposed: false },
    { storage: right, batchStrides, transposed: true },
    { batch, m, k, n },
  );
  const found = await backend.read(result);
  for (let x = 0; x < found.length; x++) {
    const [matrix, row, column] = [Math.floor(x / (m * n)), Math.floor(x / n) % m, x % n];
    let sum = 0;
    for (let j = 0; j < k; j++) {
      sum += a[(matrix * m + row) * k + j] * b[matrix * (batchStrides[0] ?? 0) + column * k + j];
    }
    expect(Math.abs(found[x] - sum)).toBeLessThan(1e-5);
  }
  for (const storage of [left, right, result]) backend.release(storage);
  expect(backend.memory().storages).toBe(0);
});

function product(x: number, weight: number, transposed: boolean, width: number): Instruction {
  return { kind: 'matmul', x, weight, transposed, init: undefined, width };
}

test('only what is nothing but a large transposed weight is turned', () => {
  const program: Program = {
    dtype: 'float32',
    xs: [64],
    carry: [],
    perRow: [],
    consts: [
      { rows: 80, columns: 64 },
      { rows: 80, columns: 64 },
      { rows: 64, columns: 80 },
      { rows: 8, columns: 64 },
    ],
    body: [
      product(0, 1, true, 80),
      product(0, 2, true, 80),
      product(5, 2, false, 64),
      product(0, 3, false, 80),
      product(0, 4, true, 8),
    ],
    carryOut: [],
    ys: [5, 6, 7, 8, 9],
    reverse: false,
  };
  const turned = turnWeights(program);
  expect([...turned.weights.keys()]).toEqual([0]);
  expect(turned.program.consts[0]).toEqual({ rows: 64, columns: 80 });
  expect(turned.program.body.map((each) => each.kind === 'matmul' && each.transposed)).toEqual([
    false,
    true,
    false,
    false,
    true,
  ]);
});

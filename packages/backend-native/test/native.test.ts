import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { BackendError, MemoryLimitError, ones, scope, tensor, type Program, type Tensor } from '@rnn/core';
import { expect, test } from 'vitest';
import { createBackend } from '../src/create.js';
import { native } from '../src/index.js';
import { built } from './built.js';

/** Many rows of an elementwise chain and a product, so that threads pay. */
const program: Program = {
  dtype: 'float32',
  xs: [64],
  carry: [64],
  perRow: [],
  consts: [{ rows: 64, columns: 64 }],
  body: [
    { kind: 'matmul', width: 64, x: 1, weight: 2, transposed: false, init: 0 },
    { kind: 'unary', width: 64, op: 'tanh', x: 3 },
  ],
  carryOut: [4],
  ys: [4],
  reverse: false,
};

async function resultOf(threads: number, rows: number): Promise<{ numbers: ArrayLike<number>[]; helped: number }> {
  const backend = createBackend({ threads });
  const values = Float32Array.from({ length: 5 * rows * 64 }, (_, i) => Math.sin(i));
  const stacked = [backend.upload(values)];
  const carried = [backend.fill(0, rows * 64, 'float32')];
  const fixed = [backend.upload(Float32Array.from({ length: 64 * 64 }, (_, i) => Math.cos(i) / 8))];
  const result = backend
    .compile(program)
    ?.run({ steps: 5, rows, xs: stacked, carry: carried, perRow: [], consts: fixed });
  const numbers = [...(result?.ys ?? []), ...(result?.carry ?? [])].map((x) => backend.readSync(x));
  const side = { storage: stacked[0], batchStrides: [], transposed: false };
  const turned = { ...side, transposed: true };
  numbers.push(backend.readSync(backend.matmul(turned, side, { batch: [], m: 64, k: 5 * rows, n: 64 })));
  const helped = backend.probe('helped');
  backend.dispose();
  return { numbers, helped };
}

built('native', () => {
  test.each([4, 37, 400])('the number of threads changes no bit, %d rows', async (rows) => {
    const alone = await resultOf(1, rows);
    expect(alone.helped).toBe(0);
    for (const threads of [2, 3]) expect((await resultOf(threads, rows)).numbers).toEqual(alone.numbers);
  });

  test('a panic is an error, on this thread and on another, and the backend goes on', () => {
    const backend = createBackend({ threads: 2 });
    expect(() => backend.probe('panic', 0)).toThrow(BackendError);
    expect(() => backend.probe('panic', 1)).toThrow(/a test asked for a panic in a share/);
    expect(backend.readSync(backend.fill(3, 2, 'int32'))).toEqual(Int32Array.of(3, 3));
  });

  test('the limit is an error that names it, and leaves the backend as it was', async () => {
    const backend = await native({ maxBytes: 2 ** 18, threads: 1 });
    const before = backend.memory();
    expect(() => backend.fill(0, 100_000, 'float32')).toThrow(MemoryLimitError);
    expect(() => backend.fill(0, 100_000, 'float32')).toThrow(/at most 262144 bytes.*maxBytes/);
    const run = (): unknown =>
      backend.compile?.(program)?.run({
        steps: 50,
        rows: 10,
        // With it there is room for half of the outputs.
        xs: [backend.fill(0, 50 * 640, 'float32')],
        carry: [backend.fill(0, 640, 'float32')],
        perRow: [],
        consts: [backend.fill(0, 4096, 'float32')],
      });
    expect(run).toThrow(MemoryLimitError);
    expect(before.storages).toBe(0);
  });

  test('a hundred thousand steps leave nothing behind', async () => {
    const backend = await native({ threads: 1, maxBytes: 2 ** 22 });
    for (let i = 0; i < 100_000; i++) scope(() => void ones([100 + (i % 900)], { backend }).add(1));
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
  });

  test('Node prints and compares tensors by their numbers', () => {
    const backend = createBackend({ threads: 1 });
    const of = (...values: number[]): Tensor => tensor(values, { backend });
    expect(inspect({ x: of(1, 2) })).toBe('{ x: tensor([1., 2.]) }');
    expect(inspect(of(1, 2), { customInspect: false, depth: 9 }).length).toBeLessThan(300);
    assert.deepStrictEqual(of(1, 2), of(1, 2));
    expect(() => assert.deepStrictEqual(of(1, 2), of(1, 3))).toThrow(assert.AssertionError);
    expect(of(1, 2)).toEqual(of(1, 2));
    expect(of(1, 2)).not.toEqual(of(1, 3));
    backend.dispose();
  });
});

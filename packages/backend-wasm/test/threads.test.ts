import { BackendError, maskProgram, type Backend, type Program, type Storage } from '@rnn/core';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackend } from '../src/create.js';
import { wasm } from '../src/index.js';
import { cut } from '../src/threads/threads.js';
import { eager, helpedBy } from './eager.js';

let backends: readonly Backend[];

beforeAll(async () => {
  backends = [
    await wasm({ threads: 1 }),
    await createBackend({ threads: 2 }, eager),
    await createBackend({ threads: 3 }, eager),
  ];
});

afterAll(() => Promise.all(backends.map(async (backend) => backend.dispose())));

/** Numbers whose sums depend on their order. */
function values(size: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: size }, () => {
    state = Math.imul(state, 48_271) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Runs the same on all backends; workers took part, and every bit is the same. */
function expectSameBits(compute: (backend: Backend) => readonly Float32Array[], isShared: boolean): void {
  const before = backends.slice(1).map(helpedBy);
  const [alone, ...others] = backends.map((backend) => compute(backend).map((each) => new Uint32Array(each.buffer)));
  for (const other of others) expect(other).toEqual(alone);
  backends.slice(1).forEach((backend, i) => {
    if (isShared) expect(helpedBy(backend)).toBeGreaterThan(before[i]);
    else expect(helpedBy(backend)).toBe(before[i]);
  });
}

test('ranges cover everything, begin at multiples of the unit, and are as many as fit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 9 }), fc.nat(9), (size, unit, most) => {
      const ranges = cut(size, unit, most);
      expect(ranges.length).toBe(Math.max(1, Math.min(most, Math.ceil(size / unit))));
      ranges.forEach(({ from, to }, i) => {
        expect(from).toBe(i === 0 ? 0 : ranges[i - 1].to);
        expect(from % unit).toBe(0);
        expect(to).toBeGreaterThan(from);
      });
      expect(ranges[ranges.length - 1].to).toBe(size);
    }),
  );
});

test('products have the same bits on any number of threads', () => {
  const size = fc.integer({ min: 9, max: 70 });
  const sizes = fc.record({ m: size, n: size, k: fc.oneof(size, fc.integer({ min: 250, max: 600 })) });
  fc.assert(
    fc.property(sizes, fc.boolean(), fc.boolean(), fc.nat(), ({ m, k, n }, turnA, turnB, seed) => {
      expectSameBits((backend) => {
        const a = { storage: backend.upload(values(m * k, seed)), batchStrides: [], transposed: turnA };
        const b = { storage: backend.upload(values(k * n, seed + 1)), batchStrides: [], transposed: turnB };
        const c = backend.matmul(a, b, { batch: [], m, k, n });
        const found = backend.readSync(c) as Float32Array;
        for (const storage of [a.storage, b.storage, c]) backend.release(storage);
        return [found];
      }, true);
    }),
    { numRuns: 40 },
  );
});

/**
 * A loop with a product by a weight, a softmax-like reduction, features in another order, and two
 * states.
 */
function loop(reverse: boolean): Program {
  return {
    dtype: 'float32',
    xs: [10],
    carry: [10, 3],
    perRow: [],
    consts: [
      { rows: 10, columns: 10 },
      { rows: 1, columns: 10 },
    ],
    body: [
      { kind: 'matmul', width: 10, x: 1, weight: 3, transposed: true, init: 0 },
      { kind: 'binary', width: 10, op: 'add', a: { value: 5 }, b: { value: 4 } },
      { kind: 'unary', width: 10, op: 'tanh', x: 6 },
      { kind: 'reduce', width: 1, op: 'sum', x: 7, outer: 1, size: 10, inner: 1 },
      { kind: 'binary', width: 10, op: 'mul', a: { value: 7 }, b: { value: 8 } },
      { kind: 'copy', width: 3, x: 9, offset: 6, sizes: [3], strides: [-2] },
      { kind: 'binary', width: 3, op: 'sub', a: { value: 10 }, b: { value: 2 } },
    ],
    carryOut: [7, 11],
    ys: [9, 11],
    reverse,
  };
}

test('loops have the same bits on any number of threads, with lengths and resets too', () => {
  const flags = [false, true];
  // By whether there are lengths and resets, the order of time, and which of the two passes it is.
  const programs = flags.flatMap((lengths) =>
    flags.flatMap((resets) =>
      flags.flatMap((reverse) => flags.map((adjoint) => maskProgram(loop(reverse), { lengths, resets, adjoint }))),
    ),
  );
  const compiled = programs.map((program) => backends.map((backend) => backend.compile?.(program)));
  fc.assert(
    fc.property(
      fc.nat(3),
      fc.integer({ min: 1, max: 23 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.boolean(),
      fc.nat(),
      (kind, rows, steps, hasLengths, hasResets, seed) => {
        const which = kind + 4 * Number(hasResets) + 8 * Number(hasLengths);
        const draws = values(rows * (steps + 1), seed + 7);
        const length = (row: number): number => (hasLengths ? Math.floor((draws[row] + 1) * 0.5 * (steps + 1)) : steps);
        const each = (marks: (t: number, row: number) => boolean): Float32Array =>
          Float32Array.from({ length: rows * steps }, (_, i) => Number(marks(Math.floor(i / rows), i % rows)));
        const marks = [
          ...(hasLengths ? [each((t, row) => t < length(row))] : []),
          ...(hasResets ? [each((t, row) => draws[(t + 1) * rows + row] > 0.4 && t < length(row))] : []),
        ];
        expectSameBits(
          (backend) => {
            const rowValues = (width: number): Storage => backend.upload(values(rows * width, seed + width));
            const stacked = [values(steps * rows * 10, seed), ...marks].map((numbers) => backend.upload(numbers));
            const carried = programs[which].carry.map(rowValues);
            const perRow = programs[which].perRow.map(rowValues);
            const fixed = [100, 10].map((size) => backend.upload(values(size, seed + size)));
            const ready = compiled[which][backends.indexOf(backend)];
            if (ready === undefined) throw new Error('not compiled');
            const { ys, carry } = ready.run({
              steps,
              rows,
              xs: stacked,
              carry: carried,
              perRow,
              consts: fixed,
            });
            const results = [...ys, ...carry];
            const found = results.map((storage) => backend.readSync(storage) as Float32Array);
            for (const storage of [...results, ...stacked, ...carried, ...perRow, ...fixed]) backend.release(storage);
            expect(backend.memory().storages).toBe(0);
            return found;
          },
          rows > 4 || rows === 2 || rows === 3,
        );
      },
    ),
    { numRuns: 120 },
  );
});

test('small work stays on the calling thread', async () => {
  const backend = await wasm({ threads: 2 });
  const x = backend.upload(values(400, 1));
  const side = { storage: x, batchStrides: [], transposed: false };
  backend.release(backend.matmul(side, side, { batch: [], m: 20, k: 20, n: 20 }));
  expect(helpedBy(backend)).toBe(0);
  await backend.dispose();
});

test('memory that grows is seen by all threads', async () => {
  const backend = await createBackend({ threads: 2 }, eager);
  const m = 64;
  for (const k of [10, 20_000, 100_000]) {
    const a = { storage: backend.fill(1, m * k, 'float32'), batchStrides: [], transposed: false };
    const b = { storage: backend.fill(2, m * k, 'float32'), batchStrides: [], transposed: true };
    const c = backend.matmul(a, b, { batch: [], m, k, n: m });
    expect([...new Set(backend.readSync(c))]).toEqual([2 * k]);
    for (const storage of [a.storage, b.storage, c]) backend.release(storage);
  }
  expect(helpedBy(backend)).toBeGreaterThanOrEqual(3);
  await backend.dispose();
});

test('threads are refused after the end, and the end may come twice', async () => {
  const backend = await wasm({ threads: 2 });
  await backend.dispose();
  await backend.dispose();
  expect(() => backend.fill(0, 1, 'float32')).toThrow(BackendError);
});

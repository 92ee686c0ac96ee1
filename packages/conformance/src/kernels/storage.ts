/**
 * Upload, read, release, the count of what is alive, and what kernels may not do to their operands.
 */
import { type Backend, type DType, type Storage, type TypedArray } from '@rnn/core';
import { defineCase, type ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { hostArrayOf } from '../plain/rounding.js';
import { checkStorage, dtypes, without } from './storage-checks.js';
import { atWorkbench, type Workbench } from './workbench.js';

const GROUP = 'kernel storage';

/** One call of every kernel. */
interface KernelCall {
  readonly name: string;
  readonly dtype: DType;
  readonly size: number;
  readonly run: (backend: Backend, operands: Operands) => Storage;
}

interface Operands {
  readonly x: Storage;
  readonly y: Storage;
  readonly index: Storage;
}

const whole = (storage: Storage) => ({ storage, offset: 0, strides: [1] });
const matrix = (storage: Storage) => ({ storage, batchStrides: [], transposed: false });
const indexed = (storage: Storage) => ({ storage, offset: 0, strides: [6, 1, 1] });

/**
 * On operands of six elements; among them calls that change nothing, where a backend could be
 * tempted to hand back the operand.
 */
const calls: readonly KernelCall[] = [
  { name: 'unary', dtype: 'float32', size: 6, run: (backend, { x }) => backend.unary('exp', x) },
  { name: 'unary abs', dtype: 'float32', size: 6, run: (backend, { y }) => backend.unary('abs', y) },
  {
    name: 'binary',
    dtype: 'float32',
    size: 6,
    run: (backend, { x, y }) => backend.binary('mul', whole(x), whole(y), [6]),
  },
  { name: 'binary add 0', dtype: 'float32', size: 6, run: (backend, { x }) => backend.binary('add', whole(x), 0, [6]) },
  {
    name: 'select',
    dtype: 'float32',
    size: 6,
    run: (backend, { x, y, index }) => backend.select(whole(index), whole(x), whole(y), [6], 'float32'),
  },
  { name: 'copy', dtype: 'float32', size: 6, run: (backend, { x }) => backend.copy(whole(x), [6], 'float32') },
  {
    name: 'copy of int32',
    dtype: 'int32',
    size: 6,
    run: (backend, { index }) => backend.copy(whole(index), [6], 'int32'),
  },
  {
    name: 'concat',
    dtype: 'float32',
    size: 12,
    run: (backend, { x, y }) =>
      backend.concat(
        [
          { storage: x, run: 3 },
          { storage: y, run: 3 },
        ],
        2,
      ),
  },
  {
    name: 'concat of one',
    dtype: 'float32',
    size: 6,
    run: (backend, { x }) => backend.concat([{ storage: x, run: 6 }], 1),
  },
  {
    name: 'gather',
    dtype: 'float32',
    size: 6,
    run: (backend, { x, index }) => backend.gather(x, indexed(index), { outer: 1, size: 6, inner: 1, count: 6 }),
  },
  {
    name: 'scatterAdd',
    dtype: 'float32',
    size: 6,
    run: (backend, { x, index }) => backend.scatterAdd(x, indexed(index), { outer: 1, size: 6, inner: 1, count: 6 }),
  },
  { name: 'reduce', dtype: 'float32', size: 2, run: (backend, { x }) => backend.reduce('sum', x, 2, 3, 1) },
  { name: 'argmax', dtype: 'int32', size: 2, run: (backend, { x }) => backend.reduce('argmax', x, 2, 3, 1) },
  {
    name: 'matmul',
    dtype: 'float32',
    size: 4,
    run: (backend, { x, y }) => backend.matmul(matrix(x), matrix(y), { batch: [], m: 2, k: 3, n: 2 }),
  },
];

const hosts = {
  x: Float32Array.of(1.5, -2, 0.25, 3, -0.5, 2),
  y: Float32Array.of(2, 1, 4, 0.5, 3, 1.25),
  index: Int32Array.of(0, 1, 2, 3, 4, 5),
};

function operandsOn(bench: Workbench): Operands {
  const put = (values: TypedArray): Storage => bench.own(bench.backend.upload(values));
  return { x: put(hosts.x), y: put(hosts.y), index: put(hosts.index) };
}

/** What a backend does with memory. */
export function storageCases(): ConformanceCase[] {
  return [
    ...dtypes(true).map(roundTripCase),
    defineCase(GROUP, 'a storage holds a copy of what was uploaded', copiesOnUpload),
    defineCase(GROUP, 'every read gives an array of its own', copiesOnRead),
    defineCase(GROUP, 'readSync gives the same, or says that it cannot', readSync),
    defineCase(GROUP, 'memory counts storages and bytes', countsMemory),
    ...(['float32', 'int32'] as const).map((dtype) =>
      defineCase(GROUP, `parts that are written make a whole of ${dtype}`, (checks, { backend }) =>
        atWorkbench(backend, (bench) => writesParts(dtype, checks, bench)),
      ),
    ),
    ...calls.map((call) =>
      defineCase(
        GROUP,
        `${call.name} makes one storage, changes no operand, and gives the same bits again`,
        (checks, { create }) =>
          onFresh(create, (backend) => atWorkbench(backend, (bench) => runsCleanly(call, checks, bench))),
      ),
    ),
    ...calls.map((call) =>
      defineCase(GROUP, `the result of ${call.name} outlives its operands`, (checks, { backend }) =>
        atWorkbench(backend, (bench) => outlives(call, checks, bench)),
      ),
    ),
  ];
}

/**
 * `write` may be left out; whoever has it puts values where they are said to belong, and nowhere
 * else.
 */
async function writesParts(dtype: DType, checks: Checks, bench: Workbench): Promise<void> {
  const { backend } = bench;
  const values = Array.from({ length: 9 }, (_, i) => i - 4);
  const storage = bench.own(backend.fill(0, 9, dtype));
  if (backend.write === undefined) return;
  backend.write(storage, 5, hostArrayOf(dtype, values.slice(5)));
  backend.write(storage, 0, hostArrayOf(dtype, values.slice(0, 2)));
  const expected = values.map((value, i) => (i < 2 || i >= 5 ? value : 0));
  await checkStorage(checks, bench, storage, { dtype, expected, tolerance: 0 });
  backend.write(storage, 2, hostArrayOf(dtype, values.slice(2, 5)));
  await checkStorage(checks, bench, storage, { dtype, expected: values, tolerance: 0 });
}

/** Runs something on a fresh backend and disposes of it afterwards. */
export async function onFresh<T>(create: () => Promise<Backend>, fn: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await create();
  try {
    return await fn(backend);
  } finally {
    await backend.dispose();
  }
}

function roundTripCase(dtype: DType): ConformanceCase {
  const extremes: Record<DType, readonly number[]> = {
    float32: [0, 1.5, -(2 ** 100), 2 ** -100, NaN, Infinity, -Infinity, 16777216],
    float64: [0, 1.5, -1e300, 1e-300, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER],
    int32: [0, 1, -1, 2147483647, -2147483648, 16777217],
  };
  return defineCase(
    GROUP,
    `upload and read ${dtype}`,
    (checks, { backend }) =>
      atWorkbench(backend, async (bench) => {
        for (const values of [[], ...extremes[dtype].map((value) => [value]), extremes[dtype]]) {
          const storage = bench.upload(dtype, values);
          await checkStorage(checks, bench, storage, { dtype, expected: values, tolerance: 0 });
          const got = await bench.read(storage);
          const expected = hostArrayOf(dtype, []).constructor;
          checks.fact(`read gives a ${got.constructor.name}, expected ${expected.name}`, got.constructor === expected);
        }
      }),
    without(dtype),
  );
}

async function copiesOnUpload(checks: Checks, { backend }: { backend: Backend }): Promise<void> {
  await atWorkbench(backend, async (bench) => {
    // A view into the middle of a larger buffer, which its owner goes on to use.
    const host = new Float32Array([9, 1, 2, 3, 9]);
    const storage = bench.own(backend.upload(host.subarray(1, 4)));
    host.fill(-1);
    await checkStorage(checks, bench, storage, { dtype: 'float32', expected: [1, 2, 3], tolerance: 0 });
  });
}

async function copiesOnRead(checks: Checks, { backend }: { backend: Backend }): Promise<void> {
  await atWorkbench(backend, async (bench) => {
    const storage = bench.upload('float32', [1, 2, 3]);
    (await bench.read(storage)).fill(-1);
    await checkStorage(checks, bench, storage, { dtype: 'float32', expected: [1, 2, 3], tolerance: 0 });
  });
}

async function readSync(checks: Checks, { backend }: { backend: Backend }): Promise<void> {
  await atWorkbench(backend, async (bench) => {
    const storage = bench.upload('float32', [1, 2, 3]);
    if (backend.info.synchronous) {
      checks.close('readSync', backend.readSync(storage), [1, 2, 3], [3], { tolerance: 0 });
      return;
    }
    try {
      backend.readSync(storage);
      checks.fact('info.synchronous is false, but readSync works', false);
    } catch (error) {
      const { code } = error as { code?: unknown };
      checks.fact(`readSync throws ${String(error)}, expected a BackendError (ERR_BACKEND)`, code === 'ERR_BACKEND');
    }
  });
}

async function countsMemory(checks: Checks, { create }: { create: () => Promise<Backend> }): Promise<void> {
  await onFresh(create, async (backend) => {
    const expectUse = (when: string, storages: number, bytes: number): void => {
      const use = backend.memory();
      checks.fact(
        `${when} memory() is ${use.storages} storages and ${use.bytes} bytes, expected ${storages} and ${bytes}`,
        use.storages === storages && use.bytes === bytes,
      );
    };
    expectUse('at first', 0, 0);
    const a = backend.upload(new Float32Array(10));
    expectUse('after an upload of 10 numbers', 1, 40);
    const b = backend.fill(1, 3, 'int32');
    expectUse('after a fill of 3 more', 2, 52);
    const nothing = backend.upload(new Float32Array(0));
    expectUse('after an upload of nothing', 3, 52);
    await backend.read(a);
    expectUse('after a read', 3, 52);
    backend.release(a);
    expectUse('after the first release', 2, 12);
    backend.release(nothing);
    backend.release(b);
    expectUse('after all releases', 0, 0);
  });
}

async function runsCleanly(call: KernelCall, checks: Checks, bench: Workbench): Promise<void> {
  const { backend } = bench;
  const operands = operandsOn(bench);
  const before = backend.memory();
  const result = bench.own(call.run(backend, operands));
  const after = backend.memory();
  const made = { storages: after.storages - before.storages, bytes: after.bytes - before.bytes };
  checks.fact(
    `${call.name} made ${made.storages} storages of ${made.bytes} bytes, expected 1 of ${4 * call.size}`,
    made.storages === 1 && made.bytes === 4 * call.size,
  );
  checks.fact(
    `${call.name} gave ${result.size} elements of ${result.dtype}, expected ${call.size} of ${call.dtype}`,
    result.size === call.size && result.dtype === call.dtype,
  );
  const first = await bench.read(result);
  const second = await bench.read(bench.own(call.run(backend, operands)));
  checks.close(`${call.name} again`, second, first, [first.length], { tolerance: 0, exact: true });
  for (const [name, host] of Object.entries(hosts)) {
    const now = await bench.read(operands[name as keyof Operands]);
    checks.close(`operand ${name} after ${call.name}`, now, host, [host.length], { tolerance: 0, exact: true });
  }
}

async function outlives(call: KernelCall, checks: Checks, bench: Workbench): Promise<void> {
  const { backend } = bench;
  const kept = await bench.read(bench.own(call.run(backend, operandsOn(bench))));
  bench.releaseAll();
  const operands = operandsOn(bench);
  const result = bench.own(call.run(backend, operands));
  for (const operand of Object.values(operands) as Storage[]) bench.release(operand);
  // New storages of the same sizes take the places that became free.
  for (let i = 0; i < 4; i++) bench.upload('float32', new Float32Array(6).fill(-7));
  checks.close(`the result of ${call.name}`, await bench.read(result), kept, [kept.length], {
    tolerance: 0,
    exact: true,
  });
}

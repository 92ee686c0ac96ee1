import { ArgumentError, BackendError, type Backend } from '@rnn/core';
import { beforeEach, describe, expect, test } from 'vitest';
import defaultExport, { cpu } from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
});

describe('the factory', () => {
  test('says what it made', () => {
    expect(backend.info).toMatchObject({
      name: 'cpu',
      device: 'JavaScript',
      dtypes: ['float32', 'float64', 'int32'],
      threads: 1,
      simd: 'none',
      synchronous: true,
    });
  });

  test('is the default export too', () => {
    expect(defaultExport).toBe(cpu);
  });

  test('refuses options, of which it has none', async () => {
    await expect(cpu({ threads: 2 } as never)).rejects.toThrow(ArgumentError);
    await expect(cpu({ threads: 2 } as never)).rejects.toThrow("cpu: option 'threads' is unknown, expected none");
  });
});

describe('storages', () => {
  test('are counted from their first day to their last', () => {
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
    const single = backend.upload(new Float32Array(3));
    const double = backend.fill(1, 5, 'float64');
    const nothing = backend.upload(new Int32Array(0));
    expect(backend.memory()).toEqual({ storages: 3, bytes: 3 * 4 + 5 * 8 });
    backend.release(double);
    expect(backend.memory()).toEqual({ storages: 2, bytes: 3 * 4 });
    backend.release(single);
    backend.release(nothing);
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
  });

  test('of every kernel hold one result each', () => {
    const x = backend.upload(new Float32Array([1, 2, 3, 4]));
    const walk = { storage: x, offset: 0, strides: [1] };
    const index = { storage: backend.upload(new Int32Array([1, 0])), offset: 0, strides: [0, 1, 0] };
    const sizes = { outer: 1, size: 2, inner: 2, count: 2 };
    const matrix = { storage: x, batchStrides: [], transposed: false };
    const results = [
      backend.unary('exp', x),
      backend.binary('add', walk, walk, [4]),
      backend.select(walk, walk, 0, [4], 'float32'),
      backend.copy(walk, [4], 'float32'),
      backend.gather(x, index, sizes),
      backend.scatterAdd(x, index, sizes),
      backend.matmul(matrix, matrix, { batch: [], m: 2, k: 2, n: 2 }),
      backend.reduce('max', x, 4, 1, 1),
    ];
    expect(results.map(({ dtype, size }) => `${dtype} ${size}`)).toEqual(results.map(() => 'float32 4'));
    expect(backend.memory()).toEqual({ storages: 10, bytes: 9 * 16 + 8 });
  });

  test('share nothing with the host', async () => {
    const host = new Float32Array([1, 2]);
    const storage = backend.upload(host);
    host[0] = 9;
    backend.readSync(storage)[1] = 9;
    (await backend.read(storage))[1] = 9;
    expect(backend.readSync(storage)).toEqual(new Float32Array([1, 2]));
  });

  test('may use the memory of released ones, but not their values', () => {
    const first = backend.fill(5, 100, 'float32');
    const seen = backend.readSync(first);
    backend.release(first);
    const second = backend.fill(6, 100, 'float32');
    expect(seen.every((value) => value === 5)).toBe(true);
    expect(backend.readSync(second).every((value) => value === 6)).toBe(true);
  });

  test('come and go beyond what is kept in reserve', () => {
    const megabytes = 2 ** 20;
    const storages = [1, 2, 3, 4, 5].map((value) => backend.fill(value, 4 * megabytes, 'float32'));
    const large = backend.fill(6, 17 * megabytes, 'float32');
    for (const storage of [...storages, large]) backend.release(storage);
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
    expect(backend.readSync(backend.fill(7, 4 * megabytes, 'float32')).at(-1)).toBe(7);
  });
});

describe('mistakes of the caller', () => {
  test('releasing twice, or using what was released', async () => {
    const storage = backend.upload(new Float32Array(2));
    backend.release(storage);
    expect(() => backend.release(storage)).toThrow(BackendError);
    expect(() => backend.readSync(storage)).toThrow('after its release');
    expect(() => backend.unary('neg', storage)).toThrow(BackendError);
    await expect(backend.read(storage)).rejects.toThrow(BackendError);
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
  });

  test('storages of other backends', async () => {
    const other = await cpu();
    const theirs = other.upload(new Float32Array(1));
    expect(() => backend.release(theirs)).toThrow('another');
    expect(() => backend.readSync(theirs)).toThrow('another');
    expect(() => backend.readSync({ dtype: 'float32', size: 1 })).toThrow(BackendError);
    expect(other.memory().storages).toBe(1);
  });

  test('calls after the end', () => {
    const storage = backend.upload(new Float32Array(2));
    void backend.dispose();
    expect(() => backend.readSync(storage)).toThrow('disposed');
    expect(() => backend.upload(new Float32Array(1))).toThrow(BackendError);
    expect(() => backend.memory()).toThrow(BackendError);
  });

  test('but not the release of a tensor that outlived its backend', () => {
    const storage = backend.upload(new Float32Array(2));
    void backend.dispose();
    void backend.dispose();
    expect(() => backend.release(storage)).not.toThrow();
  });
});

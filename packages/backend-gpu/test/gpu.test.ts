import { ArgumentError, BackendError, tensor } from '@rnn/core';
import { expect, test } from 'vitest';
import { Queue } from '../src/queue.js';
import { gpu, type GpuOptions } from '../src/index.js';

test('in Node it does not guess: the error says what would work', async () => {
  await expect(gpu()).rejects.toThrow(BackendError);
  await expect(gpu()).rejects.toThrow(/mode: 'webgpu'.*webgpu installed.*@rnn\/backend-wasm/);
  await expect(gpu({ mode: 'webgl2' })).rejects.toThrow(/needs a page or a worker/);
});

test('options that do not exist are refused', async () => {
  await expect(gpu({ mode: 'cuda' } as unknown as GpuOptions)).rejects.toThrow(ArgumentError);
  await expect(gpu({ threads: 2 } as GpuOptions)).rejects.toThrow("gpu: option 'threads' is unknown");
  for (const junk of [null, 'webgl2', 3, ['webgpu'], Promise.resolve({ mode: 'cpu' }), { mode: null }, { mode: 1n }]) {
    await expect(gpu(junk as unknown as GpuOptions)).rejects.toThrow(ArgumentError);
  }
});

test('a tensor outlives its backend', async () => {
  const backend = await gpu({ mode: 'cpu' });
  const x = tensor([1], { backend });
  await backend.dispose();
  expect(() => x.add(1)).toThrow(/disposed of/);
  expect(() => x.dispose()).not.toThrow();
});

test('counters tell what the device was made to do', async () => {
  const backend = await gpu({ mode: 'cpu' });
  const { counters } = backend;
  expect(counters).toEqual({ launches: 0, kernels: 0, uploads: 0, reads: 0, bytesUp: 0, bytesDown: 0 });
  const y = tensor([1, 2, 3], { backend }).mul(2).mul(3).sum();
  await y.data();
  // two products by one kernel, and a sum
  expect(counters).toEqual({ launches: 3, kernels: 2, uploads: 1, reads: 1, bytesUp: 12, bytesDown: 4 });
  await backend.dispose();
});

test('a queue does one thing after the other, also what is added meanwhile', async () => {
  const queue = new Queue();
  const seen: number[] = [];
  queue.push(async () => {
    await Promise.resolve();
    seen.push(1);
  });
  await new Promise<void>((resolve) => {
    queue.push(() => {
      seen.push(2);
      queue.push(() => {
        seen.push(3);
        resolve();
      });
    });
  });
  expect(seen).toEqual([1, 2, 3]);
});

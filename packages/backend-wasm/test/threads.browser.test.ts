/** Threads in a page that is cross-origin isolated. */
import { primitiveCases, runConformance } from '@rnn/conformance';
import type { Backend } from '@rnn/core';
import { expect, inject, test } from 'vitest';
import { createBackend } from '../src/create.js';
import { wasm } from '../src/index.js';
import { eager, helpedBy } from './eager.js';
import { trainedWeights } from './trained-weights.js';

test('the page may share memory, and threads are used', async () => {
  expect(globalThis.crossOriginIsolated).toBe(true);
  const backend = await wasm({ threads: 2 });
  expect(backend.info).toMatchObject({ threads: 2, device: 'WebAssembly, 2 threads' });
  await backend.dispose();
});

test('200 steps of training give the same bits as in Node on 1, 2 and 3 threads', async () => {
  const inNode = inject('weightsInNode');
  expect(await trainedWeights(await wasm({ threads: 1, deterministic: true }))).toBe(inNode);
  for (const threads of [2, 3]) {
    const backend = await createBackend({ threads, deterministic: true }, eager);
    expect(await trainedWeights(backend)).toBe(inNode);
    expect(helpedBy(backend)).toBeGreaterThan(1000);
    await backend.dispose();
  }
});

test('two threads pass the conformance suite', async () => {
  let first: Backend | undefined;
  const factory = async (): Promise<Backend> => {
    const backend = await createBackend({ threads: 2 }, eager);
    first ??= backend;
    return backend;
  };
  const { results, passed } = await runConformance({ factory, cases: primitiveCases(), runs: 5 });
  expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
  expect(passed).toBeGreaterThan(100);
  expect(first && helpedBy(first)).toBeGreaterThan(100);
});

test('a worker that does not start leaves one thread, and the reason', async () => {
  const backend = await wasm({ threads: 2, worker: '/no-such-worker.js' });
  expect(backend.info.threads).toBe(1);
  expect(backend.info.notes.join(' ')).toMatch(/One thread computes because no workers could be started/);
});

import { expect, test } from 'vitest';
import { createBackend } from '../src/create.js';
import { wasm } from '../src/index.js';
import { eager, helpedBy } from './eager.js';
import { trainedWeights } from './trained-weights.js';

test('200 steps of training give the same bits on 1, 2 and 3 threads', async () => {
  const one = await trainedWeights(await wasm({ threads: 1, deterministic: true }));
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  for (const threads of [2, 3]) {
    const backend = await createBackend({ threads, deterministic: true }, eager);
    expect(await trainedWeights(backend)).toBe(one);
    expect(helpedBy(backend)).toBeGreaterThan(1000);
    await backend.dispose();
  }
});

test('with relaxed SIMD the number of threads changes no bit either', async () => {
  const one = await trainedWeights(await wasm({ threads: 1 }), 40);
  const backend = await createBackend({ threads: 2 }, eager);
  expect(await trainedWeights(backend, 40)).toBe(one);
  await backend.dispose();
});

import { conformance } from '@rnn/conformance/vitest';
import type { Backend } from '@rnn/core';
import { describe, expect, test } from 'vitest';
import { createBackend } from '../src/create.js';
import { eager, helpedBy } from './eager.js';

// How many random examples: see conformance.test.ts.
describe.each([
  { simd: 'relaxed', deterministic: false, runs: 8 },
  { simd: 'strict', deterministic: true, runs: 40 },
])('$simd SIMD on two threads', ({ simd, deterministic, runs }) => {
  const made: Backend[] = [];
  conformance(
    async () => {
      const backend = await createBackend({ threads: 2, deterministic }, eager);
      made.push(backend);
      return backend;
    },
    { runs },
  );
  test('both threads took part', () => {
    expect(made[0].info.simd).toBe(simd);
    expect(helpedBy(made[0])).toBeGreaterThan(1000);
  });
});

import type { Backend } from '@rnn/core';
import { conformance } from '@rnn/conformance/vitest';
import { describe, expect, test } from 'vitest';
import { createBackend } from '../src/create.js';
import { wasm } from '../src/index.js';
import { eager, helpedBy } from './eager.js';

describe.each([false, true])('deterministic: %s', (deterministic) => {
  describe('one thread', () => {
    conformance(() => wasm({ threads: 1, deterministic }));
  });

  describe('two threads', () => {
    const made: Backend[] = [];
    conformance(async () => {
      const backend = await createBackend({ threads: 2, deterministic }, eager);
      made.push(backend);
      return backend;
    });
    test('both threads took part', () => {
      expect(made[0].info.simd).toBe(deterministic ? 'strict' : 'relaxed');
      expect(helpedBy(made[0])).toBeGreaterThan(1000);
    });
  });
});

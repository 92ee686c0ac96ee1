/** Reductions of lines that take several passes. */
import type { Backend } from '@rnn/core';
import fc from 'fast-check';
import { expect } from 'vitest';

const OUTER = 2;
const INNER = 3;

/** Few different values, so that there are ties; and what wins by rule. */
const values = fc.constantFrom(-2, -1, 0, 1, 2, NaN, Infinity, -Infinity);
const line = fc
  .tuple(
    fc.integer({ min: 1, max: 70_000 }),
    fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), values)),
  )
  .map(([size, specials]) => {
    const x = new Float32Array(OUTER * size * INNER).fill(-3);
    for (const [where, value] of specials) x[Math.floor(where * x.length)] = value;
    return { x, size };
  });

/** The first position of the largest value or of a NaN, in each line. */
function argmaxOf(x: Float32Array, size: number): Int32Array {
  return Int32Array.from({ length: OUTER * INNER }, (_, line) => {
    const value = (k: number): number => x[(Math.floor(line / INNER) * size + k) * INNER + (line % INNER)];
    let at = 0;
    for (let k = 0; k < size && !Number.isNaN(value(at)); k++) {
      if (value(k) > value(at) || Number.isNaN(value(k))) at = k;
    }
    return at;
  });
}

/** Holds argmax against the rule, on lines of up to 70,000 elements. */
export async function expectArgmax(backend: Backend, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(line, async ({ x, size }) => {
      const storage = backend.upload(x);
      const result = backend.reduce('argmax', storage, OUTER, size, INNER);
      expect(await backend.read(result)).toEqual(argmaxOf(x, size));
      backend.release(storage);
      backend.release(result);
    }),
    { numRuns },
  );
  expect(backend.memory().storages).toBe(0);
}

import type { Backend, UnaryOp } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { wasm } from '../src/index.js';

/** How far a result may be from the exact one, in units of the exact one's last place. */
const bounds: readonly {
  readonly op: UnaryOp;
  readonly exact: (x: number) => number;
  readonly ulps: number;
  readonly range: readonly [number, number];
}[] = [
  { op: 'exp', exact: Math.exp, ulps: 1.5, range: [-87, 88.7] },
  { op: 'log', exact: Math.log, ulps: 2, range: [1e-37, 3e38] },
  { op: 'tanh', exact: Math.tanh, ulps: 3, range: [-20, 20] },
  { op: 'sigmoid', exact: (x) => 1 / (1 + Math.exp(-x)), ulps: 3, range: [-86, 86] },
  { op: 'softplus', exact: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), ulps: 3, range: [-86, 86] },
];

let backends: readonly Backend[];

beforeAll(async () => {
  backends = [await wasm(), await wasm({ deterministic: true })];
});

/** The distance to the next float32. */
function ulp(value: number): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -126);
  return 2 ** (exponent - 23);
}

/**
 * Numbers all over a range: evenly by their bits, so that every magnitude has its share, and evenly
 * by their values.
 */
function samples([low, high]: readonly [number, number]): Float32Array {
  const found: number[] = [];
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  for (let b = 0; b < 0x7f80_0000; b += 30_011) {
    bits[0] = b;
    for (const x of [float[0], -float[0]]) if (x >= low && x <= high) found.push(x);
  }
  for (let i = 0; i <= 50_000; i++) found.push(low + ((high - low) * i) / 50_000);
  return Float32Array.from(found.filter((x) => Math.fround(x) >= low && Math.fround(x) <= high));
}

describe.each(bounds)('$op', ({ op, exact, ulps, range }) => {
  test(`is within ${ulps} units in the last place`, () => {
    const x = samples(range);
    for (const backend of backends) {
      const y = backend.readSync(backend.unary(op, backend.upload(x)));
      let worst = 0;
      let where = 0;
      y.forEach((value, i) => {
        const right = exact(x[i]);
        const error = Math.abs(value - right) / ulp(right);
        if (!(error <= worst)) [worst, where] = [error, x[i]];
      });
      expect(worst, `${backend.info.simd}, worst at ${where}`).toBeLessThanOrEqual(ulps);
    }
  });

  test('is right at the ends', () => {
    const x = Float32Array.of(0, -0, Infinity, -Infinity, NaN, 1e-30, -1e-30);
    for (const backend of backends) {
      const y = backend.readSync(backend.unary(op, backend.upload(x)));
      x.forEach((value, i) => {
        const right = Math.fround(exact(value));
        if (Number.isNaN(right)) expect(y[i]).toBeNaN();
        else
          expect(
            Math.abs(y[i] - right) <= ulps * ulp(right || 1e-38) || Object.is(y[i], right),
            `${op}(${value}) = ${y[i]}`,
          ).toBe(true);
      });
    }
  });
});

import type { Tensor } from '@rnn/core';
import { expect } from 'vitest';

/** Expects a tensor's elements to lie within a tolerance, relative above 1, of expected ones. */
export function expectClose(actual: Tensor | undefined, expected: Tensor | ArrayLike<number>, tolerance = 1e-6): void {
  if (actual === undefined) throw new Error('there is no tensor to compare');
  const wanted = 'dataSync' in expected ? expected.dataSync() : expected;
  const got = actual.dataSync();
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i] - wanted[i]) / Math.max(1, Math.abs(wanted[i]));
    if (!(error <= tolerance)) {
      expect.fail(`element ${i} is ${got[i]}, expected ${wanted[i]} within ${tolerance} (error ${error})`);
    }
  }
}

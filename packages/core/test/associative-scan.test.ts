/** The linear recurrence against `scan`, by differences, and against closed forms. */
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  associativeScan,
  gradcheck,
  gradgradcheck,
  manualSeed,
  ones,
  randn,
  scan,
  setBackend,
  sigmoid,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(2);
});

describe.each([false, true])('parallel: %s', (parallel) => {
  test('sums a geometric series', () => {
    const states = associativeScan(tensor([0.5, 0.5, 0.5, 0.5]), ones([4]), { parallel });
    expect(states.toArray()).toEqual([1, 1.5, 1.75, 1.875]);
    const back = associativeScan(tensor([2, 2, 2]), ones([3]), { parallel, reverse: true, initial: tensor(1) });
    expect(back.toArray()).toEqual([15, 7, 3]);
  });

  test('is what scan computes, within 1e-5, over 10,000 steps', () => {
    const a = sigmoid(randn([10_000, 2, 3]));
    const b = randn([10_000, 2, 3]);
    const step = ({ a: keep, b: more }: { a: Tensor; b: Tensor }, h: Tensor) => {
      const next = keep.mul(h).add(more);
      return [next, next] as const;
    };
    const [expected] = scan(step, { a, b }, zeros([2, 3]));
    const found = associativeScan(a, b, { parallel });
    expect(found.sub(expected).abs().max().item()).toBeLessThan(1e-5);
  });

  test.each([false, true])('has first and second derivatives, reverse: %s', (reverse) => {
    const f64 = { dtype: 'float64' } as const;
    const inputs = [randn([5, 2], f64), randn([5, 2], f64), randn([2], f64)];
    const fn = (a: Tensor, b: Tensor, initial: Tensor): Tensor =>
      associativeScan(a, b, { initial, reverse, parallel }).square();
    gradcheck(fn, inputs);
    gradgradcheck(fn, inputs);
  });
});

test.each([
  { compiles: true, steps: 1000, least: 0, most: 5 }, // one call of a compiled loop
  { compiles: false, steps: 1000, least: 100, most: 400 }, // some for each of 2 √1000 steps
  { compiles: false, steps: 100, least: 200, most: 205 }, // two a step
])('takes steps one by one or by blocks: $compiles, $steps', async ({ compiles, steps, least, most }) => {
  let calls = 0;
  const backend = new Proxy(await cpu(), {
    get(target, key) {
      if (key === 'compile' && !compiles) return undefined;
      if (key === 'binary') calls++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const found = associativeScan(ones([steps, 2], { backend }), ones([steps, 2], { backend }));
  expect(calls).toBeGreaterThanOrEqual(least);
  expect(calls).toBeLessThanOrEqual(most);
  expect(found.toArray()).toEqual(Array.from({ length: steps }, (_, t) => [t + 1, t + 1]));
});

test('says what does not fit', () => {
  expect(() => associativeScan(ones([3, 2]), ones([3]))).toThrow('associativeScan: b');
  expect(() => associativeScan(tensor(1), tensor(1))).toThrow('time in front');
  expect(() => associativeScan(ones([3, 2]), ones([3, 2]), { initial: ones([3]) })).toThrow('associativeScan: initial');
});

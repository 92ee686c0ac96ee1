import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, full, gradcheck, manualSeed, randn, setBackend, ShapeError, tensor } from '@rnn/core';
import { beforeAll, expect, it } from 'vitest';
import { quantileLoss, QuantileLoss } from '../src/index.js';
import { expectClose } from './close.js';

beforeAll(async () => {
  setBackend(await cpu());
  manualSeed(5);
});

const quantiles = [0.1, 0.5, 0.9];
const forecast = [
  [1, 2, 5],
  [-1, 0.5, 0.25],
  [3, 2, 1],
];

it("has the numbers of torch.maximum(q * e, (q - 1) * e) in PyTorch 2.15, and its gradient's", () => {
  const x = tensor(forecast, { requiresGrad: true });
  const y = tensor([4, -2, 1.5]);
  expectClose(quantileLoss(x, y, { quantiles, reduction: 'none' }), [0.3, 1, 0.1, 0.9, 1.25, 0.225, 1.35, 0.25, 0.45]);
  const loss = new QuantileLoss({ quantiles }).forward(x, y);
  expectClose(loss, [0.6472222208976746]);
  loss.backward();
  const [low, mid, high] = [1 / 90, 5 / 90, 9 / 90];
  expectClose(x.grad ?? y, [-low, -mid, low, high, mid, low, high, mid, -high]);
});

it('is least at the quantile of what it was shown', () => {
  const y = randn([1000], { dtype: 'float64' });
  const sorted = y.sort(0).values.toArray() as number[];
  for (const q of quantiles) {
    const lossAt = (value: number): number =>
      quantileLoss(full([1000, 1], value, { dtype: 'float64' }), y, { quantiles: [q] }).item();
    const best = lossAt(sorted[Math.round(q * 1000)]);
    for (const step of [-40, -15, 15, 40]) expect(lossAt(sorted[Math.round(q * 1000) + step])).toBeGreaterThan(best);
  }
});

it('leaves out what lies past the end of a row, a NaN too', () => {
  const x = randn([3, 2, 2], { requiresGrad: true });
  const y = tensor([
    [1, 2],
    [3, NaN],
    [4, NaN],
  ]);
  const loss = quantileLoss(x, y, { quantiles: [0.2, 0.8], lengths: [3, 1] });
  const values = x.toArray() as number[][][];
  const pinball = (q: number, e: number): number => Math.max(q * e, (q - 1) * e);
  const own = [0, 1, 2].map((t) => [values[t][0], [1, 3, 4][t]] as const);
  const terms = [...own, [values[0][1], 2] as const].flatMap(([[low, high], target]) => [
    pinball(0.2, target - low),
    pinball(0.8, target - high),
  ]);
  expect(loss.item()).toBeCloseTo(terms.reduce((a, b) => a + b) / terms.length, 5);
  loss.backward();
  const grad = x.grad?.toArray() as number[][][];
  expect(grad[1][1]).toEqual([0, 0]);
  expect(grad[2][1]).toEqual([0, 0]);
});

it('passes gradcheck', () => {
  const f64 = { dtype: 'float64', requiresGrad: true } as const;
  expect(gradcheck((x, y) => quantileLoss(x, y, { quantiles }), [randn([4, 3], f64), randn([4], f64)])).toBe(true);
});

it('refuses what does not go together', () => {
  expect(() => quantileLoss(tensor([[1, 2]]), tensor([1]), { quantiles })).toThrow(ShapeError);
  expect(() => quantileLoss(tensor([[1]]), tensor([1]), { quantiles: [1] })).toThrow(
    'quantileLoss: quantiles[0] is 1, expected a number above 0 and below 1',
  );
  expect(() => new QuantileLoss({ quantiles: [] })).toThrow(ArgumentError);
});

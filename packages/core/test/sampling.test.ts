import { cpu } from '@rnn/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import { Generator, multinomial, randperm, setBackend, sort, tensor, type Backend } from '../src/index.js';

let backend: Backend;
beforeEach(async () => setBackend((backend = await cpu())));

test('multinomial draws positions as often as their weights say', () => {
  const generator = new Generator(3);
  const weights = [0, 1, 2, 5, 0, 2];
  const draws = 10_000;
  const counts = weights.map(() => 0);
  for (const at of multinomial(tensor(weights), draws, { replacement: true, generator }).dataSync()) counts[at]++;
  expect([counts[0], counts[4]]).toEqual([0, 0]);
  // Pearson's statistic with three degrees of freedom lies above 16.27 once in a thousand seeds.
  const expected = weights.map((weight) => (weight / 10) * draws);
  const chi = [1, 2, 3, 5].reduce((sum, i) => sum + (counts[i] - expected[i]) ** 2 / expected[i], 0);
  expect(chi).toBeLessThan(16.27);
});

test('without replacement, multinomial draws every position once, the likely ones first', () => {
  const generator = new Generator(4);
  const rows = 2000;
  const weights = tensor(Array.from({ length: rows }, () => [1, 0, 8, 1]));
  const drawn = multinomial(weights, 3, { generator });
  expect(drawn.shape).toEqual([rows, 3]);
  expect(drawn.dtype).toBe('int32');
  const lists = drawn.toArray() as number[][];
  for (const list of lists) expect(new Set(list)).toEqual(new Set([0, 2, 3]));
  const first = lists.filter(([at]) => at === 2).length / rows;
  expect(Math.abs(first - 0.8)).toBeLessThan(4 * Math.sqrt((0.8 * 0.2) / rows));
});

test('weights may be as large as their type has them', () => {
  const weights = tensor([1e308, 1e308, 0], { dtype: 'float64' });
  expect([...sort(multinomial(weights, 2)).values.dataSync()]).toEqual([0, 1]);
});

test('a permutation has every number once, in the type that is asked for', () => {
  const { values, indices } = sort(randperm(50, { dtype: 'float32', generator: new Generator(1) }));
  expect([...values.dataSync()]).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(indices.dtype).toBe('int32');
});

test('on a backend that answers only later, what must be read now says so', async () => {
  const later = { ...backend.info, name: 'later', synchronous: false };
  const slow = Object.create(await cpu(), { info: { value: later } }) as Backend;
  const x = tensor([1, 2], { backend: slow });
  const message = /x is on 'later', which answers only later, expected a backend that answers now/;
  for (const call of [() => x.sort(), () => x.argsort(), () => x.topk(1), () => x.multinomial(1)]) {
    expect(call).toThrow(message);
  }
  expect(() => x.allclose(x)).toThrow(/await all\(isclose\(a, b\)\)/);
});

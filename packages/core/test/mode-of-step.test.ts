import { cpu } from '@rnn/backend-cpu';
import { beforeAll, expect, test } from 'vitest';
import { explain, ones, round, scan, setBackend, tensor, type Tensor, zeros } from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

test('round of whole numbers runs, step by step, for a reason that names their type', () => {
  const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => [h, round(h.add(x))];
  const xs = tensor([[[1, -2]], [[3, 5]]], { dtype: 'int32' });
  const h0 = zeros([1, 2], { dtype: 'int32' });
  const { mode, reason } = explain(step, xs, h0);
  expect([mode, reason]).toEqual(['eager', 'the arguments are of int32']);
  expect(scan(step, xs, h0, { compile: 'auto' })[1].toArray()).toEqual([[4, 3]]);
});

test.each([
  { x: [3, 2, 5, 4], h: [2, 5, 4] },
  { x: [3, 2, 1, 4], h: [2, 5, 4] },
])('two batch dimensions compile: $x with $h', ({ x, h }) => {
  const step = (now: Tensor, state: Tensor): readonly [Tensor, Tensor] => [state, state.add(now)];
  expect(explain(step, ones(x), zeros(h))).toMatchObject({ mode: 'compiled', reason: undefined });
  const last = scan(step, ones(x), zeros(h), { compile: 'required' })[1];
  expect(last.shape).toEqual(h);
  expect(new Set(last.dataSync())).toEqual(new Set([3]));
});

import { cpu } from '@rnn/backend-cpu';
import { beforeAll, expect, test } from 'vitest';
import { explain, manualSeed, ones, randn, round, scan, setBackend, tensor, type Tensor, zeros } from '../src/index.js';

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

type Weighted = (x: Tensor, h: Tensor, parameters: { readonly W: Tensor }) => readonly [Tensor, Tensor];

// In a square every dimension may be the batch: what is done with them tells which one is.
test.each<[name: string, step: Weighted]>([
  ['features before the batch', (x, h, { W }) => [W.matmul(x), W.matmul(x).add(h).tanh()]],
  ['rows that are transposed', (x, h) => [h, x.transpose(0, 1).add(h).tanh()]],
  ['a mean over the batch', (x, h) => [x.sub(x.mean(0)), x.sub(x.mean(0)).add(h)]],
  ['a row that all others take', (x, h) => [h, h.add(x.slice(0, 0, 1))]],
])('a step that mixes rows gives what a loop over the steps gives: %s', (_, step) => {
  manualSeed(0);
  const [xs, h0, W] = [randn([4, 3, 3]), randn([3, 3]), randn([3, 3])];
  const outputs: unknown[] = [];
  let h = h0;
  for (let t = 0; t < 4; t++) {
    const [y, next] = step(xs.slice(0, t, t + 1).squeeze(0), h, { W });
    outputs.push(y.toArray());
    h = next;
  }
  for (let call = 0; call < 3; call++) {
    const [ys, last] = scan(step, xs, h0, { parameters: { W }, compile: 'auto' });
    expect(ys.toArray()).toEqual(outputs);
    expect(last.toArray()).toEqual(h.toArray());
  }
});

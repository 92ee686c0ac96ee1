/**
 * Steps that compute with single numbers are compiled for any size of the batch, whoever's
 * derivative it is.
 */
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import { customOperation, explain, ones, scan, setBackend, tensor, zeros, type Tensor } from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
});

const weight = (): Tensor =>
  tensor(
    [
      [0.5, 0.25],
      [-0.25, 0.5],
    ],
    { requiresGrad: true },
  );

test.each([
  [1, []],
  [2, []],
  [3, [1]],
  [4, [1, 1]],
])('%i rows, a function of a parameter of shape %j', (rows, shape) => {
  const [W, rate] = [weight(), tensor([0.5]).reshape(shape)];
  const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
    const next = h.matmul(W).add(x).mul(rate.mul(rate).add(rate)); // 3/4 of the sum
    return [next, next];
  };
  const [xs, h0] = [ones([1, rows, 2]), ones([rows, 2])];
  expect(explain(step, xs, h0)).toMatchObject({ mode: 'compiled' });
  // [1, 1] W = [0.25, 0.75]
  expect(scan(step, xs, h0, { compile: 'required' })[1].select(0, 0).toArray()).toEqual([1.25 * 0.75, 1.75 * 0.75]);
});

test.each([1, 2, 5])('%i rows, an operation with a derivative of its own beside a trained product', (rows) => {
  const straight = (x: Tensor): Tensor =>
    customOperation({
      name: 'straight',
      inputs: [x],
      forward: () => ({ result: x.sign(), saved: [] }),
      derivatives: [(grad) => grad.mul(2)],
    });
  const W = weight();
  const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
    const next = straight(h.matmul(W).add(x));
    return [next, h];
  };
  const [xs, h0] = [ones([1, rows, 2]), zeros([rows, 2]).add(3)];
  expect(explain(step, xs, h0)).toMatchObject({ mode: 'compiled' });
  scan(step, xs, h0, { compile: 'required' })[0].sum().backward();
  // 3 from each row, doubled by the derivative.
  expect(W.grad?.toArray()).toEqual([
    [6 * rows, 6 * rows],
    [6 * rows, 6 * rows],
  ]);
});

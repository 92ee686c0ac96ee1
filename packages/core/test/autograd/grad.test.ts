import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { grad, pow, setBackend, tensor, type Tensor } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });
const numbers = (x: Tensor | undefined): number[] | undefined => x && Array.from(x.dataSync());

describe('grad', () => {
  test('touches no grad', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    const [da, db] = grad(a.mul(b).sum(), [a, b]);
    expect([numbers(da), numbers(db)]).toEqual([
      [3, 4],
      [1, 2],
    ]);
    expect([a.grad, b.grad]).toEqual([undefined, undefined]);
  });

  test('with respect to results on the way, and to the output itself', () => {
    const x = leaf(2);
    const y = x.square();
    const z = y.mul(3);
    const [dy, dx, dz] = grad(z, [y, x, z]);
    expect([dy, dx, dz].map((g) => g.item())).toEqual([3, 12, 1]);
  });

  test('gives zeros where nothing depends on an input', () => {
    const [x, unused] = [leaf(2), leaf([1, 2])];
    expect(grad(x.square(), [x, unused]).map(numbers)).toEqual([[4], [0, 0]]);
  });

  test('gives an input that is listed twice two tensors', () => {
    const x = leaf(2);
    const [a, b] = grad(x.square(), [x, x]);
    a.dispose();
    expect(b.item()).toBe(4);
  });

  test('takes a gradient from behind', () => {
    const x = leaf([1, 2]);
    expect(numbers(grad(x.square(), [x], { gradient: tensor([10, 1]) })[0])).toEqual([20, 4]);
  });

  test('gives the third derivative by createGraph', () => {
    const x = leaf(2);
    let y = pow(x, 4);
    const derivatives: number[] = [];
    for (let order = 0; order < 3; order++) {
      [y] = grad(y, [x], { createGraph: true });
      derivatives.push(y.item());
    }
    expect(derivatives).toEqual([32, 48, 48]);
  });

  test('refuses an input that requires no gradient', () => {
    const x = leaf(1);
    expect(() => grad(x.square(), [x, tensor(1)])).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTOGRAD',
        argument: 'inputs[1]',
        message:
          'grad: inputs[1] is without requiresGrad, expected a tensor that requires a gradient; set requiresGrad before using it',
      }),
    );
  });
});

describe('createGraph', () => {
  test('makes the gradients in grad differentiable', () => {
    const x = leaf([1, 2]);
    pow(x, 3).sum().backward(undefined, { createGraph: true });
    const first = x.grad as Tensor;
    x.grad = undefined;
    first.sum().backward();
    expect(numbers(first)).toEqual([3, 12]);
    expect(numbers(x.grad)).toEqual([6, 12]);
  });

  test('adds to an earlier gradient within the graph', () => {
    const x = leaf([2]);
    for (let i = 0; i < 2; i++) pow(x, 3).sum().backward(undefined, { createGraph: true });
    const both = x.grad as Tensor;
    x.grad = undefined;
    both.sum().backward();
    expect([numbers(both), numbers(x.grad)]).toEqual([[24], [24]]);
  });

  test('keeps the graph', () => {
    const x = leaf(2);
    const y = x.square();
    grad(y, [x], { createGraph: true });
    expect(grad(y, [x])[0].item()).toBe(4);
  });

  test('a penalty on the gradient trains', () => {
    const [w, x] = [leaf([0.5, -1]), leaf([1, 2])];
    const [slope] = grad(w.mul(x).sum().tanh(), [x], { createGraph: true });
    slope.square().sum().backward();
    const t = Math.tanh(-1.5);
    const s = 1 - t * t;
    const expected = [0.5, -1].map((v, i) => 2 * s * s * v - 4 * t * s * s * 1.25 * [1, 2][i]);
    numbers(w.grad)?.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
  });
});

import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  concat,
  grad,
  linear,
  manualSeed,
  noGrad,
  randn,
  scan,
  scope,
  setBackend,
  tensor,
  zeros,
  type Backend,
  type Tensor,
} from '../../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

const live = (): number => backend.memory().storages;
const leaf = (values: number[] | number[][]): Tensor => tensor(values, { requiresGrad: true });
/** A two-layer net with everything in it: a loop, a softmax, a choice, pieces. */
function loss(weights: readonly Tensor[], x: Tensor): Tensor {
  const [w, u, v] = weights;
  const [ys] = scan(
    (input: Tensor, h: Tensor) => {
      const next = linear(input, w).add(linear(h, u)).tanh();
      return [next, next];
    },
    x,
    zeros([x.shape[1], u.shape[0]]),
  );
  const [a, b] = linear(ys, v).split(2, -1);
  return concat([a, b], -1).logSoftmax(-1).mean().neg().add(a.relu().max(0).values.amax());
}

describe('backward', () => {
  test('frees what the graph alone held, exactly', () => {
    const [w, x] = [
      leaf([
        [1, 2],
        [3, 4],
      ]),
      tensor([[5, 6]]),
    ];
    const before = backend.memory();
    const y = scope(() => x.matmul(w).tanh().square().mul(2).softmax(1).sum());
    expect(live()).toBeGreaterThan(before.storages + 1);
    y.backward();
    expect(live()).toBe(before.storages + 2); // y, and the gradient of w
    y.dispose();
    w.grad?.dispose();
    w.grad = undefined;
    expect(backend.memory()).toEqual(before);
  });

  test('with retainGraph frees nothing, without it then everything', () => {
    const w = leaf([1, 2]);
    const y = scope(() => w.square().tanh().sum());
    const during = live();
    y.backward(undefined, { retainGraph: true });
    expect(live()).toBe(during + 1);
    y.backward();
    y.dispose();
    expect(live()).toBe(2);
  });

  test('with createGraph is freed by the end of the scope', () => {
    const w = leaf([1, 2]);
    scope(() => {
      const [first] = grad(w.square().tanh().sum(), [w], { createGraph: true });
      first.square().sum().backward();
    });
    expect(live()).toBe(2);
    w.grad?.dispose();
    w.grad = undefined;
    scope(() => void grad(w.square().tanh().sum(), [w], { createGraph: true }));
    expect(live()).toBe(1);
  });

  test('with createGraph into grad is freed with the gradient', () => {
    const w = leaf([1, 2]);
    scope(() => w.square().tanh().sum().backward(undefined, { createGraph: true }));
    expect(live()).toBeGreaterThan(2);
    w.grad?.dispose();
    expect(live()).toBe(1);
  });

  test('with inputs frees the parts that it did not go through, with the results', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    scope(() =>
      a
        .tanh()
        .mul(b.tanh())
        .sum()
        .backward(undefined, { inputs: [b] }),
    );
    expect(live()).toBe(3);
  });

  test('keeps what a second result still needs', () => {
    const w = leaf([1, 2]);
    const [y, z] = scope(() => {
      const h = w.tanh();
      return [h.square().sum(), w.square().sum()];
    });
    y.dispose(); // its part of the graph goes
    z.backward();
    z.dispose();
    expect([Array.from(w.grad?.dataSync() ?? []), live()]).toEqual([[2, 4], 2]);
  });
});

describe('training', () => {
  test('ten thousand steps show a flat line', () => {
    manualSeed(1);
    const shapes = [
      [3, 2],
      [3, 3],
      [4, 3],
    ];
    const weights = shapes.map((shape) => randn(shape, { requiresGrad: true }));
    const x = randn([4, 2, 2]);
    const step = (): number =>
      scope(() => {
        const value = loss(weights, x);
        value.backward();
        noGrad(() => {
          for (const w of weights) {
            w.copy_(w.sub((w.grad as Tensor).mul(0.01)));
            w.grad?.dispose();
            w.grad = undefined;
          }
        });
        return value.item();
      });
    const first = step();
    const after = backend.memory();
    expect(after.storages).toBe(weights.length + 1);
    let last = first;
    for (let i = 1; i < 10_000; i++) {
      last = step();
      if (i % 1000 === 0) expect(backend.memory()).toEqual(after);
    }
    expect(backend.memory()).toEqual(after);
    expect(last).toBeLessThan(first);
  });
});

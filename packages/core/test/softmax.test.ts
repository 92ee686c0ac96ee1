import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  fromData,
  grad,
  logSoftmax,
  manualSeed,
  noGrad,
  randn,
  softmax,
  type Backend,
  type Tensor,
} from '../src/index.js';

let fused: Backend;
let unfused: Backend;
beforeEach(async () => {
  fused = await cpu();
  unfused = Object.assign(await cpu(), { compile: undefined });
  manualSeed(11);
});

const functions = { softmax, logSoftmax };
const names = ['softmax', 'logSoftmax'] as const;

function expectClose(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  actual.forEach((tensor, i) => {
    expect(tensor.shape).toEqual(expected[i].shape);
    const [a, b] = [tensor.dataSync(), expected[i].dataSync()];
    a.forEach((value, k) => {
      if (Number.isFinite(b[k]))
        expect(Math.abs(value - b[k])).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(b[k])));
      else expect(value).toBe(b[k]);
    });
  });
}

describe.each(names)('%s as one program is the one by single operations', (name) => {
  const fn = functions[name];

  /** Value, gradient and the gradient of its square. */
  function results(x: Tensor, seed: Tensor, dim: number): readonly Tensor[] {
    const y = fn(x, dim);
    const [first] = grad(y.mul(seed).sum(), [x], { createGraph: true });
    return [y, noGrad(() => fn(x, dim)), first, ...grad(first.square().sum(), [x])];
  }

  test.each([
    [[6], 0],
    [[4, 5], -1],
    [[4, 5], 0],
    [[2, 3, 4], 2],
    [[2, 3, 4], 1],
    [[3, 1], 1],
    [[2, 0], 1],
    [[], 0],
  ])('shape %j along %i', (shape, dim) => {
    const [x, seed] = [
      randn(shape, { dtype: 'float64', backend: unfused }),
      randn(shape, { dtype: 'float64', backend: unfused }),
    ];
    const on = (backend: Backend): readonly Tensor[] => {
      const leaf = x.to(backend).detach();
      leaf.requiresGrad = true;
      return results(leaf, seed.to(backend), dim);
    };
    expectClose(on(fused), on(unfused));
  });

  test('at infinities, NaN and sizes whose exponentials overflow', () => {
    const values = [800, -800, 0, -Infinity, 1, 2, Infinity, 1, 2, NaN, 1, 2];
    const on = (backend: Backend): readonly Tensor[] => [
      fn(fromData(values, [4, 3], { dtype: 'float64', backend }), 1),
    ];
    expectClose(on(fused), on(unfused));
  });

  test('has its name in the graph', () => {
    const y = fn(randn([2, 3], { backend: fused, requiresGrad: true }), 1);
    expect(y.edge?.node.name).toBe(name);
  });
});

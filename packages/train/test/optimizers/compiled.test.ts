import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, tensor, zeros, type Backend, type Tensor } from '@rnn/core';
import { describe, expect, test } from 'vitest';
import { Adagrad, Adam, AdamW, RMSprop, SGD, type Optimizer } from '../../src/index.js';

/** The same backend without `compile`: updates run by single operations. */
function uncompiled(backend: Backend): Backend {
  return new Proxy(backend, {
    get(target, name): unknown {
      if (name === 'compile') return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

const optimizers: Readonly<Record<string, (params: readonly Tensor[]) => Optimizer>> = {
  SGD: (params) => new SGD(params, { lr: 0.1 }),
  'SGD with everything': (params) =>
    new SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.2, weightDecay: 0.01, maximize: true }),
  'SGD, Nesterov': (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
  Adam: (params) => new Adam(params, { lr: 0.01 }),
  'Adam with everything': (params) => new Adam(params, { lr: 0.01, weightDecay: 0.1, amsgrad: true, maximize: true }),
  AdamW: (params) => new AdamW(params, { lr: 0.01 }),
  RMSprop: (params) => new RMSprop(params, { lr: 0.01 }),
  'RMSprop with everything': (params) =>
    new RMSprop(params, { lr: 0.01, momentum: 0.9, centered: true, weightDecay: 0.1 }),
  Adagrad: (params) => new Adagrad(params, { lr: 0.01, lrDecay: 0.1, weightDecay: 0.1 }),
};

/** Parameters after a few steps in which the learning rate changes. */
function trained(make: (params: readonly Tensor[]) => Optimizer, backend: Backend): number[][] {
  manualSeed(3);
  const place = { backend, dtype: 'float64' } as const;
  const params = [[3, 5], [7], [], [2, 0, 3]].map((shape) => randn(shape, { ...place, requiresGrad: true }));
  const optimizer = make(params);
  for (let step = 0; step < 4; step++) {
    for (const param of params) param.grad = randn(param.shape, place);
    optimizer.paramGroups[0].lr *= 0.9;
    optimizer.step();
    optimizer.zeroGrad();
  }
  return params.map((param) => Array.from(param.dataSync()));
}

describe('an update as one program is the update by single operations', () => {
  test.each(Object.entries(optimizers))('%s', async (_, make) => {
    const [actual, expected] = [trained(make, await cpu()), trained(make, uncompiled(await cpu()))];
    actual.forEach((values, i) =>
      values.forEach((value, j) => expect(Math.abs(value - expected[i][j])).toBeLessThanOrEqual(1e-10)),
    );
  });
});

describe('an update as one program', () => {
  test('keeps what others hold of the old parameter, and leaves nothing behind', async () => {
    const backend = await cpu();
    const param = tensor([1, 2, 3], { backend, requiresGrad: true });
    const old = param.detach();
    const optimizer = new Adam([param], { lr: 0.5 });
    const step = (): void => {
      param.grad = tensor([1, -1, 0], { backend });
      optimizer.step();
      optimizer.zeroGrad();
    };
    step();
    expect(Array.from(old.dataSync())).toEqual([1, 2, 3]);
    expect(Array.from(param.dataSync(), (x) => Math.round(x * 1e4) / 1e4)).toEqual([0.5, 2.5, 3]);
    const before = backend.memory();
    for (let i = 0; i < 50; i++) step();
    expect(backend.memory()).toEqual(before);
  });

  test('is one program for a few numbers and one for more, whatever the shapes and the steps', async () => {
    const backend = await cpu();
    let programs = 0;
    const counting = new Proxy(backend, {
      get(target, name): unknown {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        const method = (value as (...args: unknown[]) => unknown).bind(target);
        if (name !== 'compile') return method;
        return (program: unknown) => {
          programs++;
          return method(program);
        };
      },
    });
    const place = { backend: counting };
    const params = [[4, 3], [5], [2, 2, 2], [1], [7, 20]].map((shape) =>
      zeros(shape, { ...place, requiresGrad: true }),
    );
    const optimizer = new RMSprop(params, { lr: 0.1 });
    const step = (): void => {
      for (const param of params) param.grad = zeros(param.shape, place);
      optimizer.step();
      optimizer.paramGroups[0].lr *= 0.5;
    };
    for (let i = 0; i < 5; i++) step();
    expect(programs).toBe(2);
  });
});

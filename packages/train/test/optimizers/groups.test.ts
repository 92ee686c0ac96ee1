import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Adam, Optimizer, SGD, type OptimizerOptions, type Params, type UpdateRule } from '../../src/index.js';

beforeAll(async () => {
  setBackend(await cpu());
});

function withGrad(value: number, grad: number): Tensor {
  const param = tensor([value], { requiresGrad: true });
  param.grad = tensor([grad]);
  return param;
}

describe('groups', () => {
  test('have options of their own, or those of the optimiser', () => {
    const [a, b, c] = [withGrad(0, 1), withGrad(0, 1), withGrad(0, 1)];
    const optimizer = new SGD([{ params: [a] }, { params: b, lr: 0.5, maximize: true }], { lr: 0.25 });
    optimizer.addParamGroup({ params: new Set([c]), lr: 2 });
    expect(optimizer.paramGroups.map(({ lr, maximize, params }) => [lr, maximize, params.length])).toEqual([
      [0.25, false, 1],
      [0.5, true, 1],
      [2, false, 1],
    ]);
    optimizer.step();
    expect([a, b, c].map((param) => param.item())).toEqual([-0.25, 0.5, -2]);
  });

  test('may change between steps', () => {
    const a = withGrad(0, 1);
    const optimizer = new SGD([a], { lr: 1 });
    optimizer.step();
    optimizer.paramGroups[0].lr = 0.5;
    optimizer.step();
    expect(a.item()).toBe(-1.5);
  });

  test('take any iterable of parameters once', () => {
    const a = withGrad(0, 1);
    function* params(): Generator<Tensor> {
      yield a;
    }
    const optimizer = new SGD(params(), { lr: 1 });
    optimizer.step();
    optimizer.step();
    expect(a.item()).toBe(-2);
  });
});

describe('a parameter without a gradient', () => {
  test('stays, and has no state', () => {
    const a = withGrad(1, 1);
    const b = tensor([1], { requiresGrad: true });
    const optimizer = new Adam([a, b]);
    optimizer.step();
    expect(b.item()).toBe(1);
    expect(Object.keys(optimizer.stateDict().state)).toEqual(['0']);
  });
});

describe('zeroGrad', () => {
  test('frees all gradients', () => {
    const a = withGrad(1, 1);
    const { grad } = a;
    new SGD([a]).zeroGrad();
    expect(a.grad).toBeUndefined();
    expect(grad?.isDisposed).toBe(true);
  });
});

describe("an optimiser of the user's own", () => {
  const signDescent: UpdateRule<OptimizerOptions> = {
    name: 'SignDescent',
    check: () => {},
    slots: () => ({}),
    scalars: ({ lr }) => ({ lr }),
    update: (param, grad, _state, { lr }) => [param.sub(grad.sign().mul(lr)), {}],
  };
  class SignDescent extends Optimizer {
    constructor(params: Params<OptimizerOptions>, options: Partial<OptimizerOptions> = {}) {
      super(signDescent, params, { lr: 0.01, maximize: false }, options);
    }
  }

  test('is a rule and a constructor', () => {
    const a = withGrad(1, -7);
    new SignDescent([a], { lr: 0.5 }).step();
    expect(a.item()).toBe(1.5);
  });
});

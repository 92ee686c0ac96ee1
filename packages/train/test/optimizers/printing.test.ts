/** Optimisers as others look at them: printed, copied, compared, written as JSON. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, ones, scope, type Backend } from '@rnn/core';
import { Linear } from '@rnn/nn';
import { describe, expect, test } from 'vitest';
import { Adam, SGD } from '../../src/index.js';

const same = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

describe.each<[string, Backend]>([
  ['cpu', await cpu()],
  ['wasm', await wasm({ threads: 1 })],
])('on %s', (_, backend) => {
  /** A model and its optimiser after some steps. */
  const trained = (steps: number, lr = 0.001) => {
    manualSeed(3);
    const model = new Linear(3, 2, { backend });
    const optimizer = new Adam(model.parameters(), { lr });
    for (let i = 0; i < steps; i++) {
      scope(() =>
        model
          .forward(ones([1, 3], { backend }))
          .square()
          .sum()
          .backward(),
      );
      optimizer.step();
      optimizer.zeroGrad();
    }
    return { model, optimizer };
  };

  test('are printed as PyTorch prints them', () => {
    // repr(torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])), without what only PyTorch has,
    // with numbers and names as JavaScript writes them.
    const text = `Adam (
Parameter Group 0
    amsgrad: false
    betas: [0.9, 0.999]
    eps: 1e-8
    lr: 0.001
    maximize: false
    weightDecay: 0
)`;
    const { optimizer } = trained(2);
    expect(inspect(optimizer)).toBe(text);
    expect(String(optimizer)).toBe(text);
    optimizer.addParamGroup({ params: new Linear(1, 1, { backend }).parameters(), lr: 0.5 });
    expect(String(optimizer)).toMatch(/\n\nParameter Group 1\n(.*\n)*    lr: 0.5\n/);
  });

  test('as JSON are their state, which another takes', () => {
    const [a, b] = [trained(3), trained(0)];
    const text = JSON.stringify({ optimizer: a.optimizer });
    expect(text).toBe(JSON.stringify({ optimizer: a.optimizer.stateDict() }));
    b.optimizer.loadStateDict((JSON.parse(text) as { optimizer: ReturnType<Adam['stateDict']> }).optimizer);
    expect(JSON.stringify(b.optimizer)).toBe(JSON.stringify(a.optimizer));
    expect(JSON.stringify(a.optimizer)).not.toBe(JSON.stringify(trained(2).optimizer));
  });

  test('are equal where options, parameters and what is kept are', () => {
    expect(same(trained(2).optimizer, trained(2).optimizer)).toBe(true);
    expect(trained(2).optimizer).toEqual(trained(2).optimizer);
    for (const other of [trained(3), trained(2, 0.01)]) {
      expect(same(trained(2).optimizer, other.optimizer)).toBe(false);
      expect(trained(2).optimizer).not.toEqual(other.optimizer);
    }
    const { model, optimizer } = trained(0);
    expect(same(optimizer, new SGD(model.parameters()))).toBe(false);
  });

  test('what is cloned holds no backend and no code', () => {
    const { model, optimizer } = trained(2);
    const clone = structuredClone(optimizer);
    expect(clone.paramGroups[0]).toMatchObject({
      lr: 0.001,
      params: model.parameters().map(({ shape }) => ({ shape })),
    });
    expect(inspect(clone, { depth: 9 }).length).toBeLessThan(1500);
  });
});

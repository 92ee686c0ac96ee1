import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, isGradEnabled, noGrad, scope, setBackend, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Adagrad, Adam, AdamW, RMSprop, SGD, type Optimizer } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));

const leaf = (): Tensor => tensor([1, -2], { requiresGrad: true });
const makes: readonly [string, (params: Tensor[]) => unknown][] = [
  ['SGD', (params) => new SGD(params, { lr: 0.1, momentum: 0.9 })],
  ['Adam', (params) => new Adam(params, { lr: 0.1 })],
  ['AdamW', (params) => new AdamW(params, { lr: 0.1 })],
  ['RMSprop', (params) => new RMSprop(params, { lr: 0.1 })],
  ['Adagrad', (params) => new Adagrad(params, { lr: 0.1 })],
];

describe.each(makes)('%s', (_name, makeAny) => {
  const make = (params: Tensor[]): Optimizer => makeAny(params) as Optimizer;

  test('calls the closure once before each step and returns what it returned, as PyTorch does', () => {
    const [w, byHand] = [leaf(), leaf()];
    const [optimizer, other] = [make([w]), make([byHand])];
    let calls = 0;
    for (let i = 0; i < 3; i++) {
      const loss = scope(() =>
        optimizer.step(() => {
          calls++;
          optimizer.zeroGrad();
          const inner = w.square().sum();
          inner.backward();
          return inner;
        }),
      );
      other.zeroGrad();
      const expected = byHand.square().sum();
      expected.backward();
      other.step();
      expect(loss.item()).toBe(expected.item());
      expect([...w.dataSync()]).toEqual([...byHand.dataSync()]);
    }
    expect(calls).toBe(3);
    expect([...w.dataSync()]).not.toEqual([1, -2]);
  });

  test('with recording on, also within noGrad', () => {
    const optimizer = make([leaf()]);
    expect(noGrad(() => optimizer.step(() => isGradEnabled()))).toBe(true);
    expect(noGrad(() => isGradEnabled())).toBe(false);
    expect(optimizer.step()).toBeUndefined();
    expect(optimizer.step(() => 0.25)).toBe(0.25);
  });

  test('refuses what is no function and what is asynchronous, and does no step', () => {
    const w = leaf();
    const optimizer = make([w]);
    w.grad = tensor([1, 1]);
    expect(() => optimizer.step(1 as unknown as () => number)).toThrow(
      `${_name}.step: closure is 1, expected a function () => loss`,
    );
    expect(() => optimizer.step(async () => Promise.resolve(1))).toThrow(
      `${_name}.step: closure is an asynchronous function, expected a synchronous one, since nothing may change the gradients before the step; await what it needs before the step`,
    );
    expect(() => optimizer.step(async () => Promise.resolve(1))).toThrow(ArgumentError);
    expect(() =>
      optimizer.step(() => {
        throw new Error('in the closure');
      }),
    ).toThrow('in the closure');
    expect([...w.dataSync()]).toEqual([1, -2]);
  });
});

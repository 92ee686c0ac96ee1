import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { fromData, manualSeed, randn, scope, tensor, type Backend } from '@rnn/core';
import { crossEntropy, Linear, LSTM, Module } from '@rnn/nn';
import { beforeAll, expect, test } from 'vitest';
import { Adam, clipGradNorm, clipGradValue, gradNorm, SGD, StepLR } from '../../src/index.js';

/** Reading from this backend without waiting throws, as on WebGPU. */
let backend: Backend;
beforeAll(async () => {
  backend = answersLater(await cpu());
});

class Tagger extends Module {
  lstm = new LSTM(3, 4, { numLayers: 2, bidirectional: true, dropout: 0.2, backend });
  head = new Linear(8, 5, { backend });

  forward(x: ReturnType<typeof randn>, lengths: readonly number[]): ReturnType<typeof randn> {
    return this.head.forward(this.lstm.forward(x, undefined, { lengths })[0]);
  }
}

test('a training with clipping and Adam reads nothing without waiting', async () => {
  manualSeed(2);
  const model = new Tagger();
  const optimizer = new Adam(model.parameters(), { lr: 0.05, amsgrad: true });
  const schedule = new StepLR(optimizer, { stepSize: 5, gamma: 0.9 });
  const x = randn([6, 3, 3], { backend });
  const targets = fromData(
    Int32Array.from({ length: 18 }, (_, i) => i % 5),
    [6, 3],
    { dtype: 'int32', backend },
  );
  const lengths = [6, 4, 1];
  const losses = [];
  for (let i = 0; i < 20; i++) {
    const loss = scope(() => {
      const loss = crossEntropy(model.forward(x, lengths), targets, { lengths });
      loss.backward();
      clipGradNorm(model.parameters(), 1);
      optimizer.step();
      optimizer.zeroGrad();
      schedule.step();
      return loss.detach();
    });
    losses.push((await loss.data())[0]);
    loss.dispose();
  }
  expect(losses[19]).toBeLessThan(losses[0] * 0.8);
});

test('no clipping reads by itself, only the look for what is not finite', () => {
  const param = tensor([1, 2], { backend, requiresGrad: true });
  const optimizer = new SGD([param], { lr: 0.1, momentum: 0.9 });
  const start = (): void => {
    param.grad = tensor([3, 4], { backend });
  };
  start();
  gradNorm([param]);
  for (const normType of [1, 2, 3, Infinity]) clipGradNorm([param], 1, { normType });
  clipGradValue([param], 0.5);
  optimizer.step();
  expect(() => clipGradNorm([param], 1, { errorIfNonfinite: true })).toThrow('later: await data() instead');
});

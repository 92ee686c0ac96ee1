import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, setBackend, type Backend, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { beforeAll, expect, test } from 'vitest';
import { Adam, ExponentialLR, fit, type History } from '../../src/index.js';

let home: Backend;
beforeAll(async () => {
  home = await cpu();
  setBackend(home);
});

class Net extends Module {
  lstm = new LSTM(2, 5);
  head = new Linear(5, 1);

  forward(x: Tensor): Tensor {
    const [, [h]] = this.lstm.forward(x);
    return this.head.forward(h.select(0, 0));
  }
}

/** 15 steps in all, the model being moved after 5 and after 10 where asked for. */
async function losses(places: readonly Backend[]): Promise<number[]> {
  manualSeed(1);
  const model = new Net();
  const x = randn([6, 4, 2]);
  const y = x.select(0, 0).sum(1, true);
  const optimizer = new Adam(model.parameters(), { lr: 0.02, amsgrad: true });
  const schedule = new ExponentialLR(optimizer, { gamma: 0.9 });
  let history: History | undefined;
  for (const [i, place] of places.entries()) {
    model.to(place);
    history = await fit(model, [[x.to(place), y.to(place)] as const], {
      loss: (net, [input, target]) => mseLoss(net.forward(input), target),
      optimizer,
      schedule,
      steps: 5 * (i + 1),
      clipNorm: 1,
      history,
    });
  }
  return (history as History).steps.map(({ loss }) => loss);
}

test('a model that moves between backends in the middle of its training equals one that stays', async () => {
  const other = await cpu();
  const unbroken = await losses([home, home, home]);
  expect(unbroken).toHaveLength(15);
  expect(unbroken[14]).toBeLessThan(unbroken[0]);
  expect(await losses([home, other, home])).toEqual(unbroken);
});

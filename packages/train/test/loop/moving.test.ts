import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, setBackend, type Backend, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { beforeAll, expect, test } from 'vitest';
import { Adam, DataLoader, ExponentialLR, fit, windows, type History } from '../../src/index.js';

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

test('a model may move within one training, after any step that is reported', async () => {
  const other = await cpu();
  const run = async (moveAt: number): Promise<[number[], number]> => {
    setBackend(home);
    manualSeed(1);
    const model = new Net().to(home);
    const x = Array.from({ length: 8 }, (_, i) => Math.sin(i));
    const optimizer = new Adam(model.parameters(), { lr: 0.02 });
    const history = await fit(model, new DataLoader(windows(x, 4), { batchSize: 2 }), {
      loss: (net, [input, target]) => mseLoss(net.forward(input.expand([4, 2, 2])), target),
      optimizer,
      epochs: 3,
      onStep: ({ step }) => {
        if (step !== moveAt) return;
        setBackend(other);
        model.to(other);
      },
    });
    return [history.steps.map(({ loss }) => loss), history.epochs[1].loss];
  };
  const [steps, pass] = await run(Infinity);
  const [moved, passOfBoth] = await run(3);
  setBackend(home);
  expect(moved).toEqual(steps);
  expect(passOfBoth).toBeCloseTo(pass, 6);
  expect(other.memory().storages).toBeGreaterThan(0);
});

import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { fromData, manualSeed, randn, setBackend, type Backend, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { beforeAll, expect, test } from 'vitest';
import { Adam, DataLoader, ExponentialLR, fit, SGD, windows, type History, type Optimizer } from '../../src/index.js';

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

/** How a training goes to another backend. */
type Move = (model: Net, optimizer: Optimizer, place: Backend) => Promise<void>;

const atOnce: Move = async (model, _, place) => void model.to(place);
const waiting: Move = async (model, optimizer, place) => {
  await model.moveTo(place);
  await optimizer.moveTo(place);
};

/** 15 steps in all, the model being moved after 5 and after 10 where asked for. */
async function losses(places: readonly Backend[], move: Move): Promise<number[]> {
  manualSeed(1);
  const model = new Net();
  const x = randn([6, 4, 2]);
  const y = x.select(0, 0).sum(1, true);
  const optimizer = new Adam(model.parameters(), { lr: 0.02, amsgrad: true });
  const schedule = new ExponentialLR(optimizer, { gamma: 0.9 });
  let history: History | undefined;
  for (const [i, place] of places.entries()) {
    await move(model, optimizer, place);
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

test.each([
  ['that reads at once', atOnce, cpu],
  ['that is waited for', waiting, cpu],
  ['that is waited for, by way of a backend that answers only later', waiting, async () => answersLater(await cpu())],
])('a training equals one that stays after a move %s', async (_, move, factory) => {
  const other = await factory();
  const unbroken = await losses([home, home, home], move);
  expect(unbroken).toHaveLength(15);
  expect(unbroken[14]).toBeLessThan(unbroken[0]);
  expect(await losses([home, other, home], move)).toEqual(unbroken);
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

test('best parameters come along where a model left a backend that answers only later', async () => {
  const later = answersLater(await cpu());
  let place = later;
  const model = new Linear(1, 1, { backend: place });
  const optimizer = new SGD(model.parameters(), { lr: 1.5, momentum: 0.1 }); // too large: only the first pass is good
  const data = {
    *[Symbol.iterator]() {
      yield fromData([1], [1, 1], { backend: place });
    },
  };
  const best: number[] = [];
  const history = await fit(model, data, {
    loss: (net, x) => mseLoss(net.forward(x), x),
    optimizer,
    epochs: 9,
    earlyStopping: { patience: 2, restoreBest: true },
    onEpoch: async ({ epoch }) => {
      if (epoch === 1) best.push(...(await model.weight.data()));
      if (epoch !== 2) return;
      place = home;
      await model.moveTo(place);
      await optimizer.moveTo(place);
    },
  });
  expect([history.stopped, history.epoch]).toEqual(['early', 3]);
  expect(model.weight.backend).toBe(home);
  expect([...model.weight.dataSync()]).toEqual(best);
  optimizer.dispose();
  expect(later.memory().storages).toBe(0);
});

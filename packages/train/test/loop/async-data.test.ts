import { cpu } from '@rnn/backend-cpu';
import { randn, setBackend, tensor, type Tensor } from '@rnn/core';
import { Linear, mseLoss } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataLoader, evaluate, fit, SGD, TensorDataset, type Batches, type FitOptions } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));

type Pair = [Tensor, Tensor];
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
const rows = Array.from({ length: 10 }, (_, i) => i / 10);
const loader = (): DataLoader<Pair> => new DataLoader(new TensorDataset(rows, rows), { batchSize: 3 });

/** The same batches, each only after a while. */
const later = (): AsyncIterable<Pair> => ({
  async *[Symbol.asyncIterator]() {
    for (const [x, y] of loader()) {
      await pause();
      yield [x, y];
    }
  },
});
const options = (model: Linear): FitOptions<Linear, Pair> => ({
  loss: (net, [x, y]) => mseLoss(net.forward(x.reshape([-1, 1])), y.reshape([-1, 1])),
  optimizer: new SGD(model.parameters(), { lr: 0.1 }),
  epochs: 3,
});

describe('data that come one by one', () => {
  test('train and measure as those that are there', async () => {
    const start = new Linear(1, 1);
    const run = async (data: Batches<Pair>): Promise<unknown> => {
      const model = start.clone();
      const { steps, epochs } = await fit(model, data, { ...options(model), validation: { data } });
      const { loss } = options(model);
      const measured = await evaluate(model, data, { loss });
      const plain = (record: object): object => ({ ...record, seconds: 0 });
      return [steps.map(plain), epochs.map(plain), measured, [...model.weight.dataSync()]];
    };
    expect(await run(later())).toEqual(await run(loader()));
  });

  test('are freed after their step, over 10,000 steps', async () => {
    const own = await cpu();
    const model = new Linear(1, 1, { backend: own });
    const before = own.memory();
    const endless: AsyncIterable<Tensor> = {
      async *[Symbol.asyncIterator]() {
        for (;;) yield await Promise.resolve(randn([4, 1], { backend: own }));
      },
    };
    const seen = new Set<string>();
    await fit(model, endless, {
      loss: (net, x) => mseLoss(net.forward(x), x),
      optimizer: new SGD(model.parameters(), { lr: 0.01 }),
      steps: 10_000,
      logEvery: 500,
      onStep: () => seen.add(JSON.stringify(own.memory())),
    });
    expect(seen.size).toBe(1);
    expect(own.memory()).toEqual(before);
  });

  test('are closed when the training ends or breaks', async () => {
    let closed = 0;
    const data: AsyncIterable<Pair> = {
      async *[Symbol.asyncIterator]() {
        try {
          for (;;) {
            await pause();
            yield [tensor([1]), tensor([1])];
          }
        } finally {
          closed++;
        }
      },
    };
    const model = new Linear(1, 1);
    await fit(model, data, { ...options(model), epochs: undefined, steps: 3 });
    const broken = new Error('broken');
    const run = fit(model, data, {
      ...options(model),
      loss: () => {
        throw broken;
      },
    });
    await expect(run).rejects.toBe(broken);
    expect(closed).toBe(2);
  });

  test('are refused where one was freed before', async () => {
    const model = new Linear(1, 1);
    const pair: Pair = [tensor([1]), tensor([1])];
    const data: AsyncIterable<Pair> = {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(pair);
      },
    };
    await expect(fit(model, data, options(model))).rejects.toThrow(
      'fit: a batch of data is a tensor that is freed, expected tensors of its own, as those of an asynchronous iterable are freed after their step; yield tensor.detach() of what is to live on',
    );
    const kept: Pair = [tensor([1]), tensor([1])];
    const copies: AsyncIterable<Pair> = {
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve(kept.map((x) => x.detach()) as Pair);
      },
    };
    expect((await fit(model, copies, options(model))).epoch).toBe(3);
    expect(kept[0].isDisposed).toBe(false);
  });
});

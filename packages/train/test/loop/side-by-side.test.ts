import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, setBackend, tensor } from '@rnn/core';
import { Dropout, Linear, mseLoss, Sequential } from '@rnn/nn';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { evaluate, fit, SGD } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));
beforeEach(() => {
  manualSeed(3);
});

const net = (): Sequential => new Sequential(new Linear(2, 3), new Dropout(0.5), new Linear(3, 1));

/**
 * Trains for 90 steps; both loops give way to the event loop after each step. Returns the modes
 * seen by each.
 */
async function train(
  model: Sequential,
  beside: boolean,
): Promise<{ seen: boolean[]; measured: boolean[]; w: number[] }> {
  const [x, y] = [randn([4, 2]), randn([4, 1])];
  const seen: boolean[] = [];
  const measured: boolean[] = [];
  const run = { over: false };
  const training = fit(model, [[x, y]] as const, {
    loss: (m, [input, target]) => {
      seen.push(...m.modules().map(({ training: mode }) => mode));
      return mseLoss(m.forward(input), target);
    },
    optimizer: new SGD(model.parameters(), { lr: 0.01 }),
    steps: 90,
    yieldEvery: 0,
  }).finally(() => {
    run.over = true;
  });
  if (beside) {
    const values = new Set<number>();
    while (!run.over) {
      const { fixed } = await evaluate(model, [tensor([[1, 2]]), tensor([[1, 2]])], {
        metrics: (m, input) => {
          measured.push(...m.modules().map(({ training: mode }) => mode));
          const output = m.forward(input);
          return { fixed: m.forward(input).sub(output) };
        },
        yieldEvery: 0,
      });
      values.add(fixed);
    }
    expect([...values]).toEqual([0]); // without dropout two passes agree
  }
  await training;
  return { seen, measured, w: model.parameters().flatMap((p) => [...p.dataSync()]) };
}

test('an evaluation beside a training neither disturbs it nor is disturbed', async () => {
  const model = net();
  const state = model.stateDict();
  manualSeed(5);
  const together = await train(model, true);
  expect(together.seen).toHaveLength(4 * 90);
  expect(together.seen).not.toContain(false);
  expect(together.measured.length).toBeGreaterThan(4 * 10);
  expect(together.measured).not.toContain(true);

  const alone = net();
  alone.loadStateDict(state);
  manualSeed(5);
  expect((await train(alone, false)).w).toEqual(together.w);
});

test('what is run between the steps of a training may set modes as it likes', async () => {
  const model = net();
  const seen: boolean[] = [];
  const timer = setInterval(() => model.eval(), 0);
  await fit(model, [tensor([[1, 2]])], {
    loss: (m, x) => {
      seen.push(m.training);
      return m.forward(x).sum();
    },
    optimizer: new SGD(model.parameters(), { lr: 0 }),
    steps: 50,
    yieldEvery: 0,
    onStep: () => new Promise((resolve) => setTimeout(resolve, 1)),
  });
  clearInterval(timer);
  expect(seen).not.toContain(false);
  expect(model.training).toBe(false);
});

test('a part that the loss, a callback or its own train() puts into evaluation mode stays there for the run', async () => {
  class Half extends Sequential {
    override train(mode = true): this {
      super.train(mode);
      this.children()[0].eval();
      return this;
    }
  }
  const model = new Half(new Linear(1, 1), new Dropout(0.5), new Dropout(0.5));
  const seen: boolean[][] = [];
  await fit(model, [tensor([[1]])], {
    loss: (m, x) => {
      seen.push(m.modules().map(({ training }) => training));
      return m.forward(x).sum();
    },
    optimizer: new SGD(model.parameters(), { lr: 0 }),
    steps: 3,
    onStep: async ({ step }) => {
      if (step === 2) model.children()[2].eval();
      await Promise.resolve();
    },
  });
  expect(seen).toEqual([
    [true, false, true, true],
    [true, false, true, true],
    [true, false, true, false],
  ]);
  expect(model.modules().map(({ training }) => training)).toEqual([true, true, true, true]);
});

import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { concat, manualSeed, randn, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { Linear, Module, mseLoss, Parameter, Sequential, Tanh } from '@rnn/nn';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Adam, fit, NonFiniteError, SGD, type FitOptions, type History } from '../../src/index.js';
import schedules from '../cases/schedules.json' with { type: 'json' };

beforeAll(async () => setBackend(await cpu()));
beforeEach(() => {
  manualSeed(4);
});

type Pair = [Tensor, Tensor];
const net = (): Sequential => new Sequential(new Linear(2, 3), new Tanh(), new Linear(3, 1));
const batches = (sizes: readonly number[]): Pair[] => sizes.map((n) => [randn([n, 2]), randn([n, 1])]);
const values = (model: Module): number[] => model.parameters().flatMap((p) => [...p.dataSync()]);
const joined = (list: readonly Pair[]): Pair => [concat(list.map(([x]) => x)), concat(list.map(([, y]) => y))];

function options(model: Sequential): FitOptions<Sequential, Pair> {
  const optimizer = new Adam(model.parameters(), { lr: 0.05 });
  return { loss: (m, [x, y]) => mseLoss(m.forward(x), y), optimizer, epochs: 3, clipNorm: 0.1 };
}

describe('accumulated batches', () => {
  test.each([1, 3, Infinity])(
    'make the step of one large batch, whatever their sizes; logEvery %s',
    async (logEvery) => {
      const parts = batches([4, 1, 2, 5, 3, 1, 7]);
      const large = [joined(parts.slice(0, 3)), joined(parts.slice(3, 6)), parts[6]];
      const model = net();
      const other = model.clone();
      const history = await fit(model, parts, { ...options(model), accumulate: 3, logEvery });
      const expected = await fit(other, large, { ...options(other), logEvery });
      values(model).forEach((value, i) => expect(value).toBeCloseTo(values(other)[i], 5));
      expect([history.step, history.epoch, history.batch]).toEqual([9, 3, 0]);
      expect(history.steps).toHaveLength(expected.steps.length);
      history.steps.forEach(({ loss, gradNorm }, i) => {
        expect(loss).toBeCloseTo(expected.steps[i].loss, 5);
        expect(gradNorm).toBeCloseTo(expected.steps[i].gradNorm, 5);
      });
      history.epochs.forEach(({ loss }, i) => expect(loss).toBeCloseTo(expected.epochs[i].loss, 5));
    },
  );

  test('also where only the device knows the number of elements', async () => {
    const later = answersLater(await cpu());
    const run = async (accumulate: number, data: readonly [Tensor, Tensor][]): Promise<number[]> => {
      const model = new Linear(2, 1);
      model.weight.copy_(tensor([[0.5, -1]]));
      model.bias?.copy_(zeros([1]));
      await model.moveTo(later);
      await fit(model, data, {
        // The mean over what a mask on the device leaves.
        loss: (m, [x, mask]) => {
          const errors = m.forward(x).square().mul(mask);
          return averaged(errors.sum().div(mask.sum()), mask.sum());
        },
        optimizer: new SGD(model.parameters(), { lr: 0.1 }),
        epochs: 2,
        accumulate,
      });
      return [...(await model.weight.data())];
    };
    const { averagedOver: averaged } = await import('@rnn/core');
    const host = [
      [randn([3, 2]), tensor([[1], [0], [1]])],
      [randn([3, 2]), tensor([[0], [0], [1]])],
    ] as const;
    const moved = host.map(([x, mask]) => [x.to(later), mask.to(later)] as [Tensor, Tensor]);
    const one: [Tensor, Tensor] = [concat(moved.map(([x]) => x)), concat(moved.map(([, mask]) => mask))];
    const [small, large] = [await run(2, moved), await run(1, [one])];
    small.forEach((value, i) => expect(value).toBeCloseTo(large[i], 5));
  });

  test('go on as if unbroken after any step', async () => {
    const parts = batches([4, 1, 2, 5, 3, 1, 7]);
    const start = net();
    const whole = start.clone();
    await fit(whole, parts, { ...options(whole), accumulate: 2, warmup: 5 });
    for (const steps of [1, 3, 4, 6, 11]) {
      const model = start.clone();
      const given = { ...options(model), accumulate: 2, warmup: 5 };
      const history = await fit(model, parts, { ...given, epochs: undefined, steps });
      expect(history.batch).toBe(steps % 4 === 0 ? 0 : 2 * (steps % 4));
      await fit(model, parts, { ...given, history: JSON.parse(JSON.stringify(history)) as History });
      expect(values(model)).toEqual(values(whole));
    }
  });

  test.each([1, 7, Infinity])('are told apart where one holds NaN; logEvery %s', async (logEvery) => {
    const parts = batches([2, 2, 2, 2, 2]);
    parts[3][0].copy_(tensor([[1, NaN], [2, 3]])); // prettier-ignore
    const model = net();
    const error = await fit(model, parts, { ...options(model), accumulate: 2, logEvery }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(error).toMatchObject({ step: 2, batch: 4 });
    if (logEvery === 1)
      expect((error as Error).message).toMatch(/batch 2 of 2 of the step holds NaN, at element 1 of a tensor \[2, 2\]/);
  });
});

describe('warm-up', () => {
  class One extends Module {
    w = new Parameter(zeros([1]));
    forward(): Tensor {
      return this.w.sum();
    }
  }

  test("has the rates of PyTorch's LambdaLR with min(1, (t + 1) / n), for all groups", async () => {
    const { rates } = schedules[1]; // of three groups the second warms up in 8 steps from 0.02
    const [a, b] = [new One(), new One()];
    const optimizer = new SGD(
      [
        { params: a.parameters(), lr: 0.02 },
        { params: b.parameters(), lr: 0.04 },
      ],
      { lr: 1 },
    );
    const seen: number[][] = [];
    let before = [0, 0];
    await fit(
      a,
      Array.from({ length: 20 }, () => 0),
      {
        loss: () => a.forward().add(b.forward()),
        optimizer,
        steps: 20,
        warmup: 8,
        onStep: ({ lr }) => {
          const now = [a.w.item(), b.w.item()];
          seen.push([lr, ...now.map((value, i) => before[i] - value)]);
          before = now;
          expect(optimizer.paramGroups.map((group) => group.lr)).toEqual([0.02, 0.04]);
        },
      },
    );
    seen.forEach(([lr, first, second], i) => {
      expect(lr).toBeCloseTo(rates[i][1], 12);
      expect(first).toBeCloseTo(rates[i][1], 6);
      expect(second).toBeCloseTo(2 * rates[i][1], 6);
    });
  });
});

describe('clipNorm', () => {
  test('refuses a norm that is not finite before anything changes, also where nothing is noted or policies look away', async () => {
    for (const [onNonFinite, logEvery] of [
      ['throw', Infinity],
      ['ignore', 1],
      ['skip', Infinity],
    ] as const) {
      const model = net();
      const before = values(model);
      const run = fit(model, batches([2]), {
        ...options(model),
        loss: (m, [x]) => m.forward(x).abs().mul(1e38).mul(1e38).sum(),
        clipNorm: { maxNorm: 1, errorIfNonfinite: true },
        onNonFinite,
        logEvery,
      });
      await expect(run).rejects.toThrow(NonFiniteError);
      expect(values(model)).toEqual(before);
    }
  });

  test('takes another norm', async () => {
    const model = net();
    const data = batches([3]);
    const norms: number[] = [];
    for (const normType of [undefined, 2, 1, Infinity]) {
      const { steps } = await fit(model, data, {
        ...options(model),
        optimizer: new SGD(model.parameters(), { lr: 0 }),
        epochs: 1,
        clipNorm: { maxNorm: 1e9, normType },
      });
      norms.push(steps[0].gradNorm);
    }
    expect(norms[0]).toBe(norms[1]);
    expect(norms[2]).toBeGreaterThan(norms[1]);
    expect(norms[3]).toBeLessThan(norms[1]);
  });
});

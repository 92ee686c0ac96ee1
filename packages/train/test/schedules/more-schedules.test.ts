import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, setBackend, ShapeError, StateDictError, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  Adam,
  ChainedScheduler,
  ConstantLR,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  CyclicLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  PolynomialLR,
  ReduceLROnPlateau,
  SequentialLR,
  SGD,
  StepLR,
  type LRScheduler,
  type Optimizer,
  type ScheduleStateDict,
} from '../../src/index.js';
import { camelCase, errorOf } from '../reference-case.js';
import cases from '../cases/schedules.json' with { type: 'json' };

beforeAll(async () => {
  setBackend(await cpu());
});

type Make = new (optimizer: Optimizer, options: object) => LRScheduler;
const plain = {
  ConstantLR,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  CyclicLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  PolynomialLR,
  StepLR,
} as unknown as Readonly<Record<string, Make>>;
/** The functions of cases/schedules.py. */
const factors: Readonly<Record<string, (t: number) => number>> = {
  decay: (t) => 0.95 ** t,
  warm: (t) => Math.min(1, (t + 1) / 8),
  waves: (t) => 1 + (t % 3),
};

const leaf = (): Tensor => tensor([1], { requiresGrad: true });
const base = [0.1, 0.02, 3];

function build(optimizer: Optimizer, name: string, given: Readonly<Record<string, unknown>>): LRScheduler {
  const options = camelCase(given);
  if (name === 'LambdaLR') {
    const named = options.lrLambda as string | string[];
    options.lrLambda = Array.isArray(named) ? named.map((item) => factors[item]) : factors[named];
  }
  if (name !== 'SequentialLR' && name !== 'ChainedScheduler') return new plain[name](optimizer, options);
  const schedulers = (given.schedulers as [string, Record<string, unknown>][]).map(([part, its]) =>
    build(optimizer, part, its),
  );
  if (name === 'ChainedScheduler') return new ChainedScheduler({ schedulers });
  return new SequentialLR(optimizer, { schedulers, milestones: given.milestones as number[] });
}

function made({ optimizer: kind, schedule }: (typeof cases)[number]): { optimizer: Optimizer; schedule: LRScheduler } {
  const groups = base.map((lr) => ({ params: [leaf()], lr }));
  const optimizer = kind === 'Adam' ? new Adam(groups) : new SGD(groups, { momentum: 0.9 });
  const [name, options] = schedule as [string, Record<string, unknown>];
  return { optimizer, schedule: build(optimizer, name, options) };
}

const ratesOf = ({ paramGroups }: Optimizer): number[] => paramGroups.map(({ lr }) => lr);
const momentaOf = ({ paramGroups }: Optimizer): (number | undefined)[] =>
  (paramGroups as { momentum?: number; betas?: number[] }[]).map(({ momentum, betas }) => betas?.[0] ?? momentum);
const named = cases.map((item) => ({ ...item, name: `${JSON.stringify(item.schedule)} on ${item.optimizer}` }));

/** PyTorch's rounding takes a rate of 0 below 0. */
const positive = (rates: readonly number[]): number[] => rates.map((rate) => Math.max(0, rate));

describe('60 steps of three groups, as PyTorch has them', () => {
  test.each(named)('$name', (item) => {
    const { optimizer, schedule } = made(item);
    item.rates.forEach((rates, t) => {
      expect(errorOf(ratesOf(optimizer), positive(rates)), `rates at ${t}`).toBeLessThan(1e-13);
      expect(schedule.getLastLR()).toEqual(ratesOf(optimizer));
      momentaOf(optimizer).forEach((momentum, i) => expect(momentum).toBeCloseTo(item.momenta[t][i], 14));
      expect(schedule.lastEpoch).toBe(t);
      schedule.step();
    });
  });

  test.each(named)('$name goes on from JSON at any step', (item) => {
    for (const half of [0, 9, 10, 31]) {
      const before = made(item);
      for (let t = 0; t < half; t++) before.schedule.step();
      const text = JSON.stringify([before.schedule.stateDict(), before.optimizer.stateDict()]);
      const [state, optimizerState] = JSON.parse(text) as [ScheduleStateDict, ReturnType<Optimizer['stateDict']>];
      const after = made(item);
      after.schedule.step(); // what a fresh one has done so far is forgotten
      after.optimizer.loadStateDict(optimizerState);
      after.schedule.loadStateDict(state);
      expect(after.schedule.stateDict()).toEqual(before.schedule.stateDict());
      for (let t = half; t < item.rates.length; t++) {
        expect(errorOf(ratesOf(after.optimizer), positive(item.rates[t]))).toBeLessThan(1e-13);
        after.schedule.step();
      }
    }
  });
});

describe('what makes no sense is refused', () => {
  const optimizer = (): SGD => new SGD([leaf(), leaf()], { lr: 1, momentum: 0.9 });

  test('options', () => {
    const wrong: (() => unknown)[] = [
      () => new LambdaLR(optimizer(), { lrLambda: 2 as never }),
      () => new LambdaLR(optimizer(), { lrLambda: () => -1 }),
      () => new MultiStepLR(optimizer(), { milestones: [1.5] }),
      () => new LinearLR(optimizer(), { startFactor: 0 }),
      () => new ConstantLR(optimizer(), { factor: 0 }),
      () => new PolynomialLR(optimizer(), { totalIters: 0 }),
      () => new CyclicLR(optimizer(), { baseLr: 0.1, maxLr: 1, mode: 'square' as never }),
      () => new CyclicLR(optimizer(), { baseLr: 0.1, maxLr: 1, maxMomentum: 1 }),
      () => new CosineAnnealingWarmRestarts(optimizer(), { t0: 0 }),
      () => new ChainedScheduler({ schedulers: [] }),
    ];
    for (const make of wrong) expect(make).toThrow(ArgumentError);
    expect(() => new LambdaLR(optimizer(), { lrLambda: [() => 1, () => 1] })).toThrow(ArgumentError);
  });

  test('parts that do not belong together', () => {
    const first = optimizer();
    const step = new StepLR(first, { stepSize: 1 });
    expect(() => new SequentialLR(first, { schedulers: [step], milestones: [3] })).toThrow(ShapeError);
    expect(() => new SequentialLR(first, { schedulers: [step, step, step], milestones: [3, 2] })).toThrow(
      'SequentialLR: milestones[1] is 2, expected a whole number from 4 up',
    );
    expect(() => new SequentialLR(optimizer(), { schedulers: [step], milestones: [] })).toThrow(
      'SequentialLR: schedulers[0] is of another optimiser',
    );
    const plateau = new ReduceLROnPlateau(first) as unknown as LRScheduler;
    expect(() => new ChainedScheduler({ schedulers: [step, plateau] })).toThrow('ReduceLROnPlateau needs a metric');
  });

  test('a state that does not fit, and nothing changes', () => {
    const first = optimizer();
    const make = (): ChainedScheduler =>
      new ChainedScheduler({ schedulers: [new StepLR(first, { stepSize: 2 }), new ConstantLR(first)] });
    const schedule = make();
    schedule.step();
    const state = schedule.stateDict();
    expect(state['schedulers.0.lastEpoch']).toBe(1);
    const { 'schedulers.1.factor': _factor, ...less } = state;
    for (const dict of [less, { ...state, 'schedulers.2.x': 1 }, { ...state, 'schedulers.1.factor': 'x' }]) {
      expect(() => schedule.loadStateDict(dict)).toThrow(StateDictError);
    }
    expect(schedule.stateDict()).toEqual(state);
  });
});

import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, setBackend, StateDictError, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  Adagrad,
  Adam,
  CosineAnnealingLR,
  ExponentialLR,
  LRScheduler,
  OneCycleLR,
  ReduceLROnPlateau,
  RMSprop,
  SGD,
  StepLR,
  type Optimizer,
  type OptimizerOptions,
  type Params,
} from '../../src/index.js';
import torch from '../cases/torch.json' with { type: 'json' };
import { camelCase, errorOf, referenceCase } from '../reference-case.js';

beforeAll(async () => {
  setBackend(await cpu());
});

type Schedule = LRScheduler | ReduceLROnPlateau;
type MakeSchedule = new (optimizer: Optimizer, options: object) => Schedule;
type MakeOptimizer = new (params: Params<OptimizerOptions>, options: object) => Optimizer;

const schedules = { StepLR, ExponentialLR, CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau } as unknown as Readonly<
  Record<string, MakeSchedule>
>;
const optimizers = { SGD, Adam, RMSprop, Adagrad } as unknown as Readonly<Record<string, MakeOptimizer>>;

const leaf = (): Tensor => tensor([1], { requiresGrad: true });
const ratesOf = ({ paramGroups }: Optimizer): number[] => paramGroups.map(({ lr }) => lr);

function step(schedule: Schedule, metric: number | undefined): void {
  if (schedule instanceof ReduceLROnPlateau) schedule.step(metric as number);
  else schedule.step();
}

describe('reference cases', () => {
  test.each(Object.keys(schedules))('%s', (name) => {
    const { config, tensors } = referenceCase(`schedule_${name}`);
    const { scheduler, base_lr: lr, ...options } = config;
    expect(scheduler).toBe(name);
    const optimizer = new SGD([leaf()], { lr: lr as number });
    const schedule = new schedules[name](optimizer, camelCase(options));
    const rates: number[] = [];
    for (let t = 0; t < tensors['out.lr'].data.length; t++) {
      rates.push(optimizer.paramGroups[0].lr);
      step(schedule, tensors.metric?.data[t]);
    }
    expect(errorOf(rates, tensors['out.lr'].data)).toBeLessThan(1e-7);
  });
});

/** A schedule and its optimiser as a case has them. */
function caseOf({ optimizer: kind, base, momentum, scheduler, options }: (typeof torch.schedules)[number]): {
  optimizer: Optimizer;
  schedule: Schedule;
} {
  const groups = base.map((lr) => ({ params: [leaf()], lr }));
  const optimizer = new optimizers[kind](groups, momentum === null ? {} : { momentum });
  return { optimizer, schedule: new schedules[scheduler](optimizer, camelCase(options)) };
}

const named = torch.schedules.map((item) => ({
  ...item,
  name: `${item.scheduler} ${JSON.stringify(item.options)} on ${item.optimizer}`,
}));

describe('rates and momenta of every group, as PyTorch has them', () => {
  test.each(named)('$name', (item) => {
    const { optimizer, schedule } = caseOf(item);
    item.rates.forEach((expected, t) => {
      // PyTorch's rounding takes a rate of 0 below 0.
      const rates = expected.map((rate) => Math.max(0, rate));
      expect(errorOf(ratesOf(optimizer), rates), `rates at ${t}`).toBeLessThan(1e-14);
      expect(Math.min(...ratesOf(optimizer))).toBeGreaterThanOrEqual(0);
      expect(schedule.getLastLR()).toEqual(ratesOf(optimizer));
      if (t === item.rates.length - 1) return;
      const momenta = (optimizer.paramGroups as { momentum?: number; betas?: number[] }[]).map(
        ({ momentum, betas }) => betas?.[0] ?? momentum ?? null,
      );
      momenta.forEach((momentum, i) => {
        const wanted = item.momenta[t][i];
        if (wanted === null) expect(momentum).toBeNull();
        else expect(momentum, `momentum at ${t}`).toBeCloseTo(wanted, 14);
      });
      step(schedule, item.metrics?.[t]);
    });
    expect(schedule.lastEpoch).toBe(item.rates.length - 1);
  });
});

describe('no schedule gives a rate or a momentum that the optimiser refuses', () => {
  const lengths = [1, 2, 3, 7];
  const bases = [
    [0, 0.05],
    [1e-9, 3],
    [1, 0],
  ];
  const walks: [string, number, (optimizer: Optimizer, n: number) => Schedule][] = [
    ['StepLR', 45, (optimizer, n) => new StepLR(optimizer, { stepSize: n, gamma: 0.5 })],
    ['ExponentialLR', 45, (optimizer) => new ExponentialLR(optimizer, { gamma: 1.5 })],
    ['CosineAnnealingLR to 0', 45, (optimizer, n) => new CosineAnnealingLR(optimizer, { tMax: n })],
    ['CosineAnnealingLR', 45, (optimizer, n) => new CosineAnnealingLR(optimizer, { tMax: n, etaMin: 0.7 })],
    ['ReduceLROnPlateau', 45, (optimizer) => new ReduceLROnPlateau(optimizer, { patience: 0, minLr: 1e-3 })],
    ...(['cos', 'linear'] as const).flatMap((annealStrategy) =>
      [false, true].flatMap((threePhase) =>
        [0, 0.01, 0.3, 0.5, 1].map((pctStart): (typeof walks)[number] => [
          `OneCycleLR ${annealStrategy} ${threePhase} ${pctStart}`,
          0,
          (optimizer, n) =>
            new OneCycleLR(optimizer, {
              maxLr: [0, 2],
              totalSteps: n,
              annealStrategy,
              threePhase,
              pctStart,
              baseMomentum: 0,
              maxMomentum: 0.99,
            }),
        ]),
      ),
    ),
  ];
  test.each(walks)('%s', (_name, steps, make) => {
    for (const n of lengths) {
      for (const base of bases) {
        const params = base.map(leaf);
        const optimizer = new Adam(base.map((lr, i) => ({ params: [params[i]], lr })));
        const schedule = make(optimizer, n);
        for (let t = 0; t < (steps === 0 ? n : steps); t++) {
          params.forEach((param) => (param.grad = tensor([0])));
          optimizer.step(); // checks its options
          expect(ratesOf(optimizer).every((rate) => rate >= 0 && rate < Infinity)).toBe(true);
          step(schedule, Math.sin(t));
        }
        params.forEach((param) => (param.grad = tensor([0])));
        optimizer.step();
      }
    }
  });

  test("a user's schedule that does is refused, and nothing changes", () => {
    class Falling extends LRScheduler<Record<string, never>> {
      constructor(optimizer: Optimizer) {
        super('Falling', optimizer, {}, -1);
        this.begin();
      }
      protected override rate({ lr }: { lr: number }, _base: number, initial: boolean): number {
        return initial ? lr : lr - 0.25;
      }
    }
    const optimizer = new SGD([leaf()], { lr: 0.5 });
    const schedule = new Falling(optimizer);
    schedule.step();
    schedule.step();
    expect(() => schedule.step()).toThrow(
      'Falling: the rate of paramGroups[0] at step 3 is -0.25, expected a number of at least 0',
    );
    expect(() => schedule.step()).toThrow(ArgumentError);
    expect([ratesOf(optimizer), schedule.lastEpoch]).toEqual([[0], 2]);
  });
});

describe('state', () => {
  test.each<['min' | 'max', number[]]>([
    ['min', [-Infinity, 0]],
    ['max', [Infinity, 0]],
    ['min', [Infinity, NaN]],
    ['min', [3, Infinity]],
  ])('ReduceLROnPlateau in mode %s goes on from JSON after %s', (mode, metrics) => {
    const make = (): ReduceLROnPlateau => new ReduceLROnPlateau(new SGD([leaf()], { lr: 1 }), { mode, patience: 2 });
    const [before, after] = [make(), make()];
    for (const metric of metrics) before.step(metric);
    after.loadStateDict(JSON.parse(JSON.stringify(before.stateDict())) as Record<string, number>);
    expect(after.stateDict()).toEqual(before.stateDict());
    for (const metric of [2, 1, 2, -1, 3, 4, 5]) {
      before.step(metric);
      after.step(metric);
      expect(ratesOf(after.optimizer)).toEqual(ratesOf(before.optimizer));
    }
    expect(after.stateDict()).toEqual(before.stateDict());
  });

  test('an infinite rate comes back from JSON as such', () => {
    const make = (): ExponentialLR => new ExponentialLR(new SGD([leaf()], { lr: 1e300 }), { gamma: 1e200 });
    const [before, after] = [make(), make()];
    before.step();
    expect(before.getLastLR()).toEqual([Infinity]);
    after.loadStateDict(JSON.parse(JSON.stringify(before.stateDict())) as Record<string, number>);
    expect(after.getLastLR()).toEqual([Infinity]);
  });

  test.each(named)('$name goes on from JSON', (item) => {
    const half = Math.floor(item.rates.length / 2);
    const before = caseOf(item);
    for (let t = 0; t < half; t++) step(before.schedule, item.metrics?.[t]);
    const text = JSON.stringify([before.schedule.stateDict(), before.optimizer.stateDict()]);
    const [schedule, optimizer] = JSON.parse(text) as [Record<string, number>, ReturnType<Optimizer['stateDict']>];
    const after = caseOf(item);
    after.optimizer.loadStateDict(optimizer);
    after.schedule.loadStateDict(schedule);
    expect(after.schedule.getLastLR()).toEqual(before.schedule.getLastLR());
    for (let t = half; t < item.rates.length - 1; t++) {
      step(after.schedule, item.metrics?.[t]);
      const rates = item.rates[t + 1].map((rate) => Math.max(0, rate));
      expect(errorOf(ratesOf(after.optimizer), rates)).toBeLessThan(1e-14);
    }
  });

  test('is refused when it does not fit, and nothing changes', () => {
    const schedule = new StepLR(new SGD([leaf()]), { stepSize: 3 });
    const dict = schedule.stateDict();
    const wrong: [object, string][] = [
      [{ ...dict, gamma: 'x' }, 'StepLR: gamma of stateDict is string, expected number'],
      [
        { ...dict, baseLrs: [1, 2] },
        'StepLR: baseLrs of stateDict is a list of 2 numbers, expected a list of 1 numbers',
      ],
      [{ ...dict, more: 1 }, 'StepLR: stateDict is without [] and with [more], expected what StepLR knows'],
      [
        { lastEpoch: 1 },
        'StepLR: stateDict is without [baseLrs, lastLr, stepSize, gamma] and with [], expected what StepLR knows',
      ],
    ];
    for (const [other, message] of wrong) {
      expect(() => schedule.loadStateDict(other as typeof dict)).toThrow(StateDictError);
      expect(() => schedule.loadStateDict(other as typeof dict)).toThrow(message);
    }
    expect(() => schedule.loadStateDict(null as unknown as typeof dict)).toThrow(
      'StepLR: stateDict is null, expected an object',
    );
    expect(schedule.stateDict()).toEqual(dict);
    const plateau = new ReduceLROnPlateau(new SGD([leaf()]));
    expect(() => plateau.loadStateDict({ ...plateau.stateDict(), best: 'none' })).toThrow(
      'ReduceLROnPlateau: best of stateDict is string, expected a list of 0 numbers',
    );
  });
});

describe('several schedules on one optimiser', () => {
  test('multiply, and share the rate that all started from', () => {
    const optimizer = new SGD([leaf()], { lr: 1 });
    const exponential = new ExponentialLR(optimizer, { gamma: 0.5 });
    exponential.step();
    const stepped = new StepLR(optimizer, { stepSize: 1, gamma: 0.1 });
    expect(stepped.baseLrs).toEqual([1]); // PyTorch keeps the first schedule's initial_lr, too
    exponential.step();
    stepped.step();
    expect(optimizer.paramGroups[0].lr).toBeCloseTo(0.025, 15);
  });
});

describe('lastEpoch', () => {
  test('goes on where an earlier schedule of the same optimiser stood', () => {
    const optimizer = new SGD([leaf()], { lr: 1 });
    const first = new ExponentialLR(optimizer, { gamma: 0.5 });
    first.step();
    first.step();
    const second = new ExponentialLR(optimizer, { gamma: 0.5, lastEpoch: first.lastEpoch - 1 });
    expect([second.lastEpoch, optimizer.paramGroups[0].lr]).toEqual([2, 0.25]);
    second.step();
    expect(optimizer.paramGroups[0].lr).toBe(0.125);
  });

  test('needs what the earlier schedule wrote', () => {
    expect(() => new StepLR(new SGD([leaf()]), { stepSize: 1, lastEpoch: 3 })).toThrow(
      "StepLR: lastEpoch is 3, expected -1, as paramGroups[0] has no initialLr to go on from; load the optimiser's state first",
    );
  });
});

describe('ReduceLROnPlateau', () => {
  test('takes a tensor, and counts NaN as no improvement', () => {
    const optimizer = new SGD([leaf()], { lr: 1 });
    const schedule = new ReduceLROnPlateau(optimizer, { patience: 1 });
    schedule.step(tensor(3));
    schedule.step(NaN);
    expect(optimizer.paramGroups[0].lr).toBe(1);
    schedule.step(NaN);
    expect(optimizer.paramGroups[0].lr).toBeCloseTo(0.1, 15);
  });
});

describe('OneCycleLR', () => {
  test('has no rate after its end', () => {
    const optimizer = new SGD([leaf()], { lr: 1, momentum: 0.9 });
    const schedule = new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 2 });
    schedule.step();
    schedule.step();
    const before = optimizer.stateDict().paramGroups;
    expect(() => schedule.step()).toThrow('OneCycleLR: step is 3, which is past totalSteps, expected at most 2');
    expect(optimizer.stateDict().paramGroups).toEqual(before);
  });

  test('a rise of one step starts at the top (PyTorch divides by zero)', () => {
    const optimizer = new SGD([leaf()], { momentum: 0.9 });
    const schedule = new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10, pctStart: 0.1 });
    expect(schedule.getLastLR()).toEqual([1]);
  });
});

describe('wrong arguments', () => {
  const sgd = (): SGD => new SGD([leaf()]);
  const wrong: [string, () => unknown][] = [
    [
      'StepLR: optimizer is an object, expected an optimiser such as new SGD(...)',
      () => new StepLR({} as SGD, { stepSize: 1 }),
    ],
    [
      'ReduceLROnPlateau: optimizer is null, expected an optimiser such as new SGD(...)',
      () => new ReduceLROnPlateau(null as unknown as SGD),
    ],
    ['StepLR: stepSize is 0, expected a whole number from 1 up', () => new StepLR(sgd(), { stepSize: 0 })],
    ['StepLR: gamma is NaN, expected a finite number from 0 up', () => new StepLR(sgd(), { stepSize: 1, gamma: NaN })],
    [
      'ExponentialLR: gamma is undefined, expected a finite number from 0 up',
      () => new ExponentialLR(sgd(), {} as { gamma: number }),
    ],
    [
      'CosineAnnealingLR: tMax is 0.5, expected a whole number from 1 up',
      () => new CosineAnnealingLR(sgd(), { tMax: 0.5 }),
    ],
    [
      'OneCycleLR: totalSteps is undefined, expected a number, or epochs and stepsPerEpoch in its place',
      () => new OneCycleLR(sgd(), { maxLr: 1, epochs: 2 }),
    ],
    [
      'OneCycleLR: totalSteps is 0, expected a whole number from 1 up',
      () => new OneCycleLR(sgd(), { maxLr: 1, totalSteps: 0 }),
    ],
    [
      'OneCycleLR: pctStart is 2, expected a number from 0 to 1',
      () => new OneCycleLR(sgd(), { maxLr: 1, totalSteps: 9, pctStart: 2 }),
    ],
    [
      'OneCycleLR: maxLr has length 2, expected 1, one for each group, or one number',
      () => new OneCycleLR(sgd(), { maxLr: [1, 2], totalSteps: 9 }),
    ],
    [
      "OneCycleLR: annealStrategy is 'sin', expected 'cos' or 'linear'",
      () => new OneCycleLR(sgd(), { maxLr: 1, totalSteps: 9, annealStrategy: 'sin' as 'cos' }),
    ],
    [
      'OneCycleLR: cycleMomentum is true, expected false, as the optimiser has neither momentum nor betas to cycle',
      () => new OneCycleLR(new Adagrad([leaf()]), { maxLr: 1, totalSteps: 9 }),
    ],
    [
      'ReduceLROnPlateau: factor is 1, expected a number from 0 and below 1',
      () => new ReduceLROnPlateau(sgd(), { factor: 1 }),
    ],
    [
      "ReduceLROnPlateau: mode is 'up', expected 'min' or 'max'",
      () => new ReduceLROnPlateau(sgd(), { mode: 'up' as 'min' }),
    ],
    [
      'ReduceLROnPlateau: minLr has length 2, expected 1, one for each group, or one number',
      () => new ReduceLROnPlateau(sgd(), { minLr: [0, 0] }),
    ],
  ];

  test.each(wrong)('%s', (message, run) => {
    expect(run).toThrow(ArgumentError);
    expect(run).toThrow(message);
  });
});

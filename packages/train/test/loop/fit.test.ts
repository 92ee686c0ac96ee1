import { cpu } from '@rnn/backend-cpu';
import {
  ArgumentError,
  AutogradError,
  Generator,
  manualSeed,
  randn,
  setBackend,
  Tensor,
  tensor,
  zeros,
  type Backend,
} from '@rnn/core';
import { Dropout, Linear, Module, mseLoss, Parameter, Sequential } from '@rnn/nn';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  Adam,
  DataLoader,
  ExponentialLR,
  fit,
  OneCycleLR,
  ReduceLROnPlateau,
  SGD,
  TensorDataset,
  type FitOptions,
  type History,
  type StepRecord,
} from '../../src/index.js';

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});
beforeEach(() => {
  manualSeed(0);
});

/** The model w x, for losses that can be reckoned by hand. */
class Slope extends Module {
  w = new Parameter(zeros([1]));

  forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

type Pair = [Tensor, Tensor];
const squares = (model: Slope, [x, y]: Pair): Tensor => mseLoss(model.forward(x), y);

/** 10 examples of y = 2 x in 4 batches. */
function line(options: { shuffle?: boolean; generator?: Generator } = {}): DataLoader<Pair> {
  const x = Array.from({ length: 10 }, (_, i) => i / 10 - 0.3);
  return new DataLoader(
    new TensorDataset(
      x,
      x.map((value) => 2 * value),
    ),
    { batchSize: 3, ...options },
  );
}

function setUp(): { model: Slope; optimizer: SGD } {
  const model = new Slope();
  return { model, optimizer: new SGD(model.parameters(), { lr: 0.5, momentum: 0.5 }) };
}

const weightOf = (model: Slope): number => model.w.item();

describe('the loop', () => {
  test('does what one writes by hand', async () => {
    const { model, optimizer } = setUp();
    const records: StepRecord[] = [];
    const history = await fit(model, line(), {
      loss: squares,
      optimizer,
      epochs: 2,
      clipNorm: 0.1,
      onStep: (record) => records.push(record),
    });

    const byHand = setUp();
    const expected: number[][] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      for (const batch of line()) {
        byHand.optimizer.zeroGrad();
        const loss = squares(byHand.model, batch);
        loss.backward();
        const norm = Math.abs((byHand.model.w.grad as Tensor).item());
        byHand.model.w.grad = (byHand.model.w.grad as Tensor).mul(Math.min(1, 0.1 / (norm + 1e-6)));
        byHand.optimizer.step();
        expected.push([expected.length + 1, epoch, loss.item(), norm]);
      }
    }
    expect(weightOf(model)).toBeCloseTo(weightOf(byHand.model), 6);
    expect(history.steps).toEqual(records);
    expect(records).toHaveLength(8);
    records.forEach(({ step, epoch, loss, lr, gradNorm, seconds }, i) => {
      expect([step, epoch, lr]).toEqual([expected[i][0], expected[i][1], 0.5]);
      expect(loss).toBeCloseTo(expected[i][2], 6);
      expect(gradNorm).toBeCloseTo(expected[i][3], 6);
      expect(seconds).toBeGreaterThanOrEqual(i === 0 ? 0 : records[i - 1].seconds);
    });
    expect(history).toMatchObject({ step: 8, epoch: 2, batch: 0, batchLoss: 0, stopped: 'finished' });
    const sizes = [3, 3, 3, 1]; // of the batches: each loss is the mean of so many errors
    const mean = (from: number): number => sizes.reduce((sum, size, i) => sum + size * expected[from + i][2], 0) / 10;
    history.epochs.forEach(({ epoch, step, loss, lr }, i) => {
      expect([epoch, step, lr]).toEqual([i + 1, 4 * i + 4, 0.5]);
      expect(loss).toBeCloseTo(mean(4 * i), 6);
    });
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
  });

  test('learns, with an array as data and steps in place of epochs', async () => {
    const { model, optimizer } = setUp();
    const batches: Pair[] = [[tensor([1, 2]), tensor([2, 4])]];
    const history = await fit(model, batches, { loss: squares, optimizer, steps: 40, logEvery: 15 });
    expect(weightOf(model)).toBeCloseTo(2, 3);
    expect(history.steps.map(({ step }) => step)).toEqual([15, 30]);
    expect(history).toMatchObject({ step: 40, epoch: 40, batch: 0 });
  });

  test('reads the device only for what is noted', async () => {
    const { model, optimizer } = setUp();
    const read = vi.spyOn(backend, 'read');
    const readSync = vi.spyOn(Tensor.prototype, 'dataSync');
    await fit(model, line(), { loss: squares, optimizer, epochs: 2, clipNorm: 1, logEvery: Infinity });
    expect([read.mock.calls.length, readSync.mock.calls.length]).toEqual([2, 0]); // the mean loss of each pass
    read.mockClear();
    await fit(model, line(), { loss: squares, optimizer, epochs: 2, logEvery: 4 });
    expect([read.mock.calls.length, readSync.mock.calls.length]).toEqual([2 + 2 * 2, 0]);
    vi.restoreAllMocks();
  });

  test('puts the model into training mode and every part back into its own', async () => {
    const model = new Sequential(new Linear(1, 2), new Dropout(0.5), new Linear(2, 1));
    model.eval();
    model.children()[0].train();
    const seen: boolean[][] = [];
    await fit(model, [tensor([[1]])], {
      loss: (net, x) => {
        seen.push(net.modules().map(({ training }) => training));
        return net.forward(x).sum();
      },
      optimizer: new SGD(model.parameters()),
      steps: 1,
    });
    expect(seen).toEqual([[true, true, true, true]]);
    expect(model.modules().map(({ training }) => training)).toEqual([false, true, false, false]);
  });

  test('leaves no gradients, nor anything else, behind', async () => {
    const own = await cpu();
    const model = new Sequential(new Linear(1, 4, { backend: own }), new Linear(4, 1, { backend: own }));
    const optimizer = new Adam(model.parameters());
    const x = randn([10, 1], { backend: own });
    const options: FitOptions<typeof model, [Tensor, Tensor]> = {
      loss: (net, [a, b]) => mseLoss(net.forward(a), b),
      optimizer,
      epochs: 1,
      clipNorm: 1,
      validation: { data: new DataLoader(new TensorDataset(x, x), { batchSize: 5 }) },
      earlyStopping: { patience: 5, restoreBest: true },
    };
    const loader = new DataLoader(new TensorDataset(x, x), { batchSize: 3, shuffle: true });
    await fit(model, loader, options);
    const before = own.memory();
    expect(before.storages).toBe(4 + 8 + 1); // parameters, Adam's state, x
    const counts: number[] = [];
    await fit(model, loader, { ...options, epochs: 20, onStep: () => counts.push(own.memory().storages) });
    expect(own.memory()).toEqual(before);
    expect(new Set(counts).size).toBeLessThanOrEqual(2); // gradients stay between steps; the best parameters may be shared
  });

  test('is flat over 10,000 steps', async () => {
    const own = await cpu();
    const model = new Slope().to(own);
    const batch: Pair = [tensor([1, 2], { backend: own }), tensor([2, 4], { backend: own })];
    const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
    let before: unknown;
    await fit(model, [batch, batch, batch, batch], {
      loss: squares,
      optimizer,
      steps: 10_000,
      clipNorm: 1,
      logEvery: 500,
      onStep: () => {
        before ??= own.memory();
        expect(own.memory()).toEqual(before);
      },
    });
    expect(before).toBeDefined();
  });

  test('the same seed gives the same losses', async () => {
    const run = async (): Promise<number[]> => {
      manualSeed(5);
      const model = new Sequential(new Linear(1, 8), new Dropout(0.3), new Linear(8, 1));
      const x = randn([20, 1]);
      const { steps } = await fit(
        model,
        new DataLoader(new TensorDataset(x, x.mul(3)), { batchSize: 6, shuffle: true }),
        {
          loss: (net, [a, b]) => mseLoss(net.forward(a), b),
          optimizer: new Adam(model.parameters(), { lr: 0.05 }),
          epochs: 5,
        },
      );
      return steps.map(({ loss }) => loss);
    };
    const first = await run();
    expect(first).toHaveLength(20);
    expect(await run()).toEqual(first);
  });

  test('waits for what the callbacks return', async () => {
    const { model, optimizer } = setUp();
    const order: string[] = [];
    await fit(model, line(), {
      loss: (net, batch) => {
        order.push('step');
        return squares(net, batch);
      },
      optimizer,
      steps: 2,
      onStep: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push('noted');
      },
    });
    expect(order).toEqual(['step', 'noted', 'step', 'noted']);
  });

  test('lets the event loop turn between steps', async () => {
    const { model, optimizer } = setUp();
    const turns = async (yieldEvery: number): Promise<number> => {
      let count = 0;
      let running = true;
      const tick = (): void => {
        count++;
        if (running) setImmediate(tick);
      };
      setImmediate(tick);
      await fit(model, line(), { loss: squares, optimizer, epochs: 10, yieldEvery, logEvery: Infinity });
      running = false;
      return count;
    };
    expect(await turns(0)).toBeGreaterThan(10);
    expect(await turns(Infinity)).toBe(0);
  });
});

describe('schedules', () => {
  test('move after each pass, and OneCycleLR after each step', async () => {
    const { model, optimizer } = setUp();
    const exponential = new ExponentialLR(optimizer, { gamma: 0.5 });
    const first = await fit(model, line(), { loss: squares, optimizer, epochs: 3, schedule: exponential });
    expect(first.epochs.map(({ lr }) => lr)).toEqual([0.5, 0.25, 0.125]);

    const other = setUp();
    const cycle = new OneCycleLR(other.optimizer, { maxLr: 0.5, totalSteps: 8 });
    const [start] = cycle.getLastLR();
    const second = await fit(other.model, line(), {
      loss: squares,
      optimizer: other.optimizer,
      epochs: 2,
      schedule: cycle,
    });
    expect(cycle.lastEpoch).toBe(8);
    expect(second.steps[0].lr).toBe(start);
    expect(second.steps[2].lr).toBeGreaterThan(second.steps[1].lr);
    expect(second.epochs[1].lr).toBe(second.steps[7].lr);

    const third = setUp();
    const stepwise = new ExponentialLR(third.optimizer, { gamma: 0.5 });
    await fit(third.model, line(), {
      loss: squares,
      optimizer: third.optimizer,
      steps: 3,
      schedule: stepwise,
      scheduleEvery: 'step',
    });
    expect(third.optimizer.paramGroups[0].lr).toBe(0.0625);
  });

  test('ReduceLROnPlateau looks at the validation, or at the training where there is none', async () => {
    const { model, optimizer } = setUp();
    const schedule = new ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5 });
    const worse = [tensor([1]), tensor([2]), tensor([3])];
    let pass = 0;
    await fit(model, line(), {
      loss: squares,
      optimizer,
      epochs: 3,
      schedule,
      validation: { data: line(), loss: () => worse[Math.min(pass, 2)] },
      onEpoch: () => pass++,
    });
    expect(optimizer.paramGroups[0].lr).toBe(0.125);
    const other = setUp();
    const better = new ReduceLROnPlateau(other.optimizer, { patience: 0, factor: 0.5 });
    await fit(other.model, line(), { loss: squares, optimizer: other.optimizer, epochs: 3, schedule: better });
    expect(other.optimizer.paramGroups[0].lr).toBe(0.5);
  });
});

describe('validation and early stopping', () => {
  test('measures after each pass, in evaluation mode', async () => {
    const { model, optimizer } = setUp();
    const modes: boolean[] = [];
    const { epochs } = await fit(model, line(), {
      loss: squares,
      optimizer,
      epochs: 2,
      validation: {
        data: line(),
        metrics: (net, [x]) => {
          modes.push(net.training);
          return { mean: net.forward(x) };
        },
      },
    });
    expect(modes).toEqual(Array.from({ length: 8 }, () => false));
    for (const { validation } of epochs) expect(Object.keys(validation ?? {}).sort()).toEqual(['loss', 'mean']);
    expect(epochs[1].validation?.loss).toBeLessThan(epochs[0].validation?.loss as number);
  });

  /** A validation whose values are given, pass by pass. */
  async function stopped(
    values: readonly number[],
    options: FitOptions<Slope, Pair>['earlyStopping'],
    history?: History,
  ): Promise<{ history: History; weight: number; weights: number[] }> {
    const { model, optimizer } = setUp();
    const weights: number[] = [];
    let pass = history?.epoch ?? 0;
    const result = await fit(model, line(), {
      loss: squares,
      optimizer,
      epochs: values.length,
      earlyStopping: options,
      history,
      validation: { data: [[tensor([0]), tensor([0])]], metrics: () => ({ score: tensor(values[pass]) }) },
      onEpoch: () => {
        pass++;
        weights.push(weightOf(model));
      },
    });
    return { history: result, weight: weightOf(model), weights };
  }

  test('stops when nothing gets better', async () => {
    const { history } = await stopped([3, 2, 2.5, 2, 1], { patience: 2, monitor: 'score' });
    expect([history.stopped, history.epoch, history.best]).toEqual(['early', 4, { epoch: 2, value: 2 }]);
    const largest = await stopped([1, 2, 3, 2.9, 2.8, 2.7], { patience: 2, monitor: 'score', mode: 'max' });
    expect([largest.history.epoch, largest.history.best]).toEqual([5, { epoch: 3, value: 3 }]);
    const delta = await stopped([3, 2.9, 2.8, 2.7], { patience: 0, monitor: 'score', minDelta: 0.15 });
    expect(delta.history.epoch).toBe(2);
    const nan = await stopped([NaN, 3, NaN, NaN, 2], { patience: 2, monitor: 'score' });
    expect(nan.history.epoch).toBe(4);
    const patient = await stopped([1, 2, 2], { patience: 3, monitor: 'score' });
    expect(patient.history.stopped).toBe('finished');
  });

  test('goes on with what it knew', async () => {
    const first = await stopped([3, 2], { patience: 2, monitor: 'score' });
    const second = await stopped([3, 2, 2.5, 2.4, 2.3], { patience: 2, monitor: 'score' }, first.history);
    expect([second.history.stopped, second.history.epoch]).toEqual(['early', 4]);
  });

  test('gives the model what it had at its best', async () => {
    const { weight, weights } = await stopped([3, 1, 2, 2], { patience: 2, monitor: 'score', restoreBest: true });
    expect(weights).toHaveLength(4);
    expect(weight).toBe(weights[1]);
    expect(weight).not.toBe(weights[3]);
  });

  test('names a value that is not there', async () => {
    await expect(stopped([1, 2], { patience: 1, monitor: 'f1' })).rejects.toThrow(
      "fit: earlyStopping.monitor is 'f1', but there is only loss, score",
    );
  });
});

describe('abort', () => {
  test('ends between two steps, and the training goes on as if unbroken', async () => {
    const whole = setUp();
    const unbroken = await fit(whole.model, line(), { loss: squares, optimizer: whole.optimizer, epochs: 3 });

    for (const at of [1, 4, 6]) {
      const { model, optimizer } = setUp();
      const controller = new AbortController();
      const history = await fit(model, line(), {
        loss: squares,
        optimizer,
        epochs: 3,
        signal: controller.signal,
        onStep: ({ step }) => step === at && controller.abort(),
      });
      expect(history).toMatchObject({
        step: at,
        stopped: 'aborted',
        epoch: Math.floor((at - 1) / 4),
        batch: ((at - 1) % 4) + 1,
      });
      const rest = await fit(model, line(), {
        loss: squares,
        optimizer,
        epochs: 3,
        history: JSON.parse(JSON.stringify(history)) as History,
      });
      expect(weightOf(model)).toBe(weightOf(whole.model));
      expect(rest.steps.map(({ step, epoch, loss }) => [step, epoch, loss])).toEqual(
        unbroken.steps.map(({ step, epoch, loss }) => [step, epoch, loss]),
      );
      rest.epochs.forEach(({ loss }, i) => expect(loss).toBeCloseTo(unbroken.epochs[i].loss, 6));
      expect(rest.epochs).toHaveLength(3);
      expect(rest.seconds).toBeGreaterThanOrEqual(history.seconds);
    }
  });

  test('goes on as if unbroken with shuffled data, from where the pass began', async () => {
    const whole = setUp();
    await fit(whole.model, line({ shuffle: true, generator: new Generator(4) }), {
      loss: squares,
      optimizer: whole.optimizer,
      epochs: 3,
    });

    const { model, optimizer } = setUp();
    const generator = new Generator(4);
    let passBegan = generator.state();
    const data = line({ shuffle: true, generator });
    const history = await fit(model, data, {
      loss: squares,
      optimizer,
      steps: 6,
      onEpoch: () => (passBegan = generator.state()),
    });
    expect([history.epoch, history.batch]).toEqual([1, 2]);
    generator.setState(passBegan);
    await fit(model, data, { loss: squares, optimizer, epochs: 3, history });
    expect(weightOf(model)).toBe(weightOf(whole.model));
  });

  test('before the first step changes nothing', async () => {
    const { model, optimizer } = setUp();
    const history = await fit(model, line(), { loss: squares, optimizer, epochs: 1, signal: AbortSignal.abort() });
    expect(history).toMatchObject({ step: 0, epoch: 0, batch: 0, stopped: 'aborted', steps: [], epochs: [] });
    expect(weightOf(model)).toBe(0);
  });

  test('from outside is heard while the training goes on', async () => {
    const { model, optimizer } = setUp();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    const history = await fit(model, line(), {
      loss: squares,
      optimizer,
      steps: 1e9,
      signal: controller.signal,
      yieldEvery: 1,
      logEvery: Infinity,
    });
    expect(history.stopped).toBe('aborted');
  });
});

describe('what goes wrong', () => {
  test('in the loss leaves parameters, modes and memory as after the last whole step', async () => {
    const own = await cpu();
    const model = new Slope().to(own);
    model.eval();
    const optimizer = new SGD(model.parameters(), { lr: 0.5 });
    const batch: Pair = [tensor([1], { backend: own }), tensor([2], { backend: own })];
    const before = own.memory();
    let calls = 0;
    const run = fit(model, [batch, batch], {
      loss: (net, batch) => {
        const loss = squares(net, batch);
        if (++calls === 2) throw new Error('no more');
        return loss;
      },
      optimizer,
      epochs: 1,
    });
    await expect(run).rejects.toThrow('no more');
    expect(weightOf(model)).toBe(2);
    expect(model.training).toBe(false);
    expect(own.memory()).toEqual(before);
  });

  const wrong: [string, Partial<FitOptions<Slope, Pair>>][] = [
    ['fit: epochs is left out, and so is steps, expected either epochs or steps', {}],
    ['fit: epochs is given beside steps, expected either epochs or steps', { epochs: 1, steps: 1 }],
    ['fit: epochs is 1.5, expected a whole number from 0 up', { epochs: 1.5 }],
    ['fit: clipNorm is -1, expected a finite number above 0', { epochs: 1, clipNorm: -1 }],
    ['fit: logEvery is 0, expected a whole number from 1 up', { epochs: 1, logEvery: 0 }],
    ['fit: yieldEvery is -1, expected a number from 0 up', { epochs: 1, yieldEvery: -1 }],
    ['fit: loss is undefined, expected a function (model, batch) => Tensor', { epochs: 1, loss: undefined }],
    ['fit: optimizer is undefined, expected an optimiser such as new SGD(...)', { epochs: 1, optimizer: undefined }],
    [
      'fit: earlyStopping.patience is -1, expected a whole number from 0 up',
      { epochs: 1, earlyStopping: { patience: -1 } },
    ],
    ['fit: history.step is undefined, expected a whole number from 0 up', { epochs: 1, history: {} as History }],
    [
      'fit: the result of loss is 1, expected a Tensor with one element',
      { epochs: 1, loss: (() => 1) as unknown as FitOptions<Slope, Pair>['loss'] },
    ],
    [
      'fit: the result of loss is a promise, expected a Tensor with one element',
      { epochs: 1, loss: (async () => tensor(1)) as unknown as FitOptions<Slope, Pair>['loss'] },
    ],
  ];

  test.each(wrong)('%s', async (message, options) => {
    const { model, optimizer } = setUp();
    const run = fit(model, line(), { loss: squares, optimizer, ...options });
    await expect(run).rejects.toThrow(ArgumentError);
    await expect(run).rejects.toThrow(message);
    expect(weightOf(model)).toBe(0);
  });

  test('in data and schedules', async () => {
    const { model, optimizer } = setUp();
    const other = new ExponentialLR(setUp().optimizer, { gamma: 0.5 });
    const options = { loss: squares, optimizer, epochs: 2 };
    await expect(fit(model, [], options)).rejects.toThrow('fit: the data gave no batch in pass 1');
    const once = line()[Symbol.iterator]() as unknown as Iterable<Pair>;
    await expect(fit(model, once, options)).rejects.toThrow(
      'fit: the data gave no batch in pass 2; expected something that can be iterated again and again',
    );
    await expect(fit(model, 3 as unknown as Pair[], options)).rejects.toThrow(
      'fit: data is 3, expected batches that can be gone through again and again, such as a DataLoader, an array or an asynchronous iterable',
    );
    await expect(fit(model, line(), { ...options, schedule: other })).rejects.toThrow(
      'fit: schedule is that of another optimiser, expected one of this optimiser',
    );
    const plateau = new ReduceLROnPlateau(optimizer);
    await expect(fit(model, line(), { ...options, schedule: plateau, scheduleEvery: 'step' })).rejects.toThrow(
      "fit: scheduleEvery is 'step', expected 'epoch', as ReduceLROnPlateau looks at whole passes",
    );
    const history = await fit(model, line(), { loss: squares, optimizer, steps: 3 });
    await expect(fit(model, [[tensor([1]), tensor([1])]], { ...options, history })).rejects.toThrow(
      'fit: history has 3 batches done in the pass under way, but the data gave 1; pass the same data',
    );
    await expect(fit(model, line(), { ...options, loss: (net, [x]) => net.forward(x) })).rejects.toThrow(AutogradError);
  });
});

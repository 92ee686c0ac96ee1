import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { log, ones, RnnError, setBackend, tensor, zerosLike, type Backend, type Tensor } from '@rnn/core';
import { Module, mseLoss, Parameter } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { fit, NonFiniteError, SGD, type FitOptions, type History } from '../../src/index.js';

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});

class Scale extends Module {
  w = new Parameter(ones([1]));
  forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

type Options = FitOptions<Scale, Tensor>;
const squares = (model: Scale, x: Tensor): Tensor => mseLoss(model.forward(x), zerosLike(x));

/** Batches of a pass; the one at `at` makes no finite loss. */
const batches = (at: number, odd: number, count = 4, place = backend): Tensor[] =>
  Array.from({ length: count }, (_, i) => tensor([i === at ? odd : 1], { backend: place }));

async function run(
  data: Iterable<Tensor>,
  options: Partial<Options>,
  model = new Scale(),
): Promise<{ model: Scale; error?: NonFiniteError; history?: History }> {
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  try {
    return { model, history: await fit(model, data, { loss: squares, optimizer, epochs: 3, ...options }) };
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    return { model, error };
  }
}

describe('throws', () => {
  test.each<[string, number, RegExp]>([
    ['NaN', NaN, /the loss is NaN \(step 3, pass 1, batch 3\): the batch holds NaN, at element 0 of a tensor \[1\]/],
    ['Infinity', Infinity, /the loss is Infinity .*: the batch holds Infinity/],
    [
      'an overflow',
      1e30,
      /the loss is Infinity \(step 3, pass 1, batch 3\): square: the loss is Infinity: it arose in square/,
    ],
  ])('at the step that meets %s, before the parameters change', async (_name, odd, message) => {
    const { model, error } = await run(batches(2, odd), {});
    expect(error).toBeInstanceOf(RnnError);
    expect(error).toMatchObject({ step: 3, epoch: 1, batch: 3, code: 'ERR_NON_FINITE' });
    expect(error?.message).toMatch(message);
    expect(model.w.item()).toBeCloseTo(0.8 ** 2, 6); // the two steps before
  });

  test('names the first operation', async () => {
    const { error } = await run(batches(1, -5), { loss: (m, x) => log(m.forward(x).add(1)).square().mean() });
    expect(error).toMatchObject({ step: 2, operation: 'log' });
    expect(error?.message).toMatch(/log: the first NaN arose here/);
  });

  test('names the derivative where the loss is finite', async () => {
    const { error, model } = await run(batches(1, 0), {
      loss: (m, x) => m.forward(x).abs().sqrt().mul(x.sign()).sum(),
    });
    expect(error).toMatchObject({ step: 2, operation: 'derivative of sqrt' });
    expect(error?.message).toMatch(/the norm of the gradients is NaN/);
    expect(model.w.item()).toBeGreaterThan(0);
  });

  test('names a parameter that was so before', async () => {
    const model = new Scale();
    model.w.copy_(tensor([NaN]));
    const { error } = await run(batches(-1, 0), {}, model);
    expect(error?.message).toMatch(/step 1.*: w holds NaN already before the step, at element 0/);
  });

  test.each([Infinity, 7, 300])('and names the first step where losses are read every %s steps', async (logEvery) => {
    for (const [at, odd] of [
      [2, NaN],
      [9, Infinity],
      [295, NaN],
      [299, NaN],
    ]) {
      const { error } = await run(batches(at, odd, 600), { logEvery });
      expect(error).toMatchObject({ step: at + 1, epoch: 1, batch: at + 1 });
    }
  });

  test('within 256 steps', async () => {
    let calls = 0;
    await run(batches(10, NaN, 5000), { logEvery: Infinity, loss: (m, x) => (calls++, squares(m, x)) });
    expect(calls).toBeLessThanOrEqual(256);
  });

  test('in a later pass, and in one that goes on', async () => {
    const passes = [batches(-1, 0), batches(1, NaN)];
    const data = { [Symbol.iterator]: () => (passes.shift() ?? [])[Symbol.iterator]() };
    expect((await run(data, { logEvery: Infinity })).error).toMatchObject({ step: 6, epoch: 2, batch: 2 });
    const { history } = await run(batches(-1, 0), { epochs: undefined, steps: 2, logEvery: Infinity });
    const { error } = await run(batches(3, NaN), { history, logEvery: Infinity });
    expect(error).toMatchObject({ step: 4, epoch: 1, batch: 4 });
  });

  test('where the last step of all makes the parameters so', async () => {
    for (const logEvery of [1, Infinity]) {
      for (const [last, end] of [
        [4, { epochs: 1 }],
        [4, { epochs: undefined, steps: 4 }],
        [2, { epochs: undefined, steps: 2 }],
      ] as const) {
        const model = new Scale();
        const optimizer = new SGD(model.parameters(), { lr: 0.1 });
        let step = 0;
        const loss = (m: Scale, x: Tensor): Tensor => {
          if (++step === last) optimizer.paramGroups[0].lr = 1e38;
          return m.forward(x).mul(1e3).sum();
        };
        const { error } = await run(batches(-1, 0), { optimizer, logEvery, loss, ...end }, model);
        expect(error).toMatchObject({ step: last, epoch: 1, batch: last });
        expect(error?.message).toMatch(/the parameters after the step are not finite/);
      }
    }
  });

  test('on a backend that answers only later', async () => {
    const later = answersLater(await cpu());
    for (const logEvery of [1, 3, Infinity]) {
      const model = new Scale();
      await model.moveTo(later);
      const before = later.memory().storages;
      const { error } = await run(batches(1, NaN, 4, later), { logEvery, clipNorm: 1 }, model);
      expect(error).toMatchObject({ step: 2, epoch: 1, batch: 2 });
      expect(later.memory().storages).toBeLessThanOrEqual(before + 4); // the batches that the test made
      model.dispose();
    }
  });
});

describe('skips', () => {
  test('such steps only, and leaves them out of the mean', async () => {
    for (const logEvery of [1, Infinity]) {
      const { model, history } = await run(batches(2, NaN), { onNonFinite: 'skip', epochs: 1, logEvery });
      expect(model.w.item()).toBeCloseTo(0.8 ** 3, 6);
      expect(history).toMatchObject({ step: 4, stopped: 'finished' });
      expect(history?.epochs[0].loss).toBeCloseTo((1 + 0.64 + 0.64 ** 2) / 3, 5);
      if (logEvery === 1) {
        expect(history?.steps.map(({ skipped }) => skipped)).toEqual([undefined, undefined, true, undefined]);
        expect(history?.steps[2].loss).toBeNaN();
      }
    }
  });

  test('but not a whole pass', async () => {
    const { error } = await run([tensor([NaN])], { onNonFinite: 'skip' });
    expect(error?.message).toMatch(/no batch of the pass has a finite loss and finite gradients/);
  });
});

describe('ignores', () => {
  test('all, and the history survives JSON with its NaN and infinities', async () => {
    const { history } = await run(batches(2, Infinity), { onNonFinite: 'ignore', epochs: 2 });
    expect(history?.steps[2].loss).toBe(Infinity);
    expect(history?.steps[3].loss).toBe(Infinity);
    expect(history?.steps[4].loss).toBeNaN();
    expect(history?.epochs.map(({ loss }) => loss)).toEqual([Infinity, NaN]);
    const copy = JSON.parse(JSON.stringify(history)) as History;
    const [a, b] = await Promise.all(
      [history as History, copy].map(async (given) => run([], { history: given, epochs: 2, onNonFinite: 'ignore' })),
    );
    expect({ ...b.history, seconds: 0 }).toEqual({ ...a.history, seconds: 0 });
    expect(b.history?.steps[2].loss).toBe(Infinity);
    const torn = JSON.parse(JSON.stringify({ ...(history as History) })) as History;
    await expect(run([], { history: torn })).rejects.toThrow(
      /fit: history\.epochs\[0\]\.loss is null, expected a number; call JSON\.stringify with the history that fit returned/,
    );
  });

  test('refuses another word', async () => {
    await expect(run([], { onNonFinite: 'stop' as 'skip' })).rejects.toThrow(
      /onNonFinite is 'stop', expected 'throw' or/,
    );
  });
});

import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { Module, mseLoss, Parameter } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { fit, fitEvents, SGD, type FitEvent, type FitOptions } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));

class Slope extends Module {
  w = new Parameter(zeros([1]));
  forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

type Pair = [Tensor, Tensor];
const data = (): Pair[] => [1, 2, 3].map((x) => [tensor([x]), tensor([2 * x])]);
const options = (model: Slope): FitOptions<Slope, Pair> => ({
  loss: (net, [x, y]) => mseLoss(net.forward(x), y),
  optimizer: new SGD(model.parameters(), { lr: 0.01 }),
  epochs: 2,
});
const typesOf = (events: readonly FitEvent[]): string => events.map(({ type }) => type).join(' ');
const whole = 'begin step step step epoch step step step epoch end';

describe('callbacks', () => {
  test('get every event in its order, and are waited for', async () => {
    const model = new Slope();
    const events: FitEvent[] = [];
    const order: string[] = [];
    const history = await fit(model, data(), {
      ...options(model),
      onStep: () => order.push('onStep'),
      callbacks: [
        async (event) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          events.push(event);
        },
        ({ type }) => order.push(type),
      ],
    });
    expect(typesOf(events)).toBe(whole);
    expect(order.join(' ')).toBe(whole.replaceAll('step', 'onStep step'));
    expect(events[0]).toEqual({ type: 'begin', step: 0, epoch: 0, steps: undefined, epochs: 2, stepsPerEpoch: 3 });
    expect(events.filter(({ type }) => type === 'step')).toEqual(
      history.steps.map((record) => ({ type: 'step', ...record })),
    );
    expect(events.filter(({ type }) => type === 'epoch')).toEqual(
      history.epochs.map((record) => ({ type: 'epoch', ...record })),
    );
    expect(events.at(-1)).toEqual({ type: 'end', history });
  });

  test('hear of a training that breaks', async () => {
    const model = new Slope();
    const events: FitEvent[] = [];
    const broken = new Error('no more');
    const run = fit(model, data(), {
      ...options(model),
      onStep: ({ step }) => {
        if (step === 2) throw broken;
      },
      callbacks: [(event) => events.push(event)],
    });
    await expect(run).rejects.toBe(broken);
    expect(typesOf(events)).toBe('begin step error');
    expect(events.at(-1)).toEqual({ type: 'error', error: broken });
  });

  test('see a training that goes on where it was', async () => {
    const model = new Slope();
    const history = await fit(model, data(), { ...options(model), epochs: undefined, steps: 4 });
    const events: FitEvent[] = [];
    await fit(model, data(), { ...options(model), history, callbacks: [(event) => events.push(event)] });
    expect(typesOf(events)).toBe('begin step step epoch end');
    expect(events[0]).toMatchObject({ step: 4, epoch: 1 });
  });
});

describe('fitEvents', () => {
  test('gives the same events, one when asked for', async () => {
    const model = new Slope();
    const seen: FitEvent[] = [];
    const steps: number[] = [];
    for await (const event of fitEvents(model, data(), {
      ...options(model),
      onStep: ({ step }) => steps.push(step),
    })) {
      seen.push(event);
      // Nothing is done ahead of what was read.
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(steps).toHaveLength(seen.filter(({ type }) => type === 'step').length);
    }
    expect(typesOf(seen)).toBe(whole);
    const other = new Slope();
    await fit(other, data(), options(other));
    expect(model.w.item()).toBe(other.w.item());
  });

  test('ends the training when the loop is left', async () => {
    const model = new Slope();
    let weight = NaN;
    for await (const event of fitEvents(model, data(), { ...options(model), epochs: 1e9 })) {
      weight = model.w.item();
      if (event.type === 'step' && event.step === 5) break;
    }
    expect(model.w.item()).toBe(weight);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(model.w.item()).toBe(weight);
    expect(model.w.grad).toBeUndefined();
  });

  test('heeds the signal, and throws what the training throws', async () => {
    const model = new Slope();
    const controller = new AbortController();
    let last: FitEvent | undefined;
    for await (const event of fitEvents(model, data(), { ...options(model), signal: controller.signal })) {
      if (event.type === 'step' && event.step === 2) controller.abort();
      last = event;
    }
    expect(last).toMatchObject({ type: 'end', history: { step: 2, stopped: 'aborted' } });
    const read = async (): Promise<void> => {
      for await (const _ of fitEvents(model, [], options(model)));
    };
    await expect(read()).rejects.toThrow('fit: the data gave no batch in pass 1');
  });
});

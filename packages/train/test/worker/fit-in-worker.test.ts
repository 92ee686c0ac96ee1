import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, RnnError, setBackend, tensor, type Tensor } from '@rnn/core';
import { Linear, mseLoss } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { fit, fitInWorker, serveFit, SGD, type FitEvent, type FitInWorkerOptions } from '../../src/index.js';
import type { Arguments } from './training-worker.js';

beforeAll(async () => setBackend(await cpu()));

const url = new URL('training-worker.ts', import.meta.url);
/** On the built packages, as a user's: the test runner would have workers see the sources. */
const started = (): Worker => new Worker(url, { execArgv: [] });

async function run(options: FitInWorkerOptions<Arguments>): ReturnType<typeof fitInWorker> {
  const worker = started();
  try {
    return await fitInWorker(worker, options);
  } finally {
    await worker.terminate();
  }
}

/** The same training in this thread. */
async function here(epochs: number): Promise<{ losses: number[]; weight: number }> {
  manualSeed(1);
  const model = new Linear(1, 1);
  const data: [Tensor, Tensor][] = [
    [tensor([[1]]), tensor([[2]])],
    [tensor([[2]]), tensor([[4]])],
  ];
  const { steps } = await fit(model, data, {
    loss: (net, [x, y]) => mseLoss(net.forward(x), y),
    optimizer: new SGD(model.parameters(), { lr: 0.1 }),
    epochs,
  });
  return { losses: steps.map(({ loss }) => loss), weight: model.weight.item() };
}

describe('a training in a worker', () => {
  test('ends as one in this thread, and tells its events', async () => {
    const events: FitEvent[] = [];
    const { history, state, averaged } = await run({ args: { epochs: 3 }, onEvent: (event) => events.push(event) });
    const expected = await here(3);
    expect(history.steps.map(({ loss }) => loss)).toEqual(expected.losses);
    const model = new Linear(1, 1);
    model.loadStateDict(state);
    expect(model.weight.item()).toBe(expected.weight);
    expect(Object.keys(averaged ?? {})).toEqual(Object.keys(state));
    expect(events.map(({ type }) => type).join(' ')).toBe('begin step step epoch step step epoch step step epoch end');
    expect(events.at(-1)).toEqual({ type: 'end', history });
    // What `fit` goes on with.
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const rest = await fit(model, [[tensor([[1]]), tensor([[2]])] as const], {
      loss: (net, [x, y]) => mseLoss(net.forward(x), y),
      optimizer,
      epochs: 4,
      history,
    });
    expect(rest.step).toBe(7);
  });

  test('leaves this thread free, and ends when the signal says so', async () => {
    const controller = new AbortController();
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const { history, state } = await run({
      args: { steps: 1e9, lr: 1e-4 },
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step >= 1000) controller.abort();
      },
    });
    clearInterval(timer);
    expect(history.stopped).toBe('aborted');
    expect(history.step).toBeGreaterThanOrEqual(1000);
    expect(state.weight.data).toHaveLength(1);
    expect(turns).toBeGreaterThan(0);
    const before = await run({ args: { epochs: 3 }, signal: AbortSignal.abort() });
    expect(before.history).toMatchObject({ step: 0, stopped: 'aborted' });
  });

  test('is started from an address, and its worker does not outlive it', async () => {
    const script = fileURLToPath(new URL('start-from-address.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 120_000 });
    expect(stdout.trim()).toBe('2');
  });

  test('may run in a worker that goes on, one training after another and two at once', async () => {
    const worker = started();
    const results = [await fitInWorker(worker, { args: { epochs: 2 } })];
    results.push(...(await Promise.all([1, 2].map(async (epochs) => fitInWorker(worker, { args: { epochs } })))));
    expect(results.map(({ history }) => history.epoch)).toEqual([2, 1, 2]);
    await worker.terminate();
  });

  test('fails with the error of the training', async () => {
    const events: FitEvent[] = [];
    const error = await run({ args: { epochs: 1, bad: 'nan' }, onEvent: (event) => events.push(event) }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(RnnError);
    expect(error).toMatchObject({ name: 'NonFiniteError', code: 'ERR_NON_FINITE', step: 2, batch: 2 });
    expect((error as Error).message).toMatch(/^fit: the loss is NaN \(step 2, pass 1, batch 2\): the batch holds NaN/);
    expect(events.at(-1)).toEqual({ type: 'error', error });
    await expect(run({ args: { bad: 'throw' } })).rejects.toThrow('no data today');
    await expect(run({ args: { bad: 'throw' } })).rejects.toMatchObject({ name: 'TypeError' });
  });

  test('fails when the worker does', async () => {
    await expect(run({ args: { bad: 'exit' } })).rejects.toThrow(
      'fitInWorker: the worker ended before the training did: it ended with code 3',
    );
    await expect(fitInWorker(new URL('nothing.ts', import.meta.url))).rejects.toMatchObject({ code: 'ERR_WORKER' });
    await expect(fitInWorker(new URL('data:text/javascript,0'))).rejects.toThrow('it ended with code 0');
    const broken = new Error('in the callback');
    const run2 = run({
      args: { steps: 1e9, lr: 0 },
      onEvent: ({ type }) => {
        if (type === 'step') throw broken;
      },
    });
    await expect(run2).rejects.toBe(broken);
  });

  test('refuses what makes no sense', async () => {
    await expect(fitInWorker('training.js')).rejects.toThrow(
      "fitInWorker: worker is 'training.js', expected a worker, or the address of a module",
    );
    await expect(run({ args: (() => 1) as never })).rejects.toThrow(
      'fitInWorker: args cannot be sent to another thread',
    );
    expect(() => serveFit(() => ({}) as never)).toThrow(
      'serveFit: setup is given in the main thread, expected a worker, which fitInWorker starts from the address of the module',
    );
  });
});

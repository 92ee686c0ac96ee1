import { cpu } from '@rnn/backend-cpu';
import { Generator, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { Module, Parameter } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { fit, SGD, type EarlyStoppingOptions, type History } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));

/** Its parameter goes up by 1 in each step, so it tells the pass. */
class Counter extends Module {
  w = new Parameter(zeros([1]));
  forward(): Tensor {
    return this.w.neg().sum();
  }
}

interface Run {
  readonly history: History;
  readonly model: Counter;
  readonly optimizer: SGD;
}

/**
 * A training with one step a pass, whose validation gives `values` pass by pass; perhaps aborted
 * after a pass.
 */
async function run(
  values: readonly number[],
  earlyStopping?: EarlyStoppingOptions,
  before?: Run,
  abortAfter = Infinity,
): Promise<Run> {
  const model = before?.model ?? new Counter();
  const optimizer = before?.optimizer ?? new SGD(model.parameters(), { lr: 1 });
  const controller = new AbortController();
  let pass = before?.history.epoch ?? 0;
  const history = await fit(model, [0], {
    loss: (m) => m.forward(),
    optimizer,
    epochs: values.length,
    earlyStopping,
    history: before && (JSON.parse(JSON.stringify(before.history)) as History),
    signal: controller.signal,
    validation: { data: [0], loss: () => tensor(values[pass]) },
    onEpoch: ({ epoch }) => {
      pass++;
      if (epoch === abortAfter) controller.abort();
    },
  });
  return { history, model, optimizer };
}

describe('patience', () => {
  /**
   * `EarlyStopping.on_epoch_end` of Keras 3, without a baseline. Gives the number of passes that
   * are run.
   */
  function keras(values: readonly number[], patience: number, minDelta: number): number {
    let best = Infinity;
    let wait = 0;
    for (let epoch = 0; epoch < values.length; epoch++) {
      wait += 1;
      if (values[epoch] + minDelta < best) {
        best = values[epoch];
        wait = 0;
        continue;
      }
      if (wait >= patience && epoch > 0) return epoch + 1;
    }
    return values.length;
  }

  /** `EarlyStopping._evaluate_stopping_criteria` of Lightning 2, without thresholds. */
  function lightning(values: readonly number[], patience: number, minDelta: number): number {
    let best = Infinity;
    let waitCount = 0;
    for (let epoch = 0; epoch < values.length; epoch++) {
      if (values[epoch] - -minDelta < best) {
        best = values[epoch];
        waitCount = 0;
      } else {
        waitCount += 1;
        if (waitCount >= patience) return epoch + 1;
      }
    }
    return values.length;
  }

  test.each([0, 1, 2, 3, 5])('of %s counts as in Keras and Lightning', async (patience) => {
    const generator = new Generator(patience + 1);
    for (let i = 0; i < 8; i++) {
      const values = Array.from(generator.permutation(12), (value) => value / 4);
      for (const minDelta of [0, 0.25, 1]) {
        const { history } = await run(values, { patience, minDelta });
        expect([history.epoch, values]).toEqual([keras(values, patience, minDelta), values]);
        expect([history.epoch, values]).toEqual([lightning(values, patience, minDelta), values]);
        expect(history.stopped).toBe(history.epoch < 12 ? 'early' : 'finished');
      }
    }
  });
});

describe('the best pass', () => {
  test('is in the history, with and without early stopping', async () => {
    expect((await run([3, 1, 2])).history.best).toEqual({ epoch: 2, value: 1 });
    expect((await run([])).history.best).toBeUndefined();
    expect((await run([3, 1, 2], { patience: 9, mode: 'max' })).history.best).toEqual({ epoch: 1, value: 3 });
    expect((await run([3, 2.9, 1], { patience: 9, minDelta: 0.5 })).history.best).toEqual({ epoch: 3, value: 1 });
  });

  const patient = { patience: 9, restoreBest: true };

  test('is that of both runs where an aborted training goes on', async () => {
    for (const [values, expected] of [
      [[3, 1, 2, 4, 5], 2],
      [[3, 2, 2.5, 1, 5], 4],
      [[1, 2, 3, 4, 5], 1],
    ] as const) {
      for (const abortAfter of [1, 2, 3, 4]) {
        const first = await run(values, patient, undefined, abortAfter);
        expect([first.history.stopped, first.model.w.item()]).toEqual(['aborted', abortAfter]);
        const second = await run(values, patient, first);
        expect(second.history.best?.epoch).toBe(expected);
        expect(second.model.w.item()).toBe(expected);
        expect(second.history.bestState).toBeUndefined();
      }
    }
  });

  test('over three runs, the first of which ended by itself', async () => {
    const first = await run([3, 1, 2], patient);
    expect([first.history.stopped, first.history.restored, first.model.w.item()]).toEqual(['finished', 2, 2]);
    const second = await run([3, 1, 2, 4, 5], patient, first, 4);
    expect([second.history.stopped, second.model.w.item()]).toEqual(['aborted', 3]); // one step on from the best
    const third = await run([3, 1, 2, 4, 5], patient, second);
    expect([third.history.restored, third.model.w.item()]).toEqual([2, 2]);
  });

  test('is refused where the earlier run did not keep it, unless it is the last', async () => {
    const first = await run([3, 1, 2], { patience: 9 });
    await expect(run([3, 1, 2, 4], patient, first)).rejects.toThrow(
      /history is of a training whose best pass was 2, without the parameters .* set restoreBest in the earlier training too/,
    );
    const last = await run([3, 2, 1], { patience: 9 });
    const second = await run([3, 2, 1, 4], patient, last);
    expect(second.model.w.item()).toBe(3);
  });

  test('keeps every bit of parameters', async () => {
    class Odd extends Counter {
      odd = new Parameter(tensor([-0, 1e-45, 0.1, 3.4028234663852886e38]), { requiresGrad: false });
    }
    const make = async (): Promise<Run> => {
      const model = new Odd();
      const optimizer = new SGD([model.w], { lr: 1 });
      return { model, optimizer, history: await fit(model, [0], { loss: (m) => m.forward(), optimizer, epochs: 0 }) };
    };
    const first = await run([1, 2, 3], patient, await make(), 2);
    const model = first.model as Odd;
    const before = [...model.odd.dataSync()];
    model.odd.copy_(zeros([4]));
    await run([1, 2, 3], patient, first);
    expect([...model.odd.dataSync()]).toEqual(before);
  });
});

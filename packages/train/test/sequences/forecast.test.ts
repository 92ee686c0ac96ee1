import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { ArgumentError, concat, getBackend, manualSeed, setBackend, ShapeError, tensor, type Tensor } from '@rnn/core';
import { Dropout, GRU, Linear, Module } from '@rnn/nn';
import { forecast, MinMaxScaler, StandardScaler } from '@rnn/train';
import { beforeEach, describe, expect, test } from 'vitest';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(2);
});

/** What comes next is a function of the last values: the state is the last row. */
class Next extends Module {
  weight = new Linear(1, 1).weight; // tells the backend
  private readonly next: (x: Tensor, before: Tensor | undefined) => Tensor;
  constructor(next: (x: Tensor, before: Tensor | undefined) => Tensor) {
    super();
    this.next = next;
  }
  forward(x: Tensor, state?: Tensor): [Tensor, Tensor] {
    return [this.next(x, state), x.select(0, x.shape[0] - 1)];
  }
}

/** Of windows: y = w . window, as a regression of the order of the window. */
class Regression extends Module {
  dropout = new Dropout(0.9);
  linear = new Linear(3, 2, { bias: false });
  forward(x: Tensor): Tensor {
    return this.linear.forward(this.dropout.forward(x.select(2, 0).transpose(0, 1)));
  }
}

const list = (values: { readonly data: ArrayLike<number> }): number[] => Array.from(values.data);

function expectClose(actual: readonly number[], expected: readonly number[], digits = 4): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, digits));
}

describe('the closed loop', () => {
  test('of a model that carries its state: y = 0.5 y before', async () => {
    const { values, intervals } = await forecast(new Next((x) => x.mul(0.5)), [3, 16], 4);
    expect(values.shape).toEqual([4]);
    expectClose(list(values), [8, 4, 2, 1]);
    expect(intervals).toEqual([]);
  });

  test('of a trained layer: as if it had been fed by hand', async () => {
    class Model extends Module {
      gru = new GRU(2, 4);
      head = new Linear(4, 2);
      forward(x: Tensor, state?: Tensor): [Tensor, Tensor] {
        const [y, last] = this.gru.forward(x, state);
        return [this.head.forward(y), last];
      }
    }
    const model = new Model();
    const rows = [
      [0.1, 0.2],
      [0.3, -0.1],
      [-0.2, 0.4],
    ];
    const expected: number[] = [];
    for (let step = 0; step < 5; step++) {
      // The whole course anew from the first step on.
      const [y] = model.forward(tensor(rows).unsqueeze(1));
      const next = (y.toArray() as number[][][])[rows.length - 1][0];
      expected.push(...next);
      rows.push(next);
    }
    const { values } = await forecast(model, rows.slice(0, 3), 5);
    expect(values.shape).toEqual([5, 2]);
    expectClose(list(values), expected);
  });

  test('of windows, two steps at once', async () => {
    const model = new Regression();
    const w = model.linear.weight.toArray() as number[][];
    const series = [5, 1, 2, 3];
    const dot = (row: number[], window: number[]): number => row.reduce((sum, value, i) => sum + value * window[i], 0);
    const expected = [...series];
    for (let n = 0; n < 2; n++) {
      const window = expected.slice(-3);
      expected.push(...w.map((row) => dot(row, window)));
    }
    const { values } = await forecast(model, series, 3, { window: 3, horizon: 2 });
    expectClose(list(values), expected.slice(4, 7));
    expect(model.training).toBe(true);
  });

  test('in the units of the data, whatever the model sees', async () => {
    const seen: number[] = [];
    const history = [
      [100, 1],
      [200, 2],
      [300, 4],
    ];
    const scaler = new StandardScaler().fit(history);
    const halves = new Next((x) => {
      seen.push(
        ...(x
          .select(0, x.shape[0] - 1)
          .flatten()
          .toArray() as number[]),
      );
      return x.mul(0.5);
    });
    const { values } = await forecast(halves, history, 2, { scaler });
    // (y - mean) halves at each step.
    const mean = [200, 7 / 3];
    expectClose(list(values), [200 + 50, mean[1] + (4 - mean[1]) / 2, 200 + 25, mean[1] + (4 - mean[1]) / 4], 3);
    expectClose(seen.slice(0, 1), [Math.sqrt(1.5)]);
  });

  test('reads what is known ahead', async () => {
    // y + u, of a step's own u: the forecast of t + 1 takes the u of t.
    const sums = new Next((x) => x.slice(2, 0, 1).add(x.slice(2, 1, 2)));
    const history = [
      [0, 5],
      [1, 10],
    ];
    const known = { features: 1, values: [20, 30, 40] };
    expectClose(list((await forecast(sums, history, 3, { known })).values), [11, 31, 61]);
    const scaler = new MinMaxScaler().fit([
      [0, 0],
      [100, 100],
    ]);
    expectClose(list((await forecast(sums, history, 3, { known, scaler, target: 0 })).values), [11, 31, 61]);
  });

  test('gives what is known ahead to a model of windows', async () => {
    class WithAhead extends Module {
      weight = new Linear(1, 1).weight;
      forward(x: Tensor, ahead: Tensor): Tensor {
        // [2, B, 1] ahead; the last value of feature 0, and as much more as is known
        return x.select(0, 1).slice(1, 0, 1).add(ahead.select(2, 0).transpose(0, 1));
      }
    }
    const history = [
      [0, 9],
      [1, 9],
    ];
    const options = { window: 2, horizon: 2, known: { features: [1], values: [[10], [20], [30], [40]] } };
    expectClose(list((await forecast(new WithAhead(), history, 4, options)).values), [11, 21, 51, 61]);
  });
});

describe('intervals', () => {
  test('of a random walk grow with the square root of the steps', async () => {
    const walk = new Next((x) => x);
    const sampling = { noise: 2, paths: 4000, seed: 1 };
    const { values, intervals } = await forecast(walk, [10], 9, { sampling, levels: [0.5, 0.9] });
    expect(intervals.map(({ level }) => level)).toEqual([0.5, 0.9]);
    const z = [0.6745, 1.6449]; // of the normal distribution
    for (const step of [1, 4, 9]) {
      const sd = 2 * Math.sqrt(step);
      expect(Math.abs(values.data[step - 1] - 10)).toBeLessThan(0.1 * sd);
      intervals.forEach(({ lower, upper }, i) => {
        expect((upper.data[step - 1] - lower.data[step - 1]) / (2 * z[i] * sd)).toBeCloseTo(1, 0.9);
      });
    }
    const again = await forecast(walk, [10], 9, { sampling, levels: [0.5, 0.9] });
    expect(again.values.data).toEqual(values.data);
  });

  test('of errors that were made: each is one of them, in the units of the data', async () => {
    const walk = new Next((x) => x);
    const scaler = new StandardScaler().fit([0, 50, 100]);
    const { values } = await forecast(walk, [100], 3, { scaler, sampling: { noise: [4], paths: 2 } });
    expectClose(list(values), [104, 108, 112], 3);
    const { intervals } = await forecast(walk, [100], 1, { sampling: { noise: [-1, 1], paths: 500 } });
    expect([...intervals[0].lower.data, ...intervals[0].upper.data]).toEqual([99, 101]);
  });

  test('of errors in rows: each target gets its own, and one row at a time', async () => {
    const still = new Next((x) => x);
    const noise = [
      [-1, -10],
      [1, 10],
    ];
    const options = { sampling: { noise, paths: 500 }, levels: [0.9] };
    const { values, intervals } = await forecast(still, [[0, 0]], 4, options);
    const [{ lower, upper }] = intervals;
    expect([lower.data[0], upper.data[0], lower.data[1], upper.data[1]]).toEqual([-1, 1, -10, 10]);
    // Drawn apart, the targets would not be multiples of each other after some steps.
    for (const { data } of [values, lower, upper]) {
      for (let step = 0; step < 4; step++) expect(data[2 * step + 1]).toBeCloseTo(10 * data[2 * step], 4);
    }
    await expect(forecast(still, [[0, 0]], 1, { sampling: { noise: [[1, 2, 3]] } })).rejects.toThrow(
      'expected [N], or [N, 2]',
    );
  });

  test('of quantiles: about the median, in order even where the model has them cross', async () => {
    const model = new Next((x) => concat([x.add(1), x, x.sub(1)], 2));
    const scaler = new MinMaxScaler().fit([0, 10]);
    const { values, intervals } = await forecast(model, [5], 2, { quantiles: [0.1, 0.5, 0.9], scaler });
    expectClose(list(values), [5, 5]);
    expect(intervals.map(({ level }) => level)).toEqual([0.8]);
    expectClose(list(intervals[0].lower), [-5, -5]);
    expectClose(list(intervals[0].upper), [15, 15]);
  });
});

test('leaves nothing behind', async () => {
  const model = new Regression();
  const before = getBackend().memory();
  await forecast(model, [1, 2, 3], 7, { window: 3, horizon: 2, sampling: { noise: 1, paths: 3 } });
  await expect(forecast(model, [1, 2, 3], 2, { window: 3 })).rejects.toThrow(ShapeError);
  expect(getBackend().memory()).toEqual(before);
});

test('10,000 steps are flat in storages and bytes', async () => {
  let [steps, at, most] = [0, 0, 0];
  const model = new Next((x) => {
    // Up to 64 forecasts wait to be read, so that what is alive repeats with that period.
    const { bytes } = getBackend().memory();
    if (++steps <= 256) at = Math.max(at, bytes);
    else most = Math.max(most, bytes);
    return x.mul(0.5);
  });
  const before = getBackend().memory();
  const { values } = await forecast(model, [1, 2], 10_000);
  expect([steps, values.shape]).toEqual([10_000, [10_000]]);
  expect(most).toBe(at);
  expect(getBackend().memory()).toEqual(before);
});

test('refuses what makes no sense', async () => {
  const model = new Next((x) => x);
  const two = [[1, 2]];
  await expect(forecast(new Regression(), [1, 2, 3], 1)).rejects.toThrow(/or the option window; a model of windows/);
  await expect(forecast(model, [1, 2, 3], 1, { window: 2 })).rejects.toThrow(ArgumentError);
  await expect(forecast(model, [1], 1, { window: 2 })).rejects.toThrow(ArgumentError);
  await expect(forecast(model, two, 1, { target: 0 })).rejects.toThrow(/without feature 1, expected each feature/);
  await expect(forecast(model, two, 2, { known: { features: 1, values: [1] } })).rejects.toThrow(ShapeError);
  await expect(forecast(model, [1], 1, { quantiles: [0.1, 0.9] })).rejects.toThrow(/0.5 among them/);
  await expect(forecast(model, [1], 1, { quantiles: [0.5], sampling: { noise: 1 } })).rejects.toThrow(ArgumentError);
  await expect(forecast(model, [1], 0)).rejects.toThrow(ArgumentError);
  await expect(forecast(model, [], 1)).rejects.toThrow(ShapeError);
});

test('a history in float64 on a backend of float32, scaled or not', async () => {
  setBackend(await wasm({ threads: 1 }));
  const history = Float64Array.of(1, 2, 4);
  const model = new Next((x) => x.mul(1));
  for (const scaler of [undefined, new StandardScaler().fit(history)]) {
    expectClose(list((await forecast(model, history, 2, { scaler })).values), [4, 4]);
  }
});

test('a model in float64', async () => {
  const model = new Next((x) => x.mul(tensor(1, { dtype: 'float64' })));
  model.weight = new Linear(1, 1, { dtype: 'float64' }).weight;
  const { values } = await forecast(model, [1, 2, 4], 2, { sampling: { noise: 0 } });
  expectClose(list(values), [4, 4]);
});

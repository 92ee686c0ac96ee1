import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, fromData, setBackend, ShapeError, StateDictError, tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromCsv } from '../../src/csv.js';
import { MinMaxScaler, splitInTime, StandardScaler, windows, type Scaler } from '../../src/index.js';
import cases from '../cases/data.json' with { type: 'json' };
import { errorOf } from '../reference-case.js';

beforeAll(async () => {
  setBackend(await cpu());
});

const { x, shape, range, standard, minMax } = cases.scalers;
const values = { shape, data: Float64Array.from(x) };
const scalers: [string, () => Scaler, number[]][] = [
  ['StandardScaler', () => new StandardScaler(), standard],
  ['MinMaxScaler', () => new MinMaxScaler({ range: range as [number, number] }), minMax],
];

describe.each(scalers)('%s', (name, make, expected) => {
  test('has the numbers of its definition far from 0, for tiny and for constant features', () => {
    const scaler = make().fit(values);
    // 1e6 with a spread of 1e-3 leaves seven digits of a float64.
    expect(errorOf(scaler.transform(values).data, expected)).toBeLessThan(1e-6);
    const others = (list: ArrayLike<number>): number[] => Array.from(list).filter((_, i) => i % 4 !== 0);
    expect(errorOf(others(scaler.transform(values).data), others(expected))).toBeLessThan(1e-12);
    expect(scaler.constantFeatures).toEqual([3]);
    expect(scaler.transform(values).shape).toEqual(shape);
  });

  test('is undone by its inverse, on the host and as tensors, for some features too', () => {
    const scaler = make().fit(values);
    const scaled = scaler.transform(values);
    const relative = scaler.inverse(scaled).data.map((value, i) => value / x[i] - 1);
    expect(Math.max(...relative.map(Math.abs))).toBeLessThan(1e-12);
    const device = scaler.transform(fromData(values.data, shape));
    expect(errorOf(device.dataSync(), scaled.data)).toBeLessThan(1e-12);
    expect(errorOf(scaler.inverse(device).dataSync(), x)).toBeLessThan(1e-12);
    const third = scaled.data.filter((_, i) => i % 4 === 2);
    const back = scaler.inverse({ shape: [5, 10], data: third }, { features: 2 });
    expect(back.shape).toEqual([5, 10]);
    expect(
      errorOf(
        back.data,
        x.filter((_, i) => i % 4 === 2),
      ),
    ).toBeLessThan(1e-12);
    const two = scaled.data.filter((_, i) => i % 4 === 2 || i % 4 === 1);
    const pair = scaler.inverse({ shape: [50, 2], data: two }, { features: [1, 2] });
    expect(
      errorOf(
        pair.data,
        x.filter((_, i) => i % 4 === 2 || i % 4 === 1),
      ),
    ).toBeLessThan(1e-12);
  });

  test('keeps what float32 holds: a tensor far from 0', () => {
    const far = Float32Array.from({ length: 64 }, (_, i) => 1e6 + (i % 8) / 8);
    const scaler = make().fit(far);
    const exact = scaler.transform(Float64Array.from(far)).data;
    expect(errorOf(scaler.transform(fromData(far, [64])).dataSync(), exact)).toBeLessThan(1e-6);
  });

  test('its state survives JSON', () => {
    const scaler = make().fit(values);
    const loaded = make();
    loaded.loadStateDict(JSON.parse(JSON.stringify(scaler.stateDict())) as ReturnType<Scaler['stateDict']>);
    expect(loaded.transform(values)).toEqual(scaler.transform(values));
    expect(loaded.constantFeatures).toEqual([3]);
    const state = scaler.stateDict();
    const wrong = [
      { ...state, scale: [1] },
      { ...state, scale: [0, 1, 1, 1] },
      { offset: [1] },
      null,
      { ...state, a: 1 },
    ];
    for (const dict of wrong) expect(() => loaded.loadStateDict(dict as typeof state)).toThrow(StateDictError);
    expect(loaded.stateDict()).toEqual(state);
  });

  test('refuses what it cannot scale', () => {
    const scaler = make();
    expect(() => scaler.transform([1])).toThrow(
      `${name}.transform: the scaler is not fitted, expected fit or loadStateDict first`,
    );
    expect(() => scaler.fit([1, NaN])).toThrow(
      `${name}.fit: element 1 of values is NaN, expected finite; fill in or leave out what is missing first`,
    );
    expect(() => scaler.fit([])).toThrow(ArgumentError);
    scaler.fit([
      [1, 2],
      [3, 4],
    ]);
    expect(() => scaler.transform([[1, 2, 3]])).toThrow(ShapeError);
    expect(() => scaler.inverse([1], { features: 2 })).toThrow(ArgumentError);
  });
});

test('a forecast of windows of scaled values comes back in units of the data', () => {
  const series = Array.from({ length: 30 }, (_, t) => [t, 1000 - t]);
  const scaler = new StandardScaler().fit(series);
  const [, target] = windows(scaler.transform(series), 4, 3, { target: 1 }).batch([0, 5]);
  const expected = tensor([0, 5].map((start) => [4, 5, 6].map((t) => 1000 - start - t)));
  expect(errorOf(scaler.inverse(target, { features: 1 }).dataSync(), expected.dataSync())).toBeLessThan(1e-6);
});

test('an empty range is refused', () => {
  expect(() => new MinMaxScaler({ range: [1, 1] })).toThrow('MinMaxScaler: range is [1, 1], expected a rising pair');
});

describe('numbers far from 0 that no float32 tells apart', () => {
  // Nine seconds of a clock: float32 has steps of 128 there.
  const clock = Array.from({ length: 9 }, (_, i) => 1.7e9 + i);
  const near = [...clock.keys()];

  test.each(scalers)('%s sees a list as it is', (_, make) => {
    const [far, plain] = [make().fit(clock), make().fit(near)];
    expect(far.constantFeatures).toEqual([]);
    expect(far.transform(clock).data).toEqual(plain.transform(near).data);
    expect([...far.inverse([...plain.transform(near).data]).data].map(Math.round)).toEqual(clock);
  });

  test.each(scalers)('%s sees the cells of a table, cut in time, as they are', (_, make) => {
    const table = fromCsv(`time\n${clock.join('\n')}`);
    const [first, rest] = splitInTime(table.values(), [5, 4]);
    const scaled = make().fit(first).transform(rest);
    const expected = make().fit(near.slice(0, 5)).transform(near.slice(5));
    expect([...scaled.data]).toEqual([...expected.data]);
    expect(windows(scaled, 2).batch([0])[0].dtype).toBe('float32');
  });
});

import { wasm } from '@rnn/backend-wasm';
import { manualSeed, scope, setBackend } from '@rnn/core';
import { beforeAll, expect, test } from 'vitest';
import { readData } from '../../src/data/files.ts';
import { ForecastExperiment } from '../../web/src/demos/forecast/experiment.ts';
import { certainty, naiveForecasts } from '../../web/src/demos/forecast/scores.ts';
import { readTable } from '../../web/src/demos/forecast/table.ts';
import type { ForecastBand, ForecastSettings, ForecastView } from '../../web/src/demos/forecast/view.ts';

beforeAll(async () => {
  setBackend(await wasm({ threads: 1 }));
});

/** A built-in file as the page gives it to the experiment. */
async function settingsOf(file: string, names: readonly string[], season?: number): Promise<ForecastSettings> {
  const table = readTable({ text: await readData(file), skipped: 0 }, file);
  const columns = names.map(
    (name) => table.columns.find((column) => column.name === name)?.values ?? new Float64Array(),
  );
  const rows = columns[0]?.length ?? 0;
  const data = Float32Array.from(
    { length: rows * names.length },
    (_, i) => columns[i % names.length]?.[Math.floor(i / names.length)] ?? NaN,
  );
  return { series: { shape: [rows, names.length], data }, layer: 'LSTM', hidden: 24, season };
}

/** What the page shows after some steps. */
async function after(steps: number, settings: ForecastSettings): Promise<ForecastView> {
  manualSeed(0);
  const experiment = new ForecastExperiment({ seed: 0, settings });
  for (let step = 0; step < steps; step++) {
    scope(() => {
      experiment.step();
    });
  }
  return experiment.view(true);
}

test('sunspots: after 200 steps the next month is forecast better than by the last one', async () => {
  const view = await after(200, await settingsOf('sunspots-monthly.csv', ['sunspots'], 132));
  const { model, persistence, seasonal, certainty, count } = view.oneStep;
  expect(count).toBe(624);
  expect(persistence).toBeCloseTo(19.6168, 3); // by a plain loop over the file, in data.test.ts
  expect(seasonal).toBeGreaterThan(persistence);
  expect(model).toBeLessThan(0.93 * persistence);
  expect(certainty).toBeGreaterThan(2);
  expect(view.bands.map(({ level }) => level)).toEqual([0.8, 0.95]);
  for (const [i, value] of view.values.entries()) {
    const edges = view.bands.flatMap(({ lower, upper }) => [lower[i], upper[i]]) as [number, number, number, number];
    expect([edges[2], edges[0], value, edges[1], edges[3]]).toEqual(
      [edges[2], edges[0], value, edges[1], edges[3]].sort((a, b) => Number(a) - Number(b)),
    );
  }
  // The band grows with what the steps before may have been.
  const width = ({ lower, upper }: ForecastBand, i: number): number => Number(upper.at(i)) - Number(lower.at(i));
  expect(width(view.bands[0], -1)).toBeGreaterThan(width(view.bands[0], 0));
});

test('S&P 500: no model beats “tomorrow is like today”, and none is said to', async () => {
  const { oneStep } = await after(150, await settingsOf('sp500-daily.csv', ['close']));
  expect(oneStep.count).toBe(1021);
  expect(oneStep.certainty).toBeLessThan(2);
  expect(oneStep.model).toBeGreaterThan(0.98 * oneStep.persistence);
});

test('several columns: each is forecast with errors of its own, and a forecast may go past the end', async () => {
  const settings = await settingsOf('seattle-weather.csv', ['temp_max', 'precipitation'], 365);
  manualSeed(0);
  const experiment = new ForecastExperiment({ seed: 0, settings });
  const rows = settings.series.shape[0];
  expect((await experiment.look({ origin: rows, ahead: 20 })).here).toBeUndefined();
  const view = await experiment.look({ origin: rows - 5, ahead: 20 });
  expect(view.values).toHaveLength(20);
  expect(view.here?.count).toBe(5);
});

test('while it plays, what is shown may be older; at rest it is the model’s of now', async () => {
  const settings = await settingsOf('seattle-weather.csv', ['temp_max']);
  manualSeed(0);
  const experiment = new ForecastExperiment({ seed: 0, settings });
  const step = (): void =>
    scope(() => {
      experiment.step();
    });
  await experiment.view(false); // compiles: how long one takes is known from the second on
  step();
  const shown = await experiment.view(false);
  step();
  expect(await experiment.view(false)).toBe(shown);
  const later = await experiment.view(true);
  expect(later.values).not.toEqual(shown.values);
  expect(await experiment.view(true)).toBe(later);
});

test('naive forecasts: as a plain loop has them', async () => {
  const data = Float32Array.from({ length: 40 }, (_, i) => (i * 7) % 13);
  const series = { shape: [20, 2], data } as const;
  const column = Array.from({ length: 20 }, (_, row) => data[2 * row]);
  const one = await naiveForecasts(series, 12, 1, 5);
  expect([...one.truth]).toEqual(column.slice(12));
  expect([...one.persistence]).toEqual(column.slice(11, 19));
  expect([...(one.seasonal ?? [])]).toEqual(column.slice(7, 15));
  const many = await naiveForecasts(series, 12, 8, 5);
  expect([...many.truth]).toEqual(column.slice(12));
  expect([...many.persistence]).toEqual(Array(8).fill(column[11]));
  expect([...(many.seasonal ?? [])]).toEqual([7, 8, 9, 10, 11, 7, 8, 9].map((row) => column[row]));
  expect((await naiveForecasts(series, 12, 1, 13)).seasonal).toBeUndefined();
});

test('certainty: the mean gain in its own standard errors', () => {
  const truth = Float32Array.of(0, 0, 0, 0);
  // Gains 3, 8, 3, 8: mean 5.5, deviation 2.5, so 5.5 / (2.5 / 2).
  expect(certainty(Float32Array.of(1, 1, 1, 1), Float32Array.of(2, 3, 2, 3), truth)).toBeCloseTo(4.4, 9);
  expect(certainty(Float32Array.of(2, 3, 2, 3), Float32Array.of(1, 1, 1, 1), truth)).toBeCloseTo(-4.4, 9);
  expect(certainty(truth, truth, truth)).toBe(0);
});

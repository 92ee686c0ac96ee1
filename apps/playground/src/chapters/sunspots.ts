import { manualSeed, setBackend } from '@rnn/core';
import { GRU, LSTM, RNN } from '@rnn/nn';
import { parseSunspots } from '../data/sunspots.ts';
import type { ChapterContext } from './context.ts';
import { Forecaster, type SequenceLayer } from './forecaster.ts';
import { learnSeries, predictSeries } from './forecasting.ts';
import { rmse, standardise } from './series.ts';

/** Enough to beat "next = this" well; longer training gains little. */
const tourSteps = 150;

const layers: readonly (readonly [name: string, make: () => SequenceLayer])[] = [
  ['RNN', () => new RNN(1, 32)],
  ['LSTM', () => new LSTM(1, 32)],
  ['GRU', () => new GRU(1, 32)],
];

/** One network after its training. */
export interface Forecast {
  readonly name: string;
  readonly parameters: number;
  readonly steps: number;
  readonly seconds: number;
  /** One number for each held-out month. */
  readonly values: readonly number[];
  /** Root of the mean squared error on the held-out months, in sunspots. */
  readonly rmse: number;
}

export interface SunspotsResult {
  /** How many months the networks learned from. */
  readonly trainingMonths: number;
  /** The held-out months: `1957-01`, ... */
  readonly months: readonly string[];
  /** What was counted in them. */
  readonly truth: readonly number[];
  /** Error of "next month will be like this one". */
  readonly naive: number;
  readonly forecasts: readonly Forecast[];
}

/**
 * RNN, LSTM and GRU forecast the monthly sunspot number one month ahead; the last fifth of the
 * series is held out.
 */
export async function runSunspots(
  context: ChapterContext,
  only: readonly string[] = layers.map(([name]) => name),
): Promise<SunspotsResult> {
  const { months, values } = parseSunspots(await context.read('sunspots-monthly.csv'));
  const cut = Math.floor(values.length * 0.8);
  const truth = values.slice(cut);
  const series = standardise(values, cut);
  setBackend(context.backend);

  const forecasts: Forecast[] = [];
  for (const [name, make] of layers.filter(([name]) => only.includes(name))) {
    manualSeed(context.seed);
    const start = performance.now();
    const model = new Forecaster(make());
    const { steps } = await learnSeries(
      { task: name, model, series: series.values.subarray(0, cut), tourSteps },
      context,
    );
    const forecast = await predictSeries(model, series, cut);
    forecasts.push({
      name,
      parameters: model.parameterCount(),
      steps,
      seconds: (performance.now() - start) / 1000,
      values: forecast,
      rmse: rmse(forecast, truth),
    });
    model.dispose();
  }
  return {
    trainingMonths: cut,
    months: months.slice(cut),
    truth,
    naive: rmse(values.slice(cut - 1, -1), truth),
    forecasts,
  };
}

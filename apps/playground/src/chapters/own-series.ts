import { manualSeed, setBackend } from '@rnn/core';
import { LSTM } from '@rnn/nn';
import type { Series } from '../data/own-series.ts';
import type { ChapterContext } from './context.ts';
import { Forecaster } from './forecaster.ts';
import { learnSeries, predictSeries, window } from './forecasting.ts';
import { rmse, standardise } from './series.ts';

const tourSteps = 300;

export interface OwnSeriesResult {
  readonly column: string;
  /** How many values the network learned from, and how many it forecast after that. */
  readonly trained: number;
  readonly truth: readonly number[];
  readonly forecast: readonly number[];
  readonly rmse: number;
  /** Error of "the next value will be like this one". */
  readonly naive: number;
}

/**
 * An LSTM learns a series of one's own, and forecasts each value of its last fifth from the 60
 * before it.
 */
export async function runOwnSeries({ column, values }: Series, context: ChapterContext): Promise<OwnSeriesResult> {
  const cut = Math.floor(values.length * 0.8);
  if (cut <= window) {
    throw new RangeError(
      `The column '${column}' has ${values.length} values; at least ${Math.ceil((window + 1) / 0.8)} are needed.`,
    );
  }
  const series = standardise(values, cut);
  if (series.deviation === 0)
    throw new RangeError(`The column '${column}' has one value only: there is nothing to learn.`);
  setBackend(context.backend);
  manualSeed(context.seed);
  const model = new Forecaster(new LSTM(1, 32));
  await learnSeries({ task: 'LSTM', model, series: series.values.subarray(0, cut), tourSteps }, context);
  const forecast = await predictSeries(model, series, cut);
  model.dispose();
  const truth = values.slice(cut);
  return {
    column,
    trained: cut,
    truth,
    forecast,
    rmse: rmse(forecast, truth),
    naive: rmse(values.slice(cut - 1, -1), truth),
  };
}

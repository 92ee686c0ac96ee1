import type { Tensor } from '@rnn/core';
import { persistence, RootMeanSquaredError, seasonalNaive, windows, type HostValues } from '@rnn/train';
import type { ForecastBand, StepScores } from './view.ts';

/** What a forecast has to beat, each value beside the truth. */
export interface NaiveForecasts {
  readonly truth: Float32Array;
  readonly persistence: Float32Array;
  /** Undefined where the series has no season, or less than one before `first`. */
  readonly seasonal: Float32Array | undefined;
}

/**
 * Naive forecasts of the first column of a series.
 *
 * @param series - `[N, F]`
 * @param first - row that the forecasts begin at; all rows after it are forecast
 * @param horizon - rows that each forecast looks ahead: 1, or all of them for a single forecast
 * @param season - rows of a season
 */
export async function naiveForecasts(
  series: { readonly shape: readonly [number, number]; readonly data: Float32Array },
  first: number,
  horizon: number,
  season: number | undefined,
): Promise<NaiveForecasts> {
  const [rows, features] = series.shape;
  const count = rows - first - horizon + 1;
  const all = Array.from({ length: count }, (_, i) => i);
  const forecasts = async (length: number, of: (input: Tensor) => Tensor): Promise<[Float32Array, Float32Array]> => {
    const part: HostValues = {
      shape: [rows - first + length, features],
      data: series.data.subarray((first - length) * features),
    };
    const [input, target] = windows(part, length, horizon, { target: 0 }).batch(all);
    const naive = of(input);
    try {
      return [Float32Array.from(await naive.data()), Float32Array.from(await target.data())];
    } finally {
      for (const tensor of [input, target, naive]) tensor.dispose();
    }
  };
  const [same, truth] = await forecasts(1, (input) => persistence(input, horizon, { target: 0 }));
  if (season === undefined || season > first) return { truth, persistence: same, seasonal: undefined };
  const [seasonal] = await forecasts(season, (input) => seasonalNaive(input, season, horizon, { target: 0 }));
  return { truth, persistence: same, seasonal };
}

/** The root mean squared error. */
export function rootMeanSquare(values: Float32Array, truth: Float32Array): number {
  const metric = new RootMeanSquaredError();
  metric.update(values, truth);
  return metric.compute();
}

/** The part of the truth that a band holds, from 0 to 1. */
export function shareWithin({ lower, upper }: ForecastBand, truth: Float32Array): number {
  return truth.filter((value, i) => value >= lower[i] && value <= upper[i]).length / truth.length;
}

/** Scores of forecasts one step ahead, beside those of the naive ones. */
export function stepScores(model: Float32Array, { truth, persistence, seasonal }: NaiveForecasts): StepScores {
  return {
    model: rootMeanSquare(model, truth),
    persistence: rootMeanSquare(persistence, truth),
    seasonal: seasonal && rootMeanSquare(seasonal, truth),
    count: truth.length,
    certainty: certainty(model, persistence, truth),
  };
}

/**
 * The statistic of Diebold and Mariano (1995) for forecasts one step ahead: the mean of the
 * differences of squared errors, in standard errors of that mean. Above 0 the first one is better.
 */
export function certainty(first: Float32Array, second: Float32Array, truth: Float32Array): number {
  const gains = Float64Array.from(truth, (value, i) => (second[i] - value) ** 2 - (first[i] - value) ** 2);
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / gains.length;
  return variance === 0 ? 0 : mean / Math.sqrt(variance / gains.length);
}

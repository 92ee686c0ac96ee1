import { concat, noGrad, scope } from '@rnn/core';
import { mseLoss } from '@rnn/nn';
import { DataLoader, windows } from '@rnn/train';
import { trainingSteps, type ChapterContext } from './context.ts';
import type { Forecaster } from './forecaster.ts';
import type { StandardSeries } from './series.ts';
import { train, type Trained } from './training.ts';

/** Months that a network sees before it forecasts the next one. */
export const window = 60;

/** What learns from which months. */
interface SeriesTask {
  /** Its name in reports. */
  readonly task: string;
  readonly model: Forecaster;
  readonly series: Float32Array;
  /** Training steps unless the context has something to say about them. */
  readonly tourSteps: number;
}

/** A network learns to forecast the next value of a series from the ones before it. */
export async function learnSeries(
  { task, model, series, tourSteps }: SeriesTask,
  context: ChapterContext,
): Promise<Trained> {
  const data = new DataLoader(windows(series, window), { batchSize: 64, shuffle: true });
  const steps = trainingSteps(context, data.length, tourSteps);
  return train({ task, model, data, steps, loss: (model, [x, y]) => mseLoss(model.forward(x), y) }, context);
}

/** Forecasts of the months from `cut` on, each from the ones before it. */
export async function predictSeries(
  model: Forecaster,
  { values, mean, deviation }: StandardSeries,
  cut: number,
): Promise<number[]> {
  const loader = new DataLoader(windows(values.subarray(cut - window), window), { batchSize: 256 });
  const forecast = noGrad(() => scope(() => concat(Array.from(loader, ([x]) => model.forward(x)))));
  const standard = await forecast.data();
  forecast.dispose();
  return Array.from(standard, (value) => value * deviation + mean);
}

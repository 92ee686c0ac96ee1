import { concat, manualSeed, noGrad, scope, setBackend } from '@rnn/core';
import { GRU, LSTM, mseLoss, RNN } from '@rnn/nn';
import { Adam, DataLoader, fit, windows } from '@rnn/train';
import { parseSunspots } from '../data/sunspots.ts';
import { trainingSteps, type ChapterContext } from './context.ts';
import { Forecaster, type SequenceLayer } from './forecaster.ts';
import { rmse, standardise, type StandardSeries } from './series.ts';

/** Months that a network sees before it forecasts the next one. */
const window = 60;

const layers: readonly (readonly [name: string, make: () => SequenceLayer])[] = [
  ['RNN', () => new RNN(1, 32)],
  ['LSTM', () => new LSTM(1, 32)],
  ['GRU', () => new GRU(1, 32)],
];

/** Enough to beat "next = this" well; longer training gains little. */
const tourSteps = 150;

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

/** RNN, LSTM and GRU forecast the monthly sunspot number one month ahead; the last fifth of the series is held out. */
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
    const steps = await train(name, model, series.values.subarray(0, cut), context);
    const forecast = await predict(model, series, cut);
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

async function train(task: string, model: Forecaster, series: Float32Array, context: ChapterContext): Promise<number> {
  const loader = new DataLoader(windows(series, window), { batchSize: 64, shuffle: true });
  using optimizer = new Adam(model.parameters(), { lr: 0.005 });
  const steps = trainingSteps(context, loader.length, tourSteps);
  await fit(model, loader, {
    loss: (model, [x, y]) => mseLoss(model.forward(x), y),
    optimizer,
    clipNorm: 1,
    steps,
    onStep: ({ step, loss }) => context.report({ task, step, steps, loss }),
  });
  return steps;
}

/** Forecasts of the months from `cut` on. Their windows reach back into the months before. */
async function predict(model: Forecaster, { values, mean, deviation }: StandardSeries, cut: number): Promise<number[]> {
  const loader = new DataLoader(windows(values.subarray(cut - window), window), { batchSize: 256 });
  const forecast = noGrad(() => scope(() => concat(Array.from(loader, ([x]) => model.forward(x)))));
  const standard = await forecast.data();
  forecast.dispose();
  return Array.from(standard, (value) => value * deviation + mean);
}

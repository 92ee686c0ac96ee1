import { fromData, noGrad, scope, zeros, type Tensor } from '@rnn/core';
import { mseLoss } from '@rnn/nn';
import { Adam, DataLoader, forecast, splitInTime, StandardScaler, windows } from '@rnn/train';
import { endless } from '../../experiment/endless.ts';
import type { ExperimentOptions, Movable } from '../../experiment/experiment.ts';
import { ModelExperiment } from '../../experiment/model-experiment.ts';
import { PacedView } from '../../experiment/paced-view.ts';
import { update } from '../../experiment/update.ts';
import { Forecaster } from './forecaster.ts';
import { naiveForecasts, rootMeanSquare, shareWithin, stepScores, type NaiveForecasts } from './scores.ts';
import type { ForecastBand, ForecastPlace, ForecastSettings, ForecastView, PlaceScores } from './view.ts';

/** Rows of a training window. */
const windowLength = 64;
const batchSize = 32;
/** Rows that the model reads before the first one that it forecasts. */
const leadIn = 128;
/** Courses that are drawn for the bands. */
const paths = 64;

/** A recurrent network learns how a series goes on. */
export class ForecastExperiment extends ModelExperiment {
  protected readonly fileName = 'forecaster';
  readonly movable: readonly Movable[];
  private readonly settings: ForecastSettings;
  readonly model: Forecaster;
  readonly optimizer: Adam;
  private readonly batches: Iterator<[Tensor, Tensor]>;
  private readonly scaler: StandardScaler;
  private readonly scaled: Float32Array;
  private readonly trainEnd: number;
  private readonly testStart: number;
  private place: ForecastPlace;
  /** Naive forecasts of all rows of the test: they do not change while the model learns. */
  private naive: Promise<NaiveForecasts> | undefined;
  private readonly paced = new PacedView(() => this.draw(this.place));

  constructor({ settings }: ExperimentOptions<ForecastSettings>) {
    super();
    const { series, layer, hidden } = settings;
    const [rows, features] = series.shape;
    this.settings = settings;
    const [past, , future] = splitInTime(series, [0.7, 0.1, 0.2]);
    this.trainEnd = past.shape[0];
    this.testStart = rows - future.shape[0];
    this.place = settings.place ?? { origin: this.testStart, ahead: Math.min(48, rows - this.testStart) };
    // The scaler sees the past only, or it would tell the model how high the future goes.
    this.scaler = new StandardScaler().fit(past);
    this.scaled = Float32Array.from(this.scaler.transform(series).data);
    const examples = windows(
      { shape: past.shape, data: this.scaled.subarray(0, past.data.length) },
      Math.min(windowLength, Math.floor(this.trainEnd / 2)),
      1,
      { everyStep: true },
    );
    this.batches = endless(new DataLoader(examples, { batchSize, shuffle: true }));
    this.model = new Forecaster(layer, features, hidden);
    this.optimizer = new Adam(this.model.parameters(), { lr: 0.005 });
    this.movable = [this.model, this.optimizer];
  }

  step(): Tensor {
    const [x, y] = this.batches.next().value as [Tensor, Tensor];
    const loss = update(this, mseLoss(this.model.forward(x)[0], y));
    this.outdate();
    return loss;
  }

  view(isAtRest: boolean): Promise<ForecastView> {
    return this.paced.get(isAtRest);
  }

  /** Shows another part of the test, by the model as it is now. */
  look(place: ForecastPlace): Promise<ForecastView> {
    this.place = place;
    this.paced.outdate();
    return this.paced.get(true);
  }

  protected examples(): Tensor[] {
    const [, features] = this.settings.series.shape;
    return [zeros([8, 1, features])];
  }

  protected outdate(): void {
    this.paced.outdate();
  }

  private async draw(place: ForecastPlace): Promise<ForecastView> {
    const { trainEnd, testStart, settings, model } = this;
    const rows = settings.series.shape[0];
    const predicted = await this.predictions(trainEnd);
    const errors = this.errors(predicted);
    const { values, bands } = await this.course(place, errors);
    this.naive ??= naiveForecasts(this.slice(0, rows), testStart, 1, settings.season);
    return {
      ...place,
      trainEnd,
      testStart,
      parameters: model.parameterCount(),
      values,
      bands,
      oneStep: stepScores(this.column(predicted).slice(testStart - trainEnd), await this.naive),
      here: await this.placeScores(place, values, bands),
    };
  }

  /** Each row from `first` on, forecast from those before it, `[rows, F]`. */
  private async predictions(first: number): Promise<Float32Array> {
    const [rows, features] = this.settings.series.shape;
    const start = Math.max(0, first - leadIn);
    const output = noGrad(() =>
      scope(() => {
        const x = fromData(this.scaled.slice(start * features, (rows - 1) * features), [rows - 1 - start, 1, features]);
        return this.model.forward(x)[0].slice(0, first - 1 - start);
      }),
    );
    try {
      const data = Float32Array.from(await output.data());
      return Float32Array.from(this.scaler.inverse({ shape: [rows - first, features], data }).data);
    } finally {
      output.dispose();
    }
  }

  /** Errors on the rows between training and test, `[rows, F]`, which are not learnt from. */
  private errors(predicted: Float32Array): { shape: number[]; data: Float32Array } {
    const { trainEnd, testStart, settings } = this;
    const [, features] = settings.series.shape;
    const count = testStart - trainEnd;
    const truth = settings.series.data.subarray(trainEnd * features);
    const data = Float32Array.from({ length: count * features }, (_, i) => truth[i] - predicted[i]);
    return { shape: [count, features], data };
  }

  /** The forecast from a place, and the bands around it. */
  private async course(
    { origin, ahead }: ForecastPlace,
    noise: { shape: number[]; data: Float32Array },
  ): Promise<{ values: Float32Array; bands: ForecastBand[] }> {
    const { values, intervals } = await forecast(this.model, this.slice(Math.max(0, origin - leadIn), origin), ahead, {
      scaler: this.scaler,
      sampling: { paths, noise },
      levels: [0.8, 0.95],
    });
    return {
      values: this.column(values.data),
      bands: intervals.map(({ level, lower, upper }) => ({
        level,
        lower: this.column(lower.data),
        upper: this.column(upper.data),
      })),
    };
  }

  private async placeScores(
    { origin, ahead }: ForecastPlace,
    values: Float32Array,
    bands: readonly ForecastBand[],
  ): Promise<PlaceScores | undefined> {
    const { series, season } = this.settings;
    const count = Math.min(ahead, series.shape[0] - origin);
    if (count === 0) return undefined;
    const naive = await naiveForecasts(this.slice(0, origin + count), origin, count, season);
    const seasonal = naive.seasonal && rootMeanSquare(naive.seasonal, naive.truth);
    return {
      model: rootMeanSquare(values.slice(0, count), naive.truth),
      persistence: rootMeanSquare(naive.persistence, naive.truth),
      seasonal,
      count,
      inBand: shareWithin(bands[0], naive.truth),
    };
  }

  private slice(from: number, to: number): { shape: [number, number]; data: Float32Array } {
    const { shape, data } = this.settings.series;
    return { shape: [to - from, shape[1]], data: data.subarray(from * shape[1], to * shape[1]) };
  }

  /** The column that is shown. */
  private column(data: ArrayLike<number>): Float32Array {
    const [, features] = this.settings.series.shape;
    return Float32Array.from({ length: data.length / features }, (_, i) => data[i * features]);
  }
}

import { ArgumentError, Generator, ShapeError } from '@rnn/core';
import { checkCount, checkFlag, checkList, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { Scaler } from '../data/scaler.js';
import { givenNumbers, type HostArray, type HostValues, type TypedHostArray } from '../host-array.js';
import { checkModel } from '../evaluation.js';
import { ClosedLoop } from './closed-loop.js';
import { intervalsOf, quantileOf, type ForecastInterval } from './intervals.js';

/**
 * Features of the forecast steps that are known when the forecast is made, such as the day of the
 * week.
 */
export interface KnownAhead {
  /** Which features of the history they are. */
  readonly features: number | readonly number[];
  /**
   * Their values in the forecast steps, `[steps]` or `[steps, features]`, in the units of the
   * history.
   */
  readonly values: HostValues;
}

/** Forecasts that are drawn: how far off the model is, step by step. */
export interface ForecastSampling {
  /** How many courses are drawn; 200 unless given. */
  readonly paths?: number;
  /**
   * What is added at each step, in the units of the history: the standard deviation of normal
   * noise, or a list of errors of the model (on data it was not trained on), of which one is drawn.
   * For several targets the errors may be rows, `[N, targets]`: one row is drawn at each step, so
   * that each target gets errors of its own and what they have in common is kept.
   */
  readonly noise: number | ArrayLike<number> | HostValues;
  /** Makes the draws repeatable; they begin from 0 unless given. */
  readonly seed?: number;
}

export interface ForecastOptions {
  /**
   * What the model's inputs were scaled with: the history is scaled by it, and the forecast brought
   * back.
   */
  readonly scaler?: Scaler;
  /**
   * Which features the model forecasts: one, or several; all that are not known ahead unless given.
   */
  readonly target?: number | readonly number[];
  readonly known?: KnownAhead;
  /** How many steps the model forecasts at once, as in `windows`; 1 unless given. */
  readonly horizon?: number;
  /**
   * For a model of windows: steps that it sees, as in `windows`. Without it the model has to carry
   * its state.
   */
  readonly window?: number;
  /** Whether the batch comes before time in the model's input; false unless given. */
  readonly batchFirst?: boolean;
  /**
   * The quantiles that the model forecasts in place of one value, as in `quantileLoss`; 0.5 must be
   * one of them.
   */
  readonly quantiles?: readonly number[];
  /** Draws courses of the series, for intervals. */
  readonly sampling?: ForecastSampling;
  /** How probable each interval is that `sampling` gives; 0.8 and 0.95 unless given. */
  readonly levels?: readonly number[];
}

/** What `forecast` gives. */
export interface Forecast {
  /**
   * `[steps]` for one target, else `[steps, targets]`: the model's value, the median where there
   * are quantiles or courses.
   */
  readonly values: TypedHostArray;
  /** From the narrowest to the widest: that of each pair of quantiles, or of each level. */
  readonly intervals: readonly ForecastInterval[];
}

const names = ['scaler', 'target', 'known', 'horizon', 'window', 'batchFirst', 'quantiles', 'sampling', 'levels'];

/**
 * Forecasts a series by a trained model: what it forecasts becomes its input until all steps are
 * there.
 *
 * @example
 * ```ts
 * const { values, intervals } = await forecast(model, history, 12, {
 *   scaler,
 *   sampling: { noise: errors },
 * });
 * ```
 * @param model - `forward(x, state?)` gives `[output, state]`, x [T, B, F], of which the last step
 *   of the output is the forecast of what comes next; or, with the option `window`,
 *   `forward(x, known?)` of a window [window, B, F] gives the next values, [B, horizon] or [B,
 *   horizon, targets], as `windows` has them, known being [horizon, B, K]. With quantiles, they are
 *   the last dimension
 * @param history - the steps before, `[N]` or `[N, F]`, in units of the data where there is a
 *   `scaler`
 * @param steps - how many to forecast
 * @param options - `scaler`, `target`, `known`, `horizon` 1, `window`, `batchFirst` false,
 *   `quantiles`, `sampling`, `levels` [0.8, 0.95]
 * @returns values and intervals in the units of the history
 * @throws ArgumentError when an option makes no sense, or a feature that the model reads is neither
 *   a target nor known; ShapeError when the model gives another number of values
 *
 * The model runs in evaluation mode. Intervals of quantiles say how certain a step is if those
 * before it went as their medians did; those of courses grow with what the steps before may have
 * been. Differs from PyTorch: has no counterpart there.
 */
export async function forecast(
  model: Module,
  history: HostValues,
  steps: number,
  options: ForecastOptions = {},
): Promise<Forecast> {
  const owner = 'forecast';
  checkModel(owner, model);
  checkCount(owner, 'steps', steps, 1);
  checkOptions(owner, options, names);
  const { scaler, known, horizon = 1, window, batchFirst = false, quantiles, sampling, levels = [0.8, 0.95] } = options;
  checkCount(owner, 'horizon', horizon, 1);
  checkFlag(owner, 'batchFirst', batchFirst);
  if (scaler !== undefined && !(scaler instanceof Scaler)) {
    refuse(ArgumentError, owner, 'scaler', { value: scaler, expected: 'a scaler, such as StandardScaler' });
  }
  const series = matrixOf(owner, 'history', history);
  const [count, features] = series.shape;
  if (window !== undefined) checkCount(owner, 'window', window, 1, count);
  const ahead = known === undefined ? undefined : aheadOf(owner, known, steps, features);
  if (ahead !== undefined && window !== undefined && steps % horizon !== 0) {
    const hint = 'forecast some more, and leave out the last ones';
    refuse(ArgumentError, owner, 'steps', { value: steps, expected: `a multiple of the horizon, ${horizon}`, hint });
  }
  const targets = targetsOf(owner, options.target, features, ahead?.features ?? []);
  if (quantiles !== undefined) checkQuantiles(owner, quantiles, sampling);
  checkList(owner, 'levels', levels, 'level');
  levels.forEach((level, i) => checkNumber(owner, `levels[${i}]`, level, { above: 0, below: 1 }));
  const loop = new ClosedLoop(owner, model, {
    series,
    targets,
    ahead,
    scaler,
    horizon,
    window,
    batchFirst,
    quantiles: quantiles ?? [0.5],
    noise: sampling === undefined ? undefined : noiseOf(owner, sampling, horizon, targets.length),
    rows: sampling?.paths ?? (sampling === undefined ? 1 : 200),
  });
  const runs = await loop.run(steps);
  const isFlat = targets.length === 1 && (typeof options.target === 'number' || options.target === undefined);
  const shape = isFlat ? [steps] : [steps, targets.length];
  // One list for each step and target: its quantiles, or its courses.
  const at = (q: number): TypedHostArray => ({
    shape,
    data: Float32Array.from(runs, (list) =>
      quantiles === undefined ? quantileOf(list, q) : list[quantiles.indexOf(q)],
    ),
  });
  if (quantiles !== undefined) return { values: at(0.5), intervals: intervalsOf(quantiles, at) };
  const bounds = sampling === undefined ? [] : levels.flatMap((level) => [(1 - level) / 2, (1 + level) / 2]);
  return { values: at(0.5), intervals: intervalsOf(bounds, at) };
}

function matrixOf(owner: string, argument: string, values: HostValues): HostArray {
  const { shape, data } = givenNumbers(owner, argument, values);
  const isMatrix = shape.length === 2 && data.length > 0;
  if (!isMatrix && (shape.length !== 1 || data.length === 0)) {
    const expected = '[N] or [N, F], at least one step';
    refuse(ShapeError, owner, argument, { has: 'shape', received: `[${shape.join(', ')}]`, expected });
  }
  return { shape: isMatrix ? shape : [shape[0], 1], data };
}

function aheadOf(
  owner: string,
  known: KnownAhead,
  steps: number,
  count: number,
): { readonly features: readonly number[]; readonly values: HostArray } {
  checkOptions(owner, known, ['features', 'values']);
  const features = featuresOf(owner, 'known.features', known.features, count);
  const values = matrixOf(owner, 'known.values', known.values);
  const [rows, width] = values.shape;
  if (rows !== steps || width !== features.length) {
    const expected = `[${steps}, ${features.length}], a row for each step`;
    refuse(ShapeError, owner, 'known.values', { has: 'shape', received: `[${values.shape.join(', ')}]`, expected });
  }
  return { features, values };
}

function featuresOf(
  owner: string,
  argument: string,
  given: number | readonly number[],
  count: number,
): readonly number[] {
  const features = typeof given === 'number' ? [given] : given;
  checkList(owner, argument, features, 'feature', 1);
  for (const feature of features) checkCount(owner, argument, feature, 0, count - 1);
  return features;
}

function targetsOf(
  owner: string,
  target: number | readonly number[] | undefined,
  count: number,
  known: readonly number[],
): readonly number[] {
  const all = Array.from({ length: count }, (_, f) => f);
  if (target === undefined) return all.filter((f) => !known.includes(f));
  const targets = featuresOf(owner, 'target', target, count);
  const missing = all.filter((f) => !targets.includes(f) && !known.includes(f));
  if (missing.length > 0) {
    const expected = 'each feature that the model reads to be a target or known ahead';
    const received = `without feature ${missing.join(', ')}`;
    refuse(ArgumentError, owner, 'target', { received, expected, hint: 'give its values as known' });
  }
  return targets;
}

function checkQuantiles(owner: string, quantiles: readonly number[], sampling: unknown): void {
  checkList(owner, 'quantiles', quantiles, 'quantile', 1);
  quantiles.forEach((q, i) => checkNumber(owner, `quantiles[${i}]`, q, { above: 0, below: 1 }));
  if (!quantiles.includes(0.5)) {
    const received = `[${quantiles.join(', ')}]`;
    refuse(ArgumentError, owner, 'quantiles', { received, expected: '0.5 among them: it goes on from the median' });
  }
  if (sampling !== undefined) {
    refuse(ArgumentError, owner, 'sampling', { value: sampling, expected: 'quantiles or sampling, not both' });
  }
}

/** Returns a sampler of what is added to the values of some rows, `[rows, horizon, targets]`. */
function noiseOf(
  owner: string,
  sampling: ForecastSampling,
  horizon: number,
  targets: number,
): (rows: number) => Float32Array {
  checkOptions(owner, sampling, ['paths', 'noise', 'seed']);
  const { paths = 200, noise, seed = 0 } = sampling;
  checkCount(owner, 'sampling.paths', paths, 1);
  const generator = new Generator(seed);
  const width = horizon * targets;
  if (typeof noise === 'number') {
    checkNumber(owner, 'sampling.noise', noise, { from: 0 });
    return (rows) => {
      const drawn = new Float32Array(rows * width);
      generator.normal(drawn, 0, noise);
      return drawn;
    };
  }
  const { shape, data: errors } = matrixOf(owner, 'sampling.noise', noise as HostValues);
  const each = shape[1];
  if (each !== 1 && each !== targets) {
    const expected = `[N], or [N, ${targets}], an error of each target in a row`;
    refuse(ShapeError, owner, 'sampling.noise', { has: 'shape', received: `[${shape.join(', ')}]`, expected });
  }
  return (rows) => {
    const drawn = new Float32Array(rows * width);
    for (let i = 0; i < drawn.length; i += each) {
      const row = Math.floor(generator.nextUniform() * shape[0]) * each;
      for (let target = 0; target < each; target++) drawn[i + target] = errors[row + target];
    }
    return drawn;
  };
}

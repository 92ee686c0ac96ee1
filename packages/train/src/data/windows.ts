import { ArgumentError, ShapeError, type Backend, type Tensor } from '@rnn/core';
import { checkCount, checkFlag, checkList, checkOptions, refuse } from '@rnn/core/checks';
import { hostArrayOf, uploaded, zerosLikeArray, type HostValues, type TypedHostArray } from '../host-array.js';
import { checkIndices, type Dataset } from './dataset.js';

export interface WindowOptions {
  /**
   * Whether the batch comes before time in the input; false unless given, as for the recurrent
   * layers.
   */
  readonly batchFirst?: boolean;
  /** Steps from one window to the next; 1 unless given. */
  readonly stride?: number;
  /** Which features to forecast: one, or several; all of them unless given. */
  readonly target?: number | readonly number[];
  /** Steps of the series from one that the model sees to the next; 1 unless given. */
  readonly dilation?: number;
  /**
   * Steps between the last that the model sees and the first that it is to forecast; 0 unless
   * given.
   */
  readonly gap?: number;
  /**
   * Whether there is a target for every step that the model sees: what follows it, `gap` steps
   * between. So a model that carries its state learns from each step. The horizon is 1 then; false
   * unless given.
   */
  readonly everyStep?: boolean;
}

/** The same with features of the forecast steps that are known when the forecast is made. */
export interface KnownWindowOptions extends WindowOptions {
  /**
   * Which features are known ahead: one or several, such as the day of the week or a price that is
   * set.
   */
  readonly known: number | readonly number[];
}

/**
 * Stretches of a series, each with what follows it: the examples of a forecast. Windows overlap and
 * are cut out batch by batch.
 *
 * @example
 * ```ts
 * const data = windows([1, 2, 3, 4, 5], 3);       // 1 2 3 -> 4, 2 3 4 -> 5
 * const [input, target] = data.batch([0, 1]);     // input [3, 2, 1], target [2, 1]
 * ```
 * @param series - N steps in order: a list or typed array of numbers, a nested list `[N][F]`, or
 *   `{ shape: [N, F], data }`
 * @param length - steps that the model sees
 * @param horizon - steps that it is to forecast
 * @param options - `batchFirst` false, `stride` 1, `target` all features, `dilation` 1, `gap` 0,
 *   `everyStep` false, `known` none
 * @returns a data set whose batches are `[input, target]`: input [length, B, F] ([B, length, F]
 *   with `batchFirst`), F being 1 for a series of single numbers; target [B, horizon] for these and
 *   for one `target` feature, else [B, horizon, features]. With `known` they are
 *   `[input, target, ahead]`: ahead [horizon, B, K] ([B, horizon, K]), the known features of the
 *   steps of the target.
 *   With `everyStep` targets are [length, B] or [length, B, features] ([B, length, ...]), and ahead
 *   is [length, B, K]
 * @throws ArgumentError when the series is too short for one window, or an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there.
 */
export function windows(
  series: HostValues,
  length: number,
  horizon: number,
  options: KnownWindowOptions,
): Dataset<[Tensor, Tensor, Tensor]>;
export function windows(
  series: HostValues,
  length: number,
  horizon?: number,
  options?: WindowOptions,
): Dataset<[Tensor, Tensor]>;
export function windows(
  series: HostValues,
  length: number,
  horizon = 1,
  options: WindowOptions | KnownWindowOptions = {},
): Dataset<[Tensor, Tensor] | [Tensor, Tensor, Tensor]> {
  const owner = 'windows';
  checkOptions(owner, options, ['batchFirst', 'stride', 'target', 'dilation', 'gap', 'everyStep', 'known']);
  const { batchFirst = false, stride = 1, target, dilation = 1, gap = 0, everyStep = false } = options;
  const { known } = options as Partial<KnownWindowOptions>;
  checkFlag(owner, 'batchFirst', batchFirst);
  const { shape, data } = hostArrayOf(owner, 'series', series);
  checkCount(owner, 'length', length, 1);
  checkCount(owner, 'horizon', horizon, 1);
  checkCount(owner, 'stride', stride, 1);
  checkCount(owner, 'dilation', dilation, 1);
  checkCount(owner, 'gap', gap, 0);
  checkFlag(owner, 'everyStep', everyStep);
  if (everyStep) checkCount(owner, 'horizon', horizon, 1, 1);
  if (shape.length !== 1 && shape.length !== 2) {
    refuse(ShapeError, owner, 'series', { has: 'shape', received: `[${shape.join(', ')}]`, expected: '[N] or [N, F]' });
  }
  const [steps, features = 1] = shape;
  const chosen = typeof target === 'number' ? [target] : target === undefined ? all(features) : target;
  checkList(owner, 'target', chosen, 'feature', 1);
  for (const feature of chosen) checkCount(owner, 'target', feature, 0, features - 1);
  const ahead = typeof known === 'number' ? [known] : known;
  if (ahead !== undefined) {
    checkList(owner, 'known', ahead, 'features', 1);
    for (const feature of ahead) checkCount(owner, 'known', feature, 0, features - 1);
  }
  // From the first step that a model sees to the first that it is to forecast.
  const lead = (length - 1) * dilation + 1 + gap;
  if (steps < lead + horizon) {
    const plain = dilation === 1 && gap === 0;
    const sum = plain ? 'length + horizon' : '(length - 1) * dilation + 1 + gap + horizon';
    const expected = `at least ${sum}, ${lead + horizon}`;
    refuse(ArgumentError, owner, 'series', { has: 'length', received: String(steps), expected });
  }
  const flat = typeof target === 'number' || (target === undefined && shape.length === 1);
  const source = { shape: [steps, features], data };
  const count = Math.floor((steps - lead - horizon) / stride) + 1;
  return {
    length: count,
    batch(indices, backend) {
      checkIndices(owner, indices, count);
      const starts = Array.from(indices, (i) => i * stride);
      const input = cut(source, starts, length, dilation, all(features), batchFirst, [features], backend);
      const rest = flat ? [] : [chosen.length];
      if (everyStep) {
        const next = starts.map((start) => start + 1 + gap);
        const targets = cut(source, next, length, dilation, chosen, batchFirst, rest, backend);
        if (ahead === undefined) return [input, targets];
        return [input, targets, cut(source, next, length, dilation, ahead, batchFirst, [ahead.length], backend)];
      }
      const ends = starts.map((start) => start + lead);
      const forecast = cut(source, ends, horizon, 1, chosen, true, rest, backend);
      if (ahead === undefined) return [input, forecast];
      return [input, forecast, cut(source, ends, horizon, 1, ahead, batchFirst, [ahead.length], backend)];
    },
  };
}

function all(features: number): number[] {
  return Array.from({ length: features }, (_, i) => i);
}

/** Copies stretches of some features into one tensor. */
function cut(
  { shape: [, features], data }: TypedHostArray,
  starts: readonly number[],
  length: number,
  dilation: number,
  chosen: readonly number[],
  batchFirst: boolean,
  rest: readonly number[],
  backend: Backend | undefined,
): Tensor {
  const count = starts.length;
  const width = chosen.length;
  const values = zerosLikeArray(data, count * length * width);
  starts.forEach((start, b) => {
    for (let t = 0; t < length; t++) {
      const from = (start + t * dilation) * features;
      const to = (batchFirst ? b * length + t : t * count + b) * width;
      for (let f = 0; f < width; f++) values[to + f] = data[from + chosen[f]];
    }
  });
  return uploaded(values, [...(batchFirst ? [count, length] : [length, count]), ...rest], backend);
}

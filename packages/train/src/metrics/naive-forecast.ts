import { indexSelect, scope, ShapeError, squeeze, tensor, type Tensor, transpose } from '@rnn/core';
import { checkCount, checkFlag, checkList, checkOptions, checkTensor, refuse } from '@rnn/core/checks';

export interface NaiveForecastOptions {
  /** Whether the batch comes before time in the input; false unless given, as for `windows`. */
  readonly batchFirst?: boolean;
  /** Which features to forecast: one, or several; all of them unless given, as for `windows`. */
  readonly target?: number | readonly number[];
}

/**
 * The simplest forecast: everything stays as it was last. A model that is not better than this has
 * learnt nothing.
 *
 * @example
 * ```ts
 * const [input, target] = windows([1, 2, 3, 4, 5], 3, 2).batch([0]);   // 1 2 3 -> 4 5
 * const mae = new MeanAbsoluteError();
 * mae.update(persistence(input, 2, { target: 0 }), target);   // 3 3 against 4 5
 * mae.compute();   // 1.5
 * ```
 * @param input - `[T, B, F]`, or `[B, T, F]` with `batchFirst`, as `windows` gives it
 * @param horizon - steps to forecast
 * @param options - `batchFirst` false, `target` all features
 * @returns `[B, horizon]` for one `target` feature, else `[B, horizon, features]`
 * @throws ShapeError when the input has other dimensions; ArgumentError when an option makes no
 *   sense
 *
 * Differs from PyTorch: has no counterpart there.
 */
export function persistence(input: Tensor, horizon = 1, options: NaiveForecastOptions = {}): Tensor {
  return repeated('persistence', input, 1, horizon, options);
}

/**
 * The forecast that everything is as it was one period ago: y_(T + h) = y_(T + h - m ceil(h / m))
 * for a period of m steps.
 *
 * @example
 * ```ts
 * const [input] = windows([1, 2, 3, 1, 2, 3, 1], 6).batch([0]);
 * seasonalNaive(input, 3, 4, { target: 0 });   // [[1, 2, 3, 1]]
 * ```
 * @param input - `[T, B, F]`, or `[B, T, F]` with `batchFirst`, as `windows` gives it; T at least
 *   the period
 * @param period - steps after which the series repeats itself: 12 for months, 7 for days of a week
 * @param horizon - steps to forecast
 * @param options - `batchFirst` false, `target` all features
 * @returns `[B, horizon]` for one `target` feature, else `[B, horizon, features]`
 * @throws ShapeError when the input has other dimensions; ArgumentError when an option makes no
 *   sense or the period is longer than the input
 *
 * Differs from PyTorch: has no counterpart there. Source: Hyndman and Athanasopoulos, Forecasting:
 * principles and practice, 3rd edition, 5.2.
 */
export function seasonalNaive(input: Tensor, period: number, horizon = 1, options: NaiveForecastOptions = {}): Tensor {
  return repeated('seasonalNaive', input, period, horizon, options);
}

/** The last `period` steps of each sequence, over and over. */
function repeated(
  owner: string,
  input: Tensor,
  period: number,
  horizon: number,
  options: NaiveForecastOptions,
): Tensor {
  checkTensor(owner, 'input', input);
  checkOptions(owner, options, ['batchFirst', 'target']);
  const { batchFirst = false, target } = options;
  checkFlag(owner, 'batchFirst', batchFirst);
  if (input.shape.length !== 3) {
    const expected = batchFirst ? '[B, T, F]' : '[T, B, F]';
    refuse(ShapeError, owner, 'input', { has: 'shape', received: `[${input.shape.join(', ')}]`, expected });
  }
  const time = batchFirst ? 1 : 0;
  const steps = input.shape[time];
  const features = input.shape[2];
  checkCount(owner, 'period', period, 1, steps);
  checkCount(owner, 'horizon', horizon, 1);
  const chosen = typeof target === 'number' ? [target] : target;
  if (chosen !== undefined) {
    checkList(owner, 'target', chosen, 'feature', 1);
    for (const feature of chosen) checkCount(owner, 'target', feature, 0, features - 1);
  }
  const { backend } = input;
  const last = Int32Array.from({ length: horizon }, (_, h) => steps - period + (h % period));
  return scope(() => {
    let result = indexSelect(input, time, tensor(last, { backend }));
    if (!batchFirst) result = transpose(result, 0, 1);
    if (chosen !== undefined) result = indexSelect(result, 2, tensor(Int32Array.from(chosen), { backend }));
    return typeof target === 'number' ? squeeze(result, 2) : result;
  });
}

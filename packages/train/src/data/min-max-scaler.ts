import { ArgumentError } from '@rnn/core';
import { checkList, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import { Scaler } from './scaler.js';

export interface MinMaxScalerOptions {
  /** What the smallest and the largest value become; `[0, 1]` unless given. */
  readonly range?: readonly [number, number];
}

/**
 * Brings each feature into a range, `[0, 1]` unless given: its smallest value to the lower end, its
 * largest to the upper one. Later values outside of what `fit` saw go outside of the range.
 *
 * @example
 * ```ts
 * const scaler = new MinMaxScaler().fit([[1, 10], [3, 30]]);
 * scaler.transform([[2, 40]]).data;   // [0.5, 1.5]
 * ```
 * A feature that has one value throughout goes to the lower end and is not stretched;
 * `constantFeatures` names it. The range is no part of the state, as options of a module are not:
 * load into a scaler with the same one.
 *
 * @param options - `range` [0, 1]
 * @throws ArgumentError when the range has no extent
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `MinMaxScaler`, which takes NaN for missing where this refuses it.
 */
export class MinMaxScaler extends Scaler {
  private readonly extent: number;

  constructor(options: MinMaxScalerOptions = {}) {
    const owner = 'MinMaxScaler';
    checkOptions(owner, options, ['range']);
    const { range = [0, 1] } = options;
    checkList(owner, 'range', range, 'numbers', 2);
    const [low, high] = range;
    checkNumber(owner, 'range[0]', low);
    checkNumber(owner, 'range[1]', high);
    if (low >= high)
      refuse(ArgumentError, owner, 'range', { received: `[${low}, ${high}]`, expected: 'a rising pair' });
    super(owner, low);
    this.extent = high - low;
  }

  protected override look(
    data: ArrayLike<number>,
    first: number,
    step: number,
  ): { offset: number; scale: number; isConstant: boolean } {
    let [low, high] = [data[first], data[first]];
    for (let i = first; i < data.length; i += step) {
      low = Math.min(low, data[i]);
      high = Math.max(high, data[i]);
    }
    return { offset: low, scale: (high - low) / this.extent, isConstant: high === low };
  }
}

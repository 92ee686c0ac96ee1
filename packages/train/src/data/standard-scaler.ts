import { Scaler } from './scaler.js';

/**
 * Brings each feature to mean 0 and standard deviation 1: (x - mean) / std, with the standard
 * deviation of the values themselves (over N).
 *
 * @example
 * ```ts
 * const [train, test] = splitInTime(series, [0.8, 0.2]);
 * const scaler = new StandardScaler().fit(train);
 * const data = windows(scaler.transform(train), 12);
 * const text = JSON.stringify(scaler.stateDict());   // saved beside the model
 * ```
 * A feature that has one value throughout, to the rounding of its mean, is moved to 0 and not
 * stretched; `constantFeatures` names it.
 *
 * Differs from PyTorch: has no counterpart there; the numbers are those of scikit-learn's
 * `StandardScaler`, which takes NaN for missing where this refuses it.
 */
export class StandardScaler extends Scaler {
  constructor() {
    super('StandardScaler', 0);
  }

  /**
   * Two passes with float64 sums, of which the second corrects the mean's rounding: exact also far
   * from 0.
   */
  protected override look(
    data: ArrayLike<number>,
    first: number,
    step: number,
  ): { offset: number; scale: number; isConstant: boolean } {
    let [count, sum] = [0, 0];
    for (let i = first; i < data.length; i += step) {
      count++;
      sum += data[i];
    }
    const rough = sum / count;
    let [rest, squares] = [0, 0];
    for (let i = first; i < data.length; i += step) {
      const distance = data[i] - rough;
      rest += distance;
      squares += distance * distance;
    }
    const offset = rough + rest / count;
    const variance = Math.max(0, squares - (rest * rest) / count) / count;
    const isConstant = variance <= count * Number.EPSILON * variance + (count * offset * Number.EPSILON) ** 2;
    return { offset, scale: Math.sqrt(variance), isConstant };
  }
}

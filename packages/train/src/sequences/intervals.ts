import type { TypedHostArray } from '../host-array.js';

/** Where a forecast lies with some probability. */
export interface ForecastInterval {
  /** How probable it is: 0.8 between the quantiles 0.1 and 0.9. */
  readonly level: number;
  readonly lower: TypedHostArray;
  readonly upper: TypedHostArray;
}

/**
 * The quantile of a sample, between its elements by straight lines, as NumPy and PyTorch have it.
 *
 * @param sorted - ascending
 */
export function quantileOf(sorted: ArrayLike<number>, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const value = sorted[below];
  return below + 1 < sorted.length ? value + (at - below) * (sorted[below + 1] - value) : value;
}

/**
 * An interval for each pair of quantiles that lie symmetrically about the median, the narrowest
 * first.
 */
export function intervalsOf(quantiles: readonly number[], at: (q: number) => TypedHostArray): ForecastInterval[] {
  const lower = quantiles.filter((q) => q < 0.5).sort((a, b) => b - a);
  return lower.flatMap((q) => {
    const upper = quantiles.find((other) => Math.abs(1 - other - q) < 1e-9);
    if (upper === undefined) return [];
    return [{ level: Number((upper - q).toFixed(9)), lower: at(q), upper: at(upper) }];
  });
}

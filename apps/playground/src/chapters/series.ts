/** A series moved and scaled so that its first part has mean 0 and standard deviation 1. */
export interface StandardSeries {
  readonly values: Float32Array;
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Standardises by the first `count` values alone: what comes after them is the future, of which a
 * forecast knows nothing.
 */
export function standardise(series: readonly number[], count: number): StandardSeries {
  const known = series.slice(0, count);
  const mean = known.reduce((sum, value) => sum + value, 0) / count;
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  return { values: Float32Array.from(series, (value) => (value - mean) / deviation), mean, deviation };
}

/** Root of the mean squared difference. */
export function rmse(forecast: readonly number[], truth: readonly number[]): number {
  return Math.sqrt(truth.reduce((sum, value, i) => sum + (forecast[i] - value) ** 2, 0) / truth.length);
}

/** An error beside that of a simpler forecast, in words. */
export function comparedTo(error: number, naive: number): string {
  const percent = 100 * (1 - error / naive);
  return `${Math.abs(percent).toFixed(0)} % ${percent < 0 ? 'more' : 'less'}`;
}

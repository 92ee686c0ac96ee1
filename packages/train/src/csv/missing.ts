/** What becomes of cells without a value. */
export type MissingPolicy = 'error' | 'drop' | 'previous' | 'linear' | 'mean' | number;

export const missingPolicies: readonly Exclude<MissingPolicy, number>[] = [
  'error',
  'drop',
  'previous',
  'linear',
  'mean',
];

/**
 * Fills NaN in a column; what cannot be filled stays.
 *
 * @param values - changed in place
 * @param policy - `'previous'`: the last value before; `'linear'`: on the line between the values
 *   around; `'mean'`: of all values; a number
 */
export function filled(values: Float64Array, policy: Exclude<MissingPolicy, 'error' | 'drop'>): void {
  if (policy === 'linear') {
    fillLines(values);
    return;
  }
  const present = values.filter((value) => !Number.isNaN(value));
  const constant = policy === 'mean' ? present.reduce((sum, value) => sum + value, 0) / present.length : policy;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) values[i] = constant === 'previous' ? (values[i - 1] ?? NaN) : constant;
  }
}

/** Beyond the first and the last value there is no line. */
function fillLines(values: Float64Array): void {
  let from = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    const steps = from < 0 ? 0 : i - from;
    for (let step = 1; step < steps; step++) {
      values[from + step] = values[from] + ((values[i] - values[from]) * step) / steps;
    }
    from = i;
  }
}

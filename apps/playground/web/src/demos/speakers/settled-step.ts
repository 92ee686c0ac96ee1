/**
 * Since when a net has been of its last opinion.
 *
 * @param beliefs - `[steps, classes]`
 * @returns the last opinion, and the step from which on it stays
 */
export function settledStep(beliefs: Float32Array, classes: number): { heard: number; step: number } {
  const steps = beliefs.length / classes;
  const opinion = (step: number): number => {
    const row = beliefs.subarray(step * classes, (step + 1) * classes);
    return row.indexOf(Math.max(...row));
  };
  const heard = opinion(steps - 1);
  let step = steps - 1;
  while (step > 0 && opinion(step - 1) === heard) step--;
  return { heard, step };
}

/** Whether backends that trained the same net from the same seed computed the same. */
import type { BackendInfo } from '@rnn/core';

/**
 * Steps whose losses are compared. In longer runs rounding grows from step to step, on any two
 * devices.
 */
export const comparedSteps = 20;
/**
 * What conformance allows where a backend declares no bound of its own: the least tolerance of its
 * reference cases.
 */
const leastTolerance = 1e-6;

/** How far a backend's losses are from those of the one that they are compared with. */
export interface Agreement {
  /** Steps that both did, at most `comparedSteps`. */
  readonly steps: number;
  /** The largest difference, relative to 1 or the loss where that is larger. */
  readonly difference: number;
  /** What the backend's arithmetic allows. */
  readonly tolerance: number;
  readonly agrees: boolean;
}

/** The error that one operation on this backend may have. */
export function toleranceOf(info: BackendInfo): number {
  return Math.max(info.bound?.tolerance ?? 0, leastTolerance);
}

/**
 * Compares losses, the first of which is that of step 1.
 *
 * @param tolerance - what each of them may be off
 * @returns undefined before both did a step
 */
export function agreementOf(
  losses: readonly number[],
  reference: readonly number[],
  tolerance: number,
): Agreement | undefined {
  const steps = Math.min(losses.length, reference.length, comparedSteps);
  if (steps === 0) return undefined;
  const errors = Array.from({ length: steps }, (_, i) => {
    const error = Math.abs(losses[i] - reference[i]) / Math.max(1, Math.abs(reference[i]));
    // A loss that is no number agrees with nothing.
    return Number.isNaN(error) ? Infinity : error;
  });
  const difference = Math.max(...errors);
  return { steps, difference, tolerance, agrees: difference <= tolerance };
}

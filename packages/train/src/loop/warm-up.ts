import type { Optimizer } from '../optimizers/optimizer.js';

/** The share of its rate that a step (from 1) has: it rises evenly to 1 over the first steps. */
export function warmUpFactor(step: number, warmup: number): number {
  return Math.min(1, step / Math.max(1, warmup));
}

/**
 * A step of the optimiser with a share of its rates, which are afterwards what the schedule made
 * them.
 */
export function stepAt(optimizer: Optimizer, factor: number): void {
  if (factor === 1) {
    optimizer.step();
    return;
  }
  const rates = optimizer.paramGroups.map(({ lr }) => lr);
  try {
    for (const group of optimizer.paramGroups) group.lr *= factor;
    optimizer.step();
  } finally {
    optimizer.paramGroups.forEach((group, i) => {
      group.lr = rates[i];
    });
  }
}

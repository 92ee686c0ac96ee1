import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface LinearLROptions extends LRSchedulerOptions {
  /** The factor of the first step; 1/3 unless given. */
  readonly startFactor?: number;
  /** The factor of step `totalIters` and all later ones; 1 unless given. */
  readonly endFactor?: number;
  /** How many steps the factor moves; 5 unless given. */
  readonly totalIters?: number;
}

type Settings = Readonly<Record<'startFactor' | 'endFactor' | 'totalIters', number>>;

/**
 * Multiplies the learning rate by a factor that moves along a straight line from `startFactor` to
 * `endFactor` in `totalIters` steps, and then stays: a warm-up.
 *
 * @example
 * ```ts
 * const schedule = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 100 });
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `startFactor` 1/3, `endFactor` 1, `totalIters` 5, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers.
 */
export class LinearLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: LinearLROptions = {}) {
    const owner = 'LinearLR';
    checkOptions(owner, options, ['startFactor', 'endFactor', 'totalIters', 'lastEpoch']);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5, lastEpoch = -1 } = options;
    checkNumber(owner, 'startFactor', startFactor, { above: 0, to: 1 });
    checkNumber(owner, 'endFactor', endFactor, { from: 0, to: 1 });
    checkCount(owner, 'totalIters', totalIters, 1);
    super(owner, optimizer, { startFactor, endFactor, totalIters }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup, _baseLr: number, initial: boolean): number {
    const { startFactor, endFactor, totalIters } = this.settings;
    const t = this.lastEpoch;
    if (t === 0) return lr * startFactor;
    if (initial || t > totalIters) return lr;
    const change = endFactor - startFactor;
    // Where the line ends at 0, rounding would take the rate below it.
    return Math.max(0, lr * (1 + change / (totalIters * startFactor + (t - 1) * change)));
  }
}

import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface ConstantLROptions extends LRSchedulerOptions {
  /** The factor of the first `totalIters` steps; 1/3 unless given. */
  readonly factor?: number;
  /** How many steps it holds; 5 unless given. */
  readonly totalIters?: number;
}

type Settings = Readonly<Record<'factor' | 'totalIters', number>>;

/**
 * Multiplies the learning rate by `factor` for the first `totalIters` steps, and takes the factor
 * back then.
 *
 * @example
 * ```ts
 * const schedule = new ConstantLR(optimizer, { factor: 0.5, totalIters: 4 }); // half the rate for 4 epochs
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `factor` 1/3, `totalIters` 5, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: a factor of 0, which cannot be taken back (PyTorch divides by it then), is
 * refused.
 */
export class ConstantLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: ConstantLROptions = {}) {
    checkOptions('ConstantLR', options, ['factor', 'totalIters', 'lastEpoch']);
    const { factor = 1 / 3, totalIters = 5, lastEpoch = -1 } = options;
    checkNumber('ConstantLR', 'factor', factor, { above: 0, to: 1 });
    checkCount('ConstantLR', 'totalIters', totalIters, 1);
    super('ConstantLR', optimizer, { factor, totalIters }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup): number {
    const { factor, totalIters } = this.settings;
    if (this.lastEpoch === 0) return lr * factor;
    return this.lastEpoch === totalIters ? lr * (1 / factor) : lr;
  }
}

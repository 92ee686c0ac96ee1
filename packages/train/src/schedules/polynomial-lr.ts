import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface PolynomialLROptions extends LRSchedulerOptions {
  /** How many steps the rate falls, to 0; 5 unless given. */
  readonly totalIters?: number;
  /** The power of the polynomial; 1 unless given, a straight line. */
  readonly power?: number;
}

type Settings = Readonly<Record<'totalIters' | 'power', number>>;

/**
 * Lets the learning rate fall to 0 in `totalIters` steps: `lr_t = lr_0 (1 - t / totalIters)^power`,
 * computed from the rate before, as PyTorch does.
 *
 * @example
 * ```ts
 * const schedule = new PolynomialLR(optimizer, { totalIters: 100, power: 2 });
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `totalIters` 5, `power` 1, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers.
 */
export class PolynomialLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: PolynomialLROptions = {}) {
    checkOptions('PolynomialLR', options, ['totalIters', 'power', 'lastEpoch']);
    const { totalIters = 5, power = 1, lastEpoch = -1 } = options;
    checkCount('PolynomialLR', 'totalIters', totalIters, 1);
    checkNumber('PolynomialLR', 'power', power, { above: 0 });
    super('PolynomialLR', optimizer, { totalIters, power }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup, _baseLr: number, initial: boolean): number {
    const { totalIters, power } = this.settings;
    const t = this.lastEpoch;
    if (initial || t > totalIters) return lr;
    return lr * ((1 - t / totalIters) / (1 - (t - 1) / totalIters)) ** power;
  }
}

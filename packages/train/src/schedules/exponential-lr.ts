import { checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface ExponentialLROptions extends LRSchedulerOptions {
  /** What the rate is multiplied by at every step. */
  readonly gamma: number;
}

type Settings = Readonly<Record<'gamma', number>>;

/**
 * Multiplies the learning rate by `gamma` at every step of the schedule.
 *
 * @example
 * ```ts
 * const schedule = new ExponentialLR(optimizer, { gamma: 0.95 });
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `gamma`, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers.
 */
export class ExponentialLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: ExponentialLROptions) {
    checkOptions('ExponentialLR', options, ['gamma', 'lastEpoch']);
    const { gamma, lastEpoch = -1 } = options;
    checkNumber('ExponentialLR', 'gamma', gamma, { from: 0 });
    super('ExponentialLR', optimizer, { gamma }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup, _baseLr: number, initial: boolean): number {
    return initial ? lr : lr * this.settings.gamma;
  }
}

import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface StepLROptions extends LRSchedulerOptions {
  /** How many steps a rate holds. */
  readonly stepSize: number;
  /** What it is multiplied by then; 0.1 unless given. */
  readonly gamma?: number;
}

type Settings = Readonly<Record<'stepSize' | 'gamma', number>>;

/**
 * Multiplies the learning rate by `gamma` every `stepSize` steps of the schedule.
 *
 * @example
 * ```ts
 * const schedule = new StepLR(optimizer, { stepSize: 30, gamma: 0.1 }); // 0.1 for 30 epochs, then 0.01, then 0.001
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `stepSize`, `gamma` 0.1, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers.
 */
export class StepLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: StepLROptions) {
    checkOptions('StepLR', options, ['stepSize', 'gamma', 'lastEpoch']);
    const { stepSize, gamma = 0.1, lastEpoch = -1 } = options;
    checkCount('StepLR', 'stepSize', stepSize, 1);
    checkNumber('StepLR', 'gamma', gamma, { from: 0 });
    super('StepLR', optimizer, { stepSize, gamma }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup): number {
    const { stepSize, gamma } = this.settings;
    return this.lastEpoch === 0 || this.lastEpoch % stepSize !== 0 ? lr : lr * gamma;
  }
}

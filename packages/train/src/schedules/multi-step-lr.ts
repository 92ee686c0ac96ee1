import { checkCount, checkList, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface MultiStepLROptions extends LRSchedulerOptions {
  /** The steps at which the rate changes; one that is named twice counts twice. */
  readonly milestones: readonly number[];
  /** What it is multiplied by then; 0.1 unless given. */
  readonly gamma?: number;
}

interface Settings {
  readonly [name: string]: number | readonly number[];
  readonly milestones: readonly number[];
  readonly gamma: number;
}

/**
 * Multiplies the learning rate by `gamma` at each of some steps.
 *
 * @example
 * ```ts
 * const schedule = new MultiStepLR(optimizer, { milestones: [30, 80], gamma: 0.1 }); // 0.1, from 30 on 0.01, from 80 on 0.001
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `milestones`, `gamma` 0.1, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers.
 */
export class MultiStepLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: MultiStepLROptions) {
    checkOptions('MultiStepLR', options, ['milestones', 'gamma', 'lastEpoch']);
    const { milestones, gamma = 0.1, lastEpoch = -1 } = options;
    checkList('MultiStepLR', 'milestones', milestones, 'steps');
    milestones.forEach((milestone, i) => checkCount('MultiStepLR', `milestones[${i}]`, milestone));
    checkNumber('MultiStepLR', 'gamma', gamma, { from: 0 });
    super('MultiStepLR', optimizer, { milestones: [...milestones], gamma }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup): number {
    const { milestones, gamma } = this.settings;
    const times = milestones.filter((milestone) => milestone === this.lastEpoch).length;
    return times === 0 ? lr : lr * gamma ** times;
  }
}

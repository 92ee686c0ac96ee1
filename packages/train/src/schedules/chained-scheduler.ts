import { ArgumentError } from '@rnn/core';
import { checkList, checkOptions, refuse } from '@rnn/core/checks';
import { CombinedLR } from './combined-lr.js';
import { LRScheduler } from './lr-scheduler.js';

export interface ChainedSchedulerOptions {
  /** The schedules, all of one optimiser, in the order in which they act. */
  readonly schedulers: readonly LRScheduler[];
}

/**
 * Several schedules at once: each changes the rate that the one before has left, so that their
 * factors multiply.
 *
 * @example
 * ```ts
 * const schedule = new ChainedScheduler({
 *   schedulers: [
 *     new ConstantLR(optimizer, { factor: 0.1, totalIters: 20 }),
 *     new ExponentialLR(optimizer, { gamma: 0.9 }),
 *   ],
 * });
 * ```
 * @param options - `schedulers`, which have set the rates for the first step when they were made
 * @throws ArgumentError when an entry is no schedule, or they are not all of one optimiser
 *
 * Differs from PyTorch: nothing in the numbers. Schedules that compute a rate from its start alone
 * (`LambdaLR`, `CyclicLR`, `OneCycleLR`, `CosineAnnealingWarmRestarts`) undo those before them, as
 * there. Step this one only, not its parts.
 */
export class ChainedScheduler extends CombinedLR {
  constructor(options: ChainedSchedulerOptions) {
    const owner = 'ChainedScheduler';
    checkOptions(owner, options, ['schedulers']);
    const { schedulers } = options;
    checkList(owner, 'schedulers', schedulers, 'schedule', 1);
    const [first] = schedulers;
    if (!(first instanceof LRScheduler)) {
      refuse(ArgumentError, owner, 'schedulers[0]', { value: first, expected: 'an LRScheduler' });
    }
    super(owner, first.optimizer, schedulers, {});
    this.begin();
  }

  override step(): void {
    for (const schedule of this.schedulers) schedule.step();
    super.step();
  }

  override restart(): void {
    for (const schedule of this.schedulers) schedule.restart();
    super.restart();
  }
}

import { checkFunction, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { checkGroupValues, LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

/** A factor for the step `epoch`, counted from 0. */
export type LRFactor = (epoch: number) => number;

export interface LambdaLROptions extends LRSchedulerOptions {
  /**
   * What the rate that a group started from is multiplied by at each step; one for all groups or
   * one for each.
   */
  readonly lrLambda: LRFactor | readonly LRFactor[];
}

/**
 * The learning rate is what it started from, times a function of the step: `lr_t = lr_0 f(t)`.
 *
 * @example
 * ```ts
 * const schedule = new LambdaLR(optimizer, { lrLambda: (epoch) => 0.95 ** epoch });
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `lrLambda`, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense, or a function gives a negative factor
 *
 * Differs from PyTorch: nothing in the numbers. Functions are no part of the state, as there.
 */
export class LambdaLR extends LRScheduler<Record<string, never>> {
  private readonly factors: readonly LRFactor[];

  constructor(optimizer: Optimizer, options: LambdaLROptions) {
    const owner = 'LambdaLR';
    checkOptions(owner, options, ['lrLambda', 'lastEpoch']);
    const { lrLambda, lastEpoch = -1 } = options;
    const list = typeof lrLambda === 'function' ? undefined : lrLambda;
    for (const factor of Array.isArray(list) ? list : [lrLambda]) {
      checkFunction(owner, 'lrLambda', factor, '(epoch) => number, or a list of one for each group');
    }
    super(owner, optimizer, {}, lastEpoch);
    if (list !== undefined) checkGroupValues(owner, 'lrLambda', list, optimizer.paramGroups);
    this.factors = list ?? optimizer.paramGroups.map(() => lrLambda as LRFactor);
    this.begin();
  }

  protected override rate(_group: ScheduledGroup, baseLr: number, _initial: boolean, i: number): number {
    return baseLr * this.factors[i](this.lastEpoch);
  }
}

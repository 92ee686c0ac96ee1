import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface CosineAnnealingLROptions extends LRSchedulerOptions {
  /** Steps from the highest rate to the lowest (PyTorch's `T_max`). */
  readonly tMax: number;
  /** The lowest rate; 0 unless given. */
  readonly etaMin?: number;
}

type Settings = Readonly<Record<'tMax' | 'etaMin', number>>;

/**
 * Lets the learning rate fall along half a cosine from its start to `etaMin` in `tMax` steps;
 * further steps let it rise again.
 * `lr_t = etaMin + (lr_0 - etaMin) (1 + cos(pi t / tMax)) / 2`, computed from the rate before, as
 * PyTorch does.
 *
 * @example
 * ```ts
 * const schedule = new CosineAnnealingLR(optimizer, { tMax: 100, etaMin: 1e-5 });
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `tMax`, `etaMin` 0, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: a rate that rounding would make negative is 0. Source: Loshchilov and
 * Hutter, SGDR: stochastic gradient descent with warm restarts, 2017; without the restarts.
 */
export class CosineAnnealingLR extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: CosineAnnealingLROptions) {
    checkOptions('CosineAnnealingLR', options, ['tMax', 'etaMin', 'lastEpoch']);
    const { tMax, etaMin = 0, lastEpoch = -1 } = options;
    checkCount('CosineAnnealingLR', 'tMax', tMax, 1);
    checkNumber('CosineAnnealingLR', 'etaMin', etaMin, { from: 0 });
    super('CosineAnnealingLR', optimizer, { tMax, etaMin }, lastEpoch);
    this.begin();
  }

  protected override rate({ lr }: ScheduledGroup, baseLr: number, initial: boolean): number {
    const { tMax, etaMin } = this.settings;
    const t = this.lastEpoch;
    if (initial) return lr;
    // One step after the lowest point the quotient below would be 0 / 0.
    if ((t - 1 - tMax) % (2 * tMax) === 0) return lr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
    const quotient = (1 + Math.cos((Math.PI * t) / tMax)) / (1 + Math.cos((Math.PI * (t - 1)) / tMax));
    // Where etaMin is above the start, rounding would take a rate of 0 below it.
    return Math.max(0, quotient * (lr - etaMin) + etaMin);
  }
}

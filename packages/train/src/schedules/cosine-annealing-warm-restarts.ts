import { checkCount, checkNumber, checkOptions } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface CosineAnnealingWarmRestartsOptions extends LRSchedulerOptions {
  /** Steps of the first fall (PyTorch's `T_0`). */
  readonly t0: number;
  /** How many times as long each fall is as the one before (PyTorch's `T_mult`); 1 unless given. */
  readonly tMult?: number;
  /** The lowest rate; 0 unless given. */
  readonly etaMin?: number;
}

type Settings = Readonly<Record<'t0' | 'tMult' | 'etaMin', number>>;

/**
 * Lets the learning rate fall along half a cosine, again and again from its start, each time
 * `tMult` times as slowly:
 * `lr = etaMin + (lr_0 - etaMin) (1 + cos(pi t / T)) / 2` at step t of a fall of T steps.
 *
 * @example
 * ```ts
 * const schedule = new CosineAnnealingWarmRestarts(optimizer, { t0: 10, tMult: 2 }); // falls of 10, 20, 40 ... epochs
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `t0`, `tMult` 1, `etaMin` 0, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers of a run; `step` takes no epoch. With `lastEpoch`, a
 * run goes on where it was within its fall, where PyTorch takes any step for one of the first.
 * Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
 */
export class CosineAnnealingWarmRestarts extends LRScheduler<Settings> {
  constructor(optimizer: Optimizer, options: CosineAnnealingWarmRestartsOptions) {
    const owner = 'CosineAnnealingWarmRestarts';
    checkOptions(owner, options, ['t0', 'tMult', 'etaMin', 'lastEpoch']);
    const { t0, tMult = 1, etaMin = 0, lastEpoch = -1 } = options;
    checkCount(owner, 't0', t0, 1);
    checkCount(owner, 'tMult', tMult, 1);
    checkNumber(owner, 'etaMin', etaMin, { from: 0 });
    super(owner, optimizer, { t0, tMult, etaMin }, lastEpoch);
    this.begin();
  }

  protected override rate(_group: ScheduledGroup, baseLr: number): number {
    const { t0, tMult, etaMin } = this.settings;
    // The fall that holds this step, and the step within it.
    let [t, length] = [this.lastEpoch, t0];
    if (tMult === 1) t %= t0;
    while (t >= length) {
      t -= length;
      length *= tMult;
    }
    return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * t) / length))) / 2;
  }
}

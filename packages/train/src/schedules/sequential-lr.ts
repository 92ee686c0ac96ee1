import { ShapeError } from '@rnn/core';
import { checkCount, checkList, checkOptions, refuse } from '@rnn/core/checks';
import type { Optimizer } from '../optimizers/optimizer.js';
import { CombinedLR } from './combined-lr.js';
import type { LRScheduler } from './lr-scheduler.js';

export interface SequentialLROptions {
  /** The schedules in their order, all of one optimiser. */
  readonly schedulers: readonly LRScheduler[];
  /** The steps at which the next one takes over: one less than schedules, rising. */
  readonly milestones: readonly number[];
}

interface Settings {
  readonly [name: string]: readonly number[];
  readonly milestones: readonly number[];
}

/**
 * One schedule after another, each from the rate that the groups started from: a warm-up before a
 * decay.
 *
 * @example
 * ```ts
 * const schedule = new SequentialLR(optimizer, {
 *   schedulers: [
 *     new LinearLR(optimizer, { startFactor: 0.1, totalIters: 10 }),
 *     new CosineAnnealingLR(optimizer, { tMax: 90 }),
 *   ],
 *   milestones: [10],
 * });
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `schedulers`, `milestones`
 * @throws ArgumentError when an entry is no schedule of this optimiser, or an option makes no
 *   sense; ShapeError when the counts do not fit
 *
 * Differs from PyTorch: nothing in the numbers; it has no `lastEpoch`, load a state to go on. Step
 * this one only, not its parts.
 */
export class SequentialLR extends CombinedLR<Settings> {
  constructor(optimizer: Optimizer, options: SequentialLROptions) {
    const owner = 'SequentialLR';
    checkOptions(owner, options, ['schedulers', 'milestones']);
    const { schedulers, milestones } = options;
    checkList(owner, 'milestones', milestones, 'steps');
    milestones.forEach((milestone, i) => {
      checkCount(owner, `milestones[${i}]`, milestone, i === 0 ? 1 : milestones[i - 1] + 1);
    });
    super(owner, optimizer, schedulers, { milestones: [...milestones] });
    if (milestones.length !== schedulers.length - 1) {
      const [received, expected] = [String(milestones.length), `${schedulers.length - 1}, one less than schedulers`];
      refuse(ShapeError, owner, 'milestones', { has: 'length', received, expected });
    }
    // Each schedule has set the rates when it was made: the first one has its turn from the start.
    this.takeOver(0);
    this.begin();
  }

  override step(): void {
    const { milestones } = this.settings;
    const next = this.lastEpoch + 1;
    const at = milestones.filter((milestone) => milestone <= next).length;
    if (at > 0 && milestones[at - 1] === next) this.takeOver(at);
    else this.schedulers[at].step();
    super.step();
  }

  override restart(): void {
    this.takeOver(0);
    super.restart();
  }

  private takeOver(at: number): void {
    for (const group of this.optimizer.paramGroups) group.lr = group.initialLr ?? group.lr;
    this.schedulers[at].restart();
  }
}

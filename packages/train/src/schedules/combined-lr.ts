import { ArgumentError } from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';
import { fromJSONNumbers } from '../json-numbers.js';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import { LRScheduler, type ScheduledGroup } from './lr-scheduler.js';
import { checkScheduleState, type ScheduleStateDict } from './schedule-state.js';

/**
 * A schedule made of others, which set the rates; it keeps their states with its own, under names
 * such as `schedulers.0.lastEpoch`.
 */
export abstract class CombinedLR<S extends ScheduleStateDict = ScheduleStateDict> extends LRScheduler<S> {
  /** After every step where one of the schedules is meant so, else after every pass. */
  override readonly interval: 'step' | 'epoch';
  readonly schedulers: readonly LRScheduler[];

  protected constructor(owner: string, optimizer: Optimizer, schedulers: readonly LRScheduler[], settings: S) {
    checkOptimizer(owner, optimizer);
    checkList(owner, 'schedulers', schedulers, 'schedule', 1);
    schedulers.forEach((schedule: unknown, i) => {
      if (!(schedule instanceof LRScheduler)) {
        const hint = 'ReduceLROnPlateau needs a metric at each step, and stands alone';
        refuse(ArgumentError, owner, `schedulers[${i}]`, { value: schedule, expected: 'an LRScheduler', hint });
      }
      if (schedule.optimizer === optimizer) return;
      const [received, expected] = ['of another optimiser', 'one of the optimiser that is given'];
      refuse(ArgumentError, owner, `schedulers[${i}]`, { received, expected });
    });
    super(owner, optimizer, settings, -1);
    this.schedulers = [...schedulers];
    this.interval = schedulers.some(({ interval }) => interval === 'step') ? 'step' : 'epoch';
  }

  /**
   * Takes over what `stateDict` gave, for itself and its schedules. Load the optimiser's state too.
   *
   * @throws StateDictError when a name is missing or unknown or a value of another kind; then
   *   nothing has changed
   */
  override loadStateDict(dict: ScheduleStateDict): void {
    const loaded = fromJSONNumbers(dict);
    checkScheduleState(this.owner, this.present(), loaded);
    const entries = Object.entries(loaded);
    super.loadStateDict(Object.fromEntries(entries.filter(([name]) => !name.startsWith(prefix))));
    this.schedulers.forEach((schedule, i) => {
      const own = `${prefix}${i}.`;
      const part = entries.filter(([name]) => name.startsWith(own));
      schedule.loadStateDict(Object.fromEntries(part.map(([name, value]) => [name.slice(own.length), value])));
    });
  }

  protected override present(): ScheduleStateDict {
    const parts = this.schedulers.flatMap((schedule, i) =>
      Object.entries(fromJSONNumbers(schedule.stateDict())).map(([name, value]) => [`${prefix}${i}.${name}`, value]),
    );
    return { ...this.own(), ...(Object.fromEntries(parts) as ScheduleStateDict) };
  }

  /** The rate that the schedules have set. */
  protected override rate({ lr }: ScheduledGroup): number {
    return lr;
  }
}

const prefix = 'schedulers.';

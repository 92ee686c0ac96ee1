import { ArgumentError } from '@rnn/core';
import { checkCount, refuse } from '@rnn/core/checks';
import { fromJSONNumbers, toJSONNumbers } from '../json-numbers.js';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import { checkScheduleState, type ScheduleStateDict } from './schedule-state.js';

/** What a schedule knows of a group of parameters. */
export type ScheduledGroup = Optimizer['paramGroups'][number];

/** What all schedules but `ReduceLROnPlateau` take. */
export interface LRSchedulerOptions {
  /**
   * The step to go on from; -1 (the default) for a new run. Else the optimiser's loaded state must
   * hold what an earlier schedule wrote.
   */
  readonly lastEpoch?: number;
}

/**
 * A schedule of learning rates: `step()` sets the rate of every group for what comes next. As in
 * PyTorch, a schedule computes a rate from the one before, so that several can act on one
 * optimiser, and it starts by setting the rate for the first step.
 *
 * @example
 * ```ts
 * const optimizer = new SGD([parameter(zeros([1]))], { lr: 1 });
 * const scheduler: LRScheduler = new StepLR(optimizer, { stepSize: 2, gamma: 0.1 });
 * const rates = [];
 * for (let epoch = 0; epoch < 4; epoch++) {
 *   rates.push(...scheduler.getLastLR());
 *   scheduler.step();
 * }
 * rates; // [1, 1, 0.1, 0.1]
 * ```
 */
export abstract class LRScheduler<S extends ScheduleStateDict = ScheduleStateDict> {
  /**
   * Whether `fit` steps it after every step or after every pass over the data, unless told
   * otherwise.
   */
  readonly interval: 'step' | 'epoch' = 'epoch';
  readonly optimizer: Optimizer;
  /** Steps of this schedule so far. */
  lastEpoch: number;
  /** The rate that each group started from. */
  baseLrs: readonly number[] = [];
  protected readonly owner: string;
  /** The options that `rate` reads, as plain values: they are saved with the state. */
  protected settings: S;
  private lastLr: readonly number[] = [];

  /** A subclass checks its options, and calls `begin()` at the end of its constructor. */
  protected constructor(owner: string, optimizer: Optimizer, settings: S, lastEpoch: number) {
    checkOptimizer(owner, optimizer);
    checkCount(owner, 'lastEpoch', lastEpoch, -1);
    this.owner = owner;
    this.optimizer = optimizer;
    this.settings = settings;
    this.lastEpoch = lastEpoch;
  }

  /**
   * Sets the rates for what comes next. Call it after the optimiser's step, or after a pass over
   * the data, as the schedule is meant.
   */
  step(): void {
    this.advance(false);
  }

  /** The rate of each group as the last `step` left it. */
  getLastLR(): number[] {
    return [...this.lastLr];
  }

  /**
   * Where the schedule stands, with its options: plain values that JSON keeps, infinities as texts.
   * The rates themselves are part of the optimiser's state.
   *
   * @example
   * ```ts
   * const optimizer = new SGD(new Linear(3, 2).parameters(), { lr: 1 });
   * const schedule = new StepLR(optimizer, { stepSize: 2 });
   * schedule.step();
   * schedule.stateDict().lastEpoch; // 1
   * ```
   */
  stateDict(): ScheduleStateDict {
    return toJSONNumbers(this.present()) as ScheduleStateDict;
  }

  /**
   * Takes over what `stateDict` gave. Load the optimiser's state too: making a schedule sets the
   * first step's rates there.
   *
   * @example
   * ```ts
   * const optimizer = new SGD(new Linear(3, 2).parameters(), { lr: 1 });
   * const schedule = new StepLR(optimizer, { stepSize: 2 });
   * schedule.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
   * ```
   * @throws StateDictError when a name is missing or unknown or a value of another kind; then
   *   nothing has changed
   */
  loadStateDict(dict: ScheduleStateDict): void {
    const loaded = fromJSONNumbers(dict);
    checkScheduleState(this.owner, this.own(), loaded);
    const { lastEpoch, baseLrs, lastLr, ...settings } = loaded;
    this.lastEpoch = lastEpoch as number;
    this.baseLrs = baseLrs as readonly number[];
    this.lastLr = lastLr as readonly number[];
    this.settings = settings as unknown as S;
  }

  /** Everything that is saved, with numbers as numbers. */
  protected present(): ScheduleStateDict {
    return this.own();
  }

  /** What is saved of this schedule itself. */
  protected own(): ScheduleStateDict {
    return { lastEpoch: this.lastEpoch, baseLrs: this.baseLrs, lastLr: this.lastLr, ...this.settings };
  }

  /**
   * Begins anew at the first step, from the rates that the groups have now, as if the schedule were
   * made now. `SequentialLR` calls it where the turn of a schedule comes.
   *
   * @example
   * ```ts
   * const optimizer = new SGD(new Linear(3, 2).parameters(), { lr: 1 });
   * const schedule = new StepLR(optimizer, { stepSize: 2 });
   * schedule.step();
   * schedule.restart();
   * schedule.lastEpoch; // 0
   * ```
   */
  restart(): void {
    this.lastEpoch = -1;
    this.advance(true);
  }

  /** Notes the rates that the groups start from, and sets those of the first step. */
  protected begin(): void {
    this.baseLrs = this.optimizer.paramGroups.map((group, i) => startOf(this.owner, group, i, this.lastEpoch));
    this.advance(true);
  }

  /**
   * The rate of one group for the step `lastEpoch`: 0 or more.
   *
   * @param group - the group, `lr` being the rate of the step before
   * @param baseLr - the rate that it started from
   * @param initial - whether this is the call from the constructor or from `restart`
   * @param i - the group's position
   */
  protected abstract rate(group: ScheduledGroup, baseLr: number, initial: boolean, i: number): number;

  private advance(initial: boolean): void {
    this.lastEpoch++;
    const { paramGroups } = this.optimizer;
    const rates = paramGroups.map((group, i) => this.rate(group, this.baseLrs[i] ?? group.lr, initial, i));
    const odd = rates.findIndex((rate) => !(rate >= 0));
    if (odd >= 0) {
      this.lastEpoch--;
      refuse(ArgumentError, this.owner, `the rate of paramGroups[${odd}] at step ${this.lastEpoch + 1}`, {
        value: rates[odd],
        expected: 'a number of at least 0',
      });
    }
    paramGroups.forEach((group, i) => (group.lr = rates[i]));
    this.lastLr = rates;
  }
}

/** The rate that a group starts from; written into the group, where a later schedule finds it. */
function startOf(owner: string, group: ScheduledGroup, i: number, lastEpoch: number): number {
  if (lastEpoch === -1) group.initialLr ??= group.lr;
  if (group.initialLr === undefined) {
    refuse(ArgumentError, owner, 'lastEpoch', {
      value: lastEpoch,
      expected: `-1, as paramGroups[${i}] has no initialLr to go on from`,
      hint: "load the optimiser's state first",
    });
  }
  return group.initialLr;
}

/** Refuses a list of values that does not have one for each group. */
export function checkGroupValues(
  owner: string,
  name: string,
  list: readonly unknown[],
  groups: readonly unknown[],
): void {
  if (list.length === groups.length) return;
  const expected = `${groups.length}, one for each group, or one number`;
  refuse(ArgumentError, owner, name, { has: 'length', received: String(list.length), expected });
}

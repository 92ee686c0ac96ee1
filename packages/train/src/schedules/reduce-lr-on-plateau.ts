import { ArgumentError, type Tensor } from '@rnn/core';
import { checkChoice, checkCount, checkNumber, checkOptions, checkTensor, refuse } from '@rnn/core/checks';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import { fromJSONNumbers, toJSONNumbers } from '../json-numbers.js';
import { checkGroupValues } from './lr-scheduler.js';
import { checkScheduleState, type ScheduleStateDict } from './schedule-state.js';

export interface ReduceLROnPlateauOptions {
  /** Whether a smaller or a larger metric is better; `'min'` unless given. */
  readonly mode?: 'min' | 'max';
  /** What the rate is multiplied by; 0.1 unless given. */
  readonly factor?: number;
  /** How many steps without improvement are let pass; 10 unless given. */
  readonly patience?: number;
  /** How much better counts as improvement; 1e-4 unless given. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the best value or an amount; `'rel'` unless given. */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction in which nothing is counted; 0 unless given. */
  readonly cooldown?: number;
  /** The lowest rate; one for all groups or one for each; 0 unless given. */
  readonly minLr?: number | readonly number[];
  /** A reduction by less than this is not made; 1e-8 unless given. */
  readonly eps?: number;
}

const known: readonly string[] = [
  'mode',
  'factor',
  'patience',
  'threshold',
  'thresholdMode',
  'cooldown',
  'minLr',
  'eps',
] satisfies (keyof ReduceLROnPlateauOptions)[];

/**
 * Where it stands, with its options. `best` holds the best metric so far, or nothing before the
 * first.
 */
interface State {
  readonly [name: string]: number | string | boolean | readonly number[];
  readonly lastEpoch: number;
  readonly lastLr: readonly number[];
  readonly best: number | readonly [];
  readonly numBadEpochs: number;
  readonly cooldownCounter: number;
  readonly mode: 'min' | 'max';
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
  readonly thresholdMode: 'rel' | 'abs';
  readonly cooldown: number;
  readonly minLr: number | readonly number[];
  readonly eps: number;
}

/**
 * Lowers the learning rate when a metric has stopped getting better.
 *
 * @example
 * ```ts
 * const schedule = new ReduceLROnPlateau(optimizer, { factor: 0.5, patience: 3 });
 * schedule.step(validationLoss);   // after each epoch
 * ```
 * @param optimizer - whose groups it acts on
 * @param options - `mode` 'min', `factor` 0.1, `patience` 10, `threshold` 1e-4, `thresholdMode`
 *   'rel', `cooldown` 0, `minLr` 0, `eps` 1e-8
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers. A metric of NaN counts as no improvement, in both.
 */
export class ReduceLROnPlateau {
  readonly interval: 'step' | 'epoch' = 'epoch';
  readonly optimizer: Optimizer;
  private state: State;

  constructor(optimizer: Optimizer, options: ReduceLROnPlateauOptions = {}) {
    const owner = 'ReduceLROnPlateau';
    checkOptimizer(owner, optimizer);
    checkOptions(owner, options, known);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options;
    const { cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    checkChoice(owner, 'mode', mode, ['min', 'max']);
    checkNumber(owner, 'factor', factor, { from: 0, below: 1 });
    checkCount(owner, 'patience', patience, 0);
    checkNumber(owner, 'threshold', threshold, { from: 0 });
    checkChoice(owner, 'thresholdMode', thresholdMode, ['rel', 'abs']);
    checkCount(owner, 'cooldown', cooldown, 0);
    checkNumber(owner, 'eps', eps, { from: 0 });
    const minima = Array.isArray(minLr) ? (minLr as readonly number[]) : undefined;
    for (const minimum of minima ?? [minLr]) checkNumber(owner, 'minLr', minimum, { from: 0 });
    if (minima !== undefined) checkGroupValues(owner, 'minLr', minima, optimizer.paramGroups);
    this.optimizer = optimizer;
    this.state = {
      lastEpoch: 0,
      lastLr: optimizer.paramGroups.map(({ lr }) => lr),
      best: [],
      numBadEpochs: 0,
      cooldownCounter: 0,
      mode,
      factor,
      patience,
      threshold,
      thresholdMode,
      cooldown,
      minLr,
      eps,
    };
  }

  /** Number of steps of this schedule so far. */
  get lastEpoch(): number {
    return this.state.lastEpoch;
  }

  /**
   * Takes note of a metric and lowers the rates where it has not improved for more than `patience`
   * steps.
   *
   * @param metric - a number, or a tensor with one element (which is read, so the device must
   *   answer at once)
   */
  step(metric: number | Tensor): void {
    if (typeof metric !== 'number') checkTensor('ReduceLROnPlateau.step', 'metric', metric);
    const value = typeof metric === 'number' ? metric : metric.item();
    const { state } = this;
    const better = this.isBetter(value);
    const cooling = state.cooldownCounter > 0;
    // Bad steps are not counted while it cools down.
    const numBadEpochs = better || cooling ? 0 : state.numBadEpochs + 1;
    const reduces = numBadEpochs > state.patience;
    if (reduces) this.reduce();
    this.state = {
      ...state,
      lastEpoch: state.lastEpoch + 1,
      best: better ? value : state.best,
      numBadEpochs: reduces ? 0 : numBadEpochs,
      cooldownCounter: reduces ? state.cooldown : state.cooldownCounter - (cooling ? 1 : 0),
      lastLr: this.optimizer.paramGroups.map(({ lr }) => lr),
    };
  }

  /**
   * The rate of each group as the last `step` left it.
   *
   * @example
   * ```ts
   * const optimizer = new SGD(new Linear(3, 2).parameters(), { lr: 1 });
   * const schedule = new ReduceLROnPlateau(optimizer, { patience: 0 });
   * for (const loss of [3, 3]) schedule.step(loss);
   * schedule.getLastLR(); // [0.1]
   * ```
   */
  getLastLR(): number[] {
    return [...this.state.lastLr];
  }

  /**
   * Where the schedule stands, with its options: plain values that JSON keeps, infinities as texts.
   *
   * @example
   * ```ts
   * const optimizer = new SGD(new Linear(3, 2).parameters(), { lr: 1 });
   * const schedule = new ReduceLROnPlateau(optimizer, { patience: 0 });
   * schedule.step(3);
   * schedule.stateDict().best; // 3
   * ```
   */
  stateDict(): ScheduleStateDict {
    return toJSONNumbers(this.state) as ScheduleStateDict;
  }

  /**
   * Takes over what `stateDict` gave.
   *
   * @example
   * ```ts
   * const optimizer = new SGD(new Linear(3, 2).parameters(), { lr: 1 });
   * const schedule = new ReduceLROnPlateau(optimizer, { patience: 0 });
   * schedule.loadStateDict(JSON.parse(JSON.stringify(schedule.stateDict())));
   * ```
   * @throws StateDictError when a name is missing or unknown or a value of another kind; then
   *   nothing has changed
   */
  loadStateDict(dict: ScheduleStateDict): void {
    const loaded = fromJSONNumbers(dict);
    const hasBest = typeof (loaded as Partial<State> | null)?.best === 'number';
    checkScheduleState('ReduceLROnPlateau', { ...this.state, best: hasBest ? 0 : [] }, loaded);
    this.state = loaded as State;
  }

  private isBetter(value: number): boolean {
    const { best, mode, threshold, thresholdMode } = this.state;
    const sign = mode === 'min' ? -1 : 1;
    if (typeof best !== 'number') return sign * value > -Infinity;
    const bar = thresholdMode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === 'min' ? value < bar : value > bar;
  }

  private reduce(): void {
    const { factor, minLr, eps } = this.state;
    this.optimizer.paramGroups.forEach((group, i) => {
      const minimum = typeof minLr === 'object' ? minLr[i] : minLr;
      if (minimum === undefined) {
        refuse(ArgumentError, 'ReduceLROnPlateau', 'minLr', {
          received: `without a value for paramGroups[${i}], which was added later`,
          expected: 'one for each group',
          hint: 'give one number for all',
        });
      }
      const lower = Math.max(group.lr * factor, minimum);
      if (group.lr - lower > eps) group.lr = lower;
    });
  }
}

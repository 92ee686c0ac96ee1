import { ArgumentError } from '@rnn/core';
import { checkChoice, checkCount, checkFlag, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import { checkGroupValues, LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface CyclicLROptions extends LRSchedulerOptions {
  /** The lowest rate, where each cycle begins; one for all groups or one for each. */
  readonly baseLr: number | readonly number[];
  /** The highest rate of the first cycle; one for all groups or one for each. */
  readonly maxLr: number | readonly number[];
  /** Steps in which the rate rises; 2000 unless given. */
  readonly stepSizeUp?: number;
  /** Steps in which it falls; as many as it rises unless given. */
  readonly stepSizeDown?: number;
  /**
   * `'triangular'`: all cycles are alike; `'triangular2'`: each rises half as far; `'exp_range'`:
   * by `gamma` to the power of the step.
   */
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** The factor of `'exp_range'`; 1 unless given. */
  readonly gamma?: number;
  /** Whether momentum (Adam's first beta) moves against the rate; true unless given. */
  readonly cycleMomentum?: boolean;
  /** The momentum at the highest rate; 0.8 unless given. */
  readonly baseMomentum?: number | readonly number[];
  /** The momentum at the lowest rate; 0.9 unless given. */
  readonly maxMomentum?: number | readonly number[];
}

interface Settings {
  readonly [name: string]: number | string | boolean | readonly number[];
  readonly lowLrs: readonly number[];
  readonly maxLrs: readonly number[];
  readonly stepSizeUp: number;
  readonly stepSizeDown: number;
  readonly mode: 'triangular' | 'triangular2' | 'exp_range';
  readonly gamma: number;
  readonly cycleMomentum: boolean;
  readonly baseMomenta: readonly number[];
  readonly maxMomenta: readonly number[];
}

/** A group of an optimiser that may have momentum, by that name or as Adam's first beta. */
type Cycled = ScheduledGroup & { momentum?: number; betas?: readonly [number, number] };

const known: readonly string[] = [
  'baseLr',
  'maxLr',
  'stepSizeUp',
  'stepSizeDown',
  'mode',
  'gamma',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'lastEpoch',
] satisfies (keyof CyclicLROptions)[];

/**
 * The learning rate rises and falls between two bounds, again and again, while momentum does the
 * opposite. Step it after every step of the optimiser.
 *
 * @example
 * ```ts
 * const schedule = new CyclicLR(optimizer, {
 *   baseLr: 0.001,
 *   maxLr: 0.1,
 *   stepSizeUp: 500,
 *   mode: 'triangular2',
 * });
 * ```
 * @param optimizer - whose groups it acts on; with `momentum` or `betas`, or else
 *   `cycleMomentum: false`
 * @param options - `baseLr`, `maxLr`; `stepSizeUp` 2000, `stepSizeDown` as many, `mode`
 *   'triangular', `gamma` 1, `cycleMomentum` true, `baseMomentum` 0.8, `maxMomentum` 0.9,
 *   `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: nothing in the numbers; there is no `scale_fn`, since a function is no part
 * of a state. Source: Smith, Cyclical learning rates for training neural networks, 2017.
 */
export class CyclicLR extends LRScheduler<Settings> {
  override readonly interval: 'step' | 'epoch' = 'step';

  constructor(optimizer: Optimizer, options: CyclicLROptions) {
    const owner = 'CyclicLR';
    checkOptimizer(owner, optimizer);
    checkOptions(owner, options, known);
    const { stepSizeUp = 2000, mode = 'triangular', gamma = 1, cycleMomentum = true, lastEpoch = -1 } = options;
    const { stepSizeDown = stepSizeUp, baseMomentum = 0.8, maxMomentum = 0.9 } = options;
    checkCount(owner, 'stepSizeUp', stepSizeUp, 1);
    checkCount(owner, 'stepSizeDown', stepSizeDown, 1);
    checkChoice(owner, 'mode', mode, ['triangular', 'triangular2', 'exp_range']);
    checkNumber(owner, 'gamma', gamma, { from: 0 });
    checkFlag(owner, 'cycleMomentum', cycleMomentum);
    const lowLrs = perGroup(optimizer, 'baseLr', options.baseLr, Number.MAX_VALUE);
    const maxLrs = perGroup(optimizer, 'maxLr', options.maxLr, Number.MAX_VALUE);
    const baseMomenta = perGroup(optimizer, 'baseMomentum', baseMomentum, 1);
    const maxMomenta = perGroup(optimizer, 'maxMomentum', maxMomentum, 1);
    if (cycleMomentum && !('momentum' in optimizer.defaults) && !('betas' in optimizer.defaults)) {
      const expected = 'false, as the optimiser has neither momentum nor betas to cycle';
      refuse(ArgumentError, owner, 'cycleMomentum', { value: true, expected });
    }
    const steps = { stepSizeUp, stepSizeDown, mode, gamma, cycleMomentum };
    super(owner, optimizer, { ...steps, lowLrs, maxLrs, baseMomenta, maxMomenta }, lastEpoch);
    if (lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.lr = lowLrs[i];
        if (!cycleMomentum) return;
        group.maxMomentum = maxMomenta[i];
        group.baseMomentum = baseMomenta[i];
      });
    }
    this.begin();
  }

  protected override rate(group: Cycled, _baseLr: number, _initial: boolean, i: number): number {
    const { stepSizeUp, stepSizeDown, mode, gamma, cycleMomentum, lowLrs, maxLrs, baseMomenta, maxMomenta } =
      this.settings;
    const t = this.lastEpoch;
    const length = stepSizeUp + stepSizeDown;
    const top = stepSizeUp / length;
    const cycle = Math.floor(1 + t / length);
    const x = 1 + t / length - cycle;
    const height = x <= top ? x / top : (x - 1) / (top - 1);
    const scale = mode === 'triangular' ? 1 : mode === 'triangular2' ? 1 / 2 ** (cycle - 1) : gamma ** t;
    if (cycleMomentum) {
      const momentum = maxMomenta[i] - (maxMomenta[i] - baseMomenta[i]) * height * scale;
      if (group.betas === undefined) group.momentum = momentum;
      else group.betas = [momentum, group.betas[1]];
    }
    return lowLrs[i] + (maxLrs[i] - lowLrs[i]) * height * scale;
  }
}

function perGroup(
  { paramGroups }: Optimizer,
  name: string,
  value: number | readonly number[],
  below: number,
): readonly number[] {
  const list = Array.isArray(value) ? (value as readonly number[]) : paramGroups.map(() => value as number);
  checkGroupValues('CyclicLR', name, list, paramGroups);
  for (const item of list) checkNumber('CyclicLR', name, item, { from: 0, below });
  return [...list];
}

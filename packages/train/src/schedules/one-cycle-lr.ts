import { ArgumentError } from '@rnn/core';
import { checkChoice, checkCount, checkFlag, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import type { ScheduledValues } from '../optimizers/param-group.js';
import { checkGroupValues, LRScheduler, type LRSchedulerOptions, type ScheduledGroup } from './lr-scheduler.js';

export interface OneCycleLROptions extends LRSchedulerOptions {
  /** The highest rate; one for all groups or one for each. */
  readonly maxLr: number | readonly number[];
  /** Length of the cycle in steps; or give `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** The part of the cycle in which the rate rises; 0.3 unless given. */
  readonly pctStart?: number;
  /** The form of rise and fall; `'cos'` unless given. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** Whether momentum (Adam's first beta) moves against the rate; true unless given. */
  readonly cycleMomentum?: boolean;
  /** The momentum at the highest rate; 0.85 unless given. */
  readonly baseMomentum?: number | readonly number[];
  /** The momentum at the lowest rate; 0.95 unless given. */
  readonly maxMomentum?: number | readonly number[];
  /** The first rate is maxLr / divFactor; 25 unless given. */
  readonly divFactor?: number;
  /** The last rate is the first / finalDivFactor; 1e4 unless given. */
  readonly finalDivFactor?: number;
  /** Whether the rate falls back to the first one before it falls further; false unless given. */
  readonly threePhase?: boolean;
}

interface Settings {
  readonly [name: string]: number | string | boolean;
  readonly totalSteps: number;
  readonly pctStart: number;
  readonly annealStrategy: 'cos' | 'linear';
  readonly cycleMomentum: boolean;
  readonly threePhase: boolean;
}

/** A group of an optimiser that may have momentum, by that name or as Adam's first beta. */
type Cycled = ScheduledGroup & { momentum?: number; betas?: readonly [number, number] };

/** A part of the cycle: where it ends, and between what it moves. */
interface Phase {
  readonly end: number;
  readonly rates: readonly [keyof ScheduledValues, keyof ScheduledValues];
  readonly momenta: readonly [keyof ScheduledValues, keyof ScheduledValues];
}

/**
 * The learning rate rises to `maxLr` and falls again, far below its start, while momentum does the
 * opposite. Step it after every step of the optimiser, `totalSteps` in all.
 *
 * @example
 * ```ts
 * const schedule = new OneCycleLR(optimizer, {
 *   maxLr: 0.01,
 *   epochs: 10,
 *   stepsPerEpoch: loader.length,
 * });
 * ```
 * @param optimizer - whose groups it acts on; with `momentum` or `betas`, or else
 *   `cycleMomentum: false`
 * @param options - `maxLr`, and `totalSteps` or both of `epochs` and `stepsPerEpoch`; `pctStart`
 *   0.3, `annealStrategy` 'cos', `cycleMomentum` true, `baseMomentum` 0.85, `maxMomentum` 0.95,
 *   `divFactor` 25, `finalDivFactor` 1e4, `threePhase` false, `lastEpoch` -1
 * @throws ArgumentError when an option makes no sense, or `step` is called more than `totalSteps`
 *   times
 *
 * Differs from PyTorch: after the last of the `totalSteps` steps, where PyTorch carries the last
 * phase on, a rate never falls below 0, and a momentum outside of [0, 1) stays at the phase's end.
 * Source: Smith and Topin, Super-convergence: very fast training of neural networks using large
 * learning rates, 2018.
 */
export class OneCycleLR extends LRScheduler<Settings> {
  override readonly interval: 'step' | 'epoch' = 'step';

  constructor(optimizer: Optimizer, options: OneCycleLROptions) {
    const owner = 'OneCycleLR';
    checkOptimizer(owner, optimizer);
    checkOptions(owner, options, known);
    const {
      pctStart = 0.3,
      annealStrategy = 'cos',
      cycleMomentum = true,
      threePhase = false,
      lastEpoch = -1,
    } = options;
    const { divFactor = 25, finalDivFactor = 1e4, baseMomentum = 0.85, maxMomentum = 0.95 } = options;
    const totalSteps = totalOf(options);
    checkNumber(owner, 'pctStart', pctStart, { from: 0, to: 1 });
    checkChoice(owner, 'annealStrategy', annealStrategy, ['cos', 'linear']);
    checkFlag(owner, 'cycleMomentum', cycleMomentum);
    checkFlag(owner, 'threePhase', threePhase);
    checkNumber(owner, 'divFactor', divFactor, { above: 0 });
    checkNumber(owner, 'finalDivFactor', finalDivFactor, { above: 0 });
    const maxLrs = perGroup(optimizer, 'maxLr', options.maxLr);
    const baseMomenta = perGroup(optimizer, 'baseMomentum', baseMomentum);
    const maxMomenta = perGroup(optimizer, 'maxMomentum', maxMomentum);
    if (cycleMomentum && !('momentum' in optimizer.defaults) && !('betas' in optimizer.defaults)) {
      const expected = 'false, as the optimiser has neither momentum nor betas to cycle';
      refuse(ArgumentError, owner, 'cycleMomentum', { value: true, expected });
    }
    super(owner, optimizer, { totalSteps, pctStart, annealStrategy, cycleMomentum, threePhase }, lastEpoch);
    if (lastEpoch === -1) {
      optimizer.paramGroups.forEach((group, i) => {
        group.maxLr = maxLrs[i];
        group.initialLr = maxLrs[i] / divFactor;
        group.minLr = group.initialLr / finalDivFactor;
        if (cycleMomentum) {
          group.maxMomentum = maxMomenta[i];
          group.baseMomentum = baseMomenta[i];
        }
      });
    }
    this.begin();
  }

  /**
   * @throws ArgumentError after `totalSteps` steps, since the cycle says nothing of what comes then
   */
  override step(): void {
    const { totalSteps } = this.settings;
    if (this.lastEpoch >= totalSteps) {
      const [received, expected] = [`${this.lastEpoch + 1}, which is past totalSteps`, `at most ${totalSteps}`];
      refuse(ArgumentError, 'OneCycleLR', 'step', { received, expected });
    }
    super.step();
  }

  protected override rate(group: Cycled): number {
    const phases = phasesOf(this.settings);
    const t = this.lastEpoch;
    const at = phases.findIndex(({ end }, i) => t <= end || i === phases.length - 1);
    const start = at === 0 ? 0 : phases[at - 1].end;
    const { end, rates, momenta } = phases[at];
    // A phase without length is over as soon as it starts.
    const part = end === start ? 1 : (t - start) / (end - start);
    const between = ([from, to]: Phase['rates']): number => this.anneal(valueOf(group, from), valueOf(group, to), part);
    if (this.settings.cycleMomentum) {
      const last = between(momenta);
      const momentum = last >= 0 && last < 1 ? last : valueOf(group, momenta[1]);
      if (group.betas === undefined) group.momentum = momentum;
      else group.betas = [momentum, group.betas[1]];
    }
    // The step after the last one lies past the end of a straight line.
    return Math.max(0, between(rates));
  }

  private anneal(from: number, to: number, part: number): number {
    if (this.settings.annealStrategy === 'linear') return (to - from) * part + from;
    return to + ((from - to) / 2) * (Math.cos(Math.PI * part) + 1);
  }
}

const known: readonly string[] = [
  'maxLr',
  'totalSteps',
  'epochs',
  'stepsPerEpoch',
  'pctStart',
  'annealStrategy',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'divFactor',
  'finalDivFactor',
  'threePhase',
  'lastEpoch',
] satisfies (keyof OneCycleLROptions)[];

function phasesOf({ totalSteps, pctStart, threePhase }: Settings): Phase[] {
  const rise: Phase = {
    end: pctStart * totalSteps - 1,
    rates: ['initialLr', 'maxLr'],
    momenta: ['maxMomentum', 'baseMomentum'],
  };
  if (!threePhase) {
    return [rise, { end: totalSteps - 1, rates: ['maxLr', 'minLr'], momenta: ['baseMomentum', 'maxMomentum'] }];
  }
  return [
    rise,
    { end: 2 * pctStart * totalSteps - 2, rates: ['maxLr', 'initialLr'], momenta: ['baseMomentum', 'maxMomentum'] },
    { end: totalSteps - 1, rates: ['initialLr', 'minLr'], momenta: ['maxMomentum', 'maxMomentum'] },
  ];
}

function valueOf(group: ScheduledGroup, name: keyof ScheduledValues): number {
  const value = group[name];
  if (value !== undefined) return value;
  refuse(ArgumentError, 'OneCycleLR', 'optimizer', {
    received: `one with a group that has no ${name}, which the constructor writes`,
    expected: 'the groups that the constructor saw',
    hint: "groups added later, and lastEpoch without the optimiser's state, are not for this schedule",
  });
}

function totalOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  if (totalSteps !== undefined) {
    checkCount('OneCycleLR', 'totalSteps', totalSteps, 1);
    return totalSteps;
  }
  if (epochs === undefined || stepsPerEpoch === undefined) {
    const expected = 'a number, or epochs and stepsPerEpoch in its place';
    refuse(ArgumentError, 'OneCycleLR', 'totalSteps', { value: totalSteps, expected });
  }
  checkCount('OneCycleLR', 'epochs', epochs, 1);
  checkCount('OneCycleLR', 'stepsPerEpoch', stepsPerEpoch, 1);
  return epochs * stepsPerEpoch;
}

function perGroup({ paramGroups }: Optimizer, name: string, value: number | readonly number[]): readonly number[] {
  const list = Array.isArray(value) ? (value as readonly number[]) : paramGroups.map(() => value as number);
  checkGroupValues('OneCycleLR', name, list, paramGroups);
  for (const item of list) checkNumber('OneCycleLR', name, item, { from: 0 });
  return list;
}

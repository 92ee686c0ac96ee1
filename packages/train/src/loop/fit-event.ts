import type { EpochRecord, History, StepRecord } from './history.js';

/** What happens in a training. */
export type FitEvent =
  | {
      /** The training is about to begin, or to go on. */
      readonly type: 'begin';
      /** Steps and passes that are done already. */
      readonly step: number;
      readonly epoch: number;
      /** How many there will be at most, as the options say. */
      readonly steps: number | undefined;
      readonly epochs: number | undefined;
      /** Steps of a pass, where the data have a `length`. */
      readonly stepsPerEpoch: number | undefined;
    }
  /** A step that is noted: every `logEvery`-th. */
  | ({ readonly type: 'step' } & StepRecord)
  /** A pass with its validation. */
  | ({ readonly type: 'epoch' } & EpochRecord)
  /** The training is over. */
  | { readonly type: 'end'; readonly history: History }
  /** It broke, with what `fit` is about to throw. */
  | { readonly type: 'error'; readonly error: unknown };

/** What is called with every event of a training. What it returns is waited for. */
export type FitCallback = (event: FitEvent) => unknown;

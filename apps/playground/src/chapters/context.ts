import type { Backend } from '@rnn/core';

/** How long to train each network. */
export type Duration = { readonly steps: number } | { readonly epochs: number };

/** How far the training of one network is. */
export interface Progress {
  /** What is being trained, e.g. `LSTM`. */
  readonly task: string;
  /** Training steps done, from 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** The loss of this step's batch. */
  readonly loss: number;
  /** Steps of one pass over the data. */
  readonly epoch: number;
}

/**
 * What there is to choose from, by name. A factory fails with a reason for people where its backend
 * cannot run.
 */
export type BackendFactories = Readonly<Record<string, () => Promise<Backend>>>;

/**
 * What a chapter needs from outside. A chapter is a function of this and returns what it found as
 * plain data; who shows it, terminal or web page, is none of its business.
 */
export interface ChapterContext {
  readonly backend: Backend;
  /** All that could be chosen; the first is what the others are held against. */
  readonly backends: BackendFactories;
  /** Seeds weights and shuffling; the same seed gives the same run. */
  readonly seed: number;
  /** The chapter's own choice if left out. */
  readonly duration?: Duration;
  /** The text of a file in `data/`. */
  readonly read: (file: string) => Promise<string>;
  readonly report: (progress: Progress) => void;
  /** Every how many steps the loss is read from the device and reported; 1 if left out. */
  readonly readEvery?: number;
  /** Asked after each report, with the steps done: where to go on, if somewhere else. */
  readonly moveTo?: (step: number) => Backend | undefined;
  /** Ends a training early; the chapter goes on with what was learned. */
  readonly signal?: AbortSignal;
}

/** Training steps of one network, when an epoch has `batches` of them. */
export function trainingSteps({ duration }: ChapterContext, batches: number, byDefault: number): number {
  if (duration === undefined) return byDefault;
  return 'steps' in duration ? duration.steps : duration.epochs * batches;
}

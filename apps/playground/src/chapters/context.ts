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
}

/**
 * What a chapter needs from outside. A chapter is a function of this and returns what it found as plain data; who shows it, terminal or
 * web page, is none of its business.
 */
export interface ChapterContext {
  readonly backend: Backend;
  /** Seeds weights and shuffling; the same seed gives the same run. */
  readonly seed: number;
  /** The chapter's own choice if left out. */
  readonly duration?: Duration;
  /** The text of a file in `data/`. */
  readonly read: (file: string) => Promise<string>;
  readonly report: (progress: Progress) => void;
}

/** Training steps of one network, when an epoch has `batches` of them. */
export function trainingSteps({ duration }: ChapterContext, batches: number, byDefault: number): number {
  if (duration === undefined) return byDefault;
  return 'steps' in duration ? duration.steps : duration.epochs * batches;
}

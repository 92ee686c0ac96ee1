import { ArgumentError } from '@rnn/core';
import { checkCount, checkOptions, checkText, refuse } from '@rnn/core/checks';

/** What `fit` writes to a file, and how often. */
export interface CheckpointOptions {
  /** The file, in Node; its folder is there. */
  readonly path: string;
  /**
   * Every how many steps one is written; after each pass unless given. There always is one of the
   * end.
   */
  readonly every?: number;
  /**
   * How many earlier ones stay beside the newest, as `name.1.safetensors`, `name.2.safetensors`;
   * none unless given.
   */
  readonly keep?: number;
  /**
   * What else belongs to the training, by name: a scaler, a vocabulary, generators of one's own,
   * state that is carried from batch to batch. What has `stateDict()` and `loadStateDict()`, or
   * `state()` and `setState()`, is loaded by `resumeFrom`; plain values are only kept.
   */
  readonly parts?: Readonly<Record<string, unknown>>;
}

/** The parts that a training has by itself. */
const own: readonly string[] = ['model', 'optimizer', 'schedule', 'averaged', 'training'];

/** Refuses options that make no sense, before anything has changed. */
export function checkCheckpointOptions(options: CheckpointOptions | undefined, resumeFrom: string | undefined): void {
  if (resumeFrom !== undefined) checkText('fit', 'resumeFrom', resumeFrom);
  if (options === undefined) return;
  checkOptions('fit', options, ['path', 'every', 'keep', 'parts'], 'checkpoint');
  const { path, every, keep, parts = {} } = options;
  checkText('fit', 'checkpoint.path', path);
  if (every !== undefined) checkCount('fit', 'checkpoint.every', every, 1);
  if (keep !== undefined) checkCount('fit', 'checkpoint.keep', keep);
  const taken = Object.keys(parts).find((name) => own.includes(name));
  if (taken !== undefined) {
    refuse(ArgumentError, 'fit', `checkpoint.parts.${taken}`, {
      received: 'the name of a part that fit keeps by itself',
      expected: 'another name',
    });
  }
}

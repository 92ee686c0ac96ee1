import type { HostArray } from '@rnn/nn';
import type { FitEvent } from '../loop/fit-event.js';
import type { History } from '../loop/history.js';

/** Marks the messages of a training among others that the same worker may get or send. */
export const CHANNEL = 'rnn.fit';

/**
 * What a worker is asked for. A training is asked for twice, as a worker that is still loading may
 * miss the first time.
 */
export type Request = { readonly channel: typeof CHANNEL } & (
  | { readonly type: 'fit'; readonly id: number; readonly args: unknown; readonly isAborted: boolean }
  | { readonly type: 'abort'; readonly id: number }
);

/** Parameters and buffers by name, as numbers on the host. */
export type HostState = Readonly<Record<string, HostArray>>;

/** What a training in a worker ends with. */
export interface WorkerFit {
  readonly history: History;
  /** What the model ended with: `model.loadStateDict(state)`. */
  readonly state: HostState;
  /** The average of the weights, where the options have one. */
  readonly averaged?: HostState;
}

/** An error as it goes from thread to thread. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Its own fields that are plain values: `code`, `step`, `argument`. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What a worker answers. */
export type Answer = { readonly channel: typeof CHANNEL } & (
  | { readonly type: 'ready' }
  | { readonly type: 'event'; readonly id: number; readonly event: FitEvent }
  | { readonly type: 'done'; readonly id: number; readonly result: WorkerFit }
  | { readonly type: 'error'; readonly id: number; readonly error: SentError }
);

/** A message as what a worker is asked for; `undefined` for any other. */
export function requestOf(message: unknown): Request | undefined {
  return isOurs(message) ? (message as Request) : undefined;
}

/** A message as what a worker answers; `undefined` for any other. */
export function answerOf(message: unknown): Answer | undefined {
  return isOurs(message) ? (message as Answer) : undefined;
}

function isOurs(message: unknown): boolean {
  return (message as { readonly channel?: unknown } | null | undefined)?.channel === CHANNEL;
}

import type { DeviceWork } from '../library.ts';
import type { Durations, Times } from '../measure.ts';
import type { Task } from '../workload.ts';

/** To a process that runs one library. */
export interface Request extends Durations {
  readonly task: Task;
}

/** One way of the library, measured. */
export interface Measured extends Times {
  readonly variant?: string;
  readonly note?: string;
  /** What `Job.check` gave. */
  readonly result?: Float32Array;
  readonly keptBytes?: number;
  /** What one call of the work made a graphics card do. */
  readonly work?: DeviceWork;
}

/** From such a process: what it is, once; then an answer for each request. */
export type Message =
  | { readonly type: 'ready'; readonly version: string }
  | { readonly type: 'measured'; readonly ways: readonly Measured[] }
  | { readonly type: 'not offered' | 'failed'; readonly message: string };

/** The outcome of a task in one library. */
export type Reply = Exclude<Message, { type: 'ready' }>;

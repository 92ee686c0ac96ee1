import type { WorkloadNumbers } from './numbers.ts';
import type { Task } from './workload.ts';

/** One way in which a library does a task. */
export interface Job {
  /** Tells the ways of one library apart, such as `layers` and `operations`. */
  readonly variant?: string;
  /** What a reader has to know about the numbers, such as a formula that differs. */
  readonly note?: string;
  /** Does the work once, results read included: what is timed. */
  run(): unknown;
  /**
   * The result to compare: the output `[T, B, dirs * H]` (forward), the outputs of the first steps
   * `[stream, H]` (step), what `checkTraining` gives (train), or the product `[T * B, gates * H]`.
   * Called once, before the first `run`. Absent if the library takes no given weights.
   */
  check?(): Float32Array | Promise<Float32Array>;
  /** Bytes that the graph holds between the forward and the backward pass of a training step. */
  keptBytes?(): number;
  dispose?(): void;
}

/** What a graphics card was made to do. */
export interface DeviceWork {
  /** Kernels started. */
  readonly launches: number;
  /** Bytes that went to the card or came back. */
  readonly bytesMoved: number;
}

/** A library, loaded. */
export interface Library {
  readonly version: string;
  /** What it has made a graphics card do so far; only of a library that counts. */
  work?(): DeviceWork;
  /** All ways in which the library can do the task; throws `NotOffered` when there is none. */
  prepare(task: Task, numbers: WorkloadNumbers): Job[] | Promise<Job[]>;
}

/** The library cannot do a task: a gap in the table, not a failure. */
export class NotOffered extends Error {}

/** How many losses `checkTraining` puts first. */
export const LOSSES = 2;

/**
 * What is compared of a training step: the loss before the first update, the loss after it, and the
 * change of all parameters by it.
 *
 * @param run - one training step; gives the loss
 * @param parameters - their values now, in the order in which `WorkloadNumbers` has them
 */
export async function checkTraining(
  run: () => number | Promise<number>,
  parameters: () => readonly ArrayLike<number>[] | Promise<readonly ArrayLike<number>[]>,
): Promise<Float32Array> {
  const flat = async (): Promise<number[]> => (await parameters()).flatMap((values) => Array.from(values));
  const before = await flat();
  const first = await run();
  const changes = (await flat()).map((value, i) => value - before[i]);
  return Float32Array.from([first, await run(), ...changes]);
}

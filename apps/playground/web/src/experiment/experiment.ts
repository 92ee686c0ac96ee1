import type { Backend, Tensor } from '@rnn/core';

/**
 * What a backend keeps for somebody, and can be taken to another one: modules, optimisers, data
 * loaders.
 */
export interface Movable {
  moveTo(backend: Backend): Promise<unknown>;
}

/**
 * What a demo computes, in a worker of its own. It is made from a seed and settings alone, so the
 * same address shows the same run; it knows nothing of the page, of backends or of time.
 */
export interface Experiment {
  /** All that lies on a backend; it goes along when the visitor chooses another one. */
  readonly movable: readonly Movable[];
  /**
   * One training step on the current backend: the loss of its batch, a single number. The loop
   * reads it when it is shown, not before.
   */
  step(): Tensor;
  /**
   * What the page shows of it now: plain data, typed arrays. Asked between two steps, several times
   * a second; what takes long to compute may be the last one's until the run is at rest.
   */
  view(isAtRest: boolean): unknown;
}

/** What an experiment is made from. */
export interface ExperimentOptions<Settings> {
  /** Seeds weights, order and samples. */
  readonly seed: number;
  /** The visitor's choices, as they stand in the address. */
  readonly settings: Settings;
}

/** How far a run is; sent about ten times a second while it plays, and after every single step. */
export interface Progress<View> {
  /** Training steps done since the run began. */
  readonly step: number;
  /** Loss of the last batch that was read; NaN before the first step. */
  readonly loss: number;
  /** The losses of all steps since the last message, with the backend that computed them. */
  readonly losses: readonly { readonly step: number; readonly loss: number; readonly backend: string }[];
  /** The backend that computes. */
  readonly backend: string;
  /** Training steps in a second, over the last second. */
  readonly stepsPerSecond: number;
  readonly playing: boolean;
  /** Why the run stopped, where a step or a view failed. */
  readonly error: string | undefined;
  readonly view: View;
}

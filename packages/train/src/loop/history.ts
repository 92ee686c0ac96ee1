/** One step of the optimiser. */
export interface StepRecord {
  /** Number of the step, from 1. */
  readonly step: number;
  /** Passes over the data that were complete before it. */
  readonly epoch: number;
  /** The loss before the step. */
  readonly loss: number;
  /** The learning rate of the first group at this step. */
  readonly lr: number;
  /** The 2-norm of all gradients, before clipping. */
  readonly gradNorm: number;
  /** Time spent so far, in seconds. */
  readonly seconds: number;
}

/** One pass over the data. */
export interface EpochRecord {
  /** Number of the pass, from 1. */
  readonly epoch: number;
  /** Steps of the optimiser so far. */
  readonly step: number;
  /** The mean of the losses of its steps. */
  readonly loss: number;
  /** The learning rate of the first group at its last step. */
  readonly lr: number;
  /** What `evaluate` found after it, where there is something to validate on. */
  readonly validation?: Readonly<Record<string, number>>;
  /** Time spent so far, in seconds. */
  readonly seconds: number;
}

/** The course of a training: plain values that JSON keeps, and all that `fit` needs (with model and optimiser) to go on. */
export interface History {
  /** Steps of the optimiser so far. */
  readonly step: number;
  /** Complete passes over the data so far. */
  readonly epoch: number;
  /** Batches done in the pass that is under way. */
  readonly batch: number;
  /** The mean of their losses; 0 when there are none. */
  readonly batchLoss: number;
  /** Time spent, in seconds. */
  readonly seconds: number;
  /** Every `logEvery`-th step. */
  readonly steps: readonly StepRecord[];
  readonly epochs: readonly EpochRecord[];
  /** Why it ended: all was done, the signal said so, or the early stopping did. */
  readonly stopped: 'finished' | 'aborted' | 'early';
}

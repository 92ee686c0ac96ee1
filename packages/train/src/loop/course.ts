import type { BestEpoch, EpochRecord, History, StepRecord } from './history.js';
import type { StepPlace } from './non-finite.js';
import type { WeightedMean } from './running-mean.js';

/** What the course of a training is told by when it is put together. */
export interface CourseEnd {
  readonly stopped: History['stopped'];
  /** The losses of the part of a pass that is not over. */
  readonly part?: WeightedMean;
  readonly best: BestEpoch | undefined;
  /** Whether the model has the parameters of the best pass. */
  readonly restored?: boolean;
}

/** How far a training is, and what was noted on the way. */
export class Course {
  step = 0;
  epoch = 0;
  /** Batches done in the pass under way. */
  batch = 0;
  readonly steps: StepRecord[] = [];
  readonly epochs: EpochRecord[] = [];
  /** The batches of the last step. */
  private lastBatches = 1;
  /** Batches of a full step. */
  private readonly accumulate: number;
  /** Seconds of earlier runs. */
  private earlier = 0;
  private readonly started: number = performance.now();

  constructor(accumulate: number, history: History | undefined) {
    this.accumulate = accumulate;
    if (history !== undefined) this.resume(history);
  }

  /** Takes over where an earlier run was. */
  resume({ step, epoch, batch, steps, epochs, seconds }: History): void {
    this.step = step;
    this.epoch = epoch;
    this.batch = batch;
    for (const record of steps) this.steps.push(record);
    for (const record of epochs) this.epochs.push(record);
    this.earlier = seconds;
  }

  /** A step of so many batches is about to be concluded. */
  advance(batches: number): void {
    this.step++;
    this.batch += batches;
    this.lastBatches = batches;
  }

  endPass(): void {
    this.epoch++;
    this.batch = 0;
  }

  /** Where a step of the pass under way is. */
  place(step: number): StepPlace {
    const { batch, lastBatches, accumulate } = this;
    const before = this.step - step;
    return {
      step,
      epoch: this.epoch + 1,
      batch: before === 0 ? batch : batch - lastBatches - (before - 1) * accumulate,
    };
  }

  seconds(): number {
    return this.earlier + (performance.now() - this.started) / 1000;
  }

  /** The course so far as `fit` returns it. */
  history({ stopped, part, best, restored = false }: CourseEnd): History {
    const { step, epoch, batch, steps, epochs } = this;
    return {
      step,
      epoch,
      batch,
      batchLoss: part?.mean ?? 0,
      batchElements: part?.count ?? 0,
      seconds: this.seconds(),
      steps,
      epochs,
      ...(best === undefined ? {} : { best }),
      ...(restored && best !== undefined ? { restored: best.epoch } : {}),
      stopped,
    };
  }
}

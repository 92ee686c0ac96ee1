import { ArgumentError, type Tree } from '@rnn/core';
import { TrainingModes, type Module } from '@rnn/nn';
import { ReduceLROnPlateau } from '../schedules/reduce-lr-on-plateau.js';
import { Checkpoints, type Progress } from './checkpoints.js';
import { Course } from './course.js';
import { EarlyStopping } from './early-stopping.js';
import { evaluate } from './evaluate.js';
import type { FitEvent } from './fit-event.js';
import type { FitOptions } from './fit-options.js';
import { finishedHistory, loadedHistory, type EpochRecord, type History } from './history.js';
import { Pieces, type Batches } from './pieces.js';
import { RunningMean } from './running-mean.js';
import { loadedTree, savedTree } from './saved-state.js';
import { Steps } from './steps.js';
import { weightsOf, type Weights } from './weights.js';

/** One run of `fit`. */
export class Training<M extends Module, B, S extends Tree> {
  private readonly course: Course;
  private readonly steps: Steps<M, B, S>;
  private readonly early: EarlyStopping;
  private readonly checkpoints: Checkpoints<M, B, S>;
  private readonly modes: TrainingModes;
  private readonly model: M;
  private readonly data: Batches<B>;
  private readonly options: FitOptions<M, B, S>;
  private readonly loaded: History | undefined;
  /** What the best pass keeps. */
  private readonly weights: Weights;

  constructor(model: M, data: Batches<B>, options: FitOptions<M, B, S>) {
    this.model = model;
    this.data = data;
    this.options = options;
    this.modes = new TrainingModes(model);
    const history = options.history && loadedHistory(options.history);
    this.loaded = history;
    this.course = new Course(options.accumulate ?? 1, history);
    this.steps = new Steps(model, options, this.course, this.modes);
    this.checkpoints = new Checkpoints(model, data, options);
    this.early = new EarlyStopping(options.earlyStopping);
    this.weights = weightsOf(model, options.averaged);
  }

  async run(): Promise<History> {
    try {
      const history = await this.train();
      await this.emit({ type: 'end', history });
      return history;
    } catch (error) {
      await this.emit({ type: 'error', error });
      throw error;
    }
  }

  close(): void {
    this.steps.dispose();
    this.early.dispose();
  }

  private async train(): Promise<History> {
    const { resumeFrom, steps, epochs } = this.options;
    if (resumeFrom !== undefined) this.resume(await this.checkpoints.load(resumeFrom));
    else if (this.loaded !== undefined) this.goOn(this.loaded);
    this.modes.run(() => this.model.train());
    const { course } = this;
    await this.emit({
      type: 'begin',
      step: course.step,
      epoch: course.epoch,
      steps,
      epochs,
      stepsPerEpoch: this.stepsPerEpoch(),
    });
    let stopped: History['stopped'] | undefined = this.reason();
    while (stopped === undefined) stopped = await this.pass();
    // The part of a pass that is not over; a whole one was looked at when it ended.
    const part = course.batch === 0 ? undefined : await this.steps.checkedMean();
    const restored = stopped !== 'aborted' && (await this.early.restore(this.weights));
    const bestState = stopped === 'aborted' ? await this.early.saved() : undefined;
    const state = this.steps.carried.current;
    const history: History = {
      ...course.history({ stopped, part, best: this.best, restored }),
      ...(bestState === undefined ? {} : { bestState }),
      ...(state === undefined ? {} : { carried: await savedTree(state) }),
    };
    await this.save(history);
    return finishedHistory(history);
  }

  /** Goes on with what a history tells. */
  private goOn(history: History): void {
    this.early.resume(history, this.weights);
    const { carried, batchLoss, batchElements, batch } = history;
    const [{ backend }] = this.model.parameters();
    const state = carried === undefined ? undefined : (loadedTree(carried, backend) as S);
    this.steps.resume(RunningMean.of(batchLoss, batchElements ?? batch), this.steps.lr, state);
  }

  /** Takes over where a training stood when it was saved. */
  private resume({ history, best, losses, lr, carried }: Progress<S>): void {
    this.course.resume(history);
    this.steps.resume(new RunningMean(losses), lr, carried);
    for (const tensor of [...losses.sums, ...losses.counts]) tensor.dispose();
    if (best !== undefined) this.early.take(best);
  }

  private async save(history: History): Promise<void> {
    if (this.options.checkpoint === undefined) return;
    // A checkpoint of a training that has gone wrong helps nobody.
    if (this.steps.losses.hasUnread) await this.steps.checkedMean();
    const { lr, carried } = this.steps;
    const losses = this.steps.losses.state;
    try {
      await this.checkpoints.save({ history, best: this.early.kept, losses, lr, carried: carried.current });
    } finally {
      for (const tensor of [...losses.sums, ...losses.counts]) tensor.dispose();
    }
  }

  /** Why to stop now, if there is a reason. */
  private reason(): History['stopped'] | undefined {
    const { epochs = Infinity, steps = Infinity, signal } = this.options;
    if (this.course.epoch >= epochs || this.course.step >= steps) return 'finished';
    if (this.early.isOver(this.course.epochs)) return 'early';
    return signal?.aborted ? 'aborted' : undefined;
  }

  /** One pass over the data, or what is left of it. */
  private async pass(): Promise<History['stopped'] | undefined> {
    this.steps.beginPass();
    this.checkpoints.beginPass();
    const pieces = new Pieces('fit', this.data, this.options.tbptt, (work) => this.steps.within(work));
    try {
      await this.skip(pieces);
      this.checkpoints.endSkipping();
      for (;;) {
        const reason = this.reason();
        // Whether a pass is over shows when one asks for more; the last step of all may have ended
        // one.
        if (reason === 'finished' && (await pieces.take(() => true))) return reason;
        if (reason === 'aborted') return reason;
        if (reason === 'finished' || !(await this.advance(pieces))) break;
      }
      if (this.course.batch === 0) {
        throw new ArgumentError(
          `fit: the data gave no batch in pass ${this.course.epoch + 1}; expected something that can be iterated again and again, such as a DataLoader or an array`,
          { argument: 'data' },
        );
      }
      await this.endPass();
    } finally {
      await pieces.close();
    }
    return this.reason();
  }

  /** Passes over the batches that an earlier run has done. */
  private async skip(pieces: Pieces<B>): Promise<void> {
    const { batch } = this.course;
    for (let i = 0; i < batch; i++) {
      if (await pieces.take(() => true)) continue;
      throw new ArgumentError(
        `fit: history has ${batch} batches done in the pass under way, but the data gave ${i}; pass the same data`,
        { argument: 'history' },
      );
    }
  }

  /** One step and what follows it. Returns whether there was a batch for it. */
  private async advance(pieces: Pieces<B>): Promise<boolean> {
    const { schedule, onStep } = this.options;
    const done = await this.steps.take(pieces);
    if (done === undefined) return false;
    if (schedule !== undefined && this.scheduleEvery() === 'step' && !(schedule instanceof ReduceLROnPlateau))
      schedule.step();
    const { record } = done;
    if (record !== undefined) {
      this.course.steps.push(record);
      await this.modes.run(() => onStep?.(record));
      await this.emit({ type: 'step', ...record });
    }
    if (this.steps.losses.isDue) await this.steps.checkedMean();
    if (this.checkpoints.isDueAfterStep(this.course.step)) await this.save(this.soFar());
    await this.steps.slice.take();
    return true;
  }

  private async endPass(): Promise<void> {
    const { schedule, onEpoch } = this.options;
    const { course } = this;
    const { mean: loss } = await this.steps.checkedMean();
    this.steps.endPass();
    course.endPass();
    const found = await this.validate();
    const record: EpochRecord = {
      epoch: course.epoch,
      step: course.step,
      loss,
      lr: this.steps.lr,
      ...(found === undefined ? {} : { validation: found }),
      seconds: course.seconds(),
    };
    course.epochs.push(record);
    this.early.note(course.epochs, this.weights);
    if (schedule !== undefined && this.scheduleEvery() === 'epoch') {
      if (schedule instanceof ReduceLROnPlateau) schedule.step(found?.loss ?? loss);
      else schedule.step();
    }
    await this.modes.run(() => onEpoch?.(record));
    await this.emit({ type: 'epoch', ...record });
    this.checkpoints.endPass();
    if (this.checkpoints.isDueAfterPass) await this.save(this.soFar());
  }

  private async validate(): Promise<Record<string, number> | undefined> {
    const { validation, averaged, loss, tbptt, yieldEvery } = this.options;
    if (validation === undefined) return undefined;
    // The average is a model of the same class.
    const measured = averaged === undefined ? this.model : (averaged.module as M);
    return evaluate(measured, validation.data, {
      loss: validation.loss ?? loss,
      metrics: validation.metrics,
      tbptt: validation.tbptt ?? (validation.loss === undefined ? tbptt : undefined),
      yieldEvery,
    });
  }

  private async emit(event: FitEvent): Promise<void> {
    const { callbacks = [] } = this.options;
    for (const callback of callbacks) await this.modes.run(() => callback(event));
  }

  /** The course up to now, for a checkpoint. */
  private soFar(): History {
    return this.course.history({ stopped: 'aborted', best: this.best });
  }

  private get best(): History['best'] {
    return this.early.bestEpoch(this.course.epochs);
  }

  private scheduleEvery(): 'step' | 'epoch' {
    return this.options.scheduleEvery ?? this.options.schedule?.interval ?? 'epoch';
  }

  private stepsPerEpoch(): number | undefined {
    const { accumulate = 1, tbptt } = this.options;
    const { length } = this.data as { readonly length?: unknown };
    return typeof length === 'number' && tbptt === undefined ? Math.ceil(length / accumulate) : undefined;
  }
}

import { ArgumentError, countAverages, scope, Tensor, type AverageCount } from '@rnn/core';
import { TrainingModes, type Module } from '@rnn/nn';
import { clipGradNorm, gradNorm } from '../clip-grad.js';
import { ReduceLROnPlateau } from '../schedules/reduce-lr-on-plateau.js';
import { Checkpoints, type Progress } from './checkpoints.js';
import { EarlyStopping } from './early-stopping.js';
import { evaluate } from './evaluate.js';
import { Breath } from './event-loop.js';
import type { FitOptions } from './fit-options.js';
import { finishedHistory, loadedHistory, type EpochRecord, type History, type StepRecord } from './history.js';
import {
  diagnosed,
  keptBatch,
  NonFiniteError,
  type KeptBatch,
  type NonFinitePolicy,
  type StepPlace,
} from './non-finite.js';
import { PassLosses } from './pass-losses.js';
import { RunningMean, type WeightedMean } from './running-mean.js';

/** A step up to its gradients. */
interface Computed<B> {
  readonly loss: Tensor;
  readonly count: AverageCount;
  readonly norm: Tensor;
  readonly kept: KeptBatch<B> | undefined;
}

/** One run of `fit`. */
export class Training<M extends Module, B> {
  private step: number;
  private epoch: number;
  private batch: number;
  private steps: StepRecord[];
  private epochs: EpochRecord[];
  /** The losses of the pass under way. */
  private losses: PassLosses;
  private earlier: number;
  private readonly started: number = performance.now();
  private readonly breath: Breath;
  private readonly early: EarlyStopping;
  private readonly checkpoints: Checkpoints<M, B>;
  private readonly modes: TrainingModes;
  private readonly model: M;
  private readonly data: Iterable<B>;
  private readonly options: FitOptions<M, B>;
  private readonly history: History | undefined;
  /** Whose gradients are made: the model's parameters, and those that only the optimiser has. */
  private params: readonly Tensor[] = [];
  /** The rate of the last step. */
  private lr: number;

  constructor(model: M, data: Iterable<B>, options: FitOptions<M, B>) {
    this.model = model;
    this.data = data;
    this.options = options;
    this.modes = new TrainingModes(model);
    this.lr = options.optimizer.paramGroups[0].lr;
    const history = options.history && loadedHistory(options.history);
    this.history = history;
    this.step = history?.step ?? 0;
    this.epoch = history?.epoch ?? 0;
    this.batch = history?.batch ?? 0;
    this.steps = [...(history?.steps ?? [])];
    this.epochs = [...(history?.epochs ?? [])];
    const earlier = RunningMean.of(history?.batchLoss, history?.batchElements ?? history?.batch);
    this.losses = new PassLosses(this.policy, earlier);
    this.earlier = history?.seconds ?? 0;
    this.checkpoints = new Checkpoints(model, data, options);
    this.breath = new Breath(options.yieldEvery ?? 20);
    this.early = new EarlyStopping(options.earlyStopping);
  }

  async run(): Promise<History> {
    const { resumeFrom } = this.options;
    if (resumeFrom !== undefined) this.resume(await this.checkpoints.load(resumeFrom));
    else if (this.history !== undefined) this.early.resume(this.history, this.model);
    this.modes.run(() => this.model.train());
    let stopped: History['stopped'] | undefined = this.reason();
    while (stopped === undefined) stopped = await this.pass();
    // The part of a pass that is not over; a whole one was looked at when it ended.
    const part = this.batch === 0 ? undefined : await this.checkedMean();
    const restored = stopped !== 'aborted' && (await this.early.restore(this.model));
    const bestState = stopped === 'aborted' ? await this.early.saved() : undefined;
    const history = { ...this.course(stopped, part, restored), ...(bestState === undefined ? {} : { bestState }) };
    await this.save(history);
    return finishedHistory(history);
  }

  /** Takes over where a training stood when it was saved. */
  private resume({ history, best, losses, lr }: Progress): void {
    this.step = history.step;
    this.epoch = history.epoch;
    this.batch = history.batch;
    this.steps = [...history.steps];
    this.epochs = [...history.epochs];
    this.earlier = history.seconds;
    this.lr = lr;
    this.losses.dispose();
    this.losses = new PassLosses(this.policy, new RunningMean(losses));
    for (const tensor of [...losses.sums, ...losses.counts]) tensor.dispose();
    if (best !== undefined) this.early.take(best);
  }

  /** The course of the training so far. */
  private course(stopped: History['stopped'], part?: WeightedMean, restored = false): History {
    const best = this.early.bestEpoch(this.epochs);
    return {
      step: this.step,
      epoch: this.epoch,
      batch: this.batch,
      batchLoss: part?.mean ?? 0,
      batchElements: part?.count ?? 0,
      seconds: this.seconds(),
      steps: this.steps,
      epochs: this.epochs,
      ...(best === undefined ? {} : { best }),
      ...(restored && best !== undefined ? { restored: best.epoch } : {}),
      stopped,
    };
  }

  private async save(history: History): Promise<void> {
    if (this.options.checkpoint === undefined) return;
    // A checkpoint of a training that has gone wrong helps nobody.
    if (this.losses.hasUnread) await this.checkedMean();
    const losses = this.losses.state;
    try {
      await this.checkpoints.save({ history, best: this.early.kept, losses, lr: this.lr });
    } finally {
      for (const tensor of [...losses.sums, ...losses.counts]) tensor.dispose();
    }
  }

  close(): void {
    this.zeroGrad();
    this.losses.dispose();
    this.early.dispose();
  }

  /** Why to stop now, if there is a reason. */
  private reason(): History['stopped'] | undefined {
    const { epochs = Infinity, steps = Infinity, signal } = this.options;
    if (this.epoch >= epochs || this.step >= steps) return 'finished';
    if (this.early.isOver(this.epochs)) return 'early';
    return signal?.aborted ? 'aborted' : undefined;
  }

  /** One pass over the data, or what is left of it. */
  private async pass(): Promise<History['stopped'] | undefined> {
    const own = this.options.optimizer.paramGroups.flatMap(({ params }) => params);
    this.params = [...new Set([...this.model.parameters(), ...own])];
    this.checkpoints.beginPass();
    const batches = this.data[Symbol.iterator]();
    try {
      this.skip(batches);
      this.checkpoints.endSkipping();
      for (;;) {
        const reason = this.reason();
        // Whether a pass is over shows when one asks for more; the last step of all may have ended one.
        if (reason === 'finished' && !scope(() => batches.next().done)) return reason;
        if (reason === 'aborted') return reason;
        if (reason === 'finished' || !(await this.advance(batches))) break;
      }
      if (this.batch === 0) {
        throw new ArgumentError(
          `fit: the data gave no batch in pass ${this.epoch + 1}; expected something that can be iterated again and again, such as a DataLoader or an array`,
          { argument: 'data' },
        );
      }
      await this.endPass();
    } finally {
      batches.return?.();
    }
    return this.reason();
  }

  /** Passes over the batches that an earlier run has done. */
  private skip(batches: Iterator<B>): void {
    for (let i = 0; i < this.batch; i++) {
      if (!scope(() => batches.next().done)) continue;
      throw new ArgumentError(
        `fit: history has ${this.batch} batches done in the pass under way, but the data gave ${i}; pass the same data`,
        { argument: 'history' },
      );
    }
  }

  /** One step. Returns whether there was a batch for it. */
  private async advance(batches: Iterator<B>): Promise<boolean> {
    const { optimizer, logEvery = 1, schedule, onStep } = this.options;
    const logged = (this.step + 1) % logEvery === 0;
    const [{ lr }] = optimizer.paramGroups;
    const read = logged || this.policy === 'skip';
    const computed = this.modes.run(() => scope(() => this.compute(batches, read)));
    if (computed === undefined) return false;
    this.lr = lr;
    this.step++;
    this.batch++;
    const record = computed === 'done' ? undefined : await this.finish(computed);
    if (schedule !== undefined && this.scheduleEvery() === 'step' && !(schedule instanceof ReduceLROnPlateau))
      schedule.step();
    if (logged && record !== undefined) {
      this.steps.push(record);
      await this.modes.run(() => onStep?.(record));
    }
    if (this.losses.isDue) await this.checkedMean();
    if (this.checkpoints.isDueAfterStep(this.step)) await this.save(this.course('aborted'));
    await this.breath.take();
    return true;
  }

  /** A step's loss and gradients; the step itself too, unless something is to be read first. */
  private compute(batches: Iterator<B>, read: boolean): Computed<B> | 'done' | undefined {
    const item = batches.next();
    if (item.done === true) return undefined;
    const batch = item.value;
    this.zeroGrad();
    const { loss, count } = this.lossOn(batch);
    loss.backward();
    const { clipNorm } = this.options;
    const norm = clipNorm === undefined ? undefined : clipGradNorm(this.params, clipNorm);
    if (!read) {
      this.options.optimizer.step();
      this.losses.addUnread(loss, count, this.step + 1);
      return 'done';
    }
    const looksForCauses = this.policy === 'throw' && loss.backend.info.synchronous;
    return {
      loss: loss.detach(),
      count,
      norm: norm ?? gradNorm(this.params),
      kept: looksForCauses ? keptBatch(batch) : undefined,
    };
  }

  /** Reads loss and norm and, if they are finite, does the step. */
  private async finish({ loss, count, norm, kept }: Computed<B>): Promise<StepRecord> {
    try {
      const [lossValue, gradNormValue] = await Promise.all(
        [loss, norm].map(async (tensor) => (await tensor.data())[0]),
      );
      const isFinite = Number.isFinite(lossValue) && Number.isFinite(gradNormValue);
      if (!isFinite && this.policy === 'throw') {
        await this.losses.checkUnread((step) => this.place(step));
        const what = Number.isFinite(lossValue)
          ? `the norm of the gradients is ${gradNormValue}`
          : `the loss is ${lossValue}`;
        const diagnosis = kept && this.modes.run(() => diagnosed(this.model, kept, this.options.loss));
        throw new NonFiniteError(this.place(this.step), what, diagnosis);
      }
      const skipped = !isFinite && this.policy === 'skip';
      if (!skipped) {
        this.options.optimizer.step();
        this.losses.add(loss, count);
      }
      return {
        step: this.step,
        epoch: this.epoch,
        loss: lossValue,
        lr: this.lr,
        gradNorm: gradNormValue,
        seconds: this.seconds(),
        ...(skipped ? { skipped } : {}),
      };
    } finally {
      for (const tensor of [loss, norm, ...(kept?.tensors ?? [])]) tensor.dispose();
      if (typeof count !== 'number') count.dispose();
    }
  }

  /** The loss on a batch, and how many elements it is the mean of. */
  private lossOn(batch: B): { readonly loss: Tensor; readonly count: AverageCount } {
    return countAverages((countOf) => {
      const loss: unknown = this.options.loss(this.model, batch);
      if (!(loss instanceof Tensor)) {
        throw new ArgumentError(
          `fit: loss returned ${loss instanceof Promise ? 'a promise' : typeof loss}, expected a Tensor with one element`,
          { argument: 'loss', expected: 'a Tensor', received: typeof loss },
        );
      }
      const count = countOf(loss) ?? 1;
      return { loss, count: typeof count === 'number' ? count : count.detach() };
    });
  }

  private async endPass(): Promise<void> {
    const { schedule, validation, onEpoch, yieldEvery, loss: trainingLoss } = this.options;
    const { mean: loss } = await this.checkedMean();
    this.losses.dispose();
    this.losses = new PassLosses(this.policy);
    this.epoch++;
    this.batch = 0;
    const found =
      validation === undefined
        ? undefined
        : await evaluate(this.model, validation.data, {
            loss: validation.loss ?? trainingLoss,
            metrics: validation.metrics,
            yieldEvery,
          });
    const record: EpochRecord = {
      epoch: this.epoch,
      step: this.step,
      loss,
      lr: this.lr,
      ...(found === undefined ? {} : { validation: found }),
      seconds: this.seconds(),
    };
    this.epochs.push(record);
    this.early.note(this.epochs, this.model);
    if (schedule !== undefined && this.scheduleEvery() === 'epoch') {
      if (schedule instanceof ReduceLROnPlateau) schedule.step(found?.loss ?? loss);
      else schedule.step();
    }
    await this.modes.run(() => onEpoch?.(record));
    this.checkpoints.endPass();
    if (this.checkpoints.isDueAfterPass) await this.save(this.course('aborted'));
  }

  private async checkedMean(): Promise<WeightedMean> {
    return this.losses.checked(this.params, this.step, (step) => this.place(step));
  }

  private place(step: number): StepPlace {
    return { step, epoch: this.epoch + 1, batch: this.batch - (this.step - step) };
  }

  private get policy(): NonFinitePolicy {
    return this.options.onNonFinite ?? 'throw';
  }

  private scheduleEvery(): 'step' | 'epoch' {
    return this.options.scheduleEvery ?? this.options.schedule?.interval ?? 'epoch';
  }

  private zeroGrad(): void {
    for (const param of this.params) {
      param.grad?.dispose();
      param.grad = undefined;
    }
  }

  private seconds(): number {
    return this.earlier + (performance.now() - this.started) / 1000;
  }
}

import { ArgumentError, scope, Tensor } from '@rnn/core';
import { TrainingModes, type Module } from '@rnn/nn';
import { clipGradNorm, gradNorm } from '../clip-grad.js';
import { ReduceLROnPlateau } from '../schedules/reduce-lr-on-plateau.js';
import { EarlyStopping } from './early-stopping.js';
import { evaluate } from './evaluate.js';
import { Breath } from './event-loop.js';
import { checkFitOptions, type FitOptions } from './fit-options.js';
import type { EpochRecord, History, StepRecord } from './history.js';
import { RunningMean } from './running-mean.js';

/**
 * Trains a model: for each batch the loss, its gradients, and a step of the optimiser.
 *
 * Every step runs in a scope, so memory stays flat. Between steps the event loop turns now and then, so that a page stays alive, and
 * the signal is looked at: a step is done whole or not at all. Nothing is read from the device but what is noted.
 *
 * @example
 * ```ts
 * const history = await fit(model, loader, {
 *   loss: (model, [x, y]) => mseLoss(model.forward(x), y),
 *   optimizer: new Adam(model.parameters(), { lr: 0.005 }),
 *   epochs: 10,
 *   clipNorm: 1,
 *   onEpoch: ({ epoch, loss }) => console.log(epoch, loss),
 * });
 * ```
 * To go on with a training, pass its `history` and larger `epochs` or `steps`, with the model and the optimiser (and the schedule) as
 * it left them, in this process or from their state dicts. The part of a pass that was done is passed over; with shuffled data the
 * run equals an unbroken one if the generator is set to where it was when that pass began.
 *
 * The training mode holds within the functions that are given here only (of an asynchronous one, up to its first `await`), and what they
 * set with `train()` and `eval()` holds for the rest of the run. So an evaluation, or anything else, may use the model between two steps.
 *
 * @param model - any module; its modes are as before at the end
 * @param data - batches, again for each pass: a `DataLoader`, an array
 * @param options - `loss`, `optimizer`, `epochs` or `steps`, and what {@link FitOptions} lists
 * @returns the course of the training, plain values
 * @throws ArgumentError when an option makes no sense, or the data give no batch; and whatever the given functions throw
 *
 * Differs from PyTorch: has no counterpart there.
 */
export async function fit<M extends Module, B>(
  model: M,
  data: Iterable<B>,
  options: FitOptions<M, B>,
): Promise<History> {
  checkFitOptions(options);
  if (typeof (data as Partial<Iterable<B>> | null)?.[Symbol.iterator] !== 'function') {
    throw new ArgumentError('fit: data cannot be iterated, expected batches such as a DataLoader', {
      argument: 'data',
    });
  }
  const training = new Training(model, data, options);
  try {
    return await training.run();
  } finally {
    training.close();
  }
}

/** One run of `fit`. */
class Training<M extends Module, B> {
  private step: number;
  private epoch: number;
  private batch: number;
  private readonly steps: StepRecord[];
  private readonly epochs: EpochRecord[];
  /** The losses of the pass under way. */
  private losses: RunningMean;
  private readonly earlier: number;
  private readonly started: number = performance.now();
  private readonly breath: Breath;
  private readonly early: EarlyStopping | undefined;
  private readonly modes: TrainingModes;
  private readonly model: M;
  private readonly data: Iterable<B>;
  private readonly options: FitOptions<M, B>;
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
    const { history, earlyStopping, yieldEvery = 20 } = options;
    this.step = history?.step ?? 0;
    this.epoch = history?.epoch ?? 0;
    this.batch = history?.batch ?? 0;
    this.steps = [...(history?.steps ?? [])];
    this.epochs = [...(history?.epochs ?? [])];
    this.losses = new RunningMean(history?.batchLoss, history?.batch);
    this.earlier = history?.seconds ?? 0;
    this.breath = new Breath(yieldEvery);
    this.early = earlyStopping === undefined ? undefined : new EarlyStopping(earlyStopping);
  }

  async run(): Promise<History> {
    this.modes.run(() => this.model.train());
    let stopped: History['stopped'] | undefined = this.reason();
    while (stopped === undefined) stopped = await this.pass();
    if (stopped !== 'aborted') await this.early?.restore(this.model);
    return {
      step: this.step,
      epoch: this.epoch,
      batch: this.batch,
      batchLoss: this.batch === 0 ? 0 : await this.losses.value(),
      seconds: this.seconds(),
      steps: this.steps,
      epochs: this.epochs,
      stopped,
    };
  }

  close(): void {
    this.zeroGrad();
    this.losses.dispose();
    this.early?.dispose();
  }

  /** Why to stop now, if there is a reason. */
  private reason(): History['stopped'] | undefined {
    const { epochs = Infinity, steps = Infinity, signal } = this.options;
    if (this.epoch >= epochs || this.step >= steps) return 'finished';
    if (this.early?.isOver(this.epochs)) return 'early';
    return signal?.aborted ? 'aborted' : undefined;
  }

  /** One pass over the data, or what is left of it. */
  private async pass(): Promise<History['stopped'] | undefined> {
    const own = this.options.optimizer.paramGroups.flatMap(({ params }) => params);
    this.params = [...new Set([...this.model.parameters(), ...own])];
    const batches = this.data[Symbol.iterator]();
    try {
      this.skip(batches);
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
    const read = this.modes.run(() =>
      scope(() => {
        const item = batches.next();
        if (item.done === true) return undefined;
        this.zeroGrad();
        const loss = this.lossOn(item.value);
        loss.backward();
        const norm = this.clip(logged);
        optimizer.step();
        this.losses.add(loss);
        return logged && norm !== undefined ? [loss.detach(), norm] : [];
      }),
    );
    if (read === undefined) return false;
    this.lr = lr;
    this.step++;
    this.batch++;
    if (schedule !== undefined && this.scheduleEvery() === 'step' && !(schedule instanceof ReduceLROnPlateau))
      schedule.step();
    if (logged) {
      const [loss, norm] = await Promise.all(read.map(async (tensor) => (await tensor.data())[0]));
      for (const tensor of read) tensor.dispose();
      const record = { step: this.step, epoch: this.epoch, loss, lr, gradNorm: norm, seconds: this.seconds() };
      this.steps.push(record);
      await this.modes.run(() => onStep?.(record));
    }
    await this.breath.take();
    return true;
  }

  /** Clips the gradients where asked for. Returns their norm where clipping or a record needs it. */
  private clip(logged: boolean): Tensor | undefined {
    const { clipNorm } = this.options;
    if (clipNorm !== undefined) return clipGradNorm(this.params, clipNorm);
    return logged ? gradNorm(this.params) : undefined;
  }

  private lossOn(batch: B): Tensor {
    const loss: unknown = this.options.loss(this.model, batch);
    if (loss instanceof Tensor) return loss;
    throw new ArgumentError(
      `fit: loss returned ${loss instanceof Promise ? 'a promise' : typeof loss}, expected a Tensor with one element`,
      { argument: 'loss', expected: 'a Tensor', received: typeof loss },
    );
  }

  private async endPass(): Promise<void> {
    const { schedule, validation, onEpoch, yieldEvery, loss: trainingLoss } = this.options;
    const loss = await this.losses.value();
    this.losses.dispose();
    this.losses = new RunningMean();
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
    this.early?.note(this.epochs, this.model);
    if (schedule !== undefined && this.scheduleEvery() === 'epoch') {
      if (schedule instanceof ReduceLROnPlateau) schedule.step(found?.loss ?? loss);
      else schedule.step();
    }
    await this.modes.run(() => onEpoch?.(record));
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

import { ArgumentError, detach, scope, type Tree } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module, TrainingModes } from '@rnn/nn';
import type { Optimizer } from '../optimizers/optimizer.js';
import { disposeTree } from '../tree.js';
import { CarriedState } from './carried-state.js';
import { clipOf } from './clip-option.js';
import type { Course } from './course.js';
import { TimeSlice } from './event-loop.js';
import type { FitOptions } from './fit-options.js';
import type { StepRecord } from './history.js';
import { diagnosed, NonFiniteError, type NonFinitePolicy } from './non-finite.js';
import { PassLosses } from './pass-losses.js';
import type { Pieces } from './pieces.js';
import type { RunningMean, WeightedMean } from './running-mean.js';
import { StepGradients, type Computed } from './step-gradients.js';
import { stepAt, warmUpFactor } from './warm-up.js';

/** A step that was done; its record where it is to be noted. */
export interface StepDone {
  readonly record: StepRecord | undefined;
}

/**
 * The steps of a training, one by one: batches, gradients, the look at what is not finite, the
 * optimiser.
 */
export class Steps<M extends Module, B, S extends Tree> {
  readonly carried: CarriedState<S> = new CarriedState<S>();
  readonly slice: TimeSlice;
  /** The losses of the pass under way. */
  losses: PassLosses;
  /** The rate of the last step. */
  lr: number;
  private readonly model: M;
  private readonly options: FitOptions<M, B, S>;
  private readonly course: Course;
  private readonly modes: TrainingModes;
  private readonly gradients: StepGradients<M, B, S>;
  private readonly policy: NonFinitePolicy;
  /** Whether a norm that is not finite is refused whatever the policy. */
  private readonly refusesNorm: boolean;
  /** Whether the optimiser was seen to have something to do. */
  private isLearning = false;

  constructor(model: M, options: FitOptions<M, B, S>, course: Course, modes: TrainingModes) {
    this.model = model;
    this.options = options;
    this.course = course;
    this.modes = modes;
    this.policy = options.onNonFinite ?? 'throw';
    this.refusesNorm = clipOf(options.clipNorm)?.errorIfNonfinite === true;
    this.lr = options.optimizer.paramGroups[0].lr;
    this.losses = new PassLosses(this.policy);
    this.slice = new TimeSlice(options.yieldEvery ?? 20);
    this.gradients = new StepGradients(model, options, this.carried);
  }

  /** Goes on where an earlier run was. */
  resume(losses: RunningMean, lr: number, carried: S | undefined): void {
    this.losses.dispose();
    this.losses = new PassLosses(this.policy, losses);
    this.lr = lr;
    this.carried.resume(carried);
  }

  beginPass(): void {
    this.gradients.beginPass();
  }

  endPass(): void {
    this.losses.dispose();
    this.losses = new PassLosses(this.policy);
    this.carried.dispose();
  }

  dispose(): void {
    this.gradients.dispose();
    this.losses.dispose();
    this.carried.dispose();
  }

  /** Runs synchronous work of a step. */
  within<R>(work: () => R): R {
    return this.modes.run(() => scope(work));
  }

  /** The mean loss of the pass so far, after a look at what was not read. */
  async checkedMean(): Promise<WeightedMean> {
    const { course } = this;
    return this.losses.checked(this.gradients.params, course.step, (step) => course.place(step));
  }

  /** One step; `undefined` where there is no batch for it. */
  async take(pieces: Pieces<B>): Promise<StepDone | undefined> {
    const { optimizer, logEvery = 1, accumulate = 1, warmup, tbptt } = this.options;
    const step = this.course.step + 1;
    const isLogged = step % logEvery === 0;
    const lr = optimizer.paramGroups[0].lr * (warmup === undefined ? 1 : warmUpFactor(step, warmup));
    const reads = isLogged || this.policy === 'skip' || this.refusesNorm;
    const isSuspect = reads && this.policy === 'throw' && this.canReadAtOnce();
    if (tbptt !== undefined) await this.carried.follow(this.model.parameters()[0].backend);
    let taken = 0;
    let computed: Computed | 'done' | undefined;
    while (taken < accumulate) {
      const isLast = taken === accumulate - 1;
      const result = await pieces.take((piece, begins): Computed | 'done' | 'more' => {
        this.checkCarried(begins);
        this.gradients.add(piece, begins, isSuspect);
        return isLast ? this.conclude(step, reads) : 'more';
      });
      if (result === undefined) break;
      taken++;
      if (result !== 'more') computed = result;
      else await this.slice.take();
    }
    if (taken === 0) return undefined;
    computed ??= this.within(() => this.conclude(step, reads));
    this.lr = lr;
    this.course.advance(taken);
    if (computed === 'done') return { record: undefined };
    const record = await this.finish(computed);
    return { record: isLogged ? record : undefined };
  }

  /** What came of a step's batches; the step itself too, unless something is to be read first. */
  private conclude(step: number, reads: boolean): Computed | 'done' {
    const { loss, count, norm } = this.gradients.conclude(reads);
    if (reads) return { loss: detach(loss), count, norm };
    this.apply(step);
    this.losses.addUnread(loss, count, step);
    return 'done';
  }

  /** Reads loss and norm and, if they are finite, does the step. */
  private async finish({ loss, count, norm }: Computed): Promise<StepRecord> {
    const { step, epoch } = this.course;
    const suspects = this.gradients.takeSuspects();
    const read = [loss, ...(norm === undefined ? [] : [norm])];
    try {
      const [lossValue, gradNorm = NaN] = await Promise.all(read.map(async (tensor) => (await tensor.data())[0]));
      const isFinite = Number.isFinite(lossValue) && Number.isFinite(gradNorm);
      if (!isFinite && (this.refusesNorm || this.policy === 'throw')) {
        await this.losses.checkUnread((earlier) => this.course.place(earlier));
        const what = Number.isFinite(lossValue)
          ? `the norm of the gradients is ${gradNorm}`
          : `the loss is ${lossValue}`;
        const { model, options } = this;
        const diagnosis = this.modes.run(() => diagnosed(model, suspects, options.loss));
        throw new NonFiniteError(this.course.place(step), what, diagnosis);
      }
      const skipped = !isFinite && this.policy === 'skip';
      if (skipped) this.carried.rollback();
      else {
        this.apply(step);
        this.losses.add(loss, count);
      }
      const { lr } = this;
      const seconds = this.course.seconds();
      return { step, epoch, loss: lossValue, lr, gradNorm, seconds, ...(skipped ? { skipped } : {}) };
    } finally {
      for (const tensor of read) tensor.dispose();
      disposeTree(suspects);
      if (typeof count !== 'number') count.dispose();
    }
  }

  /** Moves the parameters. */
  private apply(step: number): void {
    const { optimizer, warmup, averaged } = this.options;
    this.isLearning ||= checkLearning(optimizer);
    stepAt(optimizer, warmup === undefined ? 1 : warmUpFactor(step, warmup));
    averaged?.updateParameters(this.model);
    this.carried.commit();
  }

  /** Whether what a step did can be done once more to look for what went wrong. */
  private canReadAtOnce(): boolean {
    return this.gradients.params.every(({ backend }) => backend.info.synchronous);
  }

  private checkCarried(begins: boolean): void {
    if (begins || this.options.tbptt === undefined || this.carried.current !== undefined) return;
    refuse(ArgumentError, 'fit', 'history', {
      received: 'of a training that carried no state',
      expected: 'the state to go on with in the middle of a pass, which fit returns as history.carried',
      hint: 'set tbptt in the earlier training too',
    });
  }
}

/** Refuses an optimiser that has nothing to do, such as one of a model that was made before. */
function checkLearning({ paramGroups }: Optimizer): true {
  if (paramGroups.some(({ params }) => params.some(({ grad }) => grad !== undefined))) return true;
  return refuse(ArgumentError, 'fit', 'optimizer', {
    received: 'one with no parameter that the loss depends on',
    expected: 'one of the parameters of the model',
    hint: 'make it after the model, as in new Adam(model.parameters())',
  });
}

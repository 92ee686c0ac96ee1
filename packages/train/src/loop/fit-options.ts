import { ArgumentError, type Tree } from '@rnn/core';
import { checkChoice, checkCount, checkFunction, checkList, checkNumber, checkOptions, refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { AveragedModel } from '../averaged-model.js';
import { checkOptimizer, type Optimizer } from '../optimizers/optimizer.js';
import type { LRScheduler } from '../schedules/lr-scheduler.js';
import { ReduceLROnPlateau } from '../schedules/reduce-lr-on-plateau.js';
import { checkCheckpointOptions, type CheckpointOptions } from './checkpoint-options.js';
import { checkClipNorm, type ClipNormOptions } from './clip-option.js';
import type { EarlyStoppingOptions } from './early-stopping.js';
import type { Metrics } from './evaluate.js';
import type { FitCallback } from './fit-event.js';
import type { EpochRecord, History, StepRecord } from './history.js';
import type { CarriedLoss } from './loss-function.js';
import type { NonFinitePolicy } from './non-finite.js';
import { checkBatches, type Batches } from './pieces.js';
import { checkTbptt, type TbpttOptions } from './tbptt-options.js';

/** What to measure after each pass over the data, and on what. */
export interface ValidationOptions<M, B, S extends Tree = Tree> {
  readonly data: Batches<B>;
  /** The training's loss unless given. */
  readonly loss?: CarriedLoss<M, B, S>;
  readonly metrics?: Metrics<M, B, S>;
  /** The training's unless given, or unless `loss` is. */
  readonly tbptt?: number | TbpttOptions;
}

export interface FitOptions<M, B, S extends Tree = Tree> {
  /**
   * The loss of the model on a batch, one number, which is made smaller. With `tbptt` it gets the
   * state and returns `[loss, state]`.
   */
  readonly loss: CarriedLoss<M, B, S>;
  readonly optimizer: Optimizer;
  /** Passes over the data in all, those in `history` included. Either this or `steps`. */
  readonly epochs?: number;
  /** Steps of the optimiser in all, those in `history` included. */
  readonly steps?: number;
  /**
   * Truncated backpropagation through time: batches are cut along time into pieces of so many
   * steps, each a step of the optimiser. The state is carried from piece to piece, detached; it
   * begins anew with each batch or, where the data go on from batch to batch (as `textStreams`),
   * with each pass. Every tensor of a batch is cut, and so are lists named `lengths` and lists of
   * marks (`resets`).
   */
  readonly tbptt?: number | TbpttOptions;
  /**
   * How many batches make a step of the optimiser; 1 unless given. The gradient is that of the mean
   * over all elements of the batches, as if they were one; the last step of a pass takes what is
   * left.
   */
  readonly accumulate?: number;
  /**
   * Over how many steps the learning rate rises to what the schedule says: step k of n has k / n of
   * it.
   */
  readonly warmup?: number;
  /**
   * An average of the weights, updated after each step; the validation measures it in place of the
   * model.
   */
  readonly averaged?: AveragedModel<Module>;
  /** Scale gradients to at most this norm. */
  readonly clipNorm?: number | ClipNormOptions;
  /**
   * What to do when a loss or the norm of the gradients is NaN or infinite: `'throw'` (unless
   * given) ends the training with a `NonFiniteError`; `'skip'` leaves the parameters as they are in
   * such a step, for which every step's loss is read from the device;
   * `'ignore'` does not look. A noted step is looked at before the parameters change; where
   * `logEvery` leaves steps out, the error comes up to 256 steps later, and names the first.
   */
  readonly onNonFinite?: NonFinitePolicy;
  readonly schedule?: LRScheduler | ReduceLROnPlateau;
  /**
   * When the schedule moves on: after each step or each pass. Unless given, `OneCycleLR` after each
   * step, the others after each pass.
   */
  readonly scheduleEvery?: 'step' | 'epoch';
  /** Called after every `logEvery`-th step; a promise is waited for. */
  readonly onStep?: (record: StepRecord) => unknown;
  /** Called after every pass; a promise is waited for. */
  readonly onEpoch?: (record: EpochRecord) => unknown;
  /**
   * Called with every event, in their order, such as `progressBar()` of `@rnn/train/node`; promises
   * are waited for.
   */
  readonly callbacks?: readonly FitCallback[];
  /**
   * Every how many steps loss and gradient norm are read from the device and noted; 1 unless given,
   * Infinity for never.
   */
  readonly logEvery?: number;
  readonly validation?: ValidationOptions<M, B, S>;
  /** When to stop before all is done, and whether to end with the parameters of the best pass. */
  readonly earlyStopping?: EarlyStoppingOptions;
  /** Ends the training between two steps. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds of work between two turns of the event loop; 20 unless given, Infinity for none.
   */
  readonly yieldEvery?: number;
  /** An earlier training of the same model and optimiser to go on with. */
  readonly history?: History;
  /**
   * Where and how often to write all that the training needs to go on, in Node with `@rnn/io`:
   * model, optimiser, schedule, random numbers, the place in the data, the best pass, the history.
   * A file is there whole or not at all.
   */
  readonly checkpoint?: CheckpointOptions;
  /**
   * A file that `checkpoint` wrote, to go on from as if the training had not stopped. In the place
   * of `history`.
   */
  readonly resumeFrom?: string;
}

/** Refuses options that make no sense, before anything has changed. */
export function checkFitOptions<M, B, S extends Tree>(options: FitOptions<M, B, S>): void {
  const owner = 'fit';
  checkOptions(owner, options, known);
  const { loss, optimizer, epochs, steps, schedule, scheduleEvery, logEvery = 1, yieldEvery = 20 } = options;
  checkFunction(owner, 'loss', loss, '(model, batch) => Tensor');
  checkOptimizer(owner, optimizer);
  if ((epochs === undefined) === (steps === undefined)) {
    const received = epochs === undefined ? 'left out, and so is steps' : 'given beside steps';
    refuse(ArgumentError, owner, 'epochs', { received, expected: 'either epochs or steps' });
  }
  if (epochs !== undefined) checkCount(owner, 'epochs', epochs, 0);
  if (steps !== undefined) checkCount(owner, 'steps', steps, 0);
  checkClipNorm(options.clipNorm);
  checkTbptt(owner, options.tbptt);
  const { accumulate, warmup, averaged, callbacks } = options;
  if (accumulate !== undefined) checkCount(owner, 'accumulate', accumulate, 1);
  if (warmup !== undefined) checkCount(owner, 'warmup', warmup);
  if (averaged !== undefined && !(averaged instanceof AveragedModel)) {
    refuse(ArgumentError, owner, 'averaged', { value: averaged, expected: 'an AveragedModel of the model' });
  }
  if (callbacks !== undefined) {
    checkList(owner, 'callbacks', callbacks, 'functions');
    callbacks.forEach((callback, i) => checkFunction(owner, `callbacks[${i}]`, callback, '(event) => void'));
  }
  if (logEvery !== Infinity) checkCount(owner, 'logEvery', logEvery, 1);
  checkNumber(owner, 'yieldEvery', yieldEvery, { from: 0, to: Infinity });
  const { onNonFinite = 'throw', onStep, onEpoch, validation, signal } = options;
  checkChoice(owner, 'onNonFinite', onNonFinite, ['throw', 'skip', 'ignore']);
  if (scheduleEvery !== undefined) checkChoice(owner, 'scheduleEvery', scheduleEvery, ['step', 'epoch']);
  checkCheckpointOptions(options.checkpoint, options.resumeFrom);
  if (options.history !== undefined && options.resumeFrom !== undefined) {
    const [received, expected] = ['given beside history', 'either, as a checkpoint has its history'];
    refuse(ArgumentError, owner, 'resumeFrom', { received, expected });
  }
  if (onStep !== undefined) checkFunction(owner, 'onStep', onStep, '(record) => void');
  if (onEpoch !== undefined) checkFunction(owner, 'onEpoch', onEpoch, '(record) => void');
  if (validation !== undefined) {
    checkOptions(owner, validation, ['data', 'loss', 'metrics', 'tbptt'], 'validation');
    checkTbptt(owner, validation.tbptt);
    checkBatches(owner, 'validation.data', validation.data);
    if (validation.loss !== undefined) checkFunction(owner, 'validation.loss', validation.loss);
    if (validation.metrics !== undefined)
      checkFunction(owner, 'validation.metrics', validation.metrics, '(model, batch) => { name: Tensor }');
  }
  if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.aborted !== 'boolean') {
    refuse(ArgumentError, owner, 'signal', { value: signal, expected: 'an AbortSignal' });
  }
  if (schedule !== undefined && (schedule as Partial<LRScheduler> | null)?.optimizer !== optimizer) {
    refuse(ArgumentError, owner, 'schedule', {
      received: 'that of another optimiser',
      expected: 'one of this optimiser',
    });
  }
  if (schedule instanceof ReduceLROnPlateau && scheduleEvery === 'step') {
    const expected = "'epoch', as ReduceLROnPlateau looks at whole passes";
    refuse(ArgumentError, owner, 'scheduleEvery', { value: scheduleEvery, expected });
  }
}

const known: readonly string[] = [
  'loss',
  'optimizer',
  'epochs',
  'steps',
  'tbptt',
  'accumulate',
  'warmup',
  'averaged',
  'clipNorm',
  'schedule',
  'scheduleEvery',
  'onStep',
  'onEpoch',
  'callbacks',
  'logEvery',
  'onNonFinite',
  'validation',
  'earlyStopping',
  'signal',
  'yieldEvery',
  'history',
  'checkpoint',
  'resumeFrom',
] satisfies (keyof FitOptions<never, never>)[];

import { ArgumentError } from '@rnn/core';
import { checkCount, isPromise, refuse } from '@rnn/core/checks';
import { fromJSONNumbers, withToJSON } from '../json-numbers.js';
import type { SavedState, SavedTree } from './saved-state.js';

/** One step of the optimiser. */
export interface StepRecord {
  /** Number of the step, from 1. */
  readonly step: number;
  /** Passes over the data that were complete before it. */
  readonly epoch: number;
  /** The loss before the step. */
  readonly loss: number;
  /** The learning rate of the first group at this step, warm-up included. */
  readonly lr: number;
  /** The norm of all gradients, before clipping: the 2-norm, or the one of `clipNorm.normType`. */
  readonly gradNorm: number;
  /** Time spent so far, in seconds. */
  readonly seconds: number;
  /**
   * Whether the parameters were left as they were, since loss or norm is not finite
   * (`onNonFinite: 'skip'`).
   */
  readonly skipped?: true;
}

/** One pass over the data. */
export interface EpochRecord {
  /** Number of the pass, from 1. */
  readonly epoch: number;
  /** Steps of the optimiser so far. */
  readonly step: number;
  /**
   * The mean of the losses of its steps, each weighted by the number of elements that it is the
   * mean of.
   */
  readonly loss: number;
  /** The learning rate of the first group at its last step. */
  readonly lr: number;
  /** What `evaluate` found after it, where there is something to validate on. */
  readonly validation?: Readonly<Record<string, number>>;
  /** Time spent so far, in seconds. */
  readonly seconds: number;
}

/** The pass with the best value of what is watched. */
export interface BestEpoch {
  /** Number of the pass, from 1. */
  readonly epoch: number;
  /**
   * What `earlyStopping.monitor` names; without early stopping the validation's loss, or that of
   * the training.
   */
  readonly value: number;
}

/**
 * The course of a training: plain values, and all that `fit` needs (with model and optimiser) to go
 * on. `JSON.parse(JSON.stringify(history))` serves as well: `JSON.stringify` writes NaN and
 * infinities as texts.
 */
export interface History {
  /** Steps of the optimiser so far. */
  readonly step: number;
  /** Complete passes over the data so far. */
  readonly epoch: number;
  /** Batches done in the pass that is under way; with `tbptt` pieces of them. */
  readonly batch: number;
  /** The mean of their losses; 0 when there are none. */
  readonly batchLoss: number;
  /** Number of elements that these losses are means of. */
  readonly batchElements?: number;
  /** Time spent, in seconds. */
  readonly seconds: number;
  /** Every `logEvery`-th step. */
  readonly steps: readonly StepRecord[];
  readonly epochs: readonly EpochRecord[];
  /** The best pass so far; there is none before the first is complete. */
  readonly best?: BestEpoch;
  /**
   * What the model was after it, where `restoreBest` is to give it back and the training was
   * aborted before.
   */
  readonly bestState?: SavedState;
  /** The state that `tbptt` carries into the rest of the pass that is under way. */
  readonly carried?: SavedTree;
  /** The pass whose parameters `restoreBest` has given back to the model. */
  readonly restored?: number;
  /** Why it ended: all was done, the signal said so, or the early stopping did. */
  readonly stopped: 'finished' | 'aborted' | 'early';
}

/** A history that JSON keeps. */
export function finishedHistory(history: History): History {
  return withToJSON(history);
}

/**
 * Takes a history that an earlier run returned, or its copy out of JSON.
 *
 * @throws ArgumentError when it is none, or went through JSON as a copy, which turned NaN into null
 */
export function loadedHistory(given: History): History {
  const expected = 'what fit returned';
  if (isPromise(given))
    refuse(ArgumentError, 'fit', 'history', { value: given, expected, hint: 'await the fit before' });
  if (typeof given !== 'object' || given === null) refuse(ArgumentError, 'fit', 'history', { value: given, expected });
  const history = fromJSONNumbers(given);
  const { step, epoch, batch, steps, epochs } = history;
  for (const [name, value] of Object.entries({ step, epoch, batch })) checkCount('fit', `history.${name}`, value, 0);
  if (!Array.isArray(steps) || !Array.isArray(epochs)) {
    refuse(ArgumentError, 'fit', 'history', { received: 'without steps and epochs', expected });
  }
  const losses = history.epochs.map(({ loss }) => loss);
  const odd = losses.findIndex((loss) => typeof loss !== 'number');
  if (odd >= 0) {
    refuse(ArgumentError, 'fit', `history.epochs[${odd}].loss`, {
      value: losses[odd],
      expected: 'a number',
      hint: 'call JSON.stringify with the history that fit returned, not with a copy: it writes NaN and infinities as texts',
    });
  }
  return history;
}

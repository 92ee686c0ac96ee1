import { ArgumentError, type Tree } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { Module } from '@rnn/nn';
import { checkModel } from '../evaluation.js';
import { checkFitOptions, type FitOptions } from './fit-options.js';
import type { History } from './history.js';
import { checkBatches, type Batches } from './pieces.js';
import { Training } from './training.js';

/**
 * Trains a model: for each batch the loss, its gradients, and a step of the optimiser.
 *
 * Every step runs in a scope, so memory stays flat. Between steps the event loop turns now and
 * then, so that a page stays alive, and the signal is looked at: a step is done whole or not at
 * all. Nothing is read from the device but what is noted. A loss or gradient that is NaN or
 * infinite ends the training with an error, or what `onNonFinite` says.
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
 * A training that may be killed writes checkpoints and goes on from the last one, to the bit as if
 * nothing had happened:
 *
 * ```ts
 * const path = 'run/checkpoint.safetensors';
 * await fit(model, loader, {
 *   ...options,
 *   checkpoint: { path, every: 100 },
 *   resumeFrom: existsSync(path) ? path : undefined,
 * });
 * ```
 * To go on with a training in other ways, pass its `history` and larger `epochs` or `steps`, with
 * the model and the optimiser (and the schedule) as it left them, in this process or from their
 * state dicts. The part of a pass that was done is passed over; with shuffled data the run equals
 * an unbroken one if the generator is set to where it was when that pass began.
 *
 * The training mode holds within the functions that are given here only (of an asynchronous one, up
 * to its first `await`), and what they set with `train()` and `eval()` holds for the rest of the
 * run. So an evaluation, or anything else, may use the model between two steps.
 *
 * @param model - any module; its modes are as before at the end
 * @param data - batches, again for each pass: a `DataLoader`, an array
 * @param options - `loss`, `optimizer`, `epochs` or `steps`, and what {@link FitOptions} lists
 * @returns the course of the training, plain values
 * @throws ArgumentError when an option makes no sense, or the data give no batch; NonFiniteError;
 *   and whatever the given functions throw
 *
 * Differs from PyTorch: has no counterpart there.
 */
export async function fit<M extends Module, B, S extends Tree = Tree>(
  model: M,
  data: Batches<B>,
  options: FitOptions<M, B, S>,
): Promise<History> {
  checkFitOptions(options);
  checkModel('fit', model);
  checkBatches('fit', 'data', data);
  if (inTraining.has(model)) {
    const [expected, hint] = ['one that no other fit trains', 'await the fit before'];
    refuse(ArgumentError, 'fit', 'model', { received: 'in training already', expected, hint });
  }
  const training = new Training(model, data, options);
  inTraining.add(model);
  try {
    return await training.run();
  } finally {
    inTraining.delete(model);
    training.close();
  }
}

/** A step waits between its gradients and its update: two trainings would mix theirs up. */
const inTraining = new WeakSet<Module>();

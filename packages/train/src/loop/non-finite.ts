import { anomaly, AnomalyError, backward, RnnError, scope, Tensor, type Tree } from '@rnn/core';
import type { Module } from '@rnn/nn';
import { leavesOf } from '../tree.js';
import type { CarriedLoss } from './loss-function.js';

/** What to do about a step whose loss or gradients are NaN or infinite. */
export type NonFinitePolicy = 'throw' | 'skip' | 'ignore';

/** Where a training stands. */
export interface StepPlace {
  /** Number of the step, from 1. */
  readonly step: number;
  /** Number of the pass over the data, from 1. */
  readonly epoch: number;
  /** Number of the batch in the pass, from 1; the last of the step where it has several. */
  readonly batch: number;
}

/**
 * A training met NaN or Infinity (`ERR_NON_FINITE`). `step`, `epoch` and `batch` count from 1;
 * `operation` is the name of the operation that made the first NaN, where it could be found by
 * doing the step again.
 *
 * @example
 * ```ts
 * try {
 *   await fit(model, data, options);
 * } catch (error) {
 *   if (error instanceof NonFiniteError) console.log(error.step, error.batch, error.operation);
 * }
 * ```
 */
export class NonFiniteError extends RnnError {
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
  readonly operation: string | undefined;

  constructor({ step, epoch, batch }: StepPlace, what: string, { reason, cause }: Diagnosis = {}) {
    const found = reason === undefined ? '' : `: ${reason}`;
    super(
      'ERR_NON_FINITE',
      `fit: ${what} (step ${step}, pass ${epoch}, batch ${batch})${found}; expected finite numbers: look at the data, lower the learning rate or set clipNorm, or pass onNonFinite: 'skip' to leave such batches out`,
      { cause },
    );
    this.name = 'NonFiniteError';
    this.step = step;
    this.epoch = epoch;
    this.batch = batch;
    this.operation = cause instanceof AnomalyError ? cause.operation : undefined;
  }
}

/** What was found out about a step that went wrong. */
export interface Diagnosis {
  readonly reason?: string;
  readonly cause?: unknown;
}

/**
 * A batch of a step that may have gone wrong, with the state before it; both live until they are
 * freed.
 */
export interface Suspect<B, S> {
  readonly batch: B;
  readonly state: S | undefined;
}

/**
 * Looks for where the first number that is not finite came from: the batch, a parameter, or an
 * operation of the loss or its derivative, which is computed once more. Reads the device, which
 * must answer at once.
 *
 * @param model - as it was before the step
 * @param suspects - the batches of the step; nothing is looked at without one
 * @param loss - the function that gave a loss, or gradients, that are not finite
 */
export function diagnosed<M extends Module, B, S extends Tree>(
  model: M,
  suspects: readonly Suspect<B, S>[],
  loss: CarriedLoss<M, B, S>,
): Diagnosis {
  if (suspects.length === 0) return {};
  for (const [i, { batch }] of suspects.entries()) {
    const which = suspects.length === 1 ? 'the batch' : `batch ${i + 1} of ${suspects.length} of the step`;
    for (const tensor of leavesOf(batch)) {
      const at = oddAt(tensor);
      if (at < 0) continue;
      const shape = `[${tensor.shape.join(', ')}]`;
      return { reason: `${which} holds ${tensor.dataSync()[at]}, at element ${at} of a tensor ${shape}` };
    }
  }
  for (const [name, parameter] of model.namedParameters()) {
    const at = oddAt(parameter);
    if (at >= 0)
      return { reason: `${name} holds ${parameter.dataSync()[at]} already before the step, at element ${at}` };
  }
  try {
    for (const { batch, state } of suspects) {
      anomaly(() => scope(() => backward(partsOfLoss(loss(model, batch, state)))));
    }
  } catch (cause) {
    // Anything else than the first NaN, such as data that were freed, leaves its origin unknown; it
    // is told along.
    return { cause, ...(cause instanceof AnomalyError ? { reason: cause.message } : {}) };
  }
  return {};
}

/** The loss itself, also where a state comes with it. */
function partsOfLoss(result: Tensor | readonly [loss: Tensor, state: Tree]): Tensor {
  return result instanceof Tensor ? result : result[0];
}

function oddAt(tensor: Tensor): number {
  return tensor.dtype === 'int32' ? -1 : tensor.dataSync().findIndex((value) => !Number.isFinite(value));
}

import { anomaly, AnomalyError, RnnError, scope, Tensor } from '@rnn/core';
import type { Module } from '@rnn/nn';
import type { LossFunction } from './evaluate.js';

/** What to do about a step whose loss or gradients are NaN or infinite. */
export type NonFinitePolicy = 'throw' | 'skip' | 'ignore';

/** Where a training stands. */
export interface StepPlace {
  /** Number of the step, from 1. */
  readonly step: number;
  /** Number of the pass over the data, from 1. */
  readonly epoch: number;
  /** Number of the batch in the pass, from 1. */
  readonly batch: number;
}

/**
 * A training met NaN or Infinity (`ERR_NON_FINITE`). `step`, `epoch` and `batch` count from 1; `operation` is the name of the operation that
 * made the first NaN, where it could be found by doing the step again.
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

/** A batch that outlives the scope of its step: the same structure with handles of its own on its tensors. */
export interface KeptBatch<B> {
  readonly batch: B;
  readonly tensors: readonly Tensor[];
}

/** Keeps a batch: the tensors in lists and plain objects. The caller frees them. */
export function keptBatch<B>(batch: B): KeptBatch<B> {
  const tensors: Tensor[] = [];
  const copy = (value: unknown): unknown => {
    if (value instanceof Tensor) {
      const handle = value.detach().keep();
      tensors.push(handle);
      return handle;
    }
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
  };
  return { batch: copy(batch) as B, tensors };
}

/**
 * Looks for where the first number that is not finite came from: the batch, a parameter, or an operation of the loss or its derivative,
 * which is computed once more. Reads the device, which must answer at once.
 *
 * @param model - as it was before the step
 * @param kept - the batch of the step
 * @param loss - the function that gave a loss, or gradients, that are not finite
 */
export function diagnosed<M extends Module, B>(
  model: M,
  { batch, tensors }: KeptBatch<B>,
  loss: LossFunction<M, B>,
): Diagnosis {
  for (const tensor of tensors) {
    const at = oddAt(tensor);
    if (at >= 0)
      return {
        reason: `the batch holds ${tensor.dataSync()[at]}, at element ${at} of a tensor [${tensor.shape.join(', ')}]`,
      };
  }
  for (const [name, parameter] of model.namedParameters()) {
    const at = oddAt(parameter);
    if (at >= 0)
      return { reason: `${name} holds ${parameter.dataSync()[at]} already before the step, at element ${at}` };
  }
  try {
    anomaly(() => scope(() => loss(model, batch).backward()));
  } catch (cause) {
    // Anything else than the first NaN, such as data that were freed, leaves its origin unknown; it is told along.
    return { cause, ...(cause instanceof AnomalyError ? { reason: cause.message } : {}) };
  }
  return {};
}

function oddAt(tensor: Tensor): number {
  return tensor.dtype === 'int32' ? -1 : tensor.dataSync().findIndex((value) => !Number.isFinite(value));
}

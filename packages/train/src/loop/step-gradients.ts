import {
  add,
  type AverageCount,
  backward,
  detach,
  div,
  mul,
  noGrad,
  reshape,
  scope,
  type Tensor,
  to,
  type Tree,
} from '@rnn/core';
import type { Module } from '@rnn/nn';
import { clipGradNorm, gradNorm, replaceGrads } from '../clip-grad.js';
import { disposeTree, keptTree } from '../tree.js';
import type { CarriedState } from './carried-state.js';
import { clipOf } from './clip-option.js';
import type { FitOptions } from './fit-options.js';
import { lossOn } from './loss-function.js';
import type { Suspect } from './non-finite.js';

/** A step up to its gradients. */
export interface Computed {
  /** The mean loss of its batches. */
  readonly loss: Tensor;
  /** Number of elements that it is the mean of. */
  readonly count: AverageCount;
  /** Of all gradients, before clipping; not computed where nobody asks. */
  readonly norm: Tensor | undefined;
}

/**
 * The losses of the batches of a step, each times the number of its elements, and these numbers.
 */
interface Sums {
  readonly loss: Tensor;
  readonly count: AverageCount;
}

/** The gradients of one step, from one batch or, accumulated, from several. */
export class StepGradients<M extends Module, B, S extends Tree> {
  /** Whose gradients are made: the model's parameters, and those that only the optimiser has. */
  params: readonly Tensor[] = [];
  private readonly model: M;
  private readonly options: FitOptions<M, B, S>;
  private readonly carried: CarriedState<S>;
  /** Whether several batches make a step. */
  private readonly accumulates: boolean;
  private sums: Sums | undefined;
  /**
   * The batches of the step with the states before them, where one is to look for what went wrong.
   */
  private suspects: Suspect<B, S>[] = [];

  constructor(model: M, options: FitOptions<M, B, S>, carried: CarriedState<S>) {
    this.model = model;
    this.options = options;
    this.carried = carried;
    this.accumulates = (options.accumulate ?? 1) > 1;
  }

  /** Looks again at what there is to train: between two passes a model may change. */
  beginPass(): void {
    const own = this.options.optimizer.paramGroups.flatMap(({ params }) => params);
    this.params = [...new Set([...this.model.parameters(), ...own])];
  }

  /**
   * Adds the gradients of one batch.
   *
   * @param batch - of the step's
   * @param begins - whether it goes on from no state
   * @param isSuspect - whether to keep it for a look at what went wrong
   */
  add(batch: B, begins: boolean, isSuspect: boolean): void {
    const { loss: lossFunction, tbptt } = this.options;
    if (this.sums === undefined) this.zeroGrad();
    const before = begins ? undefined : this.carried.current;
    if (isSuspect) this.suspects.push(keptTree({ batch, state: before }));
    const { loss, count, state } = lossOn(lossFunction, this.model, batch, before, tbptt !== undefined);
    if (state !== undefined) this.carried.next(state);
    if (!this.accumulates) {
      backward(loss);
      this.sums = { loss, count };
      return;
    }
    // The mean over all elements of the step, as if its batches were one.
    const weight = typeof count === 'number' ? count : reshape(to(count, loss.dtype), []);
    const weighted = mul(loss, weight);
    backward(weighted);
    this.sums = noGrad(() => this.summed(detach(weighted), weight));
  }

  /**
   * What came of the step's batches, after clipping. In the scope of the last batch, or in one of
   * its own.
   */
  conclude(wantsNorm: boolean): Computed {
    const { loss, count } = this.mean();
    const clip = clipOf(this.options.clipNorm);
    if (clip !== undefined) {
      return { loss, count, norm: clipGradNorm(this.params, clip.maxNorm, { normType: clip.normType }) };
    }
    return { loss, count, norm: wantsNorm ? gradNorm(this.params) : undefined };
  }

  /** The batches that were kept; the caller frees them. */
  takeSuspects(): Suspect<B, S>[] {
    return this.suspects.splice(0);
  }

  zeroGrad(): void {
    for (const param of this.params) {
      param.grad?.dispose();
      param.grad = undefined;
    }
  }

  dispose(): void {
    this.zeroGrad();
    if (this.accumulates) disposeSums(this.sums);
    this.sums = undefined;
    disposeTree(this.takeSuspects());
  }

  private summed(loss: Tensor, count: AverageCount): Sums {
    const { sums } = this;
    const total = sums === undefined ? loss : add(sums.loss, loss);
    const counts = sums === undefined ? count : plus(sums.count, count);
    total.keep();
    if (typeof counts !== 'number') counts.keep();
    disposeSums(sums);
    return { loss: total, count: counts };
  }

  private mean(): Sums {
    const sums = this.sums as Sums;
    this.sums = undefined;
    if (!this.accumulates) return sums;
    const { loss, count } = sums;
    return noGrad(() => {
      const mean = div(loss, count);
      scope(() => replaceGrads(this.params, (grad) => div(grad, inPlaceOf(count, grad))));
      loss.dispose();
      return { loss: mean, count };
    });
  }
}

function plus(a: AverageCount, b: AverageCount): AverageCount {
  if (typeof a === 'number') return typeof b === 'number' ? a + b : add(b, a);
  return add(a, b);
}

/** A count where a gradient is. */
function inPlaceOf(count: AverageCount, { backend, dtype }: Tensor): AverageCount {
  return typeof count === 'number' ? count : to(to(count, backend), dtype);
}

function disposeSums(sums: Sums | undefined): void {
  sums?.loss.dispose();
  if (sums !== undefined && typeof sums.count !== 'number') sums.count.dispose();
}

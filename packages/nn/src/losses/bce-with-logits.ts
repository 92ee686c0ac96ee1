import { add, mul, neg, softplus, sub, type Tensor } from '@rnn/core';
import { Module } from '../module.js';
import { checkFactor, checkPair } from './pair.js';
import {
  checkLoss,
  checkLossForward,
  checkLossModule,
  elementwiseLoss,
  lossFunction,
  type LossForwardOptions,
  type LossModuleOptions,
} from './reduction.js';

/** What tells the binary cross entropy apart. */
export interface BCEWithLogitsLossModuleOptions extends LossModuleOptions {
  /** A factor for each element's loss; broadcasts to the input. */
  readonly weight?: Tensor;
  /** A factor for the losses of positive targets, usually one for each class: `[classes]`. */
  readonly posWeight?: Tensor;
}

/** Options of `bceWithLogits`. */
export interface BCEWithLogitsOptions extends BCEWithLogitsLossModuleOptions, LossForwardOptions {}

/**
 * The cross entropy of a sigmoid's probability with a target between 0 and 1: -(p y log σ(x) + (1 -
 * y) log(1 - σ(x))), without overflow for any x.
 *
 * @example
 * ```ts
 * bceWithLogits(tensor([0, 100]), tensor([1, 1])).item();   // 0.3466
 * ```
 * @param input - logits, any shape
 * @param target - the same shape, numbers from 0 to 1 (0 and 1 mostly)
 * @param options - `posWeight` (p above), `weight`, `reduction` ('mean', 'sum', 'none'), `lengths`
 *   of a target `[T, B, ...]`, `batchFirst`
 * @returns a single number, or the shape of the input without reduction
 * @throws ShapeError when the shapes differ
 */
export function bceWithLogits(input: Tensor, target: Tensor, options: BCEWithLogitsOptions = {}): Tensor {
  const owner = 'bceWithLogits';
  checkPair(owner, input, target);
  checkLoss(owner, options, ['weight', 'posWeight']);
  const { weight, posWeight } = options;
  if (weight !== undefined) checkFactor(owner, 'weight', weight, input);
  if (posWeight !== undefined) checkFactor(owner, 'posWeight', posWeight, input);
  if (posWeight === undefined && weight === undefined)
    return elementwiseLoss(owner, input, target, options, logisticLoss.each, logisticLoss.mean);
  return elementwiseLoss(owner, input, target, options, (pair) => {
    const losses = posWeight === undefined ? logisticLoss.each(pair) : weightedLoss(pair, posWeight);
    return weight === undefined ? losses : mul(losses, weight);
  });
}

const logisticLoss = /* @__PURE__ */ lossFunction((pair) => weightedLoss(pair, undefined));

/** -log σ(x) = softplus(-x) and -log(1 - σ(x)) = x + softplus(-x). */
function weightedLoss([x, y]: readonly Tensor[], posWeight: Tensor | undefined): Tensor {
  const negative = softplus(neg(x));
  const positive = posWeight === undefined ? negative : mul(negative, add(mul(sub(posWeight, 1), y), 1));
  return add(mul(x, add(neg(y), 1)), positive);
}

/**
 * `bceWithLogits` as a module; `weight` and `pos_weight` are buffers, as in PyTorch.
 *
 * @example
 * ```ts
 * new BCEWithLogitsLoss().forward(tensor([0, 0]), tensor([1, 0])).item();   // ln 2
 * ```
 */
export class BCEWithLogitsLoss extends Module {
  declare weight: Tensor | undefined;
  declare pos_weight: Tensor | undefined;
  protected readonly options: LossModuleOptions;

  constructor(options: BCEWithLogitsLossModuleOptions = {}) {
    super();
    checkLossModule('BCEWithLogitsLoss', options, ['weight', 'posWeight']);
    const { weight, posWeight, ...rest } = options;
    if (weight !== undefined) this.registerBuffer('weight', weight);
    if (posWeight !== undefined) this.registerBuffer('pos_weight', posWeight);
    this.options = rest;
  }

  /** See `bceWithLogits`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('BCEWithLogitsLoss', options);
    return bceWithLogits(input, target, { ...this.options, weight: this.weight, posWeight: this.pos_weight, lengths });
  }
}

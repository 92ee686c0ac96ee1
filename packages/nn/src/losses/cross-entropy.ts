import {
  add,
  ArgumentError,
  gather,
  indexSelect,
  logSoftmax,
  mul,
  neg,
  reshape,
  sameShape,
  scope,
  squeeze,
  sum,
  type Tensor,
  to,
  unsqueeze,
  where,
} from '@rnn/core';
import { checkNumber, checkPlace, refuse } from '@rnn/core/checks';
import { Module } from '../module.js';
import {
  asRows,
  checkClassOptions,
  classIndices,
  classLayout,
  countedRows,
  type ClassIndices,
  type ClassLayout,
  type ClassLossModuleOptions,
  type ClassLossOptions,
} from './class-targets.js';
import { checkLoss, checkLossForward, checkLossModule, reduced, type LossForwardOptions } from './reduction.js';

/** What tells the cross entropy apart from the negative log-likelihood. */
export interface CrossEntropyLossModuleOptions extends ClassLossModuleOptions {
  /** The share of the target's probability that is spread evenly over all classes, from 0 to 1. */
  readonly labelSmoothing?: number;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends CrossEntropyLossModuleOptions, LossForwardOptions {}

const classNames = ['weight', 'ignoreIndex', 'classDim'];
const crossEntropyNames = /* @__PURE__ */ classNames.concat('labelSmoothing');

/**
 * The cross entropy of a softmax over classes with a target: -log softmax(input)[target].
 *
 * @example
 * ```ts
 * const target = tensor([0, 2], { dtype: 'int32' });
 * crossEntropy(zeros([2, 3]), target).item(); // 1.0986, the logarithm of 3
 * crossEntropy(logits, targets, { lengths: [5, 3], classDim: -1 }); // [T, B, C] and [T, B]: a tagger over padded sequences
 * ```
 * @param input - logits `[N, C]`, `[C]` or `[N, C, d1, ...]`; with `classDim: -1` `[..., C]`
 * @param target - int32 class indices of the input's shape without C, or probabilities of the
 *   input's shape
 * @param options - `weight` of the classes, `ignoreIndex` (-100), `labelSmoothing` (0), `reduction`
 *   ('mean', 'sum', 'none'), `lengths` of a target `[T, B, ...]`, `batchFirst`, `classDim` (1; with
 *   lengths to be given where the target's shape fits both 1 and -1)
 * @returns a single number, or the shape of the target without reduction. The mean is weighted: the
 *   sum of the losses by the sum of the weights of the targets that count
 * @throws ShapeError when shapes do not fit; ArgumentError when a target is no class, or `classDim`
 *   is needed. On a backend that answers only later, where nobody has seen the targets since they
 *   were computed, or some are ignored, the loss of such a target is NaN instead
 *
 * Differs from PyTorch: `lengths` and `classDim`.
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const owner = 'crossEntropy';
  checkLoss(owner, options, crossEntropyNames);
  checkClassOptions(owner, options);
  const { labelSmoothing = 0 } = options;
  checkNumber(owner, 'labelSmoothing', labelSmoothing, { from: 0, to: 1 });
  const layout = classLayout(owner, input, target, options);
  if (target.dtype !== 'int32' && sameShape(target.shape, input.shape)) {
    return softCrossEntropy(owner, input, target, layout, options);
  }
  return hardLoss(owner, input, target, layout, options);
}

/**
 * The negative log-likelihood of a target: -input[target], for log-probabilities as `logSoftmax`
 * gives them.
 *
 * @example
 * ```ts
 * nllLoss(x.logSoftmax(1), target);   // the same as crossEntropy(x, target)
 * ```
 * @param input - log-probabilities `[N, C]`, `[C]` or `[N, C, d1, ...]`; with `classDim: -1`
 *   `[..., C]`
 * @param target - int32 class indices of the input's shape without C
 * @param options - those of `crossEntropy` without `labelSmoothing`
 * @returns as for `crossEntropy`
 */
export function nllLoss(input: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  const owner = 'nllLoss';
  checkLoss(owner, options, classNames);
  checkClassOptions(owner, options);
  const layout = classLayout(owner, input, target, options);
  return hardLoss(owner, input, target, layout, options, true);
}

function hardLoss(
  owner: string,
  input: Tensor,
  target: Tensor,
  layout: ClassLayout,
  options: CrossEntropyOptions,
  logarithmic = false,
): Tensor {
  const { weight, labelSmoothing = 0, reduction = 'mean' } = options;
  return scope(() => {
    const picked = classIndices(owner, target, layout, options);
    const { index, isClass, mask, count } = picked;
    const rows = countedOnly(asRows(input, layout), picked);
    const logs = logarithmic ? rows : logSoftmax(rows, 1);
    const own = neg(squeeze(gather(logs, 1, unsqueeze(index, 1)), 1));
    const ownWeight = weight && indexSelect(weight, 0, index);
    let losses = ownWeight === undefined ? own : mul(own, ownWeight);
    if (labelSmoothing > 0) {
      const all = neg(sum(weight === undefined ? logs : mul(logs, weight), 1));
      losses = add(mul(losses, 1 - labelSmoothing), mul(all, labelSmoothing / layout.classes));
    }
    if (isClass !== undefined) losses = where(isClass, losses, NaN);
    if (mask !== undefined) losses = where(mask, losses, 0);
    const divisor =
      ownWeight === undefined
        ? divisorOf(count, losses)
        : sum(mask === undefined ? ownWeight : where(mask, ownWeight, 0));
    return reduced(reshape(losses, layout.outer), reduction, divisor);
  });
}

/**
 * Targets that are distributions themselves: -Σ target log softmax(input). The mean is over rows,
 * weighted or not, as in PyTorch.
 */
function softCrossEntropy(
  owner: string,
  input: Tensor,
  target: Tensor,
  layout: ClassLayout,
  options: CrossEntropyOptions,
): Tensor {
  const { weight, labelSmoothing = 0, reduction = 'mean' } = options;
  if (options.ignoreIndex !== undefined) {
    const expected = 'none, as a target of probabilities has no index to ignore';
    refuse(ArgumentError, owner, 'ignoreIndex', { value: options.ignoreIndex, expected });
  }
  checkPlace(owner, 'target', target, input);
  return scope(() => {
    const counted = countedRows(owner, input, layout, options);
    const logs = logSoftmax(countedOnly(asRows(input, layout), counted), 1);
    const given = countedOnly(asRows(target, layout), counted);
    const smooth = labelSmoothing === 0 ? given : add(mul(given, 1 - labelSmoothing), labelSmoothing / layout.classes);
    const terms = mul(logs, weight === undefined ? smooth : mul(smooth, weight));
    const sums = neg(sum(terms, 1));
    const losses = counted.mask === undefined ? sums : where(counted.mask, sums, 0);
    return reduced(reshape(losses, layout.outer), reduction, divisorOf(counted.count, losses));
  });
}

/** A number of rows as what losses may be divided by. */
function divisorOf(count: number | Tensor, { dtype }: Tensor): number | Tensor {
  return typeof count === 'number' ? count : to(count, dtype);
}

/** Zeros in the rows that do not count, so that a NaN there reaches neither loss nor gradient. */
function countedOnly(rows: Tensor, { mask }: Pick<ClassIndices, 'mask'>): Tensor {
  return mask === undefined ? rows : where(unsqueeze(mask, 1), rows, 0);
}

/**
 * `crossEntropy` as a module; `weight` is a buffer, as in PyTorch.
 *
 * @example
 * ```ts
 * const target = tensor([1, 0], { dtype: 'int32' });
 * new CrossEntropyLoss().forward(zeros([2, 4]), target).item();   // ln 4
 * ```
 */
export class CrossEntropyLoss extends Module {
  declare weight: Tensor | undefined;
  protected readonly options: Omit<CrossEntropyLossModuleOptions, 'weight'>;

  constructor(options: CrossEntropyLossModuleOptions = {}) {
    super();
    checkLossModule('CrossEntropyLoss', options, crossEntropyNames);
    const { labelSmoothing = 0 } = options;
    checkNumber('CrossEntropyLoss', 'labelSmoothing', labelSmoothing, { from: 0, to: 1 });
    checkClassOptions('CrossEntropyLoss', options);
    const { weight, ...rest } = options;
    if (weight !== undefined) this.registerBuffer('weight', weight);
    this.options = rest;
  }

  /** See `crossEntropy`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('CrossEntropyLoss', options);
    return crossEntropy(input, target, { ...this.options, weight: this.weight, lengths });
  }
}

/**
 * `nllLoss` as a module; `weight` is a buffer, as in PyTorch.
 *
 * @example
 * ```ts
 * const target = tensor([1, 0], { dtype: 'int32' });
 * new NLLLoss().forward(logSoftmax(zeros([2, 4]), 1), target).item();   // ln 4
 * ```
 */
export class NLLLoss extends Module {
  declare weight: Tensor | undefined;
  protected readonly options: Omit<ClassLossModuleOptions, 'weight'>;

  constructor(options: ClassLossModuleOptions = {}) {
    super();
    checkLossModule('NLLLoss', options, classNames);
    checkClassOptions('NLLLoss', options);
    const { weight, ...rest } = options;
    if (weight !== undefined) this.registerBuffer('weight', weight);
    this.options = rest;
  }

  /** See `nllLoss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('NLLLoss', options);
    return nllLoss(input, target, { ...this.options, weight: this.weight, lengths });
  }
}

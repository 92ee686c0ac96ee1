import {
  add,
  ArgumentError,
  clamp,
  customOperation,
  div,
  log,
  maximum,
  mul,
  neg,
  square,
  sub,
  TraceError,
  type Tensor,
} from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import { Module } from '../module.js';
import { checkFactor, checkPair } from './pair.js';
import {
  checkLoss,
  checkLossForward,
  checkLossModule,
  elementwiseLoss,
  type LossForwardOptions,
  type LossModuleOptions,
} from './reduction.js';

/** What tells the binary cross entropy of probabilities apart. */
export interface BCELossModuleOptions extends LossModuleOptions {
  /** A factor for each element's loss; broadcasts to the input. */
  readonly weight?: Tensor;
}

/** Options of `bceLoss`. */
export interface BCELossOptions extends BCELossModuleOptions, LossForwardOptions {}

/**
 * A logarithm below this counts as this, and a product x (1 - x) below `LEAST` as that, as in
 * PyTorch.
 */
const LOWEST_LOG = -100;
const LEAST = 1e-12;

/**
 * The cross entropy of a probability with a target between 0 and 1: -(y log x + (1 - y) log(1 -
 * x)), with logarithms no less than -100.
 *
 * @example
 * ```ts
 * bceLoss(tensor([0.5, 1]), tensor([1, 1])).item();   // 0.3466
 * ```
 * @param input - probabilities, any shape; the result of a sigmoid. `bceWithLogits` takes what goes
 *   into it, and is more exact
 * @param target - the same shape, numbers from 0 to 1
 * @param options - `weight`, `reduction` ('mean', 'sum', 'none'), `lengths` of a target
 *   `[T, B, ...]`, `batchFirst`
 * @returns a single number, or the shape of the input without reduction
 * @throws ShapeError when the shapes differ; ArgumentError when the input or the target holds a
 *   number outside of [0, 1], as logits do
 *
 * Differs from PyTorch: a NaN is no error here, so that it is found where it arose. In a compiled
 * step, and on a backend that answers only later, numbers cannot be read: there one outside of
 * [0, 1] gives NaN.
 */
export function bceLoss(input: Tensor, target: Tensor, options: BCELossOptions = {}): Tensor {
  const owner = 'bceLoss';
  checkPair(owner, input, target);
  checkLoss(owner, options, ['weight']);
  const { weight } = options;
  if (weight !== undefined) checkFactor(owner, 'weight', weight, input);
  return elementwiseLoss(owner, input, target, options, ([x, y]) => {
    checkShares(owner, 'input', x, 'bceWithLogits (as a module BCEWithLogitsLoss) takes logits');
    checkShares(owner, 'target', y);
    const losses = crossEntropyOf(x, y);
    return weight === undefined ? losses : mul(losses, weight);
  });
}

/** Refuses numbers that are no probabilities, where they can be read; a NaN is none of them. */
function checkShares(owner: string, argument: string, shares: Tensor, hint?: string): void {
  const { synchronous, records } = shares.backend.info;
  if (!synchronous || records) return;
  const wrong = readable(shares).find((share) => share < 0 || share > 1);
  if (wrong === undefined) return;
  refuse(ArgumentError, owner, argument, {
    has: 'the value',
    received: String(wrong),
    expected: 'numbers from 0 to 1',
    hint,
  });
}

/** The numbers of a tensor; none of one that stands for a value while a step is traced. */
function readable(tensor: Tensor): ReturnType<Tensor['dataSync']> {
  try {
    return tensor.dataSync();
  } catch (error) {
    if (error instanceof TraceError) return new Float32Array();
    throw error;
  }
}

/** Its derivative with respect to x is (x - y) / (x (1 - x)), which stays finite at 0 and 1. */
function crossEntropyOf(x: Tensor, y: Tensor): Tensor {
  const logOf = (share: Tensor): Tensor => clamp(log(share), LOWEST_LOG);
  return customOperation({
    name: 'bceLoss',
    inputs: [x, y],
    forward: () => ({
      result: neg(add(mul(y, logOf(x)), mul(add(neg(y), 1), logOf(add(neg(x), 1))))),
      saved: [x, y],
    }),
    derivatives: [
      (grad, [p, q]) => div(mul(grad, sub(p, q)), maximum(sub(p, square(p)), LEAST)),
      (grad, [p]) => mul(grad, sub(logOf(add(neg(p), 1)), logOf(p))),
    ],
  });
}

/**
 * `bceLoss` as a module; `weight` is a buffer, as in PyTorch.
 *
 * @example
 * ```ts
 * new BCELoss().forward(tensor([0.5, 0.5]), tensor([1, 0])).item();   // ln 2
 * ```
 */
export class BCELoss extends Module {
  declare weight: Tensor | undefined;
  protected readonly options: LossModuleOptions;

  constructor(options: BCELossModuleOptions = {}) {
    super();
    checkLossModule('BCELoss', options, ['weight']);
    const { weight, ...rest } = options;
    if (weight !== undefined) this.registerBuffer('weight', weight);
    this.options = rest;
  }

  /** See `bceLoss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('BCELoss', options);
    return bceLoss(input, target, { ...this.options, weight: this.weight, lengths });
  }
}

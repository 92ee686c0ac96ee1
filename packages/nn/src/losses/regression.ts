import { abs, div, minimum, mul, square, sub, type Tensor } from '@rnn/core';
import { checkNumber } from '@rnn/core/checks';
import { Module } from '../module.js';
import { checkPair } from './pair.js';
import {
  checkLoss,
  checkLossForward,
  checkLossModule,
  elementwiseLoss,
  lossFunction,
  type LossForwardOptions,
  type LossModuleOptions,
  type LossOptions,
} from './reduction.js';

/** What tells the smooth L1 loss apart. */
export interface SmoothL1LossModuleOptions extends LossModuleOptions {
  /** Where the square goes over into the absolute value; 0 gives the L1 loss. */
  readonly beta?: number;
}

/** Options of `smoothL1Loss`. */
export interface SmoothL1LossOptions extends SmoothL1LossModuleOptions, LossForwardOptions {}

/** What tells Huber's loss apart. */
export interface HuberLossModuleOptions extends LossModuleOptions {
  /** Where the square goes over into the absolute value. */
  readonly delta?: number;
}

/** Options of `huberLoss`. */
export interface HuberLossOptions extends HuberLossModuleOptions, LossForwardOptions {}

/**
 * The squared error (x - y)².
 *
 * @example
 * ```ts
 * mseLoss(tensor([1, 2]), tensor([1, 4])).item();   // 2
 * ```
 * @param input - any shape
 * @param target - the same shape
 * @param options - `reduction` ('mean', 'sum', 'none'), `lengths` of a target `[T, B, ...]`,
 *   `batchFirst`
 * @returns a single number, or the shape of the input without reduction
 * @throws ShapeError when the shapes differ
 *
 * Differs from PyTorch: shapes that would broadcast are refused, as that is nearly always a
 * mistake; `lengths`.
 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkPair('mseLoss', input, target);
  checkLoss('mseLoss', options, []);
  return elementwiseLoss('mseLoss', input, target, options, squaredError.each, squaredError.mean);
}

/**
 * The absolute error |x - y|; arguments and result as for `mseLoss`.
 *
 * @example
 * ```ts
 * l1Loss(tensor([1, 2]), tensor([1, 4])).item();   // 1
 * ```
 */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkPair('l1Loss', input, target);
  checkLoss('l1Loss', options, []);
  return elementwiseLoss('l1Loss', input, target, options, absoluteError.each, absoluteError.mean);
}

/**
 * (x - y)² / (2 beta) where |x - y| < beta, else |x - y| - beta / 2: Huber's loss divided by beta.
 *
 * @example
 * ```ts
 * smoothL1Loss(tensor([1, 2]), tensor([1.5, 4])).item();   // (0.125 + 1.5) / 2
 * ```
 * @param input - any shape
 * @param target - the same shape
 * @param options - `beta` (1), and those of `mseLoss`
 * @returns as for `mseLoss`
 */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  checkPair('smoothL1Loss', input, target);
  checkLoss('smoothL1Loss', options, ['beta']);
  const { beta = 1 } = options;
  checkBeta('smoothL1Loss', beta);
  const { each, mean } = beta === 0 ? absoluteError : smoothError;
  const parameters = { beta };
  return elementwiseLoss(
    'smoothL1Loss',
    input,
    target,
    options,
    (pair) => each(pair, parameters),
    (pair) => mean(pair, parameters),
  );
}

/**
 * Huber's loss: (x - y)² / 2 where |x - y| <= delta, else delta (|x - y| - delta / 2).
 *
 * @example
 * ```ts
 * huberLoss(tensor([1, 2]), tensor([1.5, 4])).item();   // (0.125 + 1.5) / 2
 * ```
 * @param input - any shape
 * @param target - the same shape
 * @param options - `delta` (1), and those of `mseLoss`
 * @returns as for `mseLoss`
 */
export function huberLoss(input: Tensor, target: Tensor, options: HuberLossOptions = {}): Tensor {
  checkPair('huberLoss', input, target);
  checkLoss('huberLoss', options, ['delta']);
  const { delta = 1 } = options;
  checkDelta('huberLoss', delta);
  const parameters = { delta };
  return elementwiseLoss(
    'huberLoss',
    input,
    target,
    options,
    (pair) => huberError.each(pair, parameters),
    (pair) => huberError.mean(pair, parameters),
  );
}

const squaredError = /* @__PURE__ */ lossFunction(([x, y]) => square(sub(x, y)));
const absoluteError = /* @__PURE__ */ lossFunction<{ readonly beta?: number }>(([x, y]) => abs(sub(x, y)));
const smoothError = /* @__PURE__ */ lossFunction<{ readonly beta: number }>(([x, y], { beta }) =>
  div(huber(sub(x, y), beta), beta),
);
const huberError = /* @__PURE__ */ lossFunction<{ readonly delta: number }>(([x, y], { delta }) =>
  huber(sub(x, y), delta),
);

/** With a = |error| and q = min(a, delta), both branches are q (a - q / 2). */
function huber(error: Tensor, delta: number): Tensor {
  const size = abs(error);
  const limited = minimum(size, delta);
  return mul(limited, sub(size, mul(limited, 0.5)));
}

/**
 * `mseLoss` as a module: `new MSELoss({ reduction }).forward(input, target, { lengths })`.
 *
 * @example
 * ```ts
 * new MSELoss({ reduction: 'sum' }).forward(tensor([1, 2]), tensor([1, 4])).item();   // 4
 * ```
 */
export class MSELoss extends Module {
  protected readonly options: LossModuleOptions;

  constructor(options: LossModuleOptions = {}) {
    super();
    checkLossModule('MSELoss', options, []);
    this.options = options;
  }

  /** See `mseLoss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('MSELoss', options);
    return mseLoss(input, target, { ...this.options, lengths });
  }
}

/**
 * `l1Loss` as a module.
 *
 * @example
 * ```ts
 * new L1Loss().forward(tensor([1, 2]), tensor([1, 4])).item();   // 1
 * ```
 */
export class L1Loss extends Module {
  protected readonly options: LossModuleOptions;

  constructor(options: LossModuleOptions = {}) {
    super();
    checkLossModule('L1Loss', options, []);
    this.options = options;
  }

  /** See `l1Loss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('L1Loss', options);
    return l1Loss(input, target, { ...this.options, lengths });
  }
}

/**
 * `smoothL1Loss` as a module.
 *
 * @example
 * ```ts
 * new SmoothL1Loss({ beta: 0.5 }).forward(tensor([1]), tensor([2])).item();   // 0.75
 * ```
 */
export class SmoothL1Loss extends Module {
  protected readonly options: SmoothL1LossModuleOptions;

  constructor(options: SmoothL1LossModuleOptions = {}) {
    super();
    checkLossModule('SmoothL1Loss', options, ['beta']);
    const { beta = 1 } = options;
    checkBeta('SmoothL1Loss', beta);
    this.options = options;
  }

  /** See `smoothL1Loss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('SmoothL1Loss', options);
    return smoothL1Loss(input, target, { ...this.options, lengths });
  }
}

/**
 * `huberLoss` as a module.
 *
 * @example
 * ```ts
 * new HuberLoss({ delta: 0.5 }).forward(tensor([1]), tensor([2])).item();   // 0.375
 * ```
 */
export class HuberLoss extends Module {
  protected readonly options: HuberLossModuleOptions;

  constructor(options: HuberLossModuleOptions = {}) {
    super();
    checkLossModule('HuberLoss', options, ['delta']);
    const { delta = 1 } = options;
    checkDelta('HuberLoss', delta);
    this.options = options;
  }

  /** See `huberLoss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('HuberLoss', options);
    return huberLoss(input, target, { ...this.options, lengths });
  }
}

function checkBeta(owner: string, beta: number): void {
  checkNumber(owner, 'beta', beta, { from: 0, to: Number.MAX_VALUE });
}

function checkDelta(owner: string, delta: number): void {
  checkNumber(owner, 'delta', delta, { from: Number.MIN_VALUE, to: Number.MAX_VALUE });
}

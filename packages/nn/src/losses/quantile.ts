import {
  compileFn,
  fromData,
  hostArray,
  maximum,
  mul,
  scope,
  ShapeError,
  showShape,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@rnn/core';
import { checkList, checkNumber, checkPlace, checkTensor, refuse } from '@rnn/core/checks';
import { checkNotEmpty } from '../input-checks.js';
import { Module } from '../module.js';
import { stepMask } from '../sequences/valid-steps.js';
import {
  checkLoss,
  checkLossForward,
  checkLossModule,
  reduced,
  targetLengths,
  type LossForwardOptions,
  type LossModuleOptions,
} from './reduction.js';

/** What tells the quantile loss apart. */
export interface QuantileLossModuleOptions extends LossModuleOptions {
  /** The quantiles that the input forecasts, each between 0 and 1, such as [0.1, 0.5, 0.9]. */
  readonly quantiles: readonly number[];
}

/** Options of `quantileLoss`. */
export interface QuantileLossOptions extends QuantileLossModuleOptions, LossForwardOptions {}

/**
 * The quantile loss (pinball loss): max(q e, (q - 1) e) of the error e = y - x, for each quantile
 * q. Whoever minimises it forecasts the value that the truth stays below with probability q:
 * several at once are a forecast with intervals.
 *
 * @example
 * ```ts
 * const loss = quantileLoss(tensor([[1, 2, 3]]), tensor([4]), { quantiles: [0.1, 0.5, 0.9] });
 * loss.item();   // (0.1 * 3 + 0.5 * 2 + 0.9 * 1) / 3 = 0.733
 * ```
 * @param input - `[..., Q]`, a forecast of each quantile
 * @param target - `[...]`
 * @param options - `quantiles`; `reduction` ('mean', 'sum', 'none'), `lengths` of a target
 *   `[T, B, ...]`, `batchFirst`
 * @returns a single number, or `[..., Q]` without reduction
 * @throws ShapeError when the shapes do not go together; ArgumentError for a quantile that is not
 *   between 0 and 1
 *
 * Differs from PyTorch: has no counterpart there; one quantile is scikit-learn's
 * `mean_pinball_loss`.
 */
export function quantileLoss(input: Tensor, target: Tensor, options: QuantileLossOptions): Tensor {
  const owner = 'quantileLoss';
  checkQuantiles(owner, options, checkLoss);
  checkTensor(owner, 'input', input);
  checkTensor(owner, 'target', target);
  const { quantiles, reduction = 'mean', batchFirst = false } = options;
  const expected = [...target.shape, quantiles.length];
  if (showShape(input.shape) !== showShape(expected)) {
    const text = `${showShape(expected)}, that of target and ${quantiles.length} quantiles`;
    refuse(ShapeError, owner, 'input', { has: 'shape', received: showShape(input.shape), expected: text });
  }
  checkNotEmpty(owner, input, 'any shape');
  checkPlace(owner, 'target', target, input);
  const lengths = targetLengths(owner, target.shape, options);
  return scope(() => {
    const q = hostArray(input.dtype, quantiles);
    const parameters = { q: fromData(q, [q.length], { backend: input.backend }) };
    if (lengths === undefined)
      return reduced(pinball([input, unsqueeze(target, -1)], parameters), reduction, input.size);
    // Masked on the way in as well, since zero times the derivative at a NaN would still be NaN.
    const mask = stepMask(lengths, target, batchFirst);
    const each = unsqueeze(mask, -1);
    const clean: readonly Tensor[] = [where(each, input, 0), unsqueeze(where(mask, target, 0), -1)];
    const valid = lengths.reduce((sum, length) => sum + length, 0);
    const count = (valid * input.size) / (target.shape[0] * target.shape[1]);
    return reduced(where(each, pinball(clean, parameters), 0), reduction, count);
  });
}

const pinball = /* @__PURE__ */ compileFn(
  ([x, y]: readonly Tensor[], { q }: { readonly q: Tensor }) => {
    const error = sub(y, x);
    return maximum(mul(error, q), mul(error, sub(q, 1)));
  },
  { anyRows: true },
);

/**
 * `quantileLoss` as a module:
 * `new QuantileLoss({ quantiles: [0.1, 0.5, 0.9] }).forward(input, target, { lengths })`.
 *
 * @example
 * ```ts
 * const loss = new QuantileLoss({ quantiles: [0.1, 0.5, 0.9] });
 * loss.forward(zeros([2, 3]), ones([2])).item(); // 0.5
 * ```
 */
export class QuantileLoss extends Module {
  protected readonly options: QuantileLossModuleOptions;

  constructor(options: QuantileLossModuleOptions) {
    super();
    checkQuantiles('QuantileLoss', options, checkLossModule);
    this.options = options;
  }

  /** See `quantileLoss`. */
  forward(input: Tensor, target: Tensor, options: LossForwardOptions = {}): Tensor {
    const { lengths } = checkLossForward('QuantileLoss', options);
    return quantileLoss(input, target, { ...this.options, lengths });
  }
}

function checkQuantiles(
  owner: string,
  options: QuantileLossModuleOptions,
  check: (owner: string, options: QuantileLossModuleOptions, names: readonly string[]) => void,
): void {
  check(owner, options, ['quantiles']);
  checkList(owner, 'quantiles', options.quantiles, 'quantile', 1);
  options.quantiles.forEach((q, i) => checkNumber(owner, `quantiles[${i}]`, q, { above: 0, below: 1 }));
}

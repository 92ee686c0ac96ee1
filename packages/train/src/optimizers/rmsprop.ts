import { neg, add, mul, square, sub, sqrt, div } from '@rnn/core';
import { checkFlag, checkNumber } from '@rnn/core/checks';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, Params } from './param-group.js';
import type { UpdateRule } from './update-rule.js';

export interface RMSpropOptions extends OptimizerOptions {
  /** How much of the mean of squares is kept at a step. */
  alpha: number;
  /** Added to the denominator against division by 0. */
  eps: number;
  /** Factor of the L2 penalty. */
  weightDecay: number;
  /** How much of the last direction is kept; 0 for none. */
  momentum: number;
  /** Whether to divide by the deviation instead of by the root of the mean square. */
  centered: boolean;
}

type Slots = 'squareAvg' | 'gradAvg' | 'momentumBuffer';
type Scalars = 'lr' | 'alpha' | 'weight' | 'eps' | 'weightDecay' | 'momentum';

const rule: UpdateRule<RMSpropOptions, Slots, Scalars> = {
  name: 'RMSprop',

  check({ lr, alpha, eps, weightDecay, momentum, centered, maximize }) {
    checkNumber('RMSprop', 'lr', lr, { from: 0 });
    checkNumber('RMSprop', 'alpha', alpha, { from: 0 });
    checkNumber('RMSprop', 'eps', eps, { from: 0 });
    checkNumber('RMSprop', 'weightDecay', weightDecay, { from: 0 });
    checkNumber('RMSprop', 'momentum', momentum, { from: 0 });
    checkFlag('RMSprop', 'centered', centered);
    checkFlag('RMSprop', 'maximize', maximize);
  },

  slots: ({ momentum, centered }) => ({
    squareAvg: 0,
    ...(centered ? { gradAvg: 0 } : {}),
    ...(momentum > 0 ? { momentumBuffer: 0 } : {}),
  }),

  scalars: ({ lr, alpha, eps, weightDecay, momentum }) => ({
    lr,
    alpha,
    weight: 1 - alpha,
    eps,
    ...(weightDecay === 0 ? {} : { weightDecay }),
    ...(momentum === 0 ? {} : { momentum }),
  }),

  // v' = a v + (1 - a) g^2;  centered: m' = a m + (1 - a) g, d = sqrt(v' - m'^2), else d =
  // sqrt(v');  p' = p - lr g / (d + eps)
  update(param, grad, state, { lr, alpha, weight, eps, weightDecay, momentum }, choices) {
    let gradient = choices.maximize ? neg(grad) : grad;
    if (choices.weightDecay) gradient = add(gradient, mul(param, weightDecay));
    const squareAvg = add(mul(state.squareAvg, alpha), mul(square(gradient), weight));
    const gradAvg = choices.centered ? add(mul(state.gradAvg, alpha), mul(gradient, weight)) : undefined;
    const variance = gradAvg === undefined ? squareAvg : sub(squareAvg, square(gradAvg));
    const denominator = add(sqrt(variance), eps);
    if (!choices.momentum) return [sub(param, div(mul(gradient, lr), denominator)), { squareAvg, gradAvg }];
    const momentumBuffer = add(mul(state.momentumBuffer, momentum), div(gradient, denominator));
    return [sub(param, mul(momentumBuffer, lr)), { squareAvg, gradAvg, momentumBuffer }];
  },
};

/**
 * RMSprop: steps divided, parameter by parameter, by the root of a running mean of the squared
 * gradient.
 *
 * @example
 * ```ts
 * const optimizer = new RMSprop(model.parameters(), { lr: 0.01, centered: true, momentum: 0.9 });
 * ```
 * @param params - parameters of any shapes, or groups `{ params, lr, ... }`
 * @param options - `lr` 0.01, `alpha` 0.99, `eps` 1e-8, `weightDecay` 0, `momentum` 0, `centered`
 *   false, `maximize` false
 * @throws ArgumentError when an option makes no sense, `params` is empty, or one of them is not a
 *   leaf or given twice
 *
 * Differs from PyTorch: nothing in the numbers. Source: Hinton, Neural networks for machine
 * learning, lecture 6e, 2012;
 * `centered`: Graves, Generating sequences with recurrent neural networks, 2013.
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    const defaults = {
      lr: 1e-2,
      alpha: 0.99,
      eps: 1e-8,
      weightDecay: 0,
      momentum: 0,
      centered: false,
      maximize: false,
    };
    super(rule, params, defaults, options);
  }
}

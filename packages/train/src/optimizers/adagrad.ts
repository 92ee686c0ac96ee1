import { neg, add, mul, square, sub, div, sqrt } from '@rnn/core';
import { checkFlag, checkNumber } from '@rnn/core/checks';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, Params } from './param-group.js';
import type { UpdateRule } from './update-rule.js';

export interface AdagradOptions extends OptimizerOptions {
  /** How fast the learning rate falls: lr / (1 + (step - 1) lrDecay). */
  lrDecay: number;
  /** Factor of the L2 penalty. */
  weightDecay: number;
  /** What the sum of squares starts from. */
  initialAccumulatorValue: number;
  /** Added to the denominator against division by 0. */
  eps: number;
}

type Scalars = 'lr' | 'weightDecay' | 'eps';

const rule: UpdateRule<AdagradOptions, 'sum', Scalars> = {
  name: 'Adagrad',

  check({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps, maximize }) {
    checkNumber('Adagrad', 'lr', lr, { from: 0 });
    checkNumber('Adagrad', 'lrDecay', lrDecay, { from: 0 });
    checkNumber('Adagrad', 'weightDecay', weightDecay, { from: 0 });
    checkNumber('Adagrad', 'initialAccumulatorValue', initialAccumulatorValue, { from: 0 });
    checkNumber('Adagrad', 'eps', eps, { from: 0 });
    checkFlag('Adagrad', 'maximize', maximize);
  },

  slots: ({ initialAccumulatorValue }) => ({ sum: initialAccumulatorValue }),

  scalars: ({ lr, lrDecay, weightDecay, eps }, { step }) => ({
    lr: lr / (1 + (step - 1) * lrDecay),
    eps,
    ...(weightDecay === 0 ? {} : { weightDecay }),
  }),

  // s' = s + g^2;  p' = p - lr g / (sqrt(s') + eps)
  update(param, grad, { sum }, { lr, weightDecay, eps }, choices) {
    let gradient = choices.maximize ? neg(grad) : grad;
    if (choices.weightDecay) gradient = add(gradient, mul(param, weightDecay));
    const next = add(sum, square(gradient));
    return [sub(param, div(mul(gradient, lr), add(sqrt(next), eps))), { sum: next }];
  },
};

/**
 * Adagrad: steps divided, parameter by parameter, by the root of the sum of all squared gradients
 * so far.
 *
 * @example
 * ```ts
 * const optimizer = new Adagrad(model.parameters(), { lr: 0.1 });
 * ```
 * @param params - parameters of any shapes, or groups `{ params, lr, ... }`
 * @param options - `lr` 0.01, `lrDecay` 0, `weightDecay` 0, `initialAccumulatorValue` 0, `eps`
 *   1e-10, `maximize` false
 * @throws ArgumentError when an option makes no sense, `params` is empty, or one of them is not a
 *   leaf or given twice
 *
 * Differs from PyTorch: the state of a parameter is made at its first gradient, not in the
 * constructor. Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning
 * and stochastic optimization, 2011.
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: Params<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    const defaults = { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false };
    super(rule, params, defaults, options);
  }
}

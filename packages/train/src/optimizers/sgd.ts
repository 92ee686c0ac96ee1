import { add, ArgumentError, mul, neg, sub } from '@rnn/core';
import { checkFlag, checkNumber, refuse } from '@rnn/core/checks';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, Params } from './param-group.js';
import type { UpdateRule } from './update-rule.js';

export interface SGDOptions extends OptimizerOptions {
  /** How much of the last direction is kept; 0 for none. */
  momentum: number;
  /** How much of a new gradient is left out of the momentum. */
  dampening: number;
  /** Factor of the L2 penalty. */
  weightDecay: number;
  /** Whether to look one step of momentum ahead. */
  nesterov: boolean;
}

type Scalars = 'lr' | 'momentum' | 'gradWeight' | 'weightDecay';

const rule: UpdateRule<SGDOptions, 'momentumBuffer', Scalars> = {
  name: 'SGD',

  check({ lr, momentum, dampening, weightDecay, nesterov, maximize }) {
    checkNumber('SGD', 'lr', lr, { from: 0 });
    checkNumber('SGD', 'momentum', momentum, { from: 0 });
    checkNumber('SGD', 'dampening', dampening);
    checkNumber('SGD', 'weightDecay', weightDecay, { from: 0 });
    checkFlag('SGD', 'nesterov', nesterov);
    checkFlag('SGD', 'maximize', maximize);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      const received = `true with momentum ${momentum} and dampening ${dampening}`;
      refuse(ArgumentError, 'SGD', 'nesterov', {
        received,
        expected: 'a momentum above 0 and a dampening of 0 with it',
      });
    }
  },

  slots: ({ momentum }) => (momentum === 0 ? {} : { momentumBuffer: 0 }),

  // The first gradient enters the momentum in full, as PyTorch has it.
  scalars: ({ lr, momentum, dampening, weightDecay }, { fresh }) => ({
    lr,
    ...(momentum === 0 ? {} : { momentum }),
    ...(dampening === 0 ? {} : { gradWeight: fresh ? 1 : 1 - dampening }),
    ...(weightDecay === 0 ? {} : { weightDecay }),
  }),

  // g' = g + wd p;  b' = momentum b + (1 - dampening) g';  p' = p - lr b'  (Nesterov: p - lr (g' +
  // momentum b'))
  update(param, grad, { momentumBuffer }, { lr, momentum, gradWeight, weightDecay }, choices) {
    let direction = choices.maximize ? neg(grad) : grad;
    if (choices.weightDecay) direction = add(direction, mul(param, weightDecay));
    if (!choices.momentum) return [sub(param, mul(direction, lr)), {}];
    const added = choices.dampening ? mul(direction, gradWeight) : direction;
    const next = add(mul(momentumBuffer, momentum), added);
    const step = choices.nesterov ? add(direction, mul(next, momentum)) : next;
    return [sub(param, mul(step, lr)), { momentumBuffer: next }];
  },
};

/**
 * Stochastic gradient descent, with momentum where asked for.
 *
 * @example
 * ```ts
 * const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
 * loss.backward();
 * optimizer.step();
 * optimizer.zeroGrad();
 * ```
 * @param params - parameters of any shapes, or groups `{ params, lr, ... }`
 * @param options - `lr` 0.001, `momentum` 0, `dampening` 0, `weightDecay` 0, `nesterov` false,
 *   `maximize` false
 * @throws ArgumentError when an option makes no sense, `params` is empty, or one of them is not a
 *   leaf or given twice
 *
 * Differs from PyTorch: nothing in the numbers. Source: Sutskever et al., On the importance of
 * initialization and momentum in deep learning, 2013, in PyTorch's form, in which the learning rate
 * multiplies the momentum.
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    const defaults = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false };
    super(rule, params, defaults, options);
  }
}

import { add, ArgumentError, div, maximum, mul, neg, sqrt, square, sub } from '@rnn/core';
import { checkFlag, checkNumber, refuse } from '@rnn/core/checks';
import { Optimizer } from './optimizer.js';
import type { OptimizerOptions, Params } from './param-group.js';
import type { UpdateRule } from './update-rule.js';

export interface AdamOptions extends OptimizerOptions {
  /** How much of the mean of gradients, and of the mean of their squares, is kept at a step. */
  betas: readonly [number, number];
  /** Added to the denominator against division by 0. */
  eps: number;
  /**
   * Adam: factor of the L2 penalty. AdamW: the share of a parameter that each step takes away,
   * times `lr`.
   */
  weightDecay: number;
  /** Whether to divide by the largest mean of squares so far. */
  amsgrad: boolean;
}

type Slots = 'expAvg' | 'expAvgSq' | 'maxExpAvgSq';
type Scalars = 'beta1' | 'gradWeight' | 'beta2' | 'squareWeight' | 'stepSize' | 'correction2' | 'eps' | 'decay';

/**
 * Both differ in where the weight decay enters: in the gradient, or in the parameter itself
 * (decoupled).
 */
function adamRule(name: string, decoupled: boolean): UpdateRule<AdamOptions, Slots, Scalars> {
  return {
    name,

    check({ lr, betas, eps, weightDecay, amsgrad, maximize }) {
      checkNumber(name, 'lr', lr, { from: 0 });
      if (!Array.isArray(betas) || betas.length !== 2) {
        refuse(ArgumentError, name, 'betas', { value: betas, expected: 'two numbers' });
      }
      checkNumber(name, 'betas[0]', betas[0], { from: 0, below: 1 });
      checkNumber(name, 'betas[1]', betas[1], { from: 0, below: 1 });
      checkNumber(name, 'eps', eps, { from: 0 });
      checkNumber(name, 'weightDecay', weightDecay, { from: 0 });
      checkFlag(name, 'amsgrad', amsgrad);
      checkFlag(name, 'maximize', maximize);
    },

    slots: ({ amsgrad }) => ({ expAvg: 0, expAvgSq: 0, ...(amsgrad ? { maxExpAvgSq: 0 } : {}) }),

    scalars({ lr, betas: [beta1, beta2], eps, weightDecay }, { step }) {
      return {
        beta1,
        gradWeight: 1 - beta1,
        beta2,
        squareWeight: 1 - beta2,
        // Both means start at 0; the corrections make up for it.
        stepSize: lr / (1 - beta1 ** step),
        correction2: Math.sqrt(1 - beta2 ** step),
        eps,
        ...(weightDecay === 0 ? {} : { decay: decoupled ? 1 - lr * weightDecay : weightDecay }),
      };
    },

    // m' = b1 m + (1 - b1) g;  v' = b2 v + (1 - b2) g^2;  p' = p - lr / (1 - b1^t) m' / (sqrt(v') /
    // sqrt(1 - b2^t) + eps)
    update(param, grad, state, scalars, choices) {
      const { beta1, gradWeight, beta2, squareWeight, stepSize, correction2, eps, decay } = scalars;
      let gradient = choices.maximize ? neg(grad) : grad;
      let start = param;
      if (choices.weightDecay) {
        if (decoupled) start = mul(param, decay);
        else gradient = add(gradient, mul(param, decay));
      }
      const expAvg = add(mul(state.expAvg, beta1), mul(gradient, gradWeight));
      const expAvgSq = add(mul(state.expAvgSq, beta2), mul(square(gradient), squareWeight));
      const largest = choices.amsgrad ? maximum(state.maxExpAvgSq, expAvgSq) : expAvgSq;
      const denominator = add(div(sqrt(largest), correction2), eps);
      const next = sub(start, div(mul(expAvg, stepSize), denominator));
      return [next, { expAvg, expAvgSq, ...(choices.amsgrad ? { maxExpAvgSq: largest } : {}) }];
    },
  };
}

const adam: UpdateRule<AdamOptions, Slots, Scalars> = adamRule('Adam', false);
const adamW: UpdateRule<AdamOptions, Slots, Scalars> = /* @__PURE__ */ adamRule('AdamW', true);

/**
 * Adam: steps scaled, parameter by parameter, by running means of the gradient and of its square.
 *
 * @example
 * ```ts
 * const optimizer = new Adam(model.parameters(), { lr: 0.005 });
 * ```
 * @param params - parameters of any shapes, or groups `{ params, lr, ... }`
 * @param options - `lr` 0.001, `betas` [0.9, 0.999], `eps` 1e-8, `weightDecay` 0, `amsgrad` false,
 *   `maximize` false
 * @throws ArgumentError when an option makes no sense, `params` is empty, or one of them is not a
 *   leaf or given twice
 *
 * Differs from PyTorch: nothing in the numbers. Source: Kingma and Ba, Adam: a method for
 * stochastic optimization, 2015;
 * `amsgrad`: Reddi, Kale and Kumar, On the convergence of Adam and beyond, 2018.
 */
export class Adam extends Optimizer<AdamOptions> {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(adam, params, { ...defaults, weightDecay: 0 }, options);
  }
}

/**
 * Adam with decoupled weight decay: a parameter shrinks by `lr * weightDecay` of itself, past the
 * running means.
 *
 * @example
 * ```ts
 * const optimizer = new AdamW(model.parameters(), { lr: 0.001, weightDecay: 0.01 });
 * ```
 * @param params - parameters of any shapes, or groups `{ params, lr, ... }`
 * @param options - as for `Adam`, with a `weightDecay` of 0.01
 * @throws ArgumentError when an option makes no sense, `params` is empty, or one of them is not a
 *   leaf or given twice
 *
 * Differs from PyTorch: nothing in the numbers. Source: Loshchilov and Hutter, Decoupled weight
 * decay regularization, 2019.
 */
export class AdamW extends Optimizer<AdamOptions> {
  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(adamW, params, { ...defaults, weightDecay: 0.01 }, options);
  }
}

const defaults: Omit<AdamOptions, 'weightDecay'> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  amsgrad: false,
  maximize: false,
};

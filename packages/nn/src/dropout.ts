import { bernoulli, type Generator, mul, scope, type Tensor } from '@rnn/core';
import { checkFlag, checkNumber, checkOptions, checkTensor, generatorOf } from '@rnn/core/checks';
import { besideOf, putBeside } from './beside.js';
import { Module } from './module.js';
import { listed } from './describe.js';

/** What the module `Dropout` takes. */
export interface DropoutOptions {
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
  /**
   * In a step of a recurrence: whether one mask serves all steps of a sequence, instead of one for
   * each step.
   */
  readonly perSequence?: boolean;
}

/** What the function `dropout` takes. */
export interface DropoutFunctionOptions extends DropoutOptions {
  /** The share of elements that is dropped, from 0 to 1. */
  readonly p?: number;
  /** `false` returns the input as it is. */
  readonly training?: boolean;
}

/**
 * Each element set to zero with probability p, the others divided by 1 - p, so that the mean stays.
 *
 * @example
 * ```ts
 * dropout(ones([4]), { p: 0.5 });   // for instance [2, 0, 0, 2]
 * ```
 * @param x - any shape, float32 or float64
 * @param options - `p` (0.5), `training` (true), `generator`, `perSequence` (false)
 * @returns the shape of `x`; `x` itself when nothing is dropped
 * @throws ArgumentError when p does not lie within [0, 1]
 *
 * The mask is drawn on the host: one seed gives one mask on every backend. In the step of a
 * recurrence it is drawn anew for every step, unless `perSequence` is set (variational dropout, Gal
 * and Ghahramani 2016), and the step is compiled all the same. Differs from PyTorch: other draws
 * for the same seed.
 */
export function dropout(x: Tensor, options: DropoutFunctionOptions = {}): Tensor {
  checkOptions('dropout', options, ['p', 'training', 'generator', 'perSequence']);
  const { p = 0.5, training = true, generator, perSequence = false } = options;
  checkTensor('dropout', 'input', x);
  checkNumber('dropout', 'p', p, { from: 0, to: 1 });
  checkFlag('dropout', 'training', training);
  checkFlag('dropout', 'perSequence', perSequence);
  if (!training || p === 0) return x;
  const keep = 1 - p;
  return scope(() => {
    const mask = bernoulli(x, keep, { generator, perSequence });
    return mul(x, keep === 0 ? mask : mul(mask, 1 / keep));
  });
}

/**
 * Dropout as a module: active in training mode, nothing in evaluation mode.
 *
 * @example
 * ```ts
 * new Dropout(0.2).eval().forward(x) === x;   // true
 * ```
 * @param p - the share of elements that is dropped
 * @param options - `generator`, `perSequence` (false)
 * @throws ArgumentError when p does not lie within [0, 1]
 */
export class Dropout extends Module {
  readonly p: number;
  readonly perSequence: boolean;

  constructor(p = 0.5, options: DropoutOptions = {}) {
    super();
    checkOptions('Dropout', options, ['generator', 'perSequence']);
    const { generator, perSequence = false } = options;
    checkNumber('Dropout', 'p', p, { from: 0, to: 1 });
    checkFlag('Dropout', 'perSequence', perSequence);
    this.p = p;
    this.perSequence = perSequence;
    if (generator !== undefined) generatorOf('Dropout', generator);
    if (generator !== undefined) putBeside(this, generator);
  }

  protected override extraRepr(): string {
    return listed({ p: this.p, inplace: false });
  }

  /**
   * @param x - any shape
   * @returns the shape of `x`
   */
  forward(x: Tensor): Tensor {
    const { p, training, perSequence } = this;
    return dropout(x, { p, training, perSequence, generator: besideOf(this) as Generator | undefined });
  }
}

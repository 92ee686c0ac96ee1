import { defaultGenerator, fromData, scope, type Generator, type Tensor } from '@rnn/core';
import { checkTensor } from './input-checks.js';
import { Module } from './module.js';
import { checkFlag, checkOptions, checkRange } from './options.js';

/** What the module `Dropout` takes. */
export interface DropoutOptions {
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
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
 * @param options - `p` (0.5), `training` (true), `generator`
 * @returns the shape of `x`; `x` itself when nothing is dropped
 * @throws ArgumentError when p does not lie within [0, 1]
 *
 * The mask is drawn on the host: one seed gives one mask on every backend. Differs from PyTorch: other draws for the same seed.
 */
export function dropout(x: Tensor, options: DropoutFunctionOptions = {}): Tensor {
  checkOptions('dropout', options, ['p', 'training', 'generator']);
  const { p = 0.5, training = true, generator = defaultGenerator() } = options;
  checkTensor('dropout', 'input', x);
  checkRange('dropout', 'p', p, 0, 1);
  checkFlag('dropout', 'training', training);
  if (!training || p === 0) return x;
  const keep = 1 - p;
  const draws = new Float32Array(x.size);
  generator.uniform(draws, 0, 1);
  const mask = Float64Array.from(draws, (draw) => (draw < keep ? 1 / keep : 0));
  return scope(() => x.mul(fromData(mask, x.shape, { dtype: x.dtype, backend: x.backend })));
}

/**
 * Dropout as a module: active in training mode, nothing in evaluation mode.
 *
 * @example
 * ```ts
 * new Dropout(0.2).eval().forward(x) === x;   // true
 * ```
 * @param p - the share of elements that is dropped
 * @param options - `generator`
 * @throws ArgumentError when p does not lie within [0, 1]
 */
export class Dropout extends Module {
  readonly p: number;
  readonly #generator: Generator | undefined;

  constructor(p = 0.5, options: DropoutOptions = {}) {
    super();
    checkOptions('Dropout', options, ['generator']);
    checkRange('Dropout', 'p', p, 0, 1);
    this.p = p;
    this.#generator = options.generator;
  }

  /**
   * @param x - any shape
   * @returns the shape of `x`
   */
  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training, generator: this.#generator });
  }
}

import { linear, scope, zeros, type Tensor } from '@rnn/core';
import { checkCount, checkFlag, checkOptions, checkTensor } from '@rnn/core/checks';
import { kaimingUniform_, uniform_ } from './init/index.js';
import { checkFeatures } from './input-checks.js';
import { Module } from './module.js';
import { placeOptions, type PlaceOptions } from './options.js';
import { Parameter } from './parameter.js';
import { listed } from './describe.js';

export interface LinearOptions extends PlaceOptions {
  /** Whether a bias is added. */
  readonly bias?: boolean;
}

/**
 * An affine map of the last dimension: x Wᵀ + b.
 *
 * @example
 * ```ts
 * new Linear(3, 2).forward(ones([7, 5, 3])).shape;   // [7, 5, 2]
 * ```
 * @param inFeatures - size of the last dimension of the input
 * @param outFeatures - size of the last dimension of the result
 * @param options - `bias` (true), `dtype`, `backend`
 * @throws ArgumentError for sizes that are not whole numbers from 1 up, or unknown options
 *
 * Parameters: `weight` [outFeatures, inFeatures] and `bias` [outFeatures], both uniform within ±
 * 1/√inFeatures, as in PyTorch.
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkOptions('Linear', options, ['bias', ...placeOptions]);
    const { bias = true, ...place } = options;
    checkCount('Linear', 'inFeatures', inFeatures, 1);
    checkCount('Linear', 'outFeatures', outFeatures, 1);
    checkFlag('Linear', 'bias', bias);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = scope(() => new Parameter(zeros([outFeatures, inFeatures], place)));
    this.bias = bias ? scope(() => new Parameter(zeros([outFeatures], place))) : undefined;
    this.resetParameters();
  }

  protected override extraRepr(): string {
    const { inFeatures: in_features, outFeatures: out_features, bias } = this;
    return listed({ in_features, out_features, bias: bias !== undefined });
  }

  /**
   * Draws the parameters anew.
   *
   * @example
   * ```ts
   * const linear = new Linear(3, 2);
   * linear.resetParameters(); // as if it were made now
   * ```
   */
  resetParameters(): void {
    kaimingUniform_(this.weight, { a: Math.sqrt(5) }); // the same as ± 1/√inFeatures
    const bound = 1 / Math.sqrt(this.inFeatures);
    if (this.bias !== undefined) uniform_(this.bias, -bound, bound);
  }

  /**
   * @param x - `[..., inFeatures]`
   * @returns `[..., outFeatures]`
   * @throws ShapeError when the last dimension is another
   */
  forward(x: Tensor): Tensor {
    checkTensor('Linear', 'input', x);
    const { inFeatures: size } = this;
    if (x.shape[x.rank - 1] !== size) checkFeatures('Linear', x, { size, name: 'inFeatures', form: `[..., ${size}]` });
    return scope(() => linear(x, this.weight, this.bias));
  }
}

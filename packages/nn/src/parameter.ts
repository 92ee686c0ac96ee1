import { Tensor } from '@rnn/core';
import { checkFlag, checkFloating, checkOptions, checkTensor } from '@rnn/core/checks';

export interface ParameterOptions {
  /** `false` for weights that stay as they are. */
  readonly requiresGrad?: boolean;
}

/**
 * A tensor that a module learns: it is found by `module.parameters()`, wants a gradient, and
 * outlives every scope.
 *
 * @example
 * ```ts
 * class Scale extends Module {
 *   factor = new Parameter(ones([3]));
 *   forward(x: Tensor): Tensor { return x.mul(this.factor); }
 * }
 * console.log(String(new Scale().factor));   // Parameter containing:
 *                                            // tensor([1., 1., 1.], requires_grad=True)
 * ```
 * @param source - the first values, float32 or float64, any shape; their memory is shared, not
 *   copied
 * @param options - `requiresGrad`, true unless said otherwise
 * @throws ArgumentError when `source` is not a tensor; DTypeError when it is int32
 *
 * Differs from PyTorch: an optimiser (or `copy_`) puts new values in the place of the old ones and
 * never writes into the source.
 */
export class Parameter extends Tensor {
  constructor(source: Tensor, options: ParameterOptions = {}) {
    checkTensor('Parameter', 'source', source);
    checkFloating('Parameter', 'source', source);
    checkOptions('Parameter', options, ['requiresGrad']);
    const { requiresGrad = true } = options;
    checkFlag('Parameter', 'requiresGrad', requiresGrad);
    super(source.held.retain(), source.shape);
    this.keep();
    this.requiresGrad = requiresGrad;
  }

  /** As PyTorch prints a parameter. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }
}

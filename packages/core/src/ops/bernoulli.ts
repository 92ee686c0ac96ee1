import { checkOptions } from '../checks/options.js';
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { checkFlag, checkNumber } from '../checks/values.js';
import { dtypeOf } from '../dtype.js';
import { generatorOf, type Generator } from '../random.js';
import type { Tensor } from '../tensor.js';
import { draw, type FloatArray } from './draw.js';

export interface BernoulliOptions {
  /** Where the draws come from; the one that `manualSeed` seeds unless said otherwise. */
  readonly generator?: Generator;
  /**
   * In the step of a scan: drawn in the first step, and the same in all steps that follow. The
   * calls with `perSequence` in a step are told apart by their order. Outside of a scan it says
   * nothing.
   */
  readonly perSequence?: boolean;
}

/**
 * A mask of ones and zeros, each one with probability p: for dropout and its kin, in a step of a
 * scan too.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * String(bernoulli(zeros([4]), 0.5));   // tensor([1., 0., 1., 1.])
 * ```
 * @param x - shape, type (float32 or float64) and place of the mask; its values do not matter
 * @param p - the probability of a one, from 0 to 1
 * @param options - `generator`, `perSequence`
 * @returns the shape of `x`
 * @throws ArgumentError when p does not lie within [0, 1]; DTypeError for int32
 *
 * An element is one where a uniform draw of 24 bits is below p, so that a seed gives the same mask
 * on every backend. Differs from PyTorch:
 * `torch.bernoulli(x, p)` has other draws for the same seed.
 */
export function bernoulli(x: Tensor, p: number, options: BernoulliOptions = {}): Tensor {
  checkTensor('bernoulli', 'x', x);
  checkFloating('bernoulli', 'x', x);
  checkNumber('bernoulli', 'p', p, { from: 0, to: 1 });
  checkOptions('bernoulli', options, ['generator', 'perSequence']);
  const { perSequence = false } = options;
  const generator = generatorOf('bernoulli', options.generator);
  checkFlag('bernoulli', 'perSequence', perSequence);
  const { shape, dtype, backend } = x;
  return draw({ shape, dtype, backend, generator, perSequence, fill: (out, from) => fillMask(out, p, from) });
}

function fillMask(out: FloatArray, p: number, generator: Generator): void {
  const draws = dtypeOf(out) === 'float32' ? out : new Float32Array(out.length);
  generator.uniform(draws, 0, 1);
  for (let i = 0; i < out.length; i++) out[i] = draws[i] < p ? 1 : 0;
}

import { checkFloating, checkTensor } from '../checks/tensors.js';
import { recordComposition } from '../record.js';
import type { Tensor } from '../tensor.js';
import { add, div, minimum, mul, neg, square, sub } from './arithmetic.js';
import { le, where } from './comparison.js';
import { abs, exp, sign } from './functions.js';

// The rational functions of S. L. Moshier's Cephes library (ndtr.c), highest power first.
const NEAR_ABOVE = [9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949];
const NEAR_BELOW = [1, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359];
const FAR_ABOVE = [
  2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771, 526.4451949954773,
  934.5285271719576, 1027.5518868951572, 557.5353353693994,
];
const FAR_BELOW = [
  1, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
  2246.3376081871097, 1656.6630919416134, 557.5353408177277,
];
/** From here on the error function is 1 in float64 too. */
const END = 6;

/**
 * The error function, `2/sqrt(π)` times the integral of `exp(-t²)` from 0 to x.
 *
 * @example
 * ```ts
 * erf(tensor([-1, 0, 1]));   // [-0.8427, 0, 0.8427]
 * ```
 * @param x - any shape; float32 or float64
 * @returns the same shape, to the last places of its type
 * @throws DTypeError for int32
 */
export function erf(x: Tensor): Tensor {
  checkTensor('erf', 'x', x);
  checkFloating('erf', 'x', x);
  return recordComposition({
    name: 'erf',
    inputs: [x],
    forward: () => ({ result: integral(x), saved: [x] }),
    derivatives: [(grad, [x]) => mul(grad, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))],
  });
}

function integral(x: Tensor): Tensor {
  const size = minimum(abs(x), END);
  const squared = square(size);
  const near = mul(x, div(polynomial(squared, NEAR_ABOVE), polynomial(squared, NEAR_BELOW)));
  const rest = mul(exp(neg(squared)), div(polynomial(size, FAR_ABOVE), polynomial(size, FAR_BELOW)));
  return where(le(size, 1), near, mul(sign(x), sub(1, rest)));
}

/** Horner's rule. */
function polynomial(x: Tensor, [first, second, ...others]: readonly number[]): Tensor {
  let value = add(first === 1 ? x : mul(x, first), second);
  for (const coefficient of others) value = add(mul(value, x), coefficient);
  return value;
}

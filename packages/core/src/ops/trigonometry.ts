/** Sine and cosine: what is left of x beside multiples of π/2, and polynomials of that. */
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { recordComposition } from '../record.js';
import type { Tensor } from '../tensor.js';
import { add, maximum, minimum, mul, neg, square, sub } from './arithmetic.js';
import { eq, where } from './comparison.js';
import { nearest } from './rounding.js';

// The polynomials of S. L. Moshier's Cephes library (sin.c), highest power first.
const SINE = [
  1.5896230157654656e-10, -2.5050747762857807e-8, 2.7557313621385727e-6, -0.0001984126982958954, 0.008333333333322118,
  -0.1666666666666663,
];
const COSINE = [
  -1.1358536521387682e-11, 2.087570084197473e-9, -2.755731417929674e-7, 2.4801587288851704e-5, -0.0013888888888873056,
  0.0416666666666666,
];
/** π/2 in parts of so few bits that multiples of the first two are exact. */
const PARTS = {
  float32: [1.5703125, 0.0004837512969970703, 7.549789954891882e-8],
  float64: [1.570796251296997, 7.549789415861596e-8, 5.390302858158119e-15],
} as const;

/**
 * The sine of an angle in radians.
 *
 * @example
 * ```ts
 * sin(tensor([0, Math.PI / 2]));   // [0, 1]
 * ```
 * @param x - any shape; float32 or float64
 * @returns the same shape; NaN for infinities
 * @throws DTypeError for int32
 *
 * Differs from PyTorch: right to the last places up to 10,000 in size (float64: a billion); beyond,
 * the error grows with x.
 */
export function sin(x: Tensor): Tensor {
  return periodic(
    'sin',
    x,
    (x) => where(eq(x, 0), x, turned(x, 0)),
    (grad, x) => mul(grad, cos(x)),
  );
}

/**
 * The cosine of an angle in radians; see `sin`.
 *
 * @example
 * ```ts
 * cos(tensor([0, Math.PI]));   // [1, -1]
 * ```
 */
export function cos(x: Tensor): Tensor {
  return periodic(
    'cos',
    x,
    (x) => turned(x, 1),
    (grad, x) => neg(mul(grad, sin(x))),
  );
}

function periodic(
  name: string,
  x: Tensor,
  of: (x: Tensor) => Tensor,
  derivative: (grad: Tensor, x: Tensor) => Tensor,
): Tensor {
  checkTensor(name, 'x', x);
  checkFloating(name, 'x', x);
  return recordComposition({
    name,
    inputs: [x],
    forward: () => ({ result: of(x), saved: [x] }),
    derivatives: [(grad, [x]) => derivative(grad, x)],
  });
}

/** `sin(x + turns * π/2)`. */
function turned(x: Tensor, turns: number): Tensor {
  const [high, middle, low] = PARTS[x.dtype === 'float32' ? 'float32' : 'float64'];
  const count = nearest(mul(x, 2 / Math.PI));
  const rest = sub(sub(sub(x, mul(count, high)), mul(count, middle)), mul(count, low));
  const squared = square(rest);
  const sine = add(rest, mul(mul(rest, squared), polynomial(squared, SINE)));
  const cosine = add(sub(1, mul(squared, 0.5)), mul(square(squared), polynomial(squared, COSINE)));
  // The quadrant: an odd one swaps the two, one of the second half turns the sign.
  const quadrant = add(count, turns);
  const half = halved(quadrant);
  const value = where(eq(mul(half, 2), quadrant), sine, cosine);
  const signed = where(eq(mul(halved(half), 2), half), value, neg(value));
  return maximum(minimum(signed, 1), -1);
}

/** Half of a whole number, rounded down. */
function halved(n: Tensor): Tensor {
  return nearest(sub(mul(n, 0.5), 0.25));
}

/** Horner's rule. */
function polynomial(x: Tensor, [first, ...others]: readonly number[]): Tensor {
  const [second, ...rest] = others;
  let value = add(mul(x, first), second);
  for (const coefficient of rest) value = add(mul(value, x), coefficient);
  return value;
}

/** Functions that core does not have, made of those that it has, to float32's accuracy. */
import { abs, add, div, exp, log, maximum, minimum, mul, sign, sqrt, square, sub, where, type Tensor } from '@rnn/core';

/*
 * Near 0 an odd function is x + x³ P(x²); the coefficients, highest power first, are those of
 * S. L. Moshier's Cephes library (single precision). What `where` does not pick must not overflow
 * or divide by 0, as its gradient would be NaN: each formula gets an argument within its limits.
 */
const ASIN = [4.216_319_904_8e-2, 2.418_131_104_9e-2, 4.547_002_599_8e-2, 7.495_300_268_6e-2, 1.666_675_242_2e-1];
const ATAN = [8.053_744_495_38e-2, -1.387_768_560_32e-1, 1.997_771_064_78e-1, -3.333_294_915_39e-1];
const ASINH = [2.012_200_330_9e-2, -4.269_934_097_2e-2, 7.484_758_608_8e-2, -1.666_628_813_4e-1];
const ATANH = [1.817_407_803_49e-1, 8.243_703_010_58e-2, 1.466_914_317_3e-1, 1.997_821_645e-1, 3.333_373_003_03e-1];
/** acosh(1 + z) = √z P(z) */
const ACOSH = [1.759_688_107_1e-3, -7.527_288_671_3e-3, 2.645_490_501_9e-2, -1.178_474_170_3e-1, Math.SQRT2];
const SINH = [1 / 362_880, 1 / 5040, 1 / 120, 1 / 6];

function polynomial(z: Tensor, [first, second, ...rest]: readonly number[]): Tensor {
  let value = add(mul(z, first), second);
  for (const coefficient of rest) value = add(mul(value, z), coefficient);
  return value;
}

function odd(x: Tensor, coefficients: readonly number[]): Tensor {
  const z = square(x);
  return add(x, mul(mul(x, z), polynomial(z, coefficients)));
}

/** A function by one formula where |x| is at most a limit, and by another beyond it. */
function split(x: Tensor, limit: number, near: (x: Tensor) => Tensor, far: (x: Tensor) => Tensor): Tensor {
  const isFar = abs(x).gt(limit);
  return where(isFar, far(where(isFar, x, 1.5 * limit)), near(where(isFar, 0, x)));
}

/** Half of eˣ plus or minus half of e⁻ˣ, by squares: eˣ alone overflows before them. */
function halves(x: Tensor, join: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const [up, down] = [exp(mul(x, 0.5)), exp(mul(x, -0.5))];
  return join(mul(up, mul(up, 0.5)), mul(down, mul(down, 0.5)));
}

export const cosh = (x: Tensor): Tensor => halves(x, add);

export const sinh = (x: Tensor): Tensor =>
  split(
    x,
    1,
    (t) => odd(t, SINH),
    (t) => halves(t, sub),
  );

/** ½π - asin a = 2 asin √(½(1 - a)), for a above ½ */
const complement = (a: Tensor): Tensor => mul(odd(sqrt(mul(sub(1, a), 0.5)), ASIN), 2);

export const asin = (x: Tensor): Tensor =>
  split(
    x,
    0.5,
    (t) => odd(t, ASIN),
    (t) => mul(sign(t), sub(Math.PI / 2, complement(abs(t)))),
  );

export const acos = (x: Tensor): Tensor =>
  split(
    x,
    0.5,
    (t) => sub(Math.PI / 2, odd(t, ASIN)),
    (t) => {
      const rest = complement(abs(t));
      return where(t.lt(0), sub(Math.PI, rest), rest);
    },
  );

/** Beyond 1 by the reciprocal; then by half the angle, whose tangent is y / (1 + √(1 + y²)). */
export function atan(x: Tensor): Tensor {
  const inner = (y: Tensor): Tensor => mul(odd(div(y, add(sqrt(add(square(y), 1)), 1)), ATAN), 2);
  return split(x, 1, inner, (t) => sub(mul(sign(t), Math.PI / 2), inner(t.reciprocal())));
}

/** log(a + √(a² ± 1)), without the square of a large number. */
function logarithm(a: Tensor, one: number): Tensor {
  return add(log(a), log(add(sqrt(add(mul(square(a.reciprocal()), one), 1)), 1)));
}

export const asinh = (x: Tensor): Tensor =>
  split(
    x,
    0.5,
    (t) => odd(t, ASINH),
    (t) => mul(sign(t), logarithm(abs(t), 1)),
  );

export function acosh(x: Tensor): Tensor {
  const z = sub(x, 1);
  const near = minimum(z, 0.5);
  return where(z.gt(0.5), logarithm(maximum(x, 1.5), -1), mul(sqrt(near), polynomial(near, ACOSH)));
}

export const atanh = (x: Tensor): Tensor =>
  split(
    x,
    0.5,
    (t) => odd(t, ATANH),
    (t) => mul(log(div(add(t, 1), sub(1, t))), 0.5),
  );

/**
 * The quotient of whole numbers, cut towards zero. A division of float32 comes near it; what is
 * left is divided again, until it is smaller than the divisor.
 */
export function wholeQuotient(a: Tensor | number, b: Tensor | number): Tensor {
  const real = (x: Tensor | number): Tensor | number => (typeof x === 'number' ? x : x.to('float32'));
  const near = (x: Tensor | number): Tensor => div(real(x), real(b)).to('int32');
  let quotient = near(a);
  for (let i = 0; i < 2; i++) quotient = add(quotient, near(sub(a, mul(quotient, b))));
  // What is left has the sign of a, or the quotient is one too far from zero.
  const left = sub(a, mul(quotient, b));
  const isPast = mul(sign(left), typeof a === 'number' ? Math.sign(a) : sign(a)).lt(0);
  const step = typeof b === 'number' ? mul(sign(left), Math.sign(b)) : mul(sign(left), sign(b));
  return add(quotient, mul(isPast, step));
}

/**
 * Functions that core does not have, made of those that it has; to float32's accuracy, with
 * derivatives where there are any.
 */
import { add, div, floor, mul, round, sign, sub, type Tensor } from '@rnn/core';

// π as a sum, so that multiples of it can be taken away with little loss.
const PI_HIGH = 3.140625;
const PI_LOW = 9.676_535_897_93e-4;

/** sin x = (-1)^k sin r with r = x - kπ in [-π/2, π/2], and sin r by its series to r^13. */
export function sin(x: Tensor): Tensor {
  const k = round(mul(x, 1 / Math.PI));
  return alternating(k, sub(sub(x, mul(k, PI_HIGH)), mul(k, PI_LOW)));
}

/** cos x = sin(x + π/2): here k is the number of half turns from the nearest zero. */
export function cos(x: Tensor): Tensor {
  const k = round(add(mul(x, 1 / Math.PI), 0.5));
  const half = sub(k, 0.5);
  return alternating(k, sub(sub(x, mul(half, PI_HIGH)), mul(half, PI_LOW)));
}

function alternating(k: Tensor, r: Tensor): Tensor {
  const parity = sub(k, mul(floor(mul(k, 0.5)), 2));
  const square = r.square();
  let series = add(mul(square, 1 / 6_227_020_800), -1 / 39_916_800);
  for (const coefficient of [1 / 362_880, -1 / 5040, 1 / 120, -1 / 6, 1])
    series = add(mul(series, square), coefficient);
  return mul(mul(series, r), sub(1, mul(parity, 2)));
}

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

/**
 * Elementwise functions in float64, as the interface defines them: what kernels are held against.
 */
import type { BinaryOp, UnaryOp } from '@rnn/core';

/** Functions of one number. */
export const unaryFunctions: Readonly<Record<UnaryOp, (x: number) => number>> = {
  neg: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  // 0 without a sign of ±0 and, as in PyTorch, of NaN
  sign: (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  tanh: Math.tanh,
  // Both forms are the same function; each is exact where the other would overflow.
  sigmoid: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  // -0 stays itself, as in PyTorch
  relu: (x) => (x < 0 ? 0 : x),
  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which does not overflow
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  round: (x) => {
    const [size, sign] = [Math.abs(x), Math.sign(x)];
    const whole = Math.floor(size);
    const isUp = size - whole > 0.5 || (size - whole === 0.5 && whole % 2 === 1); // of two the even one
    return sign * (isUp ? whole + 1 : whole);
  },
};

const truth = (holds: boolean): number => (holds ? 1 : 0);

/** Functions of two numbers. */
export const binaryFunctions: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: power,
  // Math.max and Math.min let a NaN win, as the interface asks
  maximum: Math.max,
  minimum: Math.min,
  eq: (a, b) => truth(a === b),
  ne: (a, b) => truth(a !== b),
  lt: (a, b) => truth(a < b),
  le: (a, b) => truth(a <= b),
  gt: (a, b) => truth(a > b),
  ge: (a, b) => truth(a >= b),
};

/**
 * IEEE's power: 1 to any power is 1, also NaN and infinite ones, and so is -1 to an infinite one,
 * where JavaScript's is NaN.
 */
function power(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

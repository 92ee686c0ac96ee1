/**
 * Elementwise functions as statements of a kernel, for graphics cards whose own are coarse or wrong
 * at the edges: `Math.tanh` is NaN from 89 on, `Math.exp(NaN)` infinite, `Math.max(NaN, 1)` 1,
 * `Math.log(0)` -88.
 *
 * Three habits run through all of them. A NaN is told by `x < 0 || x >= 0` being false, since
 * `x !== x` may be optimised away. A result starts as what a NaN should give, and is replaced where
 * a comparison holds, since none holds for a NaN. And where a zero passes with its sign, it is by a
 * multiplication: `x * one` is x, but 0 with the sign of x where the device takes a subnormal x for
 * 0 (comparisons do so too), so that no function gives a subnormal number for what it took for 0.
 */
import type { BinaryOp, DType, UnaryOp } from '@rnn/core';
import { EXACT } from '../device.js';

type UnaryCode = (x: string, y: string) => string;

/** Replaces `y`, which is `x`, by an expression unless `x` is NaN. */
function unlessNan(x: string, y: string, statements: string): string {
  return `let ${y} = ${x}; if (${x} < 0 || ${x} >= 0) { ${statements} }`;
}

const unaryCodes: Readonly<Record<UnaryOp, UnaryCode>> = {
  neg: (x, y) => `let ${y} = -${x};`,
  // A device computes 2^(x log2 e), which is off by the rounding of the exponent; so for large ones
  // 2^n e^r, for x = n ln 2 + r.
  // The first part of ln 2, 355/512, times n is exact. The halved or doubled 2^n is there where 2^n
  // itself overflows or is 0.
  exp: (x, y) =>
    unlessNan(
      x,
      y,
      `${y} = Math.exp(${x}); if (Math.abs(${x}) > 8 && Math.abs(${x}) < 104) { ` +
        `let ${y}n = Math.floor(${x} * 1.44269504 + 0.5); let ${y}r = (${x} - ${y}n * 0.693359375) * one + ${y}n * 0.00021219444; ` +
        `let ${y}h = 1.0; if (${x} < 0) { ${y}h = -1.0; } let ${y}d = 2.0; if (${x} < 0) { ${y}d = 0.5; } ` +
        `${y} = Math.exp(${y}r) * ${y}d * Math.pow(2.0, ${y}n - ${y}h); }`,
    ),
  log: (x, y) =>
    `let ${y} = nan; if (${x} > 0) { ${y} = Math.log(${x}); } if (${x} === 0) { ${y} = -inf; } if (${x} === inf) { ${y} = inf; }`,
  sqrt: (x, y) =>
    `let ${y} = nan; if (${x} > 0) { ${y} = Math.sqrt(${x}); } if (${x} === 0) { ${y} = ${x} * one; } if (${x} === inf) { ${y} = inf; }`,
  square: (x, y) => `let ${y} = ${x} * ${x};`,
  reciprocal: (x, y) => `let ${y} = 1.0 / ${x};`,
  abs: (x, y) => `let ${y} = Math.abs(${x});`,
  // 0 for a NaN, as in PyTorch
  sign: (x, y) => `let ${y} = 0.0; if (${x} > 0) { ${y} = 1.0; } if (${x} < 0) { ${y} = -1.0; }`,
  // (e^2x - 1) / (e^2x + 1), which is 1 in float32 from 10 on; near 0, where that cancels, the
  // Taylor series
  tanh: (x, y) =>
    unlessNan(
      x,
      y,
      `let ${y}a = Math.min(Math.abs(${x}), 10.0); let ${y}s = ${y}a * ${y}a; ` +
        `${y} = ${x} * (1.0 + ${y}s * (-0.33333333 + ${y}s * (0.13333333 + ${y}s * (-0.05396825 + ${y}s * 0.02186949)))); ` +
        `if (${y}a >= 0.3) { ${y} = 1.0 - 2.0 / (Math.exp(2.0 * ${y}a) + 1.0); if (${x} < 0) { ${y} = -${y}; } }`,
    ),
  // 1 / (1 + e^-x) = e^x / (1 + e^x): the one whose exponential does not overflow
  sigmoid: (x, y) =>
    unlessNan(
      x,
      y,
      `let ${y}e = Math.exp(-Math.abs(${x})); ${y} = 1.0 / (1.0 + ${y}e); if (${x} < 0) { ${y} = ${y}e / (1.0 + ${y}e); }`,
    ),
  relu: (x, y) => `let ${y} = ${x} * one; if (${x} < 0) { ${y} = 0.0; }`,
  // max(x, 0) + log(1 + e^-|x|); the series where 1 + e would lose the digits of e
  softplus: (x, y) =>
    unlessNan(
      x,
      y,
      `let ${y}e = Math.exp(-Math.abs(${x})); let ${y}l = ${y}e * (1.0 - ${y}e * (0.5 - ${y}e * (0.33333333 - ${y}e * 0.25))); ` +
        `if (${y}e > 0.03) { ${y}l = Math.log(1.0 + ${y}e); } ${y} = ${y}l; if (${x} > 0) { ${y} = ${x} + ${y}l; }`,
    ),
  // up from more than a half, and from a half where that makes an even number; from 2^23 on all
  // numbers are whole
  round: (x, y) =>
    `let ${y} = ${x} * one; let ${y}f = Math.floor(Math.abs(${x})); let ${y}d = Math.abs(${x}) - ${y}f; ` +
    `if (Math.abs(${x}) < 8388608.0 && ${y}d > 0) { let ${y}o = ${y}f - 2.0 * Math.floor(${y}f * 0.5); ` +
    `if (${y}d > 0.5) { ${y}f = ${y}f + 1.0; } if (${y}d === 0.5 && ${y}o > 0.5) { ${y}f = ${y}f + 1.0; } ` +
    `${y} = ${y}f; if (${x} < 0) { ${y} = -${y}f; } }`,
};

type BinaryCode = (a: string, b: string, y: string) => string;

const truth =
  (comparison: string): BinaryCode =>
  (a, b, y) =>
    `let ${y} = 0.0; if (${a} ${comparison} ${b}) { ${y} = 1.0; }`;

/**
 * The larger or the smaller one; a NaN wins. Both are known to be numbers before they are compared:
 * of a comparison that chooses between its own operands a card's compiler makes its maximum or
 * minimum instruction, which drops a NaN. The sum is a NaN where either is.
 */
const extreme =
  (comparison: string): BinaryCode =>
  (a, b, y) =>
    `let ${y} = ${a} + ${b}; if ((${a} < 0 || ${a} >= 0) && (${b} < 0 || ${b} >= 0)) { ` +
    `${y} = ${a}; if (${b} ${comparison} ${a}) { ${y} = ${b}; } }`;

const binaryCodes: Readonly<Record<BinaryOp, BinaryCode>> = {
  add: (a, b, y) => `let ${y} = ${a} + ${b};`,
  sub: (a, b, y) => `let ${y} = ${a} - ${b};`,
  mul: (a, b, y) => `let ${y} = ${a} * ${b};`,
  div: (a, b, y) => `let ${y} = ${a} / ${b};`,
  pow: power,
  maximum: extreme('>'),
  minimum: extreme('<'),
  eq: truth('==='),
  // by way of equality: that no two NaN are equal is what all devices keep
  ne: (a, b, y) => `let ${y} = 1.0; if (${a} === ${b}) { ${y} = 0.0; }`,
  lt: truth('<'),
  le: truth('<='),
  gt: truth('>'),
  ge: truth('>='),
};

/**
 * IEEE 754's power: the device's own for positive finite numbers, its sign by whether the exponent
 * is odd, and the limits one by one.
 * The most frequent exponents are exact.
 */
function power(a: string, b: string, y: string): string {
  const m = `${y}m`;
  const odd = `${y}o`;
  return [
    `let ${y} = nan; let ${m} = Math.abs(${a}); let ${odd} = 0.0;`,
    `let ${y}h = ${b} * 0.5; if (Math.floor(${b}) === ${b} && Math.floor(${y}h) !== ${y}h) { ${odd} = 1.0; }`,
    `if (${m} > 0 && ${m} < inf && ${b} > -inf && ${b} < inf) {`,
    `${y} = Math.pow(${m}, ${b});`,
    `if (${b} === 1) { ${y} = ${m}; } if (${b} === 2) { ${y} = ${m} * ${m}; } if (${b} === 3) { ${y} = ${m} * ${m} * ${m}; }`,
    `if (${b} === -1) { ${y} = 1.0 / ${m}; } if (${b} === 0.5) { ${y} = Math.sqrt(${m}); }`,
    '}',
    `if (${m} === 0 && ${b} > 0) { ${y} = 0.0; } if (${m} === 0 && ${b} < 0) { ${y} = inf; }`,
    `if (${m} === inf && ${b} > 0) { ${y} = inf; } if (${m} === inf && ${b} < 0) { ${y} = 0.0; }`,
    `if (${b} === inf) { if (${m} > 1) { ${y} = inf; } if (${m} < 1) { ${y} = 0.0; } }`,
    `if (${b} === -inf) { if (${m} > 1) { ${y} = 0.0; } if (${m} < 1) { ${y} = inf; } }`,
    // negative bases: odd exponents turn the sign, also of zeros; those that are not whole have no
    // value
    `if (${odd} === 1 && (${a} < 0 || (${a} === 0 && 1.0 / ${a} < 0))) { ${y} = -${y}; }`,
    `if (${a} < 0 && ${m} < inf && ${b} < inf && ${b} > -inf && Math.floor(${b}) !== ${b}) { ${y} = nan; }`,
    `if (${m} === 1 && (${b} === inf || ${b} === -inf)) { ${y} = 1.0; }`,
    `if (${b} === 0 || ${a} === 1) { ${y} = 1.0; }`,
  ].join(' ');
}

/**
 * Statements that declare `y = op(x)`.
 *
 * @param x - the name of a variable
 * @param y - a new name; others that begin with it may be declared too
 */
export function unaryCode(op: UnaryOp, x: string, y: string): string {
  return unaryCodes[op](x, y);
}

/** Statements that declare `y = op(a, b)`; `a` and `b` are names of variables, `y` is a new one. */
export function binaryCode(op: BinaryOp, a: string, b: string, y: string): string {
  return binaryCodes[op](a, b, y);
}

/** Statements that declare `y = c != 0 ? a : b`; a NaN is not 0. */
export function selectCode(c: string, a: string, b: string, y: string): string {
  return `let ${y} = ${a}; if (${c} === 0) { ${y} = ${b}; }`;
}

/**
 * Statements that declare `y`, the int32 number of the float32 number `x`: without its fraction;
 * where it does not fit, the nearest one that does; 0 for a NaN. 2^31 - 1, which float32 does not
 * have, is stored as infinity.
 */
export function toInt32Code(x: string, y: string): string {
  return (
    `let ${y} = 0.0; if (${x} >= 0) { ${y} = inf; if (${x} < 2147483648.0) { ${y} = Math.floor(${x}); } } ` +
    `if (${x} < 0) { ${y} = -2147483648.0; if (${x} > -2147483648.0) { ${y} = Math.ceil(${x}) + 0.0; } }`
  );
}

/**
 * Statements that declare `y`, the float32 number of the int32 number `x`. A 0 may be stored as -0,
 * which int32 does not have.
 */
export function fromInt32Code(x: string, y: string): string {
  return `let ${y} = ${x}; if (${x} === 0) { ${y} = 0.0; } if (${x} === inf) { ${y} = 2147483648.0; }`;
}

/**
 * The end of a kernel: `return y`. An int32 result is NaN, which reading refuses, unless it and all
 * operands are below 2^24: beyond it float32 does not have all whole numbers, and y may be a
 * neighbour of the right one.
 */
export function returnCode(dtype: DType, y: string, operands: readonly string[] = []): string {
  if (dtype !== 'int32') return `return ${y};`;
  const fits = [y, ...operands].map((x) => `Math.abs(${x}) < ${EXACT}.0`).join(' && ');
  return `let whole = nan; if (${fits}) { whole = ${y}; } return whole;`;
}

/**
 * Elementwise functions as statements of a kernel, for graphics cards whose own are coarse or wrong at the edges: `Math.tanh` is NaN from 89
 * on, `Math.exp(NaN)` infinite, `Math.max(NaN, 1)` 1, `Math.log(0)` -88.
 *
 * Two habits run through all of them. A NaN is told by `x < 0 || x >= 0` being false, since `x !== x` may be optimised away. And a
 * result starts as what a NaN should give, and is replaced where a comparison holds, since none holds for a NaN.
 */
import type { BinaryOp, DType, UnaryOp } from '@rnn/core';

type UnaryCode = (x: string, y: string) => string;

/** Replaces `y`, which is `x`, by an expression unless `x` is NaN. */
function unlessNan(x: string, y: string, statements: string): string {
  return `let ${y} = ${x}; if (${x} < 0 || ${x} >= 0) { ${statements} }`;
}

const unaryCodes: Readonly<Record<UnaryOp, UnaryCode>> = {
  neg: (x, y) => `let ${y} = -${x};`,
  exp: (x, y) => unlessNan(x, y, `${y} = Math.exp(${x});`),
  log: (x, y) =>
    `let ${y} = nan; if (${x} > 0) { ${y} = Math.log(${x}); } if (${x} === 0) { ${y} = -inf; } if (${x} === inf) { ${y} = inf; }`,
  sqrt: (x, y) =>
    `let ${y} = nan; if (${x} > 0) { ${y} = Math.sqrt(${x}); } if (${x} === 0) { ${y} = 0.0; } if (${x} === inf) { ${y} = inf; }`,
  square: (x, y) => `let ${y} = ${x} * ${x};`,
  reciprocal: (x, y) => `let ${y} = 1.0 / ${x};`,
  abs: (x, y) => `let ${y} = ${x}; if (${x} < 0) { ${y} = -${x}; }`,
  sign: (x, y) => `let ${y} = 0.0; if (${x} > 0) { ${y} = 1.0; } if (${x} < 0) { ${y} = -1.0; }`,
  // (e^2x - 1) / (e^2x + 1), which is 1 in float32 from 10 on; near 0, where that cancels, the Taylor series
  tanh: (x, y) =>
    unlessNan(
      x,
      y,
      `let ${y}a = Math.min(Math.abs(${x}), 10.0); let ${y}s = ${y}a * ${y}a; ` +
        `let ${y}m = ${y}a * (1.0 + ${y}s * (-0.33333333 + ${y}s * (0.13333333 + ${y}s * (-0.05396825 + ${y}s * 0.02186949)))); ` +
        `if (${y}a >= 0.3) { ${y}m = 1.0 - 2.0 / (Math.exp(2.0 * ${y}a) + 1.0); } ` +
        `${y} = ${y}m; if (${x} < 0) { ${y} = -${y}m; }`,
    ),
  // 1 / (1 + e^-x) = e^x / (1 + e^x): the one whose exponential does not overflow
  sigmoid: (x, y) =>
    unlessNan(
      x,
      y,
      `let ${y}e = Math.exp(-Math.abs(${x})); ${y} = 1.0 / (1.0 + ${y}e); if (${x} < 0) { ${y} = ${y}e / (1.0 + ${y}e); }`,
    ),
  relu: (x, y) => `let ${y} = ${x}; if (${x} <= 0) { ${y} = 0.0; }`,
  // max(x, 0) + log(1 + e^-|x|); the series where 1 + e would lose the digits of e
  softplus: (x, y) =>
    unlessNan(
      x,
      y,
      `let ${y}e = Math.exp(-Math.abs(${x})); let ${y}l = ${y}e * (1.0 - ${y}e * (0.5 - ${y}e * (0.33333333 - ${y}e * 0.25))); ` +
        `if (${y}e > 0.03) { ${y}l = Math.log(1.0 + ${y}e); } ${y} = ${y}l; if (${x} > 0) { ${y} = ${x} + ${y}l; }`,
    ),
};

type BinaryCode = (a: string, b: string, y: string) => string;

const truth =
  (comparison: string): BinaryCode =>
  (a, b, y) =>
    `let ${y} = 0.0; if (${a} ${comparison} ${b}) { ${y} = 1.0; }`;

/** The larger or the smaller one; a NaN wins. */
const extreme =
  (comparison: string): BinaryCode =>
  (a, b, y) =>
    `let ${y} = ${b}; if (${b} < 0 || ${b} >= 0) { ${y} = ${a}; if (${b} ${comparison} ${a}) { ${y} = ${b}; } }`;

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
 * IEEE 754's power: the device's own for positive finite numbers, its sign by whether the exponent is odd, and the limits one by one.
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
    // negative bases: odd exponents turn the sign, also of zeros; those that are not whole have no value
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

/** Statements that declare `y`, the whole number that remains of `x` without its fraction; 0 where there is none. */
export function truncateCode(x: string, y: string): string {
  return `let ${y} = 0.0; if (${x} >= 0 && ${x} < inf) { ${y} = Math.floor(${x}); } if (${x} < 0 && ${x} > -inf) { ${y} = Math.ceil(${x}); }`;
}

const wholeUnary: ReadonlySet<UnaryOp> = new Set(['neg', 'square', 'abs', 'sign', 'relu']);
const brokenBinary: ReadonlySet<BinaryOp> = new Set(['div', 'pow']);

/** The end of a kernel: `return y`, without the fraction where the function leaves the whole numbers. */
export function returnCode(op: UnaryOp | BinaryOp, dtype: DType, y: string): string {
  const isWhole = wholeUnary.has(op as UnaryOp) || (op in binaryCodes && !brokenBinary.has(op as BinaryOp));
  if (dtype !== 'int32' || isWhole) return `return ${y};`;
  return `${truncateCode(y, 'whole')} return whole;`;
}

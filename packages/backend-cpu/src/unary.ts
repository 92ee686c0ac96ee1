import type { DType, TypedArray, UnaryOp } from '@rnn/core';

/**
 * Elementwise functions of one operand.
 *
 * Each is a loop of its own rather than one loop that calls the function given to it: JavaScript
 * engines turn a loop around known arithmetic into a few machine instructions, and a call of an
 * unknown function for each element costs several times as much.
 *
 * JavaScript computes in float64; storing into a `Float32Array` rounds once, and storing into an
 * `Int32Array` drops the fraction and wraps around, which for + and - is int32 arithmetic.
 */
type Kernel = (out: TypedArray, x: TypedArray) => void;

function neg(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = -x[i];
}

function exp(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.exp(x[i]);
}

function log(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.log(x[i]);
}

function sqrt(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(x[i]);
}

function square(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = x[i] * x[i];
}

/**
 * Products of int32 have up to 62 bits, of which float64 would lose the low ones: `imul` keeps the
 * low 32.
 */
function squareInt32(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.imul(x[i], x[i]);
}

function reciprocal(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = 1 / x[i];
}

function abs(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.abs(x[i]);
}

/** -1, 0 or 1; of ±0 and NaN, 0 without a sign, as in PyTorch. */
function sign(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : 0;
}

function tanh(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.tanh(x[i]);
}

/**
 * `1 / (1 + exp(-x))`. At the far left `exp(-x)` overflows to Infinity, whose reciprocal is the 0
 * that the result tends to.
 */
function sigmoid(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-x[i]));
}

/** `x < 0 ? 0 : x`: no comparison with NaN holds, so that NaN stays NaN, and -0 keeps its sign. */
function relu(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) {
    const value = x[i];
    out[i] = value < 0 ? 0 : value;
  }
}

/**
 * `log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))`, where nothing overflows; `log1p` keeps the
 * digits that `1 + exp(-|x|)` would lose when the exponential is small.
 */
function softplus(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) {
    const value = x[i];
    out[i] = Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
  }
}

/**
 * The nearest whole number; of two, `Math.round` takes the upper one, and the even one is wanted.
 */
function round(out: TypedArray, x: TypedArray): void {
  for (let i = 0; i < out.length; i++) {
    const up = Math.round(x[i]);
    out[i] = up - x[i] === 0.5 && up % 2 !== 0 ? up - 1 : up;
  }
}

const kernels: Record<UnaryOp, Kernel> = {
  neg,
  exp,
  log,
  sqrt,
  square,
  reciprocal,
  abs,
  sign,
  tanh,
  sigmoid,
  relu,
  softplus,
  round,
};

/** Writes `op(x)` for every element. */
export function unary(op: UnaryOp, dtype: DType, out: TypedArray, x: TypedArray): void {
  const kernel = dtype === 'int32' && op === 'square' ? squareInt32 : kernels[op];
  kernel(out, x);
}

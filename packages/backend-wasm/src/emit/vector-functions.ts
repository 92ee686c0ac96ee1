/**
 * Elementwise functions of four float32, as WebAssembly. The formulas and their reasons stand in `assembly/functions.ts`; the constants are
 * the same, and so are the results, bit for bit.
 */
import type { BinaryOp, UnaryOp } from '@rnn/core';
import * as k from '../coefficients.js';
import { V128, type Code } from './writer.js';

/** Writes code that leaves one vector on the stack. */
export type Expression = () => void;

/** Vector instructions as expressions over a function's code. */
export class Vectors {
  readonly code: Code;
  private readonly relaxed: boolean;

  constructor(code: Code, relaxed: boolean) {
    this.code = code;
    this.relaxed = relaxed;
  }

  private operation(opcode: number, ...operands: readonly Expression[]): Expression {
    return () => {
      for (const operand of operands) operand();
      this.code.simd(opcode);
    };
  }

  /** The same number in every lane. */
  splat(value: number): Expression {
    const local = this.code.constant(new Uint8Array(Float32Array.of(value, value, value, value).buffer));
    return () => void this.code.get(local);
  }

  splatInt(value: number): Expression {
    const local = this.code.constant(new Uint8Array(Int32Array.of(value, value, value, value).buffer));
    return () => void this.code.get(local);
  }

  /** Computes something once. */
  keep(value: Expression): Expression {
    const local = this.code.local(V128);
    value();
    this.code.set(local);
    return () => void this.code.get(local);
  }

  eq = (a: Expression, b: Expression): Expression => this.operation(0x41, a, b);
  ne = (a: Expression, b: Expression): Expression => this.operation(0x42, a, b);
  lt = (a: Expression, b: Expression): Expression => this.operation(0x43, a, b);
  gt = (a: Expression, b: Expression): Expression => this.operation(0x44, a, b);
  le = (a: Expression, b: Expression): Expression => this.operation(0x45, a, b);
  ge = (a: Expression, b: Expression): Expression => this.operation(0x46, a, b);
  not = (a: Expression): Expression => this.operation(0x4d, a);
  and = (a: Expression, b: Expression): Expression => this.operation(0x4e, a, b);
  /** `a` without the bits of `b`. */
  without = (a: Expression, b: Expression): Expression => this.operation(0x4f, a, b);
  or = (a: Expression, b: Expression): Expression => this.operation(0x50, a, b);
  /** Bits of `a` where `mask` has ones, else of `b`. */
  choose = (a: Expression, b: Expression, mask: Expression): Expression => this.operation(0x52, a, b, mask);
  abs = (a: Expression): Expression => this.operation(0xe0, a);
  neg = (a: Expression): Expression => this.operation(0xe1, a);
  nearest = (a: Expression): Expression => this.operation(0x6a, a);
  sqrt = (a: Expression): Expression => this.operation(0xe3, a);
  add = (a: Expression, b: Expression): Expression => this.operation(0xe4, a, b);
  sub = (a: Expression, b: Expression): Expression => this.operation(0xe5, a, b);
  mul = (a: Expression, b: Expression): Expression => this.operation(0xe6, a, b);
  div = (a: Expression, b: Expression): Expression => this.operation(0xe7, a, b);
  pmin = (a: Expression, b: Expression): Expression => this.operation(0xea, a, b);
  pmax = (a: Expression, b: Expression): Expression => this.operation(0xeb, a, b);
  addInt = (a: Expression, b: Expression): Expression => this.operation(0xae, a, b);
  subInt = (a: Expression, b: Expression): Expression => this.operation(0xb1, a, b);
  toFloat = (a: Expression): Expression => this.operation(0xfa, a);

  shiftLeft(a: Expression, bits: number): Expression {
    return () => {
      a();
      this.code.i32(bits).simd(0xab);
    };
  }

  shiftRight(a: Expression, bits: number): Expression {
    return () => {
      a();
      this.code.i32(bits).simd(0xac);
    };
  }

  /** `a * b + c`, in one rounding where relaxed SIMD is there and the processor has it. */
  madd(a: Expression, b: Expression, c: Expression): Expression {
    return this.relaxed ? this.operation(0x105, a, b, c) : this.add(this.mul(a, b), c);
  }

  /** `c - a * b`. */
  nmadd(a: Expression, b: Expression, c: Expression): Expression {
    return this.relaxed ? this.operation(0x106, a, b, c) : this.sub(c, this.mul(a, b));
  }
}

/** Functions by polynomials. They are written out where they are used: a call would cost their constants, and all registers, each time. */
type LongFunction = 'exp' | 'log' | 'tanh' | 'sigmoid' | 'softplus';

const long: Record<LongFunction, (v: Vectors, x: Expression) => Expression> = {
  exp(v, x) {
    const y = v.keep(v.pmax(v.pmin(x, v.splat(89)), v.splat(-104)));
    const t = v.keep(v.madd(y, v.splat(k.LOG2E), v.splat(k.ROUND)));
    const n = v.keep(v.sub(t, v.splat(k.ROUND)));
    const r = v.keep(v.nmadd(n, v.splat(k.LN2_LOW), v.nmadd(n, v.splat(k.LN2_HIGH), y)));
    const whole = v.keep(v.subInt(t, v.splat(k.ROUND)));
    const half = v.keep(v.shiftRight(whole, 1));
    const power = (e: Expression): Expression => v.shiftLeft(v.addInt(e, v.splatInt(127)), 23);
    return v.mul(v.mul(expSmall(v, r), power(half)), power(v.subInt(whole, half)));
  },
  sigmoid(v, x) {
    const y = v.keep(v.pmax(v.pmin(x, v.splat(87)), v.splat(-89)));
    const t = v.keep(v.nmadd(y, v.splat(k.LOG2E), v.splat(k.ROUND + 127)));
    const n = v.keep(v.sub(t, v.splat(k.ROUND + 127)));
    const r = v.keep(v.madd(n, v.splat(k.LN2_LOW), v.madd(n, v.splat(k.LN2_HIGH), y)));
    let q = v.nmadd(r, v.splat(k.EXPM1_6), v.splat(k.EXPM1_5));
    q = v.nmadd(q, r, v.splat(k.EXPM1_4));
    q = v.nmadd(q, r, v.splat(k.EXPM1_3));
    q = v.nmadd(q, r, v.splat(k.EXPM1_2));
    q = v.nmadd(q, r, v.splat(1));
    const p = v.nmadd(q, r, v.splat(1));
    return v.div(v.splat(1), v.madd(p, v.shiftLeft(t, 23), v.splat(1)));
  },
  tanh(v, x) {
    const y = v.keep(v.pmin(v.abs(x), v.splat(9.02)));
    const z = v.keep(v.add(y, y));
    const t = v.keep(v.madd(z, v.splat(k.LOG2E), v.splat(k.ROUND + 127)));
    const n = v.keep(v.sub(t, v.splat(k.ROUND + 127)));
    const r = v.keep(v.nmadd(n, v.splat(k.LN2_LOW), v.nmadd(n, v.splat(k.LN2_HIGH), z)));
    let q = v.madd(r, v.splat(k.EXPM1_6), v.splat(k.EXPM1_5));
    q = v.madd(q, r, v.splat(k.EXPM1_4));
    q = v.madd(q, r, v.splat(k.EXPM1_3));
    q = v.madd(q, r, v.splat(k.EXPM1_2));
    const p = v.keep(v.madd(v.mul(r, r), q, r));
    const power = v.keep(v.shiftLeft(t, 23));
    const e = v.keep(v.madd(power, p, v.sub(power, v.splat(1))));
    return v.or(v.div(e, v.add(e, v.splat(2))), v.and(x, v.splat(-0)));
  },
  log(v, x) {
    const tiny = v.keep(v.lt(x, v.splat(1.1754943508222875e-38)));
    const scaled = v.keep(v.choose(v.mul(x, v.splat(8388608)), x, tiny));
    const exponent = v.keep(v.shiftRight(v.subInt(scaled, v.splatInt(0x3f3504f3)), 23));
    const m = v.keep(v.subInt(scaled, v.shiftLeft(exponent, 23)));
    const n = v.keep(v.sub(v.toFloat(exponent), v.and(tiny, v.splat(23))));
    const s = v.keep(v.div(v.sub(m, v.splat(1)), v.add(m, v.splat(1))));
    const z = v.keep(v.mul(s, s));
    const R = v.madd(v.madd(z, v.splat(k.LOG_2), v.splat(k.LOG_1)), z, v.splat(k.LOG_0));
    const low = v.madd(v.mul(z, s), R, v.mul(n, v.splat(k.LN2_LOW)));
    const y = v.madd(n, v.splat(k.LN2_HIGH), v.madd(v.splat(2), s, low));
    const special = v.not(v.lt(x, v.splat(Infinity)));
    const below = v.choose(v.splat(-Infinity), v.splat(NaN), v.eq(x, v.splat(0)));
    return v.choose(x, v.choose(below, y, v.le(x, v.splat(0))), special);
  },
  softplus(v, x) {
    const u = v.keep(expNegative(v, x));
    const s = v.keep(v.div(u, v.add(u, v.splat(2))));
    const z = v.keep(v.mul(s, s));
    let R = v.madd(z, v.splat(k.LOG1P_3), v.splat(k.LOG1P_2));
    R = v.madd(R, z, v.splat(k.LOG1P_1));
    R = v.madd(R, z, v.splat(k.LOG1P_0));
    return v.add(v.pmax(x, v.splat(0)), v.madd(v.mul(z, s), R, v.add(s, s)));
  },
};

function expSmall(v: Vectors, r: Expression): Expression {
  let q = v.madd(r, v.splat(k.EXP_6), v.splat(k.EXP_5));
  q = v.madd(q, r, v.splat(k.EXP_4));
  q = v.madd(q, r, v.splat(k.EXP_3));
  q = v.madd(q, r, v.splat(k.EXP_2));
  return v.add(v.madd(v.mul(r, r), q, r), v.splat(1));
}

function expNegative(v: Vectors, x: Expression): Expression {
  const y = v.keep(v.pmin(v.abs(x), v.splat(88)));
  const t = v.keep(v.nmadd(y, v.splat(k.LOG2E), v.splat(k.ROUND + 127)));
  const n = v.keep(v.sub(t, v.splat(k.ROUND + 127)));
  const r = v.keep(v.nmadd(n, v.splat(k.LN2_LOW), v.nmadd(n, v.splat(k.LN2_HIGH), v.neg(y))));
  return v.mul(expSmall(v, r), v.shiftLeft(t, 23));
}

/** A unary function applied to an expression that may be used more than once. */
export function unaryExpression(op: UnaryOp, v: Vectors, x: Expression): Expression {
  const zero = v.splat(0);
  const one = v.splat(1);
  switch (op) {
    case 'neg':
      return v.neg(x);
    case 'sqrt':
      return v.sqrt(x);
    case 'square':
      return v.mul(x, x);
    case 'reciprocal':
      return v.div(one, x);
    case 'abs':
      return v.abs(x);
    case 'sign': // no comparison with NaN holds, so that it gives 0
      return v.sub(v.and(v.gt(x, zero), one), v.and(v.lt(x, zero), one));
    case 'round':
      return v.nearest(x);
    case 'relu':
      return v.without(x, v.le(x, zero));
    default:
      return long[op](v, x);
  }
}

/** Whether `binaryExpression` has a function. `pow` it has only for the exponents that derivatives bring. */
export function isEmittable(op: BinaryOp, b: unknown): boolean {
  return op !== 'pow' || b === 2 || b === 1 || b === -1;
}

/** A binary function of expressions that may be used more than once. `exponent` is the number that `b` stands for, if any. */
export function binaryExpression(
  op: BinaryOp,
  v: Vectors,
  a: Expression,
  b: Expression,
  exponent: number | undefined,
): Expression {
  const flag = (mask: Expression): Expression => v.and(mask, v.splat(1));
  switch (op) {
    case 'add':
      return v.add(a, b);
    case 'sub':
      return v.sub(a, b);
    case 'mul':
      return v.mul(a, b);
    case 'div':
      return v.div(a, b);
    case 'pow':
      return exponent === 2 ? v.mul(a, a) : exponent === -1 ? v.div(v.splat(1), a) : a;
    case 'maximum': // `pmax` gives `a` when `b` is NaN
      return v.or(v.pmax(a, b), v.ne(b, b));
    case 'minimum':
      return v.or(v.pmin(a, b), v.ne(b, b));
    case 'eq':
      return flag(v.eq(a, b));
    case 'ne':
      return flag(v.ne(a, b));
    case 'lt':
      return flag(v.lt(a, b));
    case 'le':
      return flag(v.le(a, b));
    case 'gt':
      return flag(v.gt(a, b));
    case 'ge':
      return flag(v.ge(a, b));
  }
}

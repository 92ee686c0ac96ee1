// NOTE FROM THE LEAD to whoever edits this: an emitter exists and passes everything (src/compile.ts, src/emit/emit-program.ts, layout-of.ts, vector-functions.ts, writer.ts; test/compile.test.ts). Please do not write a second one: delete this file unless it replaces one of those for a measured reason. Next: threads, kernels <= 25 kB, memory/kernels/ulp tests, README, masks inside WebAssembly.
/**
 * Elementwise functions of four numbers at a time, written into a function: the same steps in the same order as in
 * `assembly/functions.ts`, where they are explained.
 */
import type { BinaryOp, UnaryOp } from '@rnn/core';
import {
  EXP_2,
  EXP_3,
  EXP_4,
  EXP_5,
  EXP_6,
  EXPM1_2,
  EXPM1_3,
  EXPM1_4,
  EXPM1_5,
  EXPM1_6,
  LN2_HIGH,
  LN2_LOW,
  LOG1P_0,
  LOG1P_1,
  LOG1P_2,
  LOG1P_3,
  LOG2E,
  LOG_0,
  LOG_1,
  LOG_2,
  ROUND,
} from '../coefficients.js';
import type { Bytes } from './binary-format.js';
import type { FunctionBuilder } from './function-builder.js';
import { control, f32x4, i32x4, v128 } from './instructions.js';

const { add, sub, mul, div, neg, abs, pmin, pmax } = f32x4;
const SIGN = 0x80000000 | 0;

/** Writes elementwise functions into a function. What they return is an expression; a value that is used twice is set once. */
export class Elementwise {
  private readonly fn: FunctionBuilder;
  private readonly relaxed: boolean;
  /** The function `(f32, f32) -> f32` that raises to a power. */
  private readonly power: number;

  constructor(fn: FunctionBuilder, relaxed: boolean, power: number) {
    this.fn = fn;
    this.relaxed = relaxed;
    this.power = power;
  }

  unary(op: UnaryOp, x: Bytes): Bytes {
    const { fn } = this;
    switch (op) {
      case 'neg':
        return neg(x);
      case 'exp':
        return this.exp(x);
      case 'log':
        return this.log(x);
      case 'sqrt':
        return f32x4.sqrt(x);
      case 'square':
        return mul(x, x);
      case 'reciprocal':
        return div(fn.number(1), x);
      case 'abs':
        return abs(x);
      case 'sign': {
        const one = v128.or(v128.and(x, fn.bits(SIGN)), fn.number(1));
        return v128.select(one, x, v128.or(f32x4.lt(x, fn.number(0)), f32x4.gt(x, fn.number(0))));
      }
      case 'tanh':
        return this.tanh(x);
      case 'sigmoid':
        return this.sigmoid(x);
      case 'relu':
        return v128.andnot(x, f32x4.le(x, fn.number(0)));
      case 'softplus':
        return this.softplus(x);
    }
  }

  binary(op: BinaryOp, a: Bytes, b: Bytes): Bytes {
    switch (op) {
      case 'add':
        return add(a, b);
      case 'sub':
        return sub(a, b);
      case 'mul':
        return mul(a, b);
      case 'div':
        return div(a, b);
      case 'maximum':
        return v128.or(pmax(a, b), f32x4.ne(b, b));
      case 'minimum':
        return v128.or(pmin(a, b), f32x4.ne(b, b));
      case 'pow':
        return this.pow(a, b);
      default:
        return v128.and(f32x4[op](a, b), this.fn.number(1));
    }
  }

  /** `condition != 0 ? a : b`. */
  select(condition: Bytes, a: Bytes, b: Bytes): Bytes {
    return v128.select(b, a, f32x4.eq(condition, this.fn.number(0)));
  }

  /** a * b + c */
  private madd(a: Bytes, b: Bytes, c: Bytes): Bytes {
    return this.relaxed ? f32x4.relaxedMadd(a, b, c) : add(mul(a, b), c);
  }

  /** c - a * b */
  private nmadd(a: Bytes, b: Bytes, c: Bytes): Bytes {
    return this.relaxed ? f32x4.relaxedNmadd(a, b, c) : sub(c, mul(a, b));
  }

  private expSmall(r: Bytes): Bytes {
    const { fn } = this;
    let q = this.madd(r, fn.number(EXP_6), fn.number(EXP_5));
    q = this.madd(q, r, fn.number(EXP_4));
    q = this.madd(q, r, fn.number(EXP_3));
    q = this.madd(q, r, fn.number(EXP_2));
    return add(this.madd(mul(r, r), q, r), fn.number(1));
  }

  private exp(x: Bytes): Bytes {
    const { fn } = this;
    const y = fn.let(pmax(pmin(x, fn.number(89)), fn.number(-104)));
    const t = fn.let(this.madd(y, fn.number(LOG2E), fn.number(ROUND)));
    const n = fn.let(sub(t, fn.number(ROUND)));
    const r = fn.let(this.nmadd(n, fn.number(LN2_LOW), this.nmadd(n, fn.number(LN2_HIGH), y)));
    const whole = fn.let(i32x4.sub(t, fn.number(ROUND)));
    const half = fn.let(i32x4.shrS(whole, 1));
    const first = i32x4.shl(i32x4.add(half, fn.bits(127)), 23);
    const second = i32x4.shl(i32x4.add(i32x4.sub(whole, half), fn.bits(127)), 23);
    return mul(mul(this.expSmall(r), first), second);
  }

  private expNegative(x: Bytes): Bytes {
    const { fn } = this;
    const y = fn.let(pmin(abs(x), fn.number(88)));
    const t = fn.let(this.nmadd(y, fn.number(LOG2E), fn.number(ROUND + 127)));
    const n = fn.let(sub(t, fn.number(ROUND + 127)));
    const r = fn.let(this.nmadd(n, fn.number(LN2_LOW), this.nmadd(n, fn.number(LN2_HIGH), neg(y))));
    return mul(this.expSmall(r), i32x4.shl(t, 23));
  }

  private sigmoid(x: Bytes): Bytes {
    const { fn } = this;
    const y = fn.let(pmax(pmin(x, fn.number(87)), fn.number(-89)));
    const t = fn.let(this.nmadd(y, fn.number(LOG2E), fn.number(ROUND + 126)));
    const n = fn.let(sub(t, fn.number(ROUND + 126)));
    const r = fn.let(this.madd(n, fn.number(LN2_LOW), this.madd(n, fn.number(LN2_HIGH), y)));
    let q = this.nmadd(r, fn.number(2 * EXP_6), fn.number(2 * EXP_5));
    q = this.nmadd(q, r, fn.number(2 * EXP_4));
    q = this.nmadd(q, r, fn.number(2 * EXP_3));
    q = this.nmadd(q, r, fn.number(2 * EXP_2));
    q = this.nmadd(q, r, fn.number(2));
    const p = this.nmadd(q, r, fn.number(2));
    return div(fn.number(1), this.madd(p, i32x4.shl(t, 23), fn.number(1)));
  }

  private tanh(x: Bytes): Bytes {
    const { fn } = this;
    const y = fn.let(pmin(abs(x), fn.number(9.02)));
    const t = fn.let(this.madd(y, fn.number(2 * LOG2E), fn.number(ROUND + 127)));
    const n = fn.let(sub(t, fn.number(ROUND + 127)));
    const r = fn.let(this.nmadd(n, fn.number(LN2_LOW / 2), this.nmadd(n, fn.number(LN2_HIGH / 2), y)));
    let q = this.madd(r, fn.number(64 * EXPM1_6), fn.number(32 * EXPM1_5));
    q = this.madd(q, r, fn.number(16 * EXPM1_4));
    q = this.madd(q, r, fn.number(8 * EXPM1_3));
    q = this.madd(q, r, fn.number(4 * EXPM1_2));
    const p = this.madd(mul(r, r), q, add(r, r));
    const power = fn.let(i32x4.shl(t, 23));
    const e = fn.let(this.madd(power, p, sub(power, fn.number(1))));
    const z = fn.let(div(fn.number(1), add(e, fn.number(2))));
    const large = this.nmadd(z, fn.number(2), fn.number(1));
    const size = v128.select(large, mul(e, z), f32x4.gt(y, fn.number(0.55)));
    return v128.or(size, v128.and(x, fn.bits(SIGN)));
  }

  private log(x: Bytes): Bytes {
    const { fn } = this;
    const tiny = fn.let(f32x4.lt(x, fn.number(1.1754943508222875e-38)));
    const scaled = fn.let(v128.select(mul(x, fn.number(8388608)), x, tiny));
    const exponent = fn.let(i32x4.shrS(i32x4.sub(scaled, fn.bits(0x3f3504f3)), 23));
    const m = fn.let(i32x4.sub(scaled, i32x4.shl(exponent, 23)));
    const n = fn.let(sub(f32x4.fromI32x4(exponent), v128.and(tiny, fn.number(23))));
    const s = fn.let(div(sub(m, fn.number(1)), add(m, fn.number(1))));
    const z = fn.let(mul(s, s));
    const R = this.madd(this.madd(z, fn.number(LOG_2), fn.number(LOG_1)), z, fn.number(LOG_0));
    const low = this.madd(mul(z, s), R, mul(n, fn.number(LN2_LOW)));
    const y = this.madd(n, fn.number(LN2_HIGH), this.madd(fn.number(2), s, low));
    const special = v128.not(f32x4.lt(x, fn.number(Infinity)));
    const below = v128.select(fn.number(-Infinity), fn.number(NaN), f32x4.eq(x, fn.number(0)));
    return v128.select(x, v128.select(below, y, f32x4.le(x, fn.number(0))), special);
  }

  private softplus(x: Bytes): Bytes {
    const { fn } = this;
    const u = fn.let(this.expNegative(x));
    const s = fn.let(div(u, add(u, fn.number(2))));
    const z = fn.let(mul(s, s));
    let R = this.madd(z, fn.number(LOG1P_3), fn.number(LOG1P_2));
    R = this.madd(R, z, fn.number(LOG1P_1));
    R = this.madd(R, z, fn.number(LOG1P_0));
    return add(pmax(x, fn.number(0)), this.madd(mul(z, s), R, add(s, s)));
  }

  private pow(a: Bytes, b: Bytes): Bytes {
    let result: Bytes = a;
    for (let lane = 0; lane < 4; lane++) {
      result = f32x4.replaceLane(result, lane, control.call(this.power, f32x4.lane(a, lane), f32x4.lane(b, lane)));
    }
    return result;
  }
}

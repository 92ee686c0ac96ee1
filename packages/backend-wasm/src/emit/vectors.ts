/**
 * Arithmetic on vectors of four float32, written down in one of two forms: WebAssembly's bytes, or
 * text for the compiler of the kernels.
 */
import type { SimdOpcode } from './opcodes.js';
import { V128, type Code } from './writer.js';

/** Builds expressions; `E` is what one is in the form that is written. */
export abstract class Vectors<E> {
  /** The same number in every lane. */
  abstract splat(value: number): E;
  abstract splatInt(value: number): E;
  /** Computes something once. */
  abstract keep(value: E): E;
  protected abstract instruction(name: SimdOpcode, ...operands: readonly E[]): E;
  /** An instruction whose last operand is a plain number. */
  protected abstract shift(name: SimdOpcode, value: E, bits: number): E;
  /** `a * b + c`, in one rounding where relaxed SIMD is there and the processor has it. */
  abstract madd(a: E, b: E, c: E): E;
  /** `c - a * b`. */
  abstract nmadd(a: E, b: E, c: E): E;

  eq = (a: E, b: E): E => this.instruction('f32x4.eq', a, b);
  ne = (a: E, b: E): E => this.instruction('f32x4.ne', a, b);
  lt = (a: E, b: E): E => this.instruction('f32x4.lt', a, b);
  gt = (a: E, b: E): E => this.instruction('f32x4.gt', a, b);
  le = (a: E, b: E): E => this.instruction('f32x4.le', a, b);
  ge = (a: E, b: E): E => this.instruction('f32x4.ge', a, b);
  not = (a: E): E => this.instruction('v128.not', a);
  and = (a: E, b: E): E => this.instruction('v128.and', a, b);
  /** `a` without the bits of `b`. */
  without = (a: E, b: E): E => this.instruction('v128.andnot', a, b);
  or = (a: E, b: E): E => this.instruction('v128.or', a, b);
  /** Bits of `a` where `mask` has ones, else of `b`. */
  choose = (a: E, b: E, mask: E): E => this.instruction('v128.bitselect', a, b, mask);
  abs = (a: E): E => this.instruction('f32x4.abs', a);
  neg = (a: E): E => this.instruction('f32x4.neg', a);
  nearest = (a: E): E => this.instruction('f32x4.nearest', a);
  sqrt = (a: E): E => this.instruction('f32x4.sqrt', a);
  add = (a: E, b: E): E => this.instruction('f32x4.add', a, b);
  sub = (a: E, b: E): E => this.instruction('f32x4.sub', a, b);
  mul = (a: E, b: E): E => this.instruction('f32x4.mul', a, b);
  div = (a: E, b: E): E => this.instruction('f32x4.div', a, b);
  /** The smaller one; `a` if one is NaN. */
  pmin = (a: E, b: E): E => this.instruction('f32x4.pmin', a, b);
  pmax = (a: E, b: E): E => this.instruction('f32x4.pmax', a, b);
  addInt = (a: E, b: E): E => this.instruction('i32x4.add', a, b);
  subInt = (a: E, b: E): E => this.instruction('i32x4.sub', a, b);
  toFloat = (a: E): E => this.instruction('f32x4.convert_i32x4_s', a);
  shiftLeft = (a: E, bits: number): E => this.shift('i32x4.shl', a, bits);
  shiftRight = (a: E, bits: number): E => this.shift('i32x4.shr_s', a, bits);
}

/** Writes code that leaves one vector on the stack. */
export type Expression = () => void;

/** Expressions over a function's code. */
export class CodeVectors extends Vectors<Expression> {
  private readonly code: Code;
  private readonly relaxed: boolean;

  constructor(code: Code, relaxed: boolean) {
    super();
    this.code = code;
    this.relaxed = relaxed;
  }

  splat(value: number): Expression {
    const local = this.code.constant(new Uint8Array(Float32Array.of(value, value, value, value).buffer));
    return () => void this.code.get(local);
  }

  splatInt(value: number): Expression {
    const local = this.code.constant(new Uint8Array(Int32Array.of(value, value, value, value).buffer));
    return () => void this.code.get(local);
  }

  keep(value: Expression): Expression {
    const local = this.code.local(V128);
    value();
    this.code.set(local);
    return () => void this.code.get(local);
  }

  protected instruction(name: SimdOpcode, ...operands: readonly Expression[]): Expression {
    return () => {
      for (const operand of operands) operand();
      this.code.simd(name);
    };
  }

  protected shift(name: SimdOpcode, value: Expression, bits: number): Expression {
    return () => {
      value();
      this.code.i32(bits).simd(name);
    };
  }

  madd(a: Expression, b: Expression, c: Expression): Expression {
    return this.relaxed ? this.instruction('f32x4.relaxed_madd', a, b, c) : this.add(this.mul(a, b), c);
  }

  nmadd(a: Expression, b: Expression, c: Expression): Expression {
    return this.relaxed ? this.instruction('f32x4.relaxed_nmadd', a, b, c) : this.sub(c, this.mul(a, b));
  }
}

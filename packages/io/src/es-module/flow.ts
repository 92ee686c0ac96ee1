/**
 * What a model computes at every step of a sequence, as a graph of vectors. A row value exists once
 * a step; a once value exists after all steps of a pass, such as the last output; a constant
 * belongs to the model.
 *
 * Values have a pass. Scans run first to last in even passes and last to first in odd ones, and a
 * value that waits for all steps of a pass is used in a later one. A causal model has one pass, and
 * so a step.
 */
import type { BinaryOp, UnaryOp } from '@rnn/core';

/** A matrix `[n, k]` of the model: the product with it has n numbers. */
export interface Matrix {
  readonly numbers: ArrayLike<number>;
  readonly n: number;
  readonly k: number;
}

export type FlowOp =
  | { readonly kind: 'input' }
  | { readonly kind: 'constant'; readonly numbers: ArrayLike<number> }
  | { readonly kind: 'state'; readonly scan: FlowScan; readonly index: number }
  | { readonly kind: 'final'; readonly scan: FlowScan; readonly index: number }
  | { readonly kind: 'end'; readonly x: FlowValue; readonly isLast: boolean }
  | { readonly kind: 'unary'; readonly op: UnaryOp; readonly x: FlowValue }
  | { readonly kind: 'binary'; readonly op: BinaryOp; readonly a: FlowValue; readonly b: FlowValue }
  | { readonly kind: 'select'; readonly condition: FlowValue; readonly a: FlowValue; readonly b: FlowValue }
  | { readonly kind: 'range'; readonly x: FlowValue; readonly from: number }
  | { readonly kind: 'pick'; readonly x: FlowValue; readonly indices: readonly number[] }
  | { readonly kind: 'concat'; readonly parts: readonly FlowValue[] }
  | {
      readonly kind: 'reduce';
      readonly op: 'sum' | 'max' | 'min' | 'argmax';
      readonly x: FlowValue;
      readonly outer: number;
      readonly size: number;
      readonly inner: number;
    }
  | {
      readonly kind: 'matmul';
      readonly x: FlowValue;
      readonly weight: Matrix;
      readonly init: FlowValue | undefined;
    }
  | { readonly kind: 'gather'; readonly table: FlowValue; readonly rows: number; readonly index: FlowValue };

export interface FlowValue {
  readonly id: number;
  readonly op: FlowOp;
  readonly width: number;
  readonly domain: 'constant' | 'row' | 'once';
  readonly pass: number;
}

/** A loop over time with a state. */
export interface FlowScan {
  /** The scans of a model are numbered. */
  readonly order: number;
  readonly reverse: boolean;
  readonly pass: number;
  /** The state before the first step: constants, or what an earlier pass made. */
  readonly initial: readonly FlowValue[];
  readonly names: readonly string[];
  /** The state after each step. */
  next: readonly FlowValue[];
}

/** Values that an operation reads. */
export function operandsOf(op: FlowOp): readonly FlowValue[] {
  switch (op.kind) {
    case 'input':
    case 'constant':
    case 'state':
    case 'final':
      return [];
    case 'binary':
      return [op.a, op.b];
    case 'select':
      return [op.condition, op.a, op.b];
    case 'concat':
      return op.parts;
    case 'matmul':
      return op.init === undefined ? [op.x] : [op.x, op.init];
    case 'gather':
      return [op.table, op.index];
    default:
      return [op.x];
  }
}

/** Makes values. */
export class Flow {
  /**
   * Values of a single step, while it is traced: it has no time, and so they are like those after a
   * sequence.
   */
  readonly #ofStep: FlowValue[] | undefined;
  #count = 0;
  /** By the number, or by its name where it is -0, which a map takes for 0. */
  readonly #numbers = new Map<number | string, FlowValue>();

  /** @param isStep - whether a single step is traced, and not a sequence */
  constructor(isStep = false) {
    this.#ofStep = isStep ? [] : undefined;
  }

  /** Whether a single step is traced. */
  get isStep(): boolean {
    return this.#ofStep !== undefined;
  }

  /** A step was traced: what it computes exists at every step. */
  everyStep(): void {
    for (const value of this.#ofStep ?? []) (value as { domain: FlowValue['domain'] }).domain = 'row';
  }

  constant(numbers: ArrayLike<number>): FlowValue {
    return this.#value({ kind: 'constant', numbers }, numbers.length, 'constant', 0);
  }

  /** One number, which any width may read. */
  number(number: number): FlowValue {
    const key = Object.is(number, -0) ? '-0' : number;
    let value = this.#numbers.get(key);
    if (value === undefined) this.#numbers.set(key, (value = this.constant([number])));
    return value;
  }

  input(width: number): FlowValue {
    return this.#value({ kind: 'input' }, width, 'row', 0);
  }

  /** A loop; the values of its state before each step come with it. */
  scan(
    reverse: boolean,
    initial: readonly FlowValue[],
    reads: readonly FlowValue[],
    names: readonly string[],
  ): [scan: FlowScan, states: FlowValue[]] {
    const least = Math.max(0, ...[...initial, ...reads].map(firstPassAfter));
    const pass = least + (least % 2 === Number(reverse) ? 0 : 1);
    const scan: FlowScan = { order: this.#count, reverse, pass, initial, names, next: [] };
    return [scan, initial.map(({ width }, index) => this.#value({ kind: 'state', scan, index }, width, 'row', pass))];
  }

  /** The state after all steps. */
  final(scan: FlowScan, index: number): FlowValue {
    return this.#value({ kind: 'final', scan, index }, scan.initial[index].width, 'once', scan.pass);
  }

  /** What a row value was at one end of the sequence. */
  end(x: FlowValue, isLast: boolean): FlowValue {
    return this.#value({ kind: 'end', x, isLast }, x.width, 'once', x.pass);
  }

  /** A part of a value; the whole is itself. */
  range(x: FlowValue, from: number, width: number): FlowValue {
    if (from === 0 && width === x.width) return x;
    if (x.op.kind === 'constant') return this.constant(Array.from(x.op.numbers).slice(from, from + width));
    return this.#value({ kind: 'range', x, from }, width, x.domain, x.pass);
  }

  /** Numbers of a value in another order. */
  pick(x: FlowValue, indices: readonly number[]): FlowValue {
    if (indices.every((index, i) => index === indices[0] + i)) return this.range(x, indices[0], indices.length);
    if (x.op.kind === 'constant') {
      const { numbers } = x.op;
      return this.constant(indices.map((index) => numbers[index]));
    }
    return this.make({ kind: 'pick', x, indices }, indices.length, x.domain === 'once');
  }

  concat(parts: readonly FlowValue[], isOnce: boolean): FlowValue {
    if (parts.length === 1) return parts[0];
    return this.make(
      { kind: 'concat', parts },
      parts.reduce((sum, { width }) => sum + width, 0),
      isOnce,
    );
  }

  /** A value that is computed of others. */
  make(op: FlowOp, width: number, isOnce: boolean): FlowValue {
    const passes = operandsOf(op).map((operand) => (isOnce ? operand.pass : firstPassAfter(operand)));
    return this.#value(op, width, isOnce ? 'once' : 'row', Math.max(0, ...passes));
  }

  #value(op: FlowOp, width: number, domain: FlowValue['domain'], pass: number): FlowValue {
    const steps = domain === 'constant' ? undefined : this.#ofStep;
    const value: FlowValue = { id: this.#count++, op, width, domain: steps === undefined ? domain : 'once', pass };
    steps?.push(value);
    return value;
  }
}

/** The first pass whose steps may read a value. */
function firstPassAfter({ domain, pass }: FlowValue): number {
  return domain === 'once' ? pass + 1 : pass;
}

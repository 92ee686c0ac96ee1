import { firstInstruction, widthsOf, type Instruction, type Program, type ProgramOperand } from '@rnn/core';
import { binaryCode, selectCode, unaryCode } from '../kernels/functions.js';
import { addTo, marksOf, settleSum, startSum, UNROLLED } from '../kernels/sums.js';
import { divide } from '../kernels/walk.js';

/**
 * An operand of a kernel: one of the program's, what an earlier kernel of the step made, or one of
 * the loop's own.
 */
export type Tensor =
  | { readonly kind: 'xs' | 'carry' | 'perRow' | 'consts' | 'kernel'; readonly index: number }
  /** `xs` side by side; `carry` side by side. */
  | { readonly kind: 'inputs' | 'state' };

/**
 * Where a value is read: feature f of a row at `start + f`, where `start` is an expression of `row`
 * or `line`.
 */
export interface Home {
  readonly tensor: Tensor;
  readonly start: string;
}

/**
 * A whole number as kernels take it: without the point gpu.js would take some of them for another
 * type.
 */
export function whole(n: number): string {
  return n < 0 ? `(${n}.0)` : `${n}.0`;
}

/** `terms` of which zeros are left out. */
function sum(...terms: readonly string[]): string {
  const left = terms.filter((term) => term !== '0.0');
  return left.length === 0 ? '0.0' : left.join(' + ');
}

/** Longer sums are compensated: plain ones would lose digits. */
const SHORT = 16;

/** Statements of a term that is read rather than computed, at most. */
const LONGEST_READ = 3;

/**
 * Writes the statements of one kernel. A value at a feature is read where it has a home, or else
 * computed on the spot, once for each feature at which it is wanted. The statements may use `row`,
 * the row of the batch, and `line`, the row among those of all steps.
 */
export class KernelWriter {
  /** In the order of the kernel's arguments. */
  readonly tensors: Tensor[] = [];
  /** Numbers to pass, named c0, c1, ... */
  readonly floats: number[] = [];
  private readonly program: Program;
  private readonly widths: readonly number[];
  private readonly first: number;
  private readonly homeOf: (value: number) => Home | undefined;
  private readonly names = new Map<string, string>();
  private lines: string[] = [];
  /** Names of what is known already, by what it is: the innermost block's last. */
  private readonly scopes: Map<string, string>[] = [new Map<string, string>()];
  private count = 0;

  constructor(program: Program, homeOf: (value: number) => Home | undefined) {
    this.program = program;
    this.widths = widthsOf(program);
    this.first = firstInstruction(program);
    this.homeOf = homeOf;
  }

  get text(): string {
    return this.lines.join('\n');
  }

  push(...statements: readonly string[]): void {
    this.lines.push(...statements);
  }

  /** A new name. */
  fresh(): string {
    return `v${this.count++}`;
  }

  /** The name of an operand. */
  nameOf(tensor: Tensor): string {
    const key = 'index' in tensor ? `${tensor.kind} ${tensor.index}` : tensor.kind;
    let name = this.names.get(key);
    if (name === undefined) {
      name = `t${this.tensors.length}`;
      this.tensors.push(tensor);
      this.names.set(key, name);
    }
    return name;
  }

  /** Statements in a block of their own: what they declare is not known after it. */
  block(write: () => void): string {
    const outer = this.lines;
    this.lines = [];
    this.scopes.push(new Map<string, string>());
    write();
    this.scopes.pop();
    const text = this.lines.join('\n');
    this.lines = outer;
    return text;
  }

  /** The name of an expression, declared where it is new. */
  named(expression: string): string {
    return this.known(expression, () => {
      const name = this.fresh();
      this.push(`let ${name} = ${expression};`);
      return name;
    });
  }

  /** The name of a value at feature `f`, which is a name or a whole number. */
  read(value: number, f: string): string {
    const index = this.widths[value] === 1 ? '0.0' : f;
    const home = this.homeOf(value);
    if (home !== undefined) return this.named(`${this.nameOf(home.tensor)}[${sum(home.start, index)}]`);
    return this.known(`%${value} ${index}`, () => this.compute(this.instructionOf(value), index));
  }

  private known(key: string, make: () => string): string {
    for (const scope of this.scopes) {
      const name = scope.get(key);
      if (name !== undefined) return name;
    }
    const name = make();
    this.scopes[this.scopes.length - 1].set(key, name);
    return name;
  }

  private instructionOf(value: number): Instruction {
    if (value < this.first) throw new TypeError(`operand %${value} has no home`);
    return this.program.body[value - this.first];
  }

  private operand(operand: ProgramOperand, f: string): string {
    return typeof operand === 'number' ? this.number(operand) : this.read(operand.value, f);
  }

  /**
   * Small whole numbers are written out; others are passed, since not every language has every
   * number. So is 0: of x + 0 and x * 0 a compiler makes x and 0, which is wrong for x = -0 and for
   * infinities.
   */
  private number(n: number): string {
    if (Number.isInteger(n) && n > 0 && n <= 1024) return this.named(whole(n));
    let at = this.floats.findIndex((known) => Object.is(known, n));
    if (at < 0) at = this.floats.push(n) - 1;
    return `c${at}`;
  }

  private compute(instruction: Instruction, f: string): string {
    const y = this.fresh();
    switch (instruction.kind) {
      case 'unary':
        this.push(unaryCode(instruction.op, this.read(instruction.x, f), y));
        return y;
      case 'binary':
        this.push(binaryCode(instruction.op, this.operand(instruction.a, f), this.operand(instruction.b, f), y));
        return y;
      case 'select': {
        const condition = this.read(instruction.condition, f);
        this.push(selectCode(condition, this.operand(instruction.a, f), this.operand(instruction.b, f), y));
        return y;
      }
      case 'fill':
        return this.number(instruction.number);
      case 'copy':
        return this.read(instruction.x, this.walk(instruction, f));
      case 'concat':
        return this.concat(instruction.parts, f, y);
      case 'reduce':
        return this.reduce(instruction, f, y);
      case 'matmul':
        return this.matmul(instruction, f, y);
      case 'product':
        return this.product(instruction, f, y);
    }
  }

  /** The feature that a copy takes for its feature `f`. */
  private walk({ offset, sizes, strides }: Extract<Instruction, { kind: 'copy' }>, f: string): string {
    let rest = f;
    const terms: string[] = [whole(offset)];
    const step = (index: string, stride: number): void => {
      if (stride !== 0) terms.push(stride === 1 ? index : `${index} * ${whole(stride)}`);
    };
    for (let dim = sizes.length - 1; dim > 0; dim--) {
      const by = whole(sizes[dim]);
      const from = rest;
      const key = `${from} / ${by}`;
      rest = this.known(key, () => {
        const quotient = this.fresh();
        this.push(divide(from, by, quotient, `${quotient}r`));
        return quotient;
      });
      step(`${rest}r`, strides[dim]);
    }
    if (sizes.length > 0) step(rest, strides[0]);
    const place = sum(...terms);
    return place === f || place === '0.0' ? place : this.named(place);
  }

  private concat(parts: readonly number[], f: string, y: string): string {
    this.push(`let ${y} = 0.0;`);
    let start = 0;
    for (const part of parts) {
      const end = start + this.widths[part];
      const text = this.block(() => {
        const inner = start === 0 ? f : this.named(`${f} - ${whole(start)}`);
        this.push(`${y} = ${this.read(part, inner)};`);
      });
      this.push(`if (${f} >= ${whole(start)} && ${f} < ${whole(end)}) {`, text, '}');
      start = end;
    }
    return y;
  }

  private reduce(
    { op, x, outer, size, inner }: Extract<Instruction, { kind: 'reduce' }>,
    f: string,
    y: string,
  ): string {
    // element [o, k, i] of [outer, size, inner] for the feature f = o inner + i
    let start = f;
    if (outer > 1) {
      start = `${f} * ${whole(size)}`;
      if (inner > 1) {
        this.push(divide(f, whole(inner), `${y}o`, `${y}i`));
        start = `${y}o * ${whole(size * inner)} + ${y}i`;
      }
    }
    const p = `${y}p`;
    this.push(`let ${p} = ${start};`);
    if (op === 'sum') {
      this.sum(y, size, () => this.read(x, p), [`${p} = ${p} + ${whole(inner)};`]);
      return y;
    }
    const text = this.block(() => {
      const next = this.fresh();
      this.push(binaryCode(op === 'max' ? 'maximum' : 'minimum', y, this.read(x, p), next));
      this.push(`${y} = ${next};`, `${p} = ${p} + ${whole(inner)};`);
    });
    this.push(
      `let ${y} = ${op === 'max' ? '-inf' : 'inf'};`,
      `for (let ${y}k = 0; ${y}k < ${size}; ${y}k++) {`,
      text,
      '}',
    );
    return y;
  }

  private matmul(instruction: Extract<Instruction, { kind: 'matmul' }>, f: string, y: string): string {
    const { x, weight, transposed, init, width } = instruction;
    const length = this.widths[x];
    const left = this.run(x);
    const right = this.homeOf(weight);
    if (right === undefined) throw new TypeError('the weight of a product is an operand');
    const [a, b] = [this.nameOf(left.tensor), this.nameOf(right.tensor)];
    const [p, q] = [`${y}p`, `${y}q`];
    const alongB = whole(transposed ? 1 : width);
    this.push(`let ${p} = ${left.start};`, `let ${q} = ${transposed ? `${f} * ${whole(length)}` : f};`);
    const steps = [`${p} = ${p} + ${whole(left.step)};`, `${q} = ${q} + ${alongB};`];
    this.sum(y, length, () => `${a}[${p}] * ${b}[${q}]`, steps);
    return init === undefined ? y : this.named(`${y} + ${this.read(init, f)}`);
  }

  private product(
    { a, b, blocks, m, k, n, aStrides, bStrides }: Extract<Instruction, { kind: 'product' }>,
    f: string,
    y: string,
  ): string {
    // The feature f = (block m + row) n + column.
    let [line, column, block, row] = ['0.0', f, '0.0', '0.0'];
    if (blocks * m > 1) {
      [line, column] = [`${y}line`, `${y}column`];
      this.push(divide(f, whole(n), line, column));
      [block, row] = blocks === 1 ? ['0.0', line] : m === 1 ? [line, '0.0'] : [`${y}block`, `${y}row`];
      if (blocks > 1 && m > 1) this.push(divide(line, whole(m), block, row));
    }
    const at = (...terms: readonly (readonly [index: string, stride: number])[]): string =>
      sum(...terms.map(([index, stride]) => (index === '0.0' || stride === 0 ? '0.0' : `${index} * ${whole(stride)}`)));
    const [p, q] = [`${y}p`, `${y}q`];
    this.push(`let ${p} = ${at([block, aStrides[0]], [row, aStrides[1]])};`);
    this.push(`let ${q} = ${at([block, bStrides[0]], [column, bStrides[2]])};`);
    const next = [`${p} = ${p} + ${whole(aStrides[2])};`, `${q} = ${q} + ${whole(bStrides[1])};`];
    this.sum(y, k, () => `${this.readAt(a, p)} * ${this.readAt(b, q)}`, next);
    return y;
  }

  /**
   * A value at a place that changes from turn to turn of a loop: nothing about it is known from
   * outside.
   */
  private readAt(value: number, place: string): string {
    const home = this.homeOf(value);
    return home === undefined ? this.read(value, place) : `${this.nameOf(home.tensor)}[${sum(home.start, place)}]`;
  }

  /** The sum `y` of `size` terms: expressions, each followed by the statements `next`. */
  private sum(y: string, size: number, term: () => string, next: readonly string[]): void {
    const isShort = size <= SHORT;
    // What is computed for a term is declared beside it, and known no longer when the place has
    // changed.
    const read = (mark: string): string => this.block(() => this.push(`let ${y}v${mark} = ${term()};`, ...next));
    const turn = (count: number, name: string): string => {
      const marks = marksOf(count, name);
      const adds = marks.map((mark) => (isShort ? `${y} += ${y}v${mark};` : addTo(y, `${y}v${mark}`, mark)));
      return [...marks.map(read), ...adds].join('\n');
    };
    this.push(isShort ? `let ${y} = 0.0;` : startSum(y));
    // Terms that are computed, not read, keep a card busy, and their statements four times over
    // take long to build.
    const isRead = this.block(() => void term()).split('\n').length <= LONGEST_READ;
    const count = isRead ? UNROLLED : 1;
    const turns = Math.floor(size / count);
    if (turns > 0) this.push(`for (let ${y}k = 0; ${y}k < ${turns}; ${y}k++) {`, turn(count, 'k'), '}');
    if (size % count > 0) this.push(turn(size % count, 'r'));
    if (!isShort) this.push(settleSum(y));
  }

  /** Where the features of a product's operand lie, one after another. */
  private run(value: number): Home & { readonly step: number } {
    const home = this.homeOf(value);
    if (home !== undefined) return { ...home, step: 1 };
    const instruction = this.instructionOf(value);
    if (instruction.kind !== 'copy' || instruction.sizes.length > 1)
      throw new TypeError(`%${value} is multiplied and has no home`);
    const inner = this.run(instruction.x);
    const start = sum(inner.start, whole(instruction.offset * inner.step));
    return { tensor: inner.tensor, start, step: inner.step * (instruction.strides[0] ?? 1) };
  }
}

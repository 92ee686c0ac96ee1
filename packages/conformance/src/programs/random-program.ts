/** Programs of every kind, for backends that compile them. */
import * as fc from 'fast-check';
import {
  renumbered,
  type BinaryOp,
  type ConstOperand,
  type Instruction,
  type Program,
  type ProgramOperand,
  type UnaryOp,
} from '@rnn/core';

/** What is known of a value's size: `unit` lies within [-1, 1], `positive` within [1/e, e]. */
type Bound = 'unit' | 'positive' | 'none';

/** Numbers that a part of a program is made of. */
type Draw = (below: number) => number;

/** Functions of any number; what overflows or has a pole comes by its own rule below. */
const plainUnary = ['neg', 'tanh', 'sigmoid', 'abs', 'relu', 'softplus', 'sign'] as const satisfies UnaryOp[];
const positiveUnary = ['log', 'sqrt', 'reciprocal'] as const satisfies UnaryOp[];
const plainBinary = [
  ...(['add', 'sub', 'mul', 'maximum', 'minimum'] as const),
  ...(['gt', 'ge', 'lt', 'le', 'eq', 'ne'] as const),
] satisfies BinaryOp[];

/** No value gets wider than this. */
const WIDEST = 80;

/** Widths below and above a vector of any device. */
const widths: fc.Arbitrary<number> = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 40 }));

/**
 * A program under construction. Values are numbered by row values alone, fixed operands from -1
 * down, until the number of fixed operands is known.
 */
class Draft {
  readonly body: Instruction[] = [];
  readonly fixed: ConstOperand[] = [];
  readonly widths: number[];
  private readonly bounds: Bound[];

  constructor(operands: readonly number[]) {
    this.widths = [...operands];
    this.bounds = operands.map(() => 'none');
  }

  addFixed(rows: number, columns: number): number {
    return -this.fixed.push({ rows, columns });
  }

  add(instruction: Instruction, bound: Bound = 'none'): void {
    this.body.push(instruction);
    this.widths.push(instruction.width);
    this.bounds.push(bound);
  }

  /** Any value. */
  any(draw: Draw): number {
    return draw(this.widths.length);
  }

  /** A value of a width, or one that stands for all features. */
  like(draw: Draw, width: number): number {
    const fitting = this.valuesWith((value) => this.widths[value] === width || this.widths[value] === 1);
    return fitting[draw(fitting.length)];
  }

  /** A value of that very width, if there is one. */
  exactly(draw: Draw, width: number): number | undefined {
    const fitting = this.valuesWith((value) => this.widths[value] === width);
    return fitting.length === 0 ? undefined : fitting[draw(fitting.length)];
  }

  /** A value of at least that width, if there is one. */
  wide(draw: Draw, width: number): number | undefined {
    const fitting = this.valuesWith((value) => this.widths[value] >= width);
    return fitting.length === 0 ? undefined : fitting[draw(fitting.length)];
  }

  /** A value of a bound, if there is one. */
  bounded(draw: Draw, bound: Bound): number | undefined {
    const fitting = this.valuesWith((value) => this.bounds[value] === bound);
    return fitting.length === 0 ? undefined : fitting[draw(fitting.length)];
  }

  private valuesWith(holds: (value: number) => boolean): number[] {
    return [...this.widths.keys()].filter(holds);
  }
}

/** Ways to add an instruction that reads `x`, of width `w`. */
type Rule = (draft: Draft, draw: Draw, x: number, w: number) => void;

const rules: readonly Rule[] = [
  function product(draft, draw, x, w) {
    const n = 1 + draw(20);
    const transposed = draw(2) === 0;
    const weight = transposed ? draft.addFixed(n, w) : draft.addFixed(w, n);
    const start = draw(3);
    const init = start === 0 ? undefined : ((start === 2 ? draft.exactly(draw, n) : undefined) ?? draft.addFixed(1, n));
    draft.add({ kind: 'matmul', width: n, x, weight, transposed, init });
  },
  function products(draft, draw, x, w) {
    // A row as [blocks, m, k] or [m, k, blocks], times a fixed matrix for each or all blocks, or
    // another row.
    const blocks = w % 2 === 0 ? 2 : w % 3 === 0 ? 3 : 1;
    const m = (w / blocks) % 2 === 0 && draw(2) === 0 ? 2 : 1;
    const k = w / blocks / m;
    const n = 1 + draw(5);
    const isTurned = draw(2) === 0;
    const aStrides = isTurned ? ([1, k * blocks, blocks] as const) : ([m * k, k, 1] as const);
    const from = draw(4);
    const other = from === 0 ? draft.wide(draw, k * n) : undefined;
    const isShared = other !== undefined || draw(3) === 0;
    const b = other ?? draft.addFixed(1, (isShared ? 1 : blocks) * k * n);
    const bStrides = [isShared ? 0 : k * n, ...(draw(2) === 0 ? [n, 1] : [1, k])] as [number, number, number];
    draft.add({ kind: 'product', width: blocks * m * n, a: x, b, blocks, m, k, n, aStrides, bStrides });
  },
  function outerProduct(draft, draw, x, w) {
    const other = draft.any(draw);
    const n = draft.widths[other];
    if (w * n > WIDEST) draft.add({ kind: 'unary', width: w, op: 'neg', x });
    else {
      const sizes = { blocks: 1, m: w, k: 1, n, aStrides: [0, 1, 0], bStrides: [0, 0, 1] } as const;
      draft.add({ kind: 'product', width: w * n, a: x, b: other, ...sizes });
    }
  },
  function unary(draft, draw, x, width) {
    const op = plainUnary[draw(plainUnary.length)];
    const bound = op === 'tanh' || op === 'sigmoid' || op === 'sign' ? 'unit' : 'none';
    draft.add({ kind: 'unary', width, op, x }, bound);
  },
  function boundedUnary(draft, draw, x, width) {
    // exp of something small, then functions with a pole at 0 of what that gave.
    const [unit, positive] = [draft.bounded(draw, 'unit'), draft.bounded(draw, 'positive')];
    if (positive !== undefined && draw(2) === 0) {
      const op = positiveUnary[draw(positiveUnary.length)];
      draft.add({ kind: 'unary', width: draft.widths[positive], op, x: positive });
    } else if (unit === undefined) draft.add({ kind: 'unary', width, op: 'tanh', x }, 'unit');
    else if (draw(2) === 0) draft.add({ kind: 'unary', width: draft.widths[unit], op: 'exp', x: unit }, 'positive');
    else draft.add({ kind: 'unary', width: draft.widths[unit], op: 'square', x: unit }, 'unit');
  },
  binary,
  binary,
  function select(draft, draw, x, width) {
    const condition = draft.like(draw, width);
    const other = draw(2) === 0 ? 0.25 : { value: draft.like(draw, width) };
    draft.add({ kind: 'select', width, condition, a: { value: x }, b: other });
  },
  function range(draft, draw, x, w) {
    const offset = draw(w);
    const width = 1 + draw(w - offset);
    draft.add({ kind: 'copy', width, x, offset, sizes: [width], strides: [1] });
  },
  function walk(draft, draw, x, w) {
    const times = 2 + draw(3);
    const inner = w % 2 === 0 ? 2 : w % 3 === 0 ? 3 : 1;
    const form = draw(3);
    if (form === 0) draft.add({ kind: 'copy', width: w, x, offset: w - 1, sizes: [w], strides: [-1] });
    else if (form === 1 || times * w > WIDEST) {
      const sizes = [inner, w / inner]; // a transpose inside the row
      draft.add({ kind: 'copy', width: w, x, offset: 0, sizes, strides: [1, inner] });
    } else draft.add({ kind: 'copy', width: times * w, x, offset: 0, sizes: [times, w], strides: [0, 1] });
  },
  function concat(draft, draw, x, w) {
    const parts = [x, draft.any(draw), ...(draw(2) === 0 ? [x] : [])];
    const width = parts.reduce((sum, part) => sum + draft.widths[part], 0);
    if (width > WIDEST) draft.add({ kind: 'fill', width: w, number: 0.75 });
    else draft.add({ kind: 'concat', width, parts });
  },
  function reduce(draft, draw, x, w) {
    const op = (['sum', 'max', 'min'] as const)[draw(3)];
    const inner = w % 2 === 0 && draw(2) === 0 ? 2 : 1;
    const outer = (w / inner) % 3 === 0 && draw(2) === 0 ? 3 : 1;
    draft.add({ kind: 'reduce', width: outer * inner, op, x, outer, size: w / inner / outer, inner });
  },
];

function binary(draft: Draft, draw: Draw, x: number, width: number): void {
  const positive = draw(6) === 0 ? draft.bounded(draw, 'positive') : undefined;
  if (positive !== undefined && (draft.widths[positive] === width || draft.widths[positive] === 1)) {
    draft.add({ kind: 'binary', width, op: 'div', a: { value: x }, b: { value: positive } });
    return;
  }
  const op = plainBinary[draw(plainBinary.length)];
  const choice = draw(4);
  const other: ProgramOperand =
    choice === 0 ? 0.5 : { value: choice === 1 ? draft.addFixed(1, width) : draft.like(draw, width) };
  const [a, b]: ProgramOperand[] = draw(2) === 0 ? [{ value: x }, other] : [other, { value: x }];
  draft.add({ kind: 'binary', width, op, a, b });
}

/**
 * A program built from a list of draws: each adds an instruction that takes its operands from the
 * values before it.
 *
 * @example
 * ```ts
 * for (const program of fc.sample(randomPrograms, 3)) console.log(showProgram(program));
 * ```
 */
export const randomPrograms: fc.Arbitrary<Program> = fc
  .record({
    stacked: fc.array(widths, { minLength: 1, maxLength: 3 }),
    carried: fc.array(widths, { maxLength: 2 }),
    perRow: fc.array(widths, { maxLength: 1 }),
    draws: fc.array(fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 14 }),
    reverse: fc.boolean(),
  })
  .map(({ stacked, carried, perRow, draws, reverse }): Program => {
    const draft = new Draft([...stacked, ...carried, ...perRow]);
    for (const numbers of draws) {
      let at = 0;
      const draw: Draw = (below) => numbers[at++ % numbers.length] % below;
      const rule = rules[draw(rules.length)];
      const x = draft.any(draw);
      rule(draft, draw, x, draft.widths[x]);
    }
    const { body, fixed, widths: all } = draft;
    const operands = stacked.length + carried.length + perRow.length;
    const renumber = (value: number): number =>
      value < 0 ? operands - value - 1 : value < operands ? value : value + fixed.length;
    return {
      dtype: 'float32',
      xs: stacked,
      carry: carried,
      perRow,
      consts: fixed,
      body: body.map((instruction) => renumbered(instruction, renumber)),
      carryOut: carried.map((width) => renumber(all.lastIndexOf(width))), // a carried value has its own width, so there is one
      ys: [...new Set([renumber(all.length - 1), renumber(Math.floor(all.length / 2)), 0])],
      reverse: carried.length > 0 && reverse,
    };
  });

/**
 * Sequences of different lengths and resets of the state: written into a program, and around it.
 * Whoever runs a program need not know of them: `going` and `reset` are `xs` of width 1, the
 * initial state is a per-row constant.
 *
 * - Lengths: at a step that a row does not have any more its carried values stay, and its outputs
 *   are zero.
 * - Resets, forward: where one is set, the row's carried values become the initial ones before the
 *   body.
 * - Resets, backward: the carried values after the body are gradients of the state before that
 *   step. Where a reset is set they are due to the initial state: a further carry collects them,
 *   and zeros are carried on.
 */
import type { Backend, Storage, Strided } from '../../backend.js';
import { hostArray } from '../../dtype.js';
import {
  firstConst,
  firstInstruction,
  renumbered,
  widthsOf,
  type CompiledProgram,
  type Instruction,
  type Program,
  type ProgramArguments,
  type ProgramOperand,
  type ProgramResults,
} from '../../program.js';
import { wrap } from '../../record.js';
import { validSteps, type ScanExtent } from '../../scan/arguments.js';
import { mergeDims } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { transaction } from '../../transaction.js';
import type { Stages } from '../lower/lower.js';
import { byPrimitives, shiftedStates } from './parallel-loop.js';

/** What a run works on. */
export interface LoopBounds extends ScanExtent {
  readonly rows: number;
}

/** What is written into a program. */
export interface Masks {
  /** Whether rows may end before the last step. */
  readonly lengths: boolean;
  /** Whether rows may start afresh. */
  readonly resets: boolean;
  /** Whether the program is the backward loop of another. */
  readonly adjoint: boolean;
  /**
   * How many of the carried values are the state (all unless given). The others are sums over the
   * steps, which a reset does not touch.
   */
  readonly states?: number;
}

/**
 * A program with lengths and resets.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * const masked = maskProgram(double, { lengths: true, resets: false, adjoint: false });
 * masked.xs; // [2, 1]
 * ```
 * @param program - what a row computes at a step that it has
 * @param masks - what to write into it
 * @returns a program with further operands behind those of their kind: `going` (1 where a row has
 *   the step), `reset` (1 where it starts afresh, 0 past its end), and for each state a per-row
 *   constant, its initial value, or backward a carried one, from zeros on: see above
 */
export function maskProgram(program: Program, { lengths, resets, adjoint, states }: Masks): Program {
  const { xs, carry, perRow, consts, body, carryOut, ys } = program;
  const widths = widthsOf(program);
  const count = states ?? carry.length;
  const [restarts, diverts] = [resets && !adjoint, resets && adjoint];
  const own = carry.slice(0, count);
  const masked: Program = {
    ...program,
    xs: [...xs, ...(lengths ? [1] : []), ...(resets ? [1] : [])],
    carry: [...carry, ...(diverts ? own : [])],
    perRow: [...perRow, ...(restarts ? own : [])],
  };
  const going = xs.length;
  const reset = going + Number(lengths);
  const firstCarried = masked.xs.length;
  const firstPerRow = firstCarried + masked.carry.length;
  const first = firstInstruction(masked);
  const made: Instruction[] = [];
  const add = (instruction: Instruction): number => first + made.push(instruction) - 1;
  const select = (width: number, condition: number, a: ProgramOperand, b: ProgramOperand): number =>
    add({ kind: 'select', width, condition, a, b });

  const before = carry.map((_, i) => firstCarried + i);
  const started = carry.map((width, i) =>
    restarts && i < count
      ? select(width, reset, { value: firstPerRow + perRow.length + i }, { value: before[i] })
      : before[i],
  );
  const shift = first + made.length - firstInstruction(program);
  const to = (value: number): number => {
    if (value < xs.length) return value;
    if (value < xs.length + carry.length) return started[value - xs.length];
    if (value < firstConst(program)) return value - xs.length - carry.length + firstPerRow;
    if (value < firstInstruction(program)) return value - firstConst(program) + firstConst(masked);
    return value + shift;
  };
  for (const instruction of body) made.push(renumbered(instruction, to));

  const kept = new Map<number, number>();
  for (const value of lengths ? ys : []) {
    if (!kept.has(value)) kept.set(value, select(widths[value], going, { value: to(value) }, 0));
  }
  const after = carryOut.map((value, i) =>
    lengths ? select(carry[i], going, { value: to(value) }, { value: before[i] }) : to(value),
  );
  const collected = diverts
    ? own.map((width, i) => {
        const due = select(width, reset, { value: after[i] }, 0);
        const sum = firstCarried + carry.length + i;
        return add({ kind: 'binary', width, op: 'add', a: { value: sum }, b: { value: due } });
      })
    : [];
  const carriedOn = after.map((value, i) => (diverts && i < count ? select(carry[i], reset, 0, { value }) : value));
  return {
    ...masked,
    consts,
    body: made,
    carryOut: [...carriedOn, ...collected],
    ys: ys.map((value) => kept.get(value) ?? to(value)),
  };
}

/**
 * A program as it is, and with lengths and resets written into it: each compiled when it is first
 * wanted.
 */
export class MaskablePrograms {
  private readonly backend: Backend;
  private readonly program: Program;
  private readonly plan: Pick<Stages, 'adjoint' | 'states'>;
  private readonly compiled: (CompiledProgram | undefined)[] = [];

  constructor(backend: Backend, program: Program, plan: Pick<Stages, 'adjoint' | 'states'>) {
    this.backend = backend;
    this.program = program;
    this.plan = plan;
  }

  plain(): CompiledProgram {
    return (this.compiled[0] ??= this.compile(this.program));
  }

  /** A program as the backend compiled it, or else run by its primitives. */
  private compile(program: Program): CompiledProgram {
    return this.backend.compile?.(program) ?? byPrimitives(this.backend, program);
  }

  /** Runs the loop of an extent with lengths or resets. */
  runMasked(args: ProgramArguments, { lengths, resets }: ScanExtent): ProgramResults {
    const { backend, program, plan } = this;
    const { adjoint, states } = plan;
    const { dtype, carry } = program;
    const { steps, rows } = args;
    const isShort = lengths?.some((length) => length < steps) ?? false;
    const isReset = resets?.includes(1) ?? false;
    if (!isShort && !isReset) return this.plain().run(args);
    const ready = (this.compiled[Number(isShort) + 2 * Number(isReset)] ??= this.compile(
      maskProgram(program, { lengths: isShort, resets: isReset, adjoint, states }),
    ));
    const marks: Storage[] = [];
    const own = (storage: Storage): Storage => {
      marks.push(storage);
      return storage;
    };
    try {
      const xs = args.xs.slice();
      if (lengths !== undefined && isShort) xs.push(own(backend.upload(hostArray(dtype, validSteps(lengths, steps)))));
      if (resets === undefined || !isReset) return ready.run({ ...args, xs });
      xs.push(own(backend.upload(hostArray(dtype, resets))));
      if (!adjoint) return ready.run({ ...args, xs, perRow: args.perRow.concat(args.carry) });
      const due = carry.slice(0, states).map((width) => own(backend.fill(0, rows * width, dtype)));
      return withSums(backend, ready.run({ ...args, xs, carry: args.carry.concat(due) }), states);
    } finally {
      for (const storage of marks) backend.release(storage);
    }
  }
}

/**
 * Adds to the first carried values the last ones: gradients that are due to the initial state
 * because of resets.
 */
function withSums(backend: Backend, { ys, carry }: ProgramResults, states: number): ProgramResults {
  const due = carry.slice(carry.length - states);
  const dense = (storage: Storage): Strided => ({ storage, offset: 0, strides: [1] });
  let isDone = false;
  try {
    const sums = transaction(backend, (primitives) =>
      due.map((storage, i) => primitives.binary('add', dense(carry[i]), dense(storage), [storage.size])),
    );
    isDone = true;
    return { ys, carry: [...sums, ...carry.slice(states, carry.length - states)] };
  } finally {
    for (const storage of isDone ? [...carry.slice(0, states), ...due] : [...carry, ...ys]) backend.release(storage);
  }
}

/**
 * 1 for every step that a row still has, 0 beyond: `[steps, rows]`, or nothing if all rows have all
 * steps.
 */
export function maskOf(backend: Backend, { steps, rows, lengths }: LoopBounds): Tensor | undefined {
  if (lengths === undefined || lengths.every((length) => length === steps)) return undefined;
  return wrap(backend, backend.upload(validSteps(lengths, steps)), [steps, rows]);
}

/** A storage of all steps with zeros where the mask has them. */
export function masked(backend: Backend, mask: Tensor, storage: Storage): Storage {
  const width = storage.size / mask.size;
  const ofMask = [1, 0];
  const { sizes, strides } = mergeDims([mask.size, width], [ofMask, [width, 1]]);
  return backend.select(
    { storage: mask.storage, offset: 0, strides: strides[0] },
    { storage, offset: 0, strides: strides[1] },
    0,
    sizes,
    storage.dtype,
  );
}

/**
 * A storage of all steps with valid values past the end of each row: there even a function with a
 * pole, such as a logarithm, is finite, and its derivative times zero is zero.
 */
export function padded(backend: Backend, extent: LoopBounds, storage: Storage): Storage {
  const { steps, rows, lengths } = extent;
  const count = steps * rows;
  const sources = lengths && standInSteps(lengths, steps);
  if (sources === undefined) return backend.fill(1, storage.size, storage.dtype);
  return transaction(backend, (primitives) => {
    const index = primitives.upload(sources);
    const result = primitives.gather(
      storage,
      { storage: index, offset: 0, strides: [0, 1, 0] },
      { outer: 1, size: count, inner: storage.size / count, count },
    );
    primitives.release(index);
    return result;
  });
}

/**
 * For each step and row, a step and row (as `t * rows + row`) with valid values: its own, past the
 * end of a row the last one, and for a row without steps the first one of another row.
 *
 * @returns `undefined` where no row has a step
 */
function standInSteps(lengths: ArrayLike<number>, steps: number): Int32Array | undefined {
  const rows = lengths.length;
  const other = Array.from(lengths).findIndex((length) => length > 0);
  if (other < 0) return undefined;
  return Int32Array.from({ length: steps * rows }, (_, i) => {
    const [t, row] = [Math.floor(i / rows), i % rows];
    if (lengths[row] === 0) return other;
    return Math.min(t, lengths[row] - 1) * rows + row;
  });
}

/**
 * The states before each step, made of the states after it, which are kept for the backward pass
 * anyway.
 *
 * @param backend - where the storages are
 * @param after - `[steps, rows, width]`: the state after each step
 * @param initial - `[rows, width]`
 * @param extent - of the run
 * @param reverse - whether the forward pass ran from the last step to the first
 * @returns a new storage like `after`: the state before each step that a row has, and anything
 *   finite that is in `after` beyond
 */
export function previousStates(
  backend: Backend,
  after: Storage,
  initial: Storage,
  extent: LoopBounds,
  reverse: boolean,
): Storage {
  const { steps, rows, lengths, resets } = extent;
  const { dtype } = after;
  const size = initial.size;
  return transaction(backend, (primitives) => {
    const before = shiftedStates(primitives, after, initial, reverse);
    // In reverse a short row starts later than the others, and after a reset a row starts afresh.
    const starts = resets !== undefined || (reverse && lengths !== undefined);
    if (!starts) return before;
    const marks = new Float32Array(steps * rows);
    for (let row = 0; row < rows; row++) {
      const first = reverse ? (lengths?.[row] ?? steps) - 1 : 0;
      for (let t = 0; t < steps; t++) marks[t * rows + row] = t === first ? 1 : (resets?.[t * rows + row] ?? 0);
    }
    const width = size / rows;
    const condition = primitives.upload(marks);
    const ofMarks = [rows, 1, 0];
    const ofInitial = [0, width, 1];
    const { sizes, strides } = mergeDims([steps, rows, width], [ofMarks, ofInitial, [size, width, 1]]);
    const result = primitives.select(
      { storage: condition, offset: 0, strides: strides[0] },
      { storage: initial, offset: 0, strides: strides[1] },
      { storage: before, offset: 0, strides: strides[2] },
      sizes,
      dtype,
    );
    primitives.release(condition);
    primitives.release(before);
    return result;
  });
}

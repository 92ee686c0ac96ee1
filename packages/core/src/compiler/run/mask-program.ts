/**
 * Sequences of different lengths and resets of the state, written into a program. Whoever runs it
 * need not know of them: `going` and `reset` are `xs` of width 1, the initial state is
 * a per-row constant.
 *
 * - Lengths: at a step that a row does not have any more its carried values stay, and its outputs
 *   are zero.
 * - Resets, forward: where one is set, the row's carried values become the initial ones before the
 *   body.
 * - Resets, backward: the carried values after the body are gradients of the state before that
 *   step. Where a reset is set they are due to the initial state: a further carry collects them,
 *   and zeros are carried on. Whoever runs the program adds it to the result.
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
import { validSteps, type ScanExtent } from '../../scan/arguments.js';
import { transaction } from '../../transaction.js';
import type { Stages } from '../lower/lower.js';
import { byPrimitives } from './parallel-loop.js';

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
 * @returns a program with further operands behind those of their kind: `xs` `going` (1 where a
 *   row has the step) with lengths, then `reset` (1 where it starts afresh, 0 past its end) with
 *   resets; with resets forward a per-row constant for each state, its initial value;
 *   with resets backward a carried value for each state, from zeros on, which belongs to the
 *   gradient of the initial value
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
  private readonly adjoint: boolean;
  private readonly states: number;
  private readonly compiled: (CompiledProgram | undefined)[] = [];

  constructor(backend: Backend, program: Program, { adjoint, states }: Pick<Stages, 'adjoint' | 'states'>) {
    this.backend = backend;
    this.program = program;
    this.adjoint = adjoint;
    this.states = states;
  }

  plain(): CompiledProgram {
    return (this.compiled[0] ??= compiledFor(this.backend, this.program));
  }

  /** Runs the loop of an extent with lengths or resets. */
  runMasked(args: ProgramArguments, { lengths, resets }: ScanExtent): ProgramResults {
    const { backend, program, adjoint, states } = this;
    const { dtype, carry } = program;
    const { steps, rows } = args;
    const isShort = lengths?.some((length) => length < steps) ?? false;
    const isReset = resets?.includes(1) ?? false;
    if (!isShort && !isReset) return this.plain().run(args);
    const ready = (this.compiled[Number(isShort) + 2 * Number(isReset)] ??= compiledFor(
      backend,
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

/** A program as the backend compiled it, or else run by its primitives. */
function compiledFor(backend: Backend, program: Program): CompiledProgram {
  return backend.compile?.(program) ?? byPrimitives(backend, program);
}

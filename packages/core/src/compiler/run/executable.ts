/**
 * A plan made ready for one backend: every value has a numbered place, every program is compiled,
 * and what a run needs besides its results is allocated once. A step of a stream or a short
 * sequence takes a few microseconds, and looking values up by name would take as long as computing
 * them.
 */
import type { Backend, Storage, Strided } from '../../backend.js';
import { hostArray } from '../../dtype.js';
import type { CompiledProgram, Program, ProgramArguments, ProgramResults } from '../../program.js';
import { transaction } from '../../transaction.js';
import { byPrimitives } from './parallel-loop.js';
import type { Value } from '../ir/graph.js';
import type { Stages, Stage } from '../lower/lower.js';
import { maskProgram } from '../lower/mask-program.js';
import { RowsProduct } from '../trace/rows-product.js';
import { validSteps } from '../../scan/arguments.js';

/** What a run works on. */
export interface LoopBounds {
  readonly steps: number;
  readonly rows: number;
  readonly lengths: readonly number[] | undefined;
  readonly resets: Uint8Array | undefined;
}

/** The storages of a run, by place: first the sources, then what is made. */
export type Storages = (Storage | undefined)[];

/** One piece of work of a run; places are numbers of storages. */
type Work =
  | { readonly kind: 'number'; readonly value: Value; readonly to: number }
  | { readonly kind: 'primitive'; readonly value: Value; readonly from: readonly number[]; readonly to: number }
  /** A result that is a source, whose storage belongs to somebody else: the caller gets a copy. */
  | { readonly kind: 'copy'; readonly from: number; readonly to: number }
  | { readonly kind: 'sumRows'; readonly from: number; readonly width: number; readonly to: number }
  | {
      readonly kind: 'productRows';
      readonly product: RowsProduct;
      readonly a: number;
      readonly b: number;
      readonly to: number;
    }
  | {
      readonly kind: 'stage';
      readonly programs: Variants;
      /**
       * Whether it is the loop, what is done once for each row, or what is done for all steps at
       * once.
       */
      readonly part: 'loop' | 'once' | 'all';
      readonly xs: readonly number[];
      readonly perRow: readonly number[];
      readonly consts: readonly number[];
      readonly to: readonly number[];
    };

type StageWork = Extract<Work, { kind: 'stage' }>;

export class Executable {
  private readonly backend: Backend;
  private readonly work: readonly Work[];
  /** The only work, where it is a program that makes the results and nothing else. */
  private readonly single: StageWork | undefined;
  private readonly results: readonly number[];
  private readonly sources: number;
  /** How many storages a run has to do with. */
  readonly places: number;

  /**
   * @param backend - where it will run
   * @param plan - what to run
   * @param sources - the values that the caller lends
   * @param results - the values that the caller takes, each once
   */
  constructor(backend: Backend, plan: Stages, sources: readonly Value[], results: readonly Value[]) {
    this.backend = backend;
    this.sources = sources.length;
    const places = new Map<Value, number>();
    sources.forEach((value, i) => places.set(value, i));
    let count = sources.length;
    const work: Work[] = [];
    const make = (value: Value): number => {
      places.set(value, count);
      return count++;
    };
    const placeOf = (value: Value): number => {
      const place = places.get(value);
      if (place !== undefined) return place;
      if (value.operation.kind !== 'number')
        throw new TypeError(`a ${value.operation.kind} is needed before it is computed`);
      const to = make(value);
      work.push({ kind: 'number', value, to });
      return to;
    };
    const stage = (made: Stage | undefined, part: 'loop' | 'once' | 'all'): void => {
      if (made === undefined) return;
      const { program } = made;
      const [xs, perRow, consts] = [made.xs, made.perRow, made.consts].map((list) => list.map(placeOf));
      work.push({
        kind: 'stage',
        programs: new Variants(backend, program, plan),
        part,
        xs,
        perRow,
        consts,
        to: made.ys.map(make),
      });
    };
    const primitive = (value: Value): void => {
      const { operation } = value;
      if (operation.kind !== 'primitive') throw new TypeError(`expected a primitive, received a ${operation.kind}`);
      const from = operation.inputs.map(placeOf);
      work.push({ kind: 'primitive', value, from, to: make(value) });
    };
    plan.constants.forEach(primitive);
    stage(plan.once, 'once');
    stage(plan.before, 'all');
    stage(plan.loop, 'loop');
    stage(plan.after, 'all');
    for (const value of plan.reduced) {
      const { operation } = value;
      if (operation.kind === 'productRows') {
        const { a, b } = operation;
        const [left, right] = [placeOf(a), placeOf(b)];
        const product = new RowsProduct(a.width, b.width, operation);
        work.push({ kind: 'productRows', product, a: left, b: right, to: make(value) });
      } else if (operation.kind === 'sumRows') {
        const from = placeOf(operation.x);
        work.push({ kind: 'sumRows', from, width: value.width, to: make(value) });
      } else primitive(value);
    }
    this.results = results.map((value) => {
      const from = placeOf(value);
      if (from >= sources.length) return from;
      const to = count++;
      work.push({ kind: 'copy', from, to });
      return to;
    });
    this.work = work;
    this.places = count;
    const [first] = work;
    const isSingle = work.length === 1 && first.kind === 'stage' && isSame(first.to, this.results);
    this.single = isSingle ? first : undefined;
  }

  /**
   * Runs the plan.
   *
   * @param storages - `places` of them: first the sources, which stay the caller's
   * @param carried - the state before the first step
   * @param extent - steps and rows
   * @returns the results and the state after the last step, which belong to the caller too
   */
  run(storages: Storages, carried: readonly Storage[], extent: LoopBounds): ProgramResults {
    const { backend, work, results, sources, single } = this;
    if (single !== undefined) return runProgram(storages, single, carried, extent);
    let last: readonly Storage[] = nothing;
    try {
      for (let i = 0; i < work.length; i++) {
        const piece = work[i];
        if (piece.kind !== 'stage') storages[piece.to] = this.made(storages, piece, extent.steps * extent.rows);
        else {
          const made = runProgram(storages, piece, carried, extent);
          if (piece.part === 'loop') ({ carry: last } = made);
          for (let k = 0; k < piece.to.length; k++) storages[piece.to[k]] = made.ys[k];
        }
      }
      const outputs = listOf(storages, results);
      for (let i = 0; i < results.length; i++) storages[results[i]] = undefined;
      return { ys: outputs, carry: last };
    } catch (error) {
      for (const storage of last) backend.release(storage);
      throw error;
    } finally {
      // What was made and not taken.
      for (let place = sources; place < storages.length; place++) {
        const storage = storages[place];
        if (storage !== undefined) backend.release(storage);
      }
    }
  }

  private made(storages: Storages, piece: Exclude<Work, { kind: 'stage' }>, rows: number): Storage {
    const { backend } = this;
    switch (piece.kind) {
      case 'number': {
        const { operation, dtype } = piece.value;
        return backend.fill(operation.kind === 'number' ? operation.value : NaN, 1, dtype);
      }
      case 'primitive': {
        const { operation } = piece.value;
        if (operation.kind !== 'primitive') throw new TypeError('expected a primitive');
        return operation.call(backend, listOf(storages, piece.from));
      }
      case 'copy': {
        const storage = storages[piece.from] as Storage;
        return backend.copy({ storage, offset: 0, strides: [1] }, [storage.size], storage.dtype);
      }
      case 'sumRows':
        return backend.reduce('sum', storages[piece.from] as Storage, 1, rows, piece.width);
      case 'productRows':
        return piece.product.run(backend, storages[piece.a] as Storage, storages[piece.b] as Storage, rows);
    }
  }
}

function runProgram(
  storages: Storages,
  { programs, part, xs, perRow, consts }: StageWork,
  carried: readonly Storage[],
  extent: LoopBounds,
): ProgramResults {
  const { steps, rows } = extent;
  const isLoop = part === 'loop';
  // Outside the loop all steps are one, unless something has to be the same at each of them.
  const isFlat = part === 'all' && perRow.length === 0;
  const args: ProgramArguments = {
    steps: isFlat || part === 'once' ? 1 : steps,
    rows: isFlat ? steps * rows : rows,
    xs: listOf(storages, xs),
    carry: isLoop ? carried : nothing,
    perRow: listOf(storages, perRow),
    consts: listOf(storages, consts),
  };
  const isMasked = isLoop && (extent.lengths !== undefined || extent.resets !== undefined);
  return isMasked ? programs.runMasked(args, extent) : programs.plain().run(args);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((place, i) => place === b[i]);
}

/** The storages at some places. */
function listOf(storages: Storages, places: readonly number[]): readonly Storage[] {
  const { length } = places;
  if (length === 0) return nothing;
  const list = new Array<Storage>(length); // just as long: `push` makes room for more
  for (let i = 0; i < length; i++) list[i] = storages[places[i]] as Storage;
  return list;
}

const nothing: readonly Storage[] = [];

/**
 * A program as it is, and with lengths and resets written into it: each compiled when it is first
 * wanted.
 */
class Variants {
  private readonly backend: Backend;
  private readonly program: Program;
  private readonly adjoint: boolean;
  private readonly states: number;
  private readonly compiled: (CompiledProgram | undefined)[] = [];

  constructor(backend: Backend, program: Program, { adjoint, states }: Stages) {
    this.backend = backend;
    this.program = program;
    this.adjoint = adjoint;
    this.states = states;
  }

  plain(): CompiledProgram {
    return (this.compiled[0] ??= compiledFor(this.backend, this.program));
  }

  /** Runs the loop of an extent with lengths or resets. */
  runMasked(args: ProgramArguments, { steps, rows, lengths, resets }: LoopBounds): ProgramResults {
    const { backend, program, adjoint, states } = this;
    const { dtype, carry } = program;
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

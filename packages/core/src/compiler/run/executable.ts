/**
 * A plan made ready for one backend: every value has a numbered place, every program is compiled,
 * and what a run needs besides its results is allocated once. A step of a stream or a short
 * sequence takes a few microseconds, and looking values up by name would take as long as computing
 * them.
 */
import type { Backend, Storage } from '../../backend.js';
import type { BlockStrides } from '../../instruction.js';
import type { ProgramArguments, ProgramResults } from '../../program.js';
import { mergeDims } from '../../shape.js';
import { transaction, type Primitives } from '../../transaction.js';
import type { Operation, Value } from '../ir/graph.js';
import type { Stages, Stage } from '../lower/lower.js';
import { MaskablePrograms, type LoopBounds } from './masks.js';

/** The storages of a run, by place: first the sources, then what is made. */
export type Storages = (Storage | undefined)[];

/** Makes one storage, of all steps and rows. */
interface Making {
  readonly part: undefined;
  readonly make: (storages: Storages, rows: number) => Storage;
  readonly to: number;
}

/** Runs a program. The numbers are places of storages. */
interface Running {
  /**
   * Whether it is the loop, what is done once for each row, or what is done for all steps at once.
   */
  readonly part: 'loop' | 'once' | 'all';
  readonly programs: MaskablePrograms;
  readonly xs: readonly number[];
  readonly perRow: readonly number[];
  readonly consts: readonly number[];
  readonly to: readonly number[];
}

export class Executable {
  private readonly backend: Backend;
  private readonly work: readonly (Making | Running)[];
  /** The only work, where it is a program that makes the results and nothing else. */
  private readonly single: Running | undefined;
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
    const work: (Making | Running)[] = [];
    const newPlace = (value: Value): number => {
      places.set(value, count);
      return count++;
    };
    const making = (value: Value, make: Making['make']): number => {
      const to = newPlace(value);
      work.push({ part: undefined, make, to });
      return to;
    };
    const placeOf = (value: Value): number => {
      const place = places.get(value);
      if (place !== undefined) return place;
      const { operation, dtype } = value;
      if (operation.kind !== 'number') throw new TypeError(`a ${operation.kind} is needed before it is computed`);
      return making(value, () => backend.fill(operation.value, 1, dtype));
    };
    const stage = (made: Stage | undefined, part: Running['part']): void => {
      if (made === undefined) return;
      const programs = new MaskablePrograms(backend, made.program, plan);
      const [xs, perRow, consts] = [made.xs, made.perRow, made.consts].map((list) => list.map(placeOf));
      work.push({ part, programs, xs, perRow, consts, to: made.ys.map(newPlace) });
    };
    const call = (value: Value): void => {
      const { operation, width } = value;
      switch (operation.kind) {
        case 'primitive': {
          const from = operation.inputs.map(placeOf);
          making(value, (storages) => operation.call(backend, listOf(storages, from)));
          break;
        }
        case 'sumRows': {
          const from = placeOf(operation.x);
          making(value, (storages, rows) => backend.reduce('sum', storages[from] as Storage, 1, rows, width));
          break;
        }
        case 'productRows': {
          const [a, b] = [placeOf(operation.a), placeOf(operation.b)];
          const product = rowsProduct(operation);
          making(value, (storages, rows) => product(backend, storages[a] as Storage, storages[b] as Storage, rows));
          break;
        }
        default:
          throw new TypeError(`expected a primitive or a sum, received a ${operation.kind}`);
      }
    };
    plan.constants.forEach(call);
    stage(plan.once, 'once');
    stage(plan.before, 'all');
    stage(plan.loop, 'loop');
    stage(plan.after, 'all');
    plan.reduced.forEach(call);
    this.results = results.map((value) => {
      const from = placeOf(value);
      if (from >= sources.length) return from;
      // A source belongs to somebody else: the caller gets a copy.
      const make = (storages: Storages): Storage => {
        const storage = storages[from] as Storage;
        return backend.copy({ storage, offset: 0, strides: [1] }, [storage.size], storage.dtype);
      };
      work.push({ part: undefined, make, to: count });
      return count++;
    });
    this.work = work;
    this.places = count;
    const [first] = work;
    const isSingle = work.length === 1 && first.part !== undefined && isSame(first.to, this.results);
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
        if (piece.part === undefined) storages[piece.to] = piece.make(storages, extent.steps * extent.rows);
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
}

function runProgram(
  storages: Storages,
  { programs, part, xs, perRow, consts }: Running,
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
 * The sum over rows and steps of the products `[blocks, m, n]` in them, as one product: a gradient
 * of a weight.
 */
function rowsProduct({ a, b, blocks, m, k, n, aStrides, bStrides }: Extract<Operation, { kind: 'productRows' }>) {
  /** Brings one side into the form `[blocks, rows * k, size]`; nothing where it has that form. */
  const side = (width: number, size: number, [block, along, each]: BlockStrides) => {
    const isDense = blocks === 1 && width === k * size && (along === size || k === 1) && (each === 1 || size === 1);
    if (isDense) return undefined;
    return (backend: Primitives, storage: Storage, rows: number): Storage => {
      const walk = mergeDims([blocks, rows, k, size], [[block, width, along, each]]);
      return backend.copy({ storage, offset: 0, strides: walk.strides[0] }, walk.sizes, storage.dtype);
    };
  };
  const [left, right] = [side(a.width, m, [aStrides[0], aStrides[2], aStrides[1]]), side(b.width, n, bStrides)];
  const product = (backend: Primitives, x: Storage, y: Storage, rows: number): Storage =>
    backend.matmul(
      { storage: x, batchStrides: [rows * k * m], transposed: true },
      { storage: y, batchStrides: [rows * k * n], transposed: false },
      { batch: [blocks], m, k: rows * k, n },
    );
  if (left === undefined && right === undefined) return product;
  return (backend: Backend, x: Storage, y: Storage, rows: number): Storage =>
    transaction(backend, (primitives) => {
      const [denseX, denseY] = [left?.(primitives, x, rows) ?? x, right?.(primitives, y, rows) ?? y];
      const result = product(primitives, denseX, denseY, rows);
      if (denseX !== x) primitives.release(denseX);
      if (denseY !== y) primitives.release(denseY);
      return result;
    });
}

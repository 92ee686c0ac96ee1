/**
 * A linear loop by blocks of time that are computed side by side: about 2 √T steps in a row instead
 * of T. Each block is run from a state of zeros, with the product of its coefficients; then the
 * states at the blocks' beginnings follow one from another, and are added in.
 */
import type { Backend, Storage, Strided } from '../../backend.js';
import type { CompiledProgram, Program, ProgramArguments, ProgramResults } from '../../program.js';
import { mergeDims } from '../../shape.js';
import { transaction, type Primitives } from '../../transaction.js';
import { linearFormOf, type LinearForm } from '../lower/linear-form.js';
import { execute, executeProgram } from './interpreter.js';

/**
 * Steps from which on blocks are faster than one step after another, and features of all rows up to
 * which they are, where each step is a few calls of primitives: a training step of 16,384 steps of
 * 64 features takes a third to a sixth of the time. A loop that is compiled for a processor is as
 * fast as memory, and faster still than blocks, which do three times the arithmetic.
 */
const LONG = 128;
const NARROW = 256;

/**
 * How a long linear loop goes through time on a backend, and why; `undefined` for a loop of a few
 * steps, and for one that is not linear in what it carries.
 */
export function explainLinear(backend: Backend, program: Program, steps: number, rows: number): string | undefined {
  if (steps < LONG || program.carry.length === 0 || linearFormOf(program) === undefined) return undefined;
  const linear = 'the loop is linear in what it carries';
  if (backend.compile?.(program) !== undefined)
    return `step by step: ${linear}, but this backend compiles it; blocks of steps side by side are for loops that are not compiled`;
  if (isLongAndNarrow(steps, rows * program.carry[0]))
    return `parallel in time: ${linear}, and runs in blocks of steps side by side`;
  return `step by step: ${linear}, but blocks of steps side by side are for up to ${NARROW} features of all rows`;
}

function isLongAndNarrow(steps: number, size: number): boolean {
  return steps >= LONG && size <= NARROW;
}

/**
 * A program that is run by primitives: by blocks of time where it is linear in what it carries and
 * long, else step by step.
 *
 * @param backend - without code for the program
 * @param program - what to run
 */
export function byPrimitives(backend: Backend, program: Program): CompiledProgram {
  let form: LinearForm | undefined;
  let isKnown = false;
  return {
    run(args) {
      const { steps, rows } = args;
      if (program.carry.length === 0 || !isLongAndNarrow(steps, rows * program.carry[0]))
        return executeProgram(backend, program, args);
      if (!isKnown) form = linearFormOf(program);
      isKnown = true;
      return form === undefined ? executeProgram(backend, program, args) : runByBlocks(backend, program, form, args);
    },
  };
}

/**
 * Runs a linear loop by blocks of time.
 *
 * @param backend - where the storages are
 * @param program - the loop
 * @param form - its own
 * @param args - its operands
 * @returns what `executeProgram` returns, to rounding
 */
function runByBlocks(backend: Backend, program: Program, form: LinearForm, args: ProgramArguments): ProgramResults {
  return transaction(backend, (primitives) => {
    const { steps, rows } = args;
    const flat = { steps: 1, rows: steps * rows, carry: [], perRow: [], consts: args.consts };
    const terms = execute(primitives, form.coefficients, { ...flat, xs: args.xs }).ys;
    const size = rows * form.width;
    const blocks = new Blocks(primitives, form, terms, steps, size, program.reverse);
    const states = blocks.states(args.carry);
    for (const term of terms) primitives.release(term);
    const at = program.reverse ? 0 : steps - 1;
    const dense = (storage: Storage, offset: number): Strided => ({ storage, offset, strides: [1] });
    const { dtype } = program;
    const last = states.map((state) => primitives.copy(dense(state, at * size), [size], dtype));
    const { carryOut, ys } = program;
    const rest = form.outputs.ys;
    let made: readonly Storage[] = [];
    if (rest.length > 0) {
      const before = states.map((state, i) => shiftedStates(primitives, state, args.carry[i], program.reverse));
      made = execute(primitives, form.outputs, { ...flat, xs: [...args.xs, ...before] }).ys;
      for (const storage of before) primitives.release(storage);
    }
    const taken = new Set<Storage>();
    const results = ys.map((value) => {
      const own = rest.indexOf(value);
      const storage = own >= 0 ? made[own] : states[carryOut.indexOf(value)];
      if (taken.has(storage)) return primitives.copy(dense(storage, 0), [storage.size], dtype);
      taken.add(storage);
      return storage;
    });
    for (const state of states) if (!taken.has(state)) primitives.release(state);
    return { ys: results, carry: last };
  });
}

/** The states before all steps, made of those after them: `[h0, h1, h2]` of `[h1, h2, h3]`. */
export function shiftedStates(backend: Primitives, after: Storage, initial: Storage, reverse: boolean): Storage {
  const { size, dtype } = initial;
  const rest = after.size - size;
  const moved = backend.copy({ storage: after, offset: reverse ? size : 0, strides: [1] }, [rest], dtype);
  const parts = [
    { storage: initial, run: size },
    { storage: moved, run: rest },
  ];
  const before = backend.concat(reverse ? parts.reverse() : parts, 1);
  backend.release(moved);
  return before;
}

/** A state or a matrix of it for all blocks, at one step within them; `undefined` is zero. */
type Part = Strided | undefined;

/** The recurrence in blocks. */
class Blocks {
  private readonly backend: Primitives;
  private readonly form: LinearForm;
  private readonly steps: number;
  /** Elements of a step. */
  private readonly size: number;
  private readonly reverse: boolean;
  /** Steps of a block, and how many blocks there are. */
  private readonly length: number;
  private readonly count: number;
  private readonly terms: readonly Storage[];
  private readonly made = new Set<Storage>();

  constructor(
    backend: Primitives,
    form: LinearForm,
    terms: readonly Storage[],
    steps: number,
    size: number,
    reverse: boolean,
  ) {
    this.backend = backend;
    this.form = form;
    this.steps = steps;
    this.size = size;
    this.reverse = reverse;
    this.length = Math.ceil(Math.sqrt(steps));
    this.count = Math.ceil(steps / this.length);
    this.terms = this.filled(terms);
  }

  /** The states after all steps, `[steps, size]` each. */
  states(first: readonly Storage[]): Storage[] {
    const { form, length, count, size, backend } = this;
    const order = Array.from({ length }, (_, l) => (this.reverse ? length - 1 - l : l));
    const products: Part[][][] = [];
    const sums: Part[][] = [];
    for (const [n, l] of order.entries()) {
      const a = form.a.map((row) => row.map((term) => this.at(term, l)));
      const b = form.b.map((term) => this.at(term, l));
      const [product, sum] = [products[n - 1], sums[n - 1]];
      products.push(n === 0 ? a : this.product(a, product));
      sums.push(n === 0 ? b : a.map((row, i) => this.plus(this.dot(row, sum), b[i])));
    }
    const starts = this.starts(first, products[length - 1], sums[length - 1]);
    const pieces = form.b.map((): Storage[] => []);
    for (const l of order.keys()) {
      const [product, sum] = [products[l], sums[l]];
      form.b.forEach((_, i) => {
        const state = this.plus(this.dot(product[i], starts), sum[i]);
        pieces[i].push(state === undefined ? this.zero() : this.own(state));
      });
    }
    const states = pieces.map((list) => {
      const inOrder = this.reverse ? list.toReversed() : list;
      const whole = backend.concat(
        inOrder.map((storage) => ({ storage, run: size })),
        count,
      );
      if (whole.size === this.steps * size) return whole;
      const cut = backend.copy({ storage: whole, offset: 0, strides: [1] }, [this.steps * size], whole.dtype);
      backend.release(whole);
      return cut;
    });
    for (const storage of this.made) backend.release(storage);
    return states;
  }

  /** The states at the beginning of each block, `[count, size]` each. */
  private starts(first: readonly Storage[], product: readonly Part[][], sum: readonly Part[]): Part[] {
    const { count, size, backend } = this;
    const order = Array.from({ length: count }, (_, k) => (this.reverse ? count - 1 - k : k));
    const row = (part: Part, k: number): Part =>
      part && { storage: part.storage, offset: part.offset + k * part.strides[0], strides: [1] };
    let now: Part[] = first.map((storage) => ({ storage, offset: 0, strides: [1] }));
    const lists = first.map((): Storage[] => []);
    for (const [n, k] of order.entries()) {
      now.forEach((part, i) => lists[i].push(part === undefined ? this.zero(size) : this.own(part, [size])));
      if (n === count - 1) break;
      const before = now;
      now = product.map((each, i) => {
        const parts = each.map((part) => row(part, k));
        return this.plus(this.dot(parts, before, [size]), row(sum[i], k), [size]);
      });
    }
    return lists.map((list) => {
      const inOrder = this.reverse ? list.toReversed() : list;
      const joined = backend.concat(
        inOrder.map((storage) => ({ storage, run: size })),
        1,
      );
      this.made.add(joined);
      return { storage: joined, offset: 0, strides: [size, 1] };
    });
  }

  /** What fills the last block keeps the state. */
  private filled(terms: readonly Storage[]): Storage[] {
    const { form, length, count, steps, size, backend } = this;
    const rest = (length * count - steps) * size;
    if (rest === 0) return [...terms];
    const diagonal = new Set(form.a.map((row, i) => row[i]));
    return terms.map((term, at) => {
      const filling = backend.fill(diagonal.has(at) ? 1 : 0, rest, term.dtype);
      const whole = backend.concat(
        [
          { storage: term, run: term.size },
          { storage: filling, run: rest },
        ],
        1,
      );
      backend.release(filling);
      this.made.add(whole);
      return whole;
    });
  }

  /** A term at one step of all blocks. */
  private at(term: number | undefined, l: number): Part {
    const { size, length } = this;
    return term === undefined
      ? undefined
      : { storage: this.terms[term], offset: l * size, strides: [length * size, 1] };
  }

  /** The product of two matrices of parts. */
  private product(a: readonly Part[][], b: readonly Part[][]): Part[][] {
    const column = (j: number): Part[] => b.map((row) => row[j]);
    return a.map((row) => row.map((_, j) => this.dot(row, column(j))));
  }

  private dot(a: readonly Part[], b: readonly Part[], sizes?: readonly number[]): Part {
    return a.reduce<Part>((sum, part, i) => this.plus(sum, this.times(part, b[i], sizes), sizes), undefined);
  }

  private times(a: Part, b: Part, sizes?: readonly number[]): Part {
    return a === undefined || b === undefined ? undefined : this.binary('mul', a, b, sizes);
  }

  private plus(a: Part, b: Part, sizes?: readonly number[]): Part {
    return a === undefined || b === undefined ? (a ?? b) : this.binary('add', a, b, sizes);
  }

  private binary(op: 'add' | 'mul', a: Strided, b: Strided, sizes = this.sizes): Strided {
    const walk = this.walk([a, b], sizes);
    const storage = this.backend.binary(op, walk.operands[0], walk.operands[1], walk.sizes);
    this.made.add(storage);
    return { storage, offset: 0, strides: sizes.length === 1 ? [1] : [sizes[1], 1] };
  }

  /** A part as a dense storage. */
  private own(part: Strided, sizes = this.sizes): Storage {
    const walk = this.walk([part], sizes);
    const storage = this.backend.copy(walk.operands[0], walk.sizes, part.storage.dtype);
    this.made.add(storage);
    return storage;
  }

  private zero(size = this.count * this.size): Storage {
    const storage = this.backend.fill(0, size, this.terms[0].dtype);
    this.made.add(storage);
    return storage;
  }

  private get sizes(): readonly number[] {
    return [this.count, this.size];
  }

  /** Operands as kernels take them: dimensions that can be walked as one are one. */
  private walk(parts: readonly Strided[], sizes: readonly number[]): { operands: Strided[]; sizes: number[] } {
    const merged = mergeDims(
      sizes,
      parts.map(({ strides }) => strides),
    );
    return {
      sizes: merged.sizes,
      operands: parts.map(({ storage, offset }, i) => ({ storage, offset, strides: merged.strides[i] })),
    };
  }
}

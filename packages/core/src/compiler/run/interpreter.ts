/**
 * Runs a program by a backend's primitives: what a backend without `compile` does, and what
 * `compile` is held against.
 */
import type { Backend, Operand, Storage, Strided } from '../../backend.js';
import {
  firstInstruction,
  isConst,
  operandsOf,
  widthsOf,
  type Instruction,
  type Program,
  type ProgramArguments,
  type ProgramOperand,
  type ProgramResults,
} from '../../program.js';
import { denseStrides, mergeDims } from '../../shape.js';
import { transaction, type Primitives } from '../../transaction.js';

/**
 * Runs a program step by step, each instruction one call of a primitive.
 *
 * @example
 * ```ts
 * const lists = { xs: [2], carry: [], perRow: [], consts: [], carryOut: [], ys: [1] };
 * const body = [{ width: 2, kind: 'binary', op: 'mul', a: { value: 0 }, b: 2 }] as const;
 * const double = { dtype: 'float32', reverse: false, ...lists, body } as const;
 * const backend = getBackend();
 * const xs = [backend.upload(Float32Array.of(1, 2, 3, 4))];
 * const args = { steps: 1, rows: 2, xs, carry: [], perRow: [], consts: [] };
 * const [result] = executeProgram(backend, double, args).ys;
 * backend.readSync(result); // [2, 4, 6, 8]
 * ```
 * @param backend - where the storages are
 * @param program - what to run
 * @param args - its operands
 * @returns new storages; when a primitive throws, whatever was made before is released
 */
export function executeProgram(backend: Backend, program: Program, args: ProgramArguments): ProgramResults {
  return transaction(backend, (primitives) => execute(primitives, program, args));
}

/** The same within a chain of primitives that others belong to. */
export function execute(backend: Primitives, program: Program, args: ProgramArguments): ProgramResults {
  const { steps, rows } = args;
  const body = new Body(backend, program, rows, args);
  const kept: Storage[][] = program.ys.map(() => []);
  // What the steps hand on; the initial values belong to the caller.
  let carried = args.carry;
  for (let n = 0; n < steps; n++) {
    const t = program.reverse ? steps - 1 - n : n;
    const xs = args.xs.map((storage, i) => body.stepOf(storage, t, program.xs[i], steps));
    const { next, outputs } = body.run(xs, carried);
    for (const [i, storage] of xs.entries()) if (storage !== args.xs[i]) backend.release(storage);
    outputs.forEach((storage, i) => kept[i].push(storage));
    for (const storage of carried) if (!args.carry.includes(storage)) backend.release(storage);
    carried = next;
  }
  const outputs = kept.map((list) => {
    if (list.length === 1) return list[0];
    const ordered = program.reverse ? list.reverse() : list;
    const joined = backend.concat(
      ordered.map((storage) => ({ storage, run: storage.size })),
      1,
    );
    for (const storage of ordered) backend.release(storage);
    return joined;
  });
  return {
    ys: outputs,
    carry: carried.map((storage) => (args.carry.includes(storage) ? body.copyOf(storage) : storage)),
  };
}

/** The body of a program for a number of rows. */
class Body {
  private readonly backend: Primitives;
  private readonly program: Program;
  private readonly rows: number;
  /** Per-row constants and fixed operands. */
  private readonly constants: readonly Storage[];
  private readonly widths: readonly number[];
  /** For each instruction, the values that are read for the last time there. */
  private readonly expires: readonly (readonly number[])[];

  constructor(backend: Primitives, program: Program, rows: number, { perRow, consts }: ProgramArguments) {
    this.backend = backend;
    this.program = program;
    this.rows = rows;
    this.constants = [...perRow, ...consts];
    this.widths = widthsOf(program);
    this.expires = lastReads(program);
  }

  /** The part of one of `xs` that belongs to one step. */
  stepOf(storage: Storage, t: number, width: number, steps: number): Storage {
    if (steps === 1) return storage;
    const size = this.rows * width;
    return this.backend.copy({ storage, offset: t * size, strides: [1] }, [size], this.program.dtype);
  }

  /** One step. What it returns is new: values that are operands are copied. */
  run(xs: readonly Storage[], carried: readonly Storage[]): { next: Storage[]; outputs: Storage[] } {
    const { body, carryOut, ys } = this.program;
    const values: Storage[] = [...xs, ...carried, ...this.constants];
    const first = values.length;
    body.forEach((instruction, i) => {
      values.push(this.step(instruction, values));
      for (const value of this.expires[i]) this.backend.release(values[value]);
    });
    const taken = new Set<number>();
    const take = (value: number): Storage => {
      if (value < first || taken.has(value)) return this.spread(values[value], value);
      taken.add(value);
      return values[value];
    };
    return { next: carryOut.map(take), outputs: ys.map(take) };
  }

  /** A copy of a value as rows. */
  private spread(storage: Storage, value: number): Storage {
    const width = this.widths[value];
    return storage.size === width && this.rows > 1 && isConst(this.program, value)
      ? this.backend.copy({ storage, offset: 0, strides: [0, 1] }, [this.rows, width], storage.dtype)
      : this.copyOf(storage);
  }

  copyOf(storage: Storage): Storage {
    return this.backend.copy({ storage, offset: 0, strides: [1] }, [storage.size], storage.dtype);
  }

  private step(instruction: Instruction, values: readonly Storage[]): Storage {
    const { backend, rows } = this;
    const { dtype } = this.program;
    const { width } = instruction;
    switch (instruction.kind) {
      case 'product':
        return this.product(instruction, values);
      case 'unary':
        return backend.unary(instruction.op, values[instruction.x]);
      case 'binary': {
        const walk = this.walk([instruction.a, instruction.b], width, values);
        return backend.binary(instruction.op, walk.operands[0], walk.operands[1], walk.sizes);
      }
      case 'select': {
        const { condition, a, b } = instruction;
        const walk = this.walk([{ value: condition }, a, b], width, values);
        return backend.select(walk.operands[0] as Strided, walk.operands[1], walk.operands[2], walk.sizes, dtype);
      }
      case 'copy': {
        const { x, offset, sizes, strides } = instruction;
        const merged = mergeDims([rows, ...sizes], [[this.rowStride(x), ...strides]]);
        return backend.copy({ storage: values[x], offset, strides: merged.strides[0] }, merged.sizes, dtype);
      }
      case 'concat': {
        const parts = instruction.parts.map((part) => ({ storage: values[part], run: this.widths[part] }));
        return backend.concat(parts, rows);
      }
      case 'fill':
        return backend.fill(instruction.number, rows * width, dtype);
      case 'reduce': {
        const { op, x, outer, size, inner } = instruction;
        return backend.reduce(op, values[x], rows * outer, size, inner);
      }
      case 'matmul': {
        const { x, weight, transposed, init } = instruction;
        const product = backend.matmul(
          { storage: values[x], batchStrides: [0], transposed: false },
          { storage: values[weight], batchStrides: [0], transposed },
          { batch: [1], m: rows, k: this.widths[x], n: width },
        );
        if (init === undefined) return product;
        const walk = this.walk([{ value: init }], width, values);
        const sum = backend.binary(
          'add',
          { storage: product, offset: 0, strides: denseStrides(walk.sizes) },
          walk.operands[0],
          walk.sizes,
        );
        backend.release(product);
        return sum;
      }
    }
  }

  /** Products inside each row: both sides made dense, then a batch of them. */
  private product(
    { a, b, blocks, m, k, n, aStrides, bStrides }: Extract<Instruction, { kind: 'product' }>,
    values: readonly Storage[],
  ): Storage {
    const { backend, rows } = this;
    const { dtype } = this.program;
    const made: Storage[] = [];
    const side = (value: number, sizes: readonly number[], strides: readonly number[]) => {
      const isFixed = isConst(this.program, value);
      const walk = mergeDims([isFixed ? 1 : rows, ...sizes], [[this.rowStride(value), ...strides]]);
      const { length } = walk.sizes;
      const isDense = walk.strides[0][length - 1] === 1 && length === 1 && values[value].size === walk.sizes[0];
      let storage = values[value];
      if (!isDense) {
        storage = backend.copy({ storage, offset: 0, strides: walk.strides[0] }, walk.sizes, dtype);
        made.push(storage);
      }
      const each = sizes[1] * sizes[2];
      return { storage, strides: [isFixed ? 0 : blocks * each, each] };
    };
    const [left, right] = [side(a, [blocks, m, k], aStrides), side(b, [blocks, k, n], bStrides)];
    const batch = mergeDims([rows, blocks], [left.strides, right.strides]);
    const result = backend.matmul(
      { storage: left.storage, batchStrides: batch.strides[0], transposed: false },
      { storage: right.storage, batchStrides: batch.strides[1], transposed: false },
      { batch: batch.sizes, m, k, n },
    );
    for (const storage of made) backend.release(storage);
    return result;
  }

  private rowStride(value: number): number {
    return isConst(this.program, value) ? 0 : this.widths[value];
  }

  /** Operands of an elementwise instruction as kernels take them. */
  private walk(
    operands: readonly ProgramOperand[],
    width: number,
    values: readonly Storage[],
  ): { operands: Operand[]; sizes: number[] } {
    const read = operands.flatMap((operand) => (typeof operand === 'object' ? [operand.value] : []));
    const strides = read.map((value) => [this.rowStride(value), this.widths[value] === 1 && width > 1 ? 0 : 1]);
    const merged = mergeDims([this.rows, width], [...strides, [width, 1]]);
    let next = 0;
    return {
      sizes: merged.sizes,
      operands: operands.map((operand) =>
        typeof operand === 'number'
          ? operand
          : { storage: values[operand.value], offset: 0, strides: merged.strides[next++] },
      ),
    };
  }
}

/** For each instruction, which values made by instructions can be released after it. */
function lastReads(program: Program): number[][] {
  const first = firstInstruction(program);
  const last = new Map<number, number>();
  program.body.forEach((instruction, i) => {
    last.set(first + i, i);
    for (const value of operandsOf(instruction)) if (value >= first) last.set(value, i);
  });
  for (const value of [...program.carryOut, ...program.ys]) last.delete(value);
  const expires: number[][] = program.body.map(() => []);
  for (const [value, at] of last) expires[at].push(value);
  return expires;
}

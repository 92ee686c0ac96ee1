/** A program together with everything that it works on. */
import * as fc from 'fast-check';
import {
  executeProgram,
  showProgram,
  type Backend,
  type Program,
  type ProgramArguments,
  type ProgramResults,
} from '@rnn/core';
import { plainProgram, type PlainResults } from '../plain/plain-program.js';
import { randomPrograms } from './random-program.js';

/** A program, its operands, and what it gives in float64. */
export class ProgramExample {
  readonly program: Program;
  readonly steps: number;
  readonly rows: number;
  readonly stacked: readonly Float32Array[];
  readonly carried: readonly Float32Array[];
  readonly fixed: readonly Float32Array[];
  readonly lengths: Int32Array | undefined;
  readonly resets: Uint8Array | undefined;
  /** The results in float64. */
  readonly exact: PlainResults;

  constructor(program: Program, { rows, steps, seed, isMasked, isReset }: Extent) {
    let state = seed;
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // a linear congruential generator, good enough for operands
      return Math.fround((state / 2 ** 32) * 2 - 1);
    };
    const numbers = (size: number): Float32Array => Float32Array.from({ length: size }, next);
    this.program = program;
    this.steps = steps;
    this.rows = rows;
    this.stacked = program.stacked.map((width) => numbers(steps * rows * width));
    this.carried = program.carried.map((width) => numbers(rows * width));
    this.fixed = program.fixed.map(({ rows: m, columns: n }) => numbers(m * n));
    const hasTime = program.carried.length > 0;
    const lengths = Int32Array.from({ length: rows }, () => Math.floor((next() + 1) * 0.5 * (steps + 1)));
    this.lengths = hasTime && isMasked ? lengths : undefined;
    const resets = Uint8Array.from({ length: steps * rows }, (_, i) =>
      next() > 0.4 && Math.floor(i / rows) < (this.lengths?.[i % rows] ?? steps) ? 1 : 0,
    );
    this.resets = hasTime && isReset ? resets : undefined;
    this.exact = plainProgram(program, this);
  }

  /** Uploads the operands, runs, reads the results, and releases everything. */
  async run(backend: Backend, run: (args: ProgramArguments) => ProgramResults): Promise<ArrayLike<number>[]> {
    const upload = (list: readonly Float32Array[]) => list.map((values) => backend.upload(values));
    const [stacked, carried, fixed] = [this.stacked, this.carried, this.fixed].map(upload);
    const { steps, rows, lengths, resets } = this;
    const owned = [...stacked, ...carried, ...fixed];
    try {
      const { outputs, last } = run({ steps, rows, stacked, carried, fixed, lengths, resets });
      owned.push(...outputs, ...last);
      return await Promise.all([...outputs, ...last].map(async (storage) => backend.read(storage)));
    } finally {
      for (const storage of owned) backend.release(storage);
    }
  }

  /** By the backend's primitives. */
  runByPrimitives(backend: Backend): Promise<ArrayLike<number>[]> {
    return this.run(backend, (args) => executeProgram(backend, this.program, args));
  }

  /** By the backend's `compile`; `undefined` where it has none, or no code for this program. */
  async runCompiled(backend: Backend): Promise<ArrayLike<number>[] | undefined> {
    const compiled = backend.compile?.(this.program);
    return compiled && this.run(backend, (args) => compiled.run(args));
  }

  /** What a failing property prints. */
  toString(): string {
    const { steps, rows, lengths, resets } = this;
    const extras = [
      ...(lengths === undefined ? [] : [`lengths [${lengths.join(', ')}]`]),
      ...(resets === undefined ? [] : [`resets [${resets.join(', ')}]`]),
    ];
    return `${[`${steps} steps of ${rows} rows`, ...extras].join(', ')}\n${showProgram(this.program)}`;
  }
}

interface Extent {
  readonly rows: number;
  readonly steps: number;
  readonly seed: number;
  readonly isMasked: boolean;
  readonly isReset: boolean;
}

/** Random programs on random numbers, with lengths and resets where they carry a state; without comparisons that rounding could turn. */
export const programExamples: fc.Arbitrary<ProgramExample> = fc
  .tuple(
    randomPrograms,
    fc.record({
      rows: fc.integer({ min: 1, max: 9 }),
      steps: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(),
      isMasked: fc.boolean(),
      isReset: fc.boolean(),
    }),
  )
  .map(([program, extent]) => new ProgramExample(program, extent))
  .filter(({ exact }) => exact.isDecided);

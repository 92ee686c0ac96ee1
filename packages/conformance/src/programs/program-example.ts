/** A program together with everything that it works on. */
import * as fc from 'fast-check';
import {
  executeProgram,
  maskProgram,
  showProgram,
  type Backend,
  type Program,
  type ProgramArguments,
  type ProgramResults,
} from '@rnn/core';
import { plainProgram, type PlainResults } from '../plain/plain-program.js';
import { randomPrograms } from './random-program.js';

/**
 * A program, its operands, and what it gives in float64.
 *
 * @example
 * ```ts
 * fc.assert(
 *   fc.property(programExamples, (example) => {
 *     example.check(backend, (args) => compiled(example.program).run(args));
 *   }),
 * );
 * ```
 */
export class ProgramExample {
  readonly program: Program;
  readonly steps: number;
  readonly rows: number;
  readonly stacked: readonly Float32Array[];
  readonly carried: readonly Float32Array[];
  readonly perRow: readonly Float32Array[];
  readonly fixed: readonly Float32Array[];
  /** The results in float64. */
  readonly exact: PlainResults;

  constructor(body: Program, { rows, steps, seed, isMasked, isReset, isAdjoint }: Extent) {
    let state = seed;
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // a linear congruential generator, good enough for operands
      return Math.fround((state / 2 ** 32) * 2 - 1);
    };
    const numbers = (size: number): Float32Array => Float32Array.from({ length: size }, next);
    const hasTime = body.carry.length > 0;
    const masks = { lengths: hasTime && isMasked, resets: hasTime && isReset, adjoint: isAdjoint };
    const program = maskProgram(body, masks);
    this.program = program;
    this.steps = steps;
    this.rows = rows;
    const lengths = Int32Array.from({ length: rows }, () =>
      masks.lengths ? Math.floor((next() + 1) * 0.5 * (steps + 1)) : steps,
    );
    const marks = (isSet: (isGoing: boolean) => boolean): Float32Array =>
      Float32Array.from({ length: steps * rows }, (_, i) => Number(isSet(Math.floor(i / rows) < lengths[i % rows])));
    this.stacked = [
      ...body.xs.map((width) => numbers(steps * rows * width)),
      ...(masks.lengths ? [marks((isGoing) => isGoing)] : []),
      ...(masks.resets ? [marks((isGoing) => next() > 0.4 && isGoing)] : []),
    ];
    this.carried = program.carry.map((width) => numbers(rows * width));
    this.perRow = program.perRow.map((width) => numbers(rows * width));
    this.fixed = program.consts.map(({ rows: m, columns: n }) => numbers(m * n));
    this.exact = plainProgram(program, this);
  }

  /** Uploads the operands, runs, reads the results, and releases everything. */
  async run(backend: Backend, run: (args: ProgramArguments) => ProgramResults): Promise<ArrayLike<number>[]> {
    const upload = (list: readonly Float32Array[]) => list.map((values) => backend.upload(values));
    const [stacked, carried, perRow, fixed] = [this.stacked, this.carried, this.perRow, this.fixed].map(upload);
    const { steps, rows } = this;
    const owned = [...stacked, ...carried, ...perRow, ...fixed];
    try {
      const { ys, carry } = run({ steps, rows, xs: stacked, carry: carried, perRow, consts: fixed });
      owned.push(...ys, ...carry);
      return await Promise.all([...ys, ...carry].map(async (storage) => backend.read(storage)));
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
    return `${this.steps} steps of ${this.rows} rows\n${showProgram(this.program)}`;
  }
}

interface Extent {
  readonly rows: number;
  readonly steps: number;
  readonly seed: number;
  readonly isMasked: boolean;
  readonly isReset: boolean;
  readonly isAdjoint: boolean;
}

/**
 * Random programs on random numbers, with lengths and resets where they carry a state; without
 * comparisons that rounding could turn.
 *
 * @example
 * ```ts
 * const [{ program }] = fc.sample(programExamples, 1);
 * console.log(showProgram(program));
 * ```
 */
export const programExamples: fc.Arbitrary<ProgramExample> = fc
  .tuple(
    randomPrograms,
    fc.record({
      rows: fc.integer({ min: 1, max: 9 }),
      steps: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(),
      isMasked: fc.boolean(),
      isReset: fc.boolean(),
      isAdjoint: fc.boolean(),
    }),
  )
  .map(([program, extent]) => new ProgramExample(program, extent))
  .filter(({ exact }) => exact.isDecided);

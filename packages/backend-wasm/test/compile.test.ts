import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { executeProgram, showProgram, type Backend, type Instruction, type Program, type Storage } from '@rnn/core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';

let reference: Backend;
let compiled: readonly Backend[];

beforeAll(async () => {
  reference = await cpu();
  compiled = [await wasm({ threads: 1 }), await wasm({ threads: 1, deterministic: true })];
});

const width = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 40 }));

/** A program built from a list of draws: each takes its operands from the values before it. */
const programs = fc
  .record({
    stacked: fc.array(width, { minLength: 1, maxLength: 3 }),
    carried: fc.array(width, { maxLength: 2 }),
    draws: fc.array(fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 14 }),
    reverse: fc.boolean(),
    adjoint: fc.boolean(),
  })
  .map(({ stacked, carried, draws, reverse, adjoint }): Program => {
    const fixed: { rows: number; columns: number }[] = [];
    const plain: { instruction: Instruction; fixedOperands: number[] }[] = [];
    // Row values so far, by a preliminary number; fixed operands are numbered from -1 down until their count is known.
    const widths = [...stacked, ...carried];
    const addFixed = (rows: number, columns: number): number => -fixed.push({ rows, columns });
    for (const draw of draws) {
      let at = 0;
      const next = (below: number): number => draw[at++ % draw.length] % below;
      const any = (): number => next(widths.length);
      const like = (w: number): number => {
        const same = widths.flatMap((other, value) => (other === w || other === 1 ? [value] : []));
        return same[next(same.length)];
      };
      const kind = next(9);
      const x = any();
      const w = widths[x];
      let instruction: Instruction;
      if (kind === 0) {
        const n = 1 + next(20);
        const transposed = next(2) === 0;
        const weight = transposed ? addFixed(n, w) : addFixed(w, n);
        const start = next(3);
        const rows = widths.flatMap((other, value) => (other === n ? [value] : []));
        const init =
          start === 0 ? undefined : start === 1 || rows.length === 0 ? addFixed(1, n) : rows[next(rows.length)];
        instruction = { kind: 'matmul', width: n, x, weight, transposed, init };
      } else if (kind === 1) {
        const op = (['neg', 'tanh', 'sigmoid', 'square', 'abs', 'relu', 'exp', 'softplus', 'sign'] as const)[next(9)];
        // exp of something bounded only
        instruction =
          op === 'exp' || op === 'square'
            ? { kind: 'unary', width: w, op: 'tanh', x }
            : { kind: 'unary', width: w, op, x };
      } else if (kind === 2 || kind === 3) {
        const op = (['add', 'sub', 'mul', 'maximum', 'minimum', 'gt', 'le', 'eq'] as const)[next(8)];
        const choice = next(4);
        const b = choice === 0 ? 0.5 : { value: choice === 1 ? addFixed(1, w) : like(w) };
        instruction = {
          kind: 'binary',
          width: w,
          op,
          a: next(2) === 0 || typeof b === 'number' ? { value: x } : b,
          b: typeof b === 'number' ? b : { value: x },
        };
      } else if (kind === 4) {
        instruction = {
          kind: 'select',
          width: w,
          condition: like(w),
          a: { value: x },
          b: next(2) === 0 ? 0.25 : { value: like(w) },
        };
      } else if (kind === 5) {
        const from = next(w);
        const count = 1 + next(w - from);
        instruction = { kind: 'copy', width: count, x, offset: from, sizes: [count], strides: [1] };
      } else if (kind === 6) {
        instruction = { kind: 'copy', width: w, x, offset: w - 1, sizes: [w], strides: [-1] };
      } else if (kind === 7) {
        const parts = [x, any(), ...(next(2) === 0 ? [x] : [])];
        instruction = { kind: 'concat', width: parts.reduce((sum, part) => sum + widths[part], 0), parts };
        if (instruction.width > 80) instruction = { kind: 'fill', width: w, number: 0.75 };
      } else {
        const op = (['sum', 'max', 'min'] as const)[next(3)];
        const inner = w % 2 === 0 && next(2) === 0 ? 2 : 1;
        instruction = { kind: 'reduce', width: inner, op, x, outer: 1, size: w / inner, inner };
      }
      plain.push({ instruction, fixedOperands: [] });
      widths.push(instruction.width);
    }
    const operands = stacked.length + carried.length;
    const renumber = (value: number): number =>
      value < 0 ? operands - value - 1 : value < operands ? value : value + fixed.length;
    const body = plain.map(({ instruction }) => renumbered(instruction, renumber));
    const last = (w: number): number => {
      for (let value = widths.length - 1; value >= 0; value--) if (widths[value] === w) return renumber(value);
      throw new Error('a carried value has its own width');
    };
    return {
      dtype: 'float32',
      stacked,
      carried,
      fixed,
      body,
      next: carried.map(last),
      outputs: [...new Set([renumber(widths.length - 1), renumber(Math.floor(widths.length / 2)), 0])],
      reverse: carried.length > 0 && reverse,
      adjoint: carried.length > 0 && adjoint,
    };
  });

function renumbered(instruction: Instruction, to: (value: number) => number): Instruction {
  const operand = <T extends { readonly value: number } | number>(x: T): T =>
    (typeof x === 'number' ? x : { value: to(x.value) }) as T;
  switch (instruction.kind) {
    case 'matmul':
      return {
        ...instruction,
        x: to(instruction.x),
        weight: to(instruction.weight),
        init: instruction.init === undefined ? undefined : to(instruction.init),
      };
    case 'binary':
      return { ...instruction, a: operand(instruction.a), b: operand(instruction.b) };
    case 'select':
      return {
        ...instruction,
        condition: to(instruction.condition),
        a: operand(instruction.a),
        b: operand(instruction.b),
      };
    case 'concat':
      return { ...instruction, parts: instruction.parts.map(to) };
    case 'fill':
      return instruction;
    default:
      return { ...instruction, x: to(instruction.x) };
  }
}

test('random programs give what the reference gives by primitives', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(
      programs,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(),
      fc.boolean(),
      fc.boolean(),
      (program, rows, steps, seed, masked, reset) => {
        let state = seed + 1;
        const draw = (): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return Math.fround((state / 2 ** 32) * 2 - 1);
        };
        const host = (size: number): Float32Array => Float32Array.from({ length: size }, draw);
        const stacked = program.stacked.map((w) => host(steps * rows * w));
        const carried = program.carried.map((w) => host(rows * w));
        const fixed = program.fixed.map((f) => host(f.rows * f.columns));
        const lengths =
          masked && program.carried.length > 0
            ? Int32Array.from({ length: rows }, () => Math.floor((draw() + 1) * 0.5 * (steps + 1)))
            : undefined;
        const resets =
          reset && program.carried.length > 0
            ? Uint8Array.from({ length: steps * rows }, (_, i) =>
                draw() > 0.4 && (lengths === undefined || Math.floor(i / rows) < lengths[i % rows]) ? 1 : 0,
              )
            : undefined;
        const outcome = (
          backend: Backend,
          run: (args: Parameters<typeof executeProgram>[2]) => ReturnType<typeof executeProgram>,
        ): number[][] => {
          const upload = (list: readonly Float32Array[]): Storage[] => list.map((values) => backend.upload(values));
          const args = {
            steps,
            rows,
            stacked: upload(stacked),
            carried: upload(carried),
            fixed: upload(fixed),
            lengths,
            resets,
          };
          const { outputs, last } = run(args);
          const numbers = [...outputs, ...last].map((storage) => Array.from(backend.readSync(storage)));
          for (const storage of [...outputs, ...last, ...args.stacked, ...args.carried, ...args.fixed])
            backend.release(storage);
          return numbers;
        };
        const expected = outcome(reference, (args) => executeProgram(reference, program, args));
        for (const backend of compiled) {
          const ready = backend.compile?.(program);
          if (ready === undefined) throw new Error(`not compiled:\n${showProgram(program)}`);
          const found = outcome(backend, (args) => ready.run(args));
          found.forEach((values, i) =>
            values.forEach((value, j) => {
              const exact = expected[i][j];
              if (!(Math.abs(value - exact) <= 2e-4 * Math.max(1, Math.abs(exact)) || Object.is(value, exact))) {
                throw new Error(
                  `${backend.info.simd}: result ${i}, element ${j} is ${value}, expected ${exact}\n${showProgram(program)}`,
                );
              }
            }),
          );
          expect(backend.memory().storages).toBe(0);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('one storage may be two weights, used both ways', () => {
  const size = 6;
  const rows = 5;
  const program: Program = {
    dtype: 'float32',
    stacked: [size],
    carried: [],
    fixed: [
      { rows: size, columns: size },
      { rows: size, columns: size },
    ],
    body: [
      { kind: 'matmul', width: size, x: 0, weight: 1, transposed: false, init: undefined },
      { kind: 'matmul', width: size, x: 0, weight: 2, transposed: true, init: 3 },
    ],
    next: [],
    outputs: [4],
    reverse: false,
    adjoint: false,
  };
  const x = Float32Array.from({ length: rows * size }, (_, i) => ((i * 7) % 11) - 5);
  const w = Float32Array.from({ length: size * size }, (_, i) => ((i * 5) % 13) - 6);
  const results = [reference, ...compiled].map((backend) => {
    const weight = backend.upload(w);
    const args = {
      steps: 1,
      rows,
      stacked: [backend.upload(x)],
      carried: [],
      fixed: [weight, weight],
      lengths: undefined,
      resets: undefined,
    };
    const { outputs } = backend.compile?.(program)?.run(args) ?? executeProgram(backend, program, args);
    return [...backend.readSync(outputs[0])];
  });
  // Whole numbers: the products are exact.
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('the first feature of a row stands for that row only', () => {
  const program: Program = {
    dtype: 'float32',
    stacked: [2],
    carried: [],
    fixed: [],
    body: [
      { kind: 'copy', width: 1, x: 0, offset: 0, sizes: [1], strides: [1] },
      { kind: 'binary', width: 2, op: 'add', a: { value: 1 }, b: { value: 0 } },
    ],
    next: [],
    outputs: [2],
    reverse: false,
    adjoint: false,
  };
  for (const backend of compiled) {
    const stacked = [backend.upload(Float32Array.of(1, 2, 3, 4, 5, 6))];
    const args = { steps: 1, rows: 3, stacked, carried: [], fixed: [], lengths: undefined, resets: undefined };
    const { outputs } = backend.compile?.(program)?.run(args) ?? executeProgram(backend, program, args);
    expect([...backend.readSync(outputs[0])]).toEqual([2, 3, 6, 7, 10, 11]);
  }
});

/** Numbers that look like nothing in particular. */
function noise(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));
}

test("a row's bits do not depend on which rows are computed with it", () => {
  const [k, n] = [300, 43];
  const program: Program = {
    dtype: 'float32',
    stacked: [k],
    carried: [],
    fixed: [
      { rows: k, columns: n },
      { rows: 1, columns: n },
      { rows: k, columns: n },
    ],
    body: [
      { kind: 'matmul', width: n, x: 0, weight: 1, transposed: false, init: 2 },
      { kind: 'unary', width: n, op: 'tanh', x: 4 },
      { kind: 'matmul', width: k, x: 5, weight: 3, transposed: true, init: 0 },
      { kind: 'reduce', width: 1, op: 'sum', x: 6, outer: 1, size: k, inner: 1 },
      { kind: 'binary', width: k, op: 'sub', a: { value: 6 }, b: { value: 7 } },
    ],
    next: [],
    outputs: [8, 5],
    reverse: false,
    adjoint: false,
  };
  const rows = 131;
  const x = noise(rows * k, 1);
  const weights = [noise(k * n, 2), noise(n, 3), noise(k * n, 4)];
  for (const backend of compiled) {
    const ready = backend.compile?.(program);
    const fixed = weights.map((values) => backend.upload(values));
    const run = (from: number, to: number): number[][] => {
      const stacked = [backend.upload(x.subarray(from * k, to * k))];
      const args = { steps: 1, rows: to - from, stacked, carried: [], fixed, lengths: undefined, resets: undefined };
      return ready?.run(args).outputs.map((storage) => [...backend.readSync(storage)]) ?? [];
    };
    const whole = run(0, rows);
    for (const cuts of [[4], [7, 19], [96], [13, 17, 40, 101], [127]]) {
      const ends = [...cuts, rows];
      const parts = ends.map((to, i) => run(ends[i - 1] ?? 0, to));
      expect(whole.map((_, output) => parts.flatMap((part) => part[output]))).toEqual(whole);
    }
  }
});

test('a block of a product has the bits of the whole product', () => {
  // More terms than a block has, and edges everywhere; A and B as they are, and transposed.
  const [m, k, n] = [101, 515, 21];
  const a = noise(m * k, 5);
  const b = noise(k * n, 6);
  const block = (from: number, to: number, aTransposed: boolean): Float32Array =>
    aTransposed
      ? Float32Array.from(
          { length: k * (to - from) },
          (_, i) => a[Math.floor(i / (to - from)) * m + from + (i % (to - from))],
        )
      : a.slice(from * k, to * k);
  for (const backend of compiled) {
    for (const [aTransposed, bTransposed] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ]) {
      const right = backend.upload(b);
      const rows = (from: number, to: number): number[] => {
        const left = backend.upload(block(from, to, aTransposed));
        const product = backend.matmul(
          { storage: left, batchStrides: [], transposed: aTransposed },
          { storage: right, batchStrides: [], transposed: bTransposed },
          { batch: [], m: to - from, k, n },
        );
        return [...backend.readSync(product)];
      };
      const whole = rows(0, m);
      for (const cut of [4, 31, 60, 96]) expect([...rows(0, cut), ...rows(cut, m)]).toEqual(whole);
    }
  }
});

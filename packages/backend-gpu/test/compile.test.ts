import { programExamples, randomPrograms } from '@rnn/conformance';
import { executeProgram, maskProgram, type Instruction, type Program } from '@rnn/core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { DeviceBackend } from '../src/backend.js';
import { planProgram } from '../src/emit/plan.js';
import { backendWith } from './compile-backend.js';
import { worstError } from './compile-cells.js';

let backends: readonly DeviceBackend[];

beforeAll(async () => {
  // As many operands as there may be, as few as WebGPU allows, and so few that most things have to
  // be divided.
  backends = [await backendWith('cpu'), await backendWith('cpu', 7), await backendWith('cpu', 5)];
});

/** Storages that core knows of and arrays of the device. */
function alive(backend: DeviceBackend): [storages: number, arrays: number] {
  return [backend.memory().storages, backend.device.arrays];
}

test('random programs give what they give in float64', async () => {
  await fc.assert(
    fc.asyncProperty(programExamples, async (example) => {
      for (const backend of backends) {
        const found = await example.runCompiled(backend);
        if (found === undefined) throw new Error('not compiled');
        expect(worstError(found, [...example.exact.outputs, ...example.exact.last])).toBeLessThan(1e-5);
        expect(alive(backend)).toEqual([0, 0]);
      }
    }),
    { numRuns: 250 },
  );
});

test('random programs give what they give by primitives', async () => {
  await fc.assert(
    fc.asyncProperty(programExamples, async (example) => {
      const [backend] = backends;
      const found = await example.runCompiled(backend);
      if (found === undefined) throw new Error('not compiled');
      expect(worstError(found, await example.runByPrimitives(backend))).toBeLessThan(1e-5);
    }),
    { numRuns: 50 },
  );
});

test('no kernel has more operands than there may be', () => {
  let found = 0;
  fc.assert(
    fc.property(
      randomPrograms,
      fc.record({ isLoop: fc.boolean(), lengths: fc.boolean(), resets: fc.boolean(), adjoint: fc.boolean() }),
      fc.integer({ min: 6, max: 16 }),
      (body, { isLoop, ...masks }, most) => {
        const hasState = body.carry.length > 0;
        const plan = planProgram(hasState ? maskProgram(body, masks) : body, isLoop && hasState, most);
        if (plan === undefined) return;
        found++;
        for (const { tensors } of plan.kernels) expect(tensors.length).toBeLessThanOrEqual(most);
      },
    ),
    { numRuns: 200 },
  );
  expect(found).toBeGreaterThan(190);
});

/** A program of one step on one stacked operand. */
function chain(width: number, body: readonly Instruction[]): Program {
  const outputs = [body.length];
  return {
    dtype: 'float32',
    xs: [width],
    carry: [],
    perRow: [],
    consts: [],
    body,
    carryOut: [],
    ys: outputs,
    reverse: false,
  };
}

test('what reads a value at two features does not compute everything before it twice', () => {
  // x' = x + flip(x), 40 times
  const body = Array.from({ length: 40 }, (_, i): Instruction[] => [
    { kind: 'copy', width: 8, x: 2 * i, offset: 7, sizes: [8], strides: [-1] },
    { kind: 'binary', width: 8, op: 'add', a: { value: 2 * i }, b: { value: 2 * i + 1 } },
  ]).flat();
  const plan = planProgram(chain(8, body), false, 7);
  expect(plan?.kernels.reduce((total, kernel) => total + kernel.body.length, 0)).toBeLessThan(20_000);
});

test('a chain of functions is one kernel, with or without a product before it', () => {
  const unary = (x: number): Instruction => ({ kind: 'unary', width: 3, op: 'tanh', x });
  expect(planProgram(chain(3, [unary(0), unary(1), unary(2)]), false, 7)?.kernels).toHaveLength(1);
  const product: Program = {
    ...chain(3, []),
    consts: [{ rows: 3, columns: 3 }],
    body: [{ kind: 'matmul', width: 3, x: 0, weight: 1, transposed: false, init: undefined }, unary(2)],
    ys: [3],
  };
  expect(planProgram(product, false, 7)?.kernels).toHaveLength(1);
  // Its result is wanted as well, so that it is computed once and read.
  expect(planProgram({ ...product, ys: [2, 3] }, false, 7)?.kernels).toHaveLength(2);
});

test('a run that fails leaves nothing behind', async () => {
  const backend = await backendWith('cpu', 4);
  const { device } = backend;
  const [example] = fc.sample(
    programExamples.filter(({ program, steps }) => program.carry.length > 1 && program.body.length > 8 && steps > 3),
    { numRuns: 1, seed: 3 },
  );
  const run = device.run.bind(device);
  const before = device.counters.launches;
  await example.run(
    backend,
    (args) => backend.compile(example.program)?.run(args) ?? executeProgram(backend, example.program, args),
  );
  const launches = device.counters.launches - before;
  for (let failing = 0; failing < launches; failing++) {
    let count = 0;
    device.run = (...args) => {
      if (count++ === failing) throw new Error('no more memory');
      return run(...args);
    };
    await expect(example.runCompiled(backend)).rejects.toThrow('no more memory');
    expect(alive(backend)).toEqual([0, 0]);
  }
});

import { maskProgram, MemoryLimitError, ones, scope, type Backend, type Program } from '@rnn/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wasm } from '../src/index.js';
import { HEAP } from '../src/layout.js';
import { Memory } from '../src/memory.js';

const PAGE = 65_536;
const fresh = (maximum = 64): Memory => new Memory(new WebAssembly.Memory({ initial: 1, maximum }), maximum * PAGE);

/** A block with what was written into it. */
interface Block {
  readonly at: number;
  readonly bytes: number;
  readonly mark: number;
}

test('blocks never overlap, keep what is written, and are used again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 40_000 }), give: fc.nat(), gives: fc.boolean() }), {
        minLength: 1,
        maxLength: 120,
      }),
      (calls) => {
        const memory = fresh();
        const blocks: Block[] = [];
        for (const [i, { bytes, give, gives }] of calls.entries()) {
          if (gives && blocks.length > 0) {
            const [block] = blocks.splice(give % blocks.length, 1);
            memory.give(block.at);
            continue;
          }
          const block = { at: memory.take(bytes), bytes, mark: i % 251 };
          expect(block.at % 16).toBe(0);
          for (const other of blocks)
            expect(block.at + bytes <= other.at || other.at + other.bytes <= block.at).toBe(true);
          memory.u8.fill(block.mark, block.at, block.at + bytes);
          blocks.push(block);
        }
        for (const { at, bytes, mark } of blocks)
          expect(memory.u8.subarray(at, at + bytes).every((byte) => byte === mark)).toBe(true);
        // Everything given back is one piece again: what fitted once fits once more, without
        // growth.
        for (const { at } of blocks) memory.give(at);
        const size = memory.memory.buffer.byteLength;
        memory.give(memory.take(Math.floor((size - HEAP) * 0.8)));
        expect(memory.memory.buffer.byteLength).toBe(size);
      },
    ),
    { numRuns: 60 },
  );
});

test('lengths that change all the time do not make the memory grow', () => {
  const memory = fresh(1024);
  let state = 1;
  const draw = (below: number): number => (state = Math.imul(state, 48_271) >>> 0) % below;
  const kept: number[] = Array.from({ length: 40 }, () => memory.take(16 + draw(4096)));
  const step = (): void => {
    const made = Array.from({ length: 20 }, () => memory.take(16 + draw(100_000)));
    const at = draw(kept.length);
    memory.give(kept[at]);
    kept[at] = memory.take(16 + draw(4096));
    for (const block of made) memory.give(block);
  };
  for (let i = 0; i < 2000; i++) step();
  const settled = memory.memory.buffer.byteLength;
  for (let i = 0; i < 100_000; i++) step();
  expect(memory.memory.buffer.byteLength).toBeLessThanOrEqual(settled + 8 * PAGE);
});

test('up to the limit nothing is wasted: a block fits where one of its size was, and one may have nearly all', () => {
  const memory = fresh(16);
  const blocks: number[] = [];
  const fill = (): void => {
    for (;;) blocks.push(memory.take(5000));
  };
  expect(fill).toThrow(MemoryLimitError);
  expect(blocks.length * 5000).toBeGreaterThan(0.97 * 16 * PAGE);
  for (const at of [blocks[10], blocks[100]]) {
    memory.give(at);
    expect(memory.take(5000)).toBe(at);
  }
  fresh(16).take(0.98 * 15 * PAGE);
});

test.each([0xf000_0000, 0xf800_0000, 0xffff_0000])('a block of %d bytes is not cut short', (bytes) => {
  const memory = fresh(65_536);
  try {
    const at = memory.take(bytes);
    expect(at + bytes).toBeLessThanOrEqual(memory.memory.buffer.byteLength);
  } catch (error) {
    expect(error).toBeInstanceOf(MemoryLimitError); // where the engine has no such room
  }
});

/** The sum of what is stacked, kept as the state. */
function sums(width: number): Program {
  return {
    dtype: 'float32',
    xs: [width],
    carry: [width],
    perRow: [],
    consts: [],
    body: [{ kind: 'binary', width, op: 'add', a: { value: 0 }, b: { value: 1 } }],
    carryOut: [2],
    ys: [2],
    reverse: false,
  };
}

test('programs hold no memory between their runs', async () => {
  const backend = await wasm({ threads: 1, maxBytes: 64 * PAGE });
  // Each takes a second buffer of 400 kB for its state; all of them would take 40 MB.
  for (let width = 50; width < 150; width++) {
    const rows = Math.floor(100_000 / width);
    const stacked = [backend.fill(1, 2 * rows * width, 'float32')];
    const carried = [backend.fill(1, rows * width, 'float32')];
    // Rows that have the first step alone.
    const going = backend.upload(Float32Array.from({ length: 2 * rows }, (_, i) => Number(i < rows)));
    const masked = maskProgram(sums(width), { lengths: true, resets: false, adjoint: false });
    for (const given of [false, true]) {
      const { ys, carry } = backend.compile?.(given ? masked : sums(width))?.run({
        steps: 2,
        rows,
        xs: given ? [...stacked, going] : stacked,
        carry: carried,
        perRow: [],
        consts: [],
      }) ?? { ys: [], carry: [] };
      expect(new Set(backend.readSync(carry[0]))).toEqual(new Set([given ? 2 : 3]));
      for (const storage of [...ys, ...carry]) backend.release(storage);
    }
    for (const storage of [...stacked, ...carried, going]) backend.release(storage);
  }
  expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
});

test('the limit is an error that names it, and leaves the backend as it was', async () => {
  const backend = await wasm({ maxBytes: 4 * PAGE });
  const before = backend.memory();
  expect(() => backend.fill(0, 100_000, 'float32')).toThrow(MemoryLimitError);
  expect(() => backend.fill(0, 100_000, 'float32')).toThrow(/at most 262144 bytes.*maxBytes/);
  expect(backend.memory()).toEqual(before);
  const small = backend.fill(3, 1000, 'float32');
  expect(backend.readSync(small)[999]).toBe(3);
});

test('a run that meets the limit gives back what it had taken', async () => {
  const program: Program = {
    dtype: 'float32',
    xs: [100],
    carry: [100],
    perRow: [],
    consts: [],
    body: [{ kind: 'binary', width: 100, op: 'add', a: { value: 0 }, b: { value: 1 } }],
    carryOut: [2],
    ys: [2, 2, 2],
    reverse: false,
  };
  const backend = await wasm({ threads: 1, maxBytes: 4 * PAGE });
  const compiled = backend.compile?.(program);
  const run = (steps: number): number | undefined => {
    const xs = [backend.fill(1, steps * 500, 'float32')];
    const carry = [backend.fill(0, 500, 'float32')];
    const args = { steps, rows: 5, xs, carry, perRow: [], consts: [] };
    try {
      const { ys, carry } = compiled?.run(args) ?? { ys: [], carry: [] };
      const total = backend.readSync(carry[0])[499];
      for (const storage of [...ys, ...carry]) backend.release(storage);
      return total;
    } finally {
      for (const storage of [...xs, ...carry]) backend.release(storage);
    }
  };
  expect(run(20)).toBe(20);
  for (let i = 0; i < 20; i++) {
    // The operand fits, and one or two of the outputs.
    expect(() => run(50)).toThrow(MemoryLimitError);
    expect(backend.memory()).toEqual({ storages: 0, bytes: 0 });
  }
  expect(run(20)).toBe(20);
});

test('a product that meets the limit gives back what it had taken', async () => {
  const backend = await wasm({ threads: 1, maxBytes: 4 * PAGE });
  const side = { storage: backend.fill(1, 140 * 140, 'float32'), batchStrides: [], transposed: false };
  const before = backend.memory();
  for (let i = 0; i < 20; i++) {
    expect(() => backend.matmul(side, side, { batch: [], m: 140, k: 140, n: 140 })).toThrow(MemoryLimitError);
    expect(backend.memory()).toEqual(before);
  }
});

test('operations that meet the limit give back what they had taken', async () => {
  const backend = await wasm({ threads: 1, maxBytes: 4 * PAGE });
  const side = 120;
  const x = backend.fill(1, side * side, 'float32');
  const index = backend.fill(0, side * side, 'int32');
  const turned = { storage: x, offset: 0, strides: [1, side] };
  const before = backend.memory();
  for (let i = 0; i < 20; i++) {
    // There is room for one copy of the operand, not for a second one or the result besides.
    expect(() => backend.binary('add', turned, turned, [side, side])).toThrow(MemoryLimitError);
    expect(() => backend.select(turned, turned, 1, [side, side], 'float32')).toThrow(MemoryLimitError);
    const sizes = { outer: 1, size: side * side, inner: 1, count: side * side };
    expect(() => backend.scatterAdd(x, { storage: index, offset: 0, strides: [0, 1, 0] }, sizes)).toThrow(
      MemoryLimitError,
    );
    expect(backend.memory()).toEqual(before);
  }
  expect(backend.readSync(backend.unary('neg', x))[0]).toBe(-1);
});

/** Steps whose tensors nobody holds; the error that ends them, if one does. */
function steps(backend: Backend, count: number, step: (backend: Backend) => unknown): string {
  try {
    for (let i = 0; i < count; i++) step(backend);
    return 'no error';
  } catch (error) {
    expect(error).toBeInstanceOf(MemoryLimitError);
    return (error as Error).message;
  }
}

test('a loop that never turns the event loop is told so when its memory ends, and what to do', async () => {
  const step = (backend: Backend): unknown => ones([1000], { backend }).add(1);
  const backend = await wasm({ threads: 1, maxBytes: 2 ** 22 });
  expect(steps(backend, 5000, step)).toMatch(
    /The event loop has not turned since the memory had \d+ bytes.*run each step in scope\(\(\) => \.\.\.\), or await/,
  );
  await backend.dispose();
  // Both ways out that it names.
  const scoped = await wasm({ threads: 1, maxBytes: 2 ** 22 });
  expect(steps(scoped, 5000, (b) => scope(() => void step(b)))).toBe('no error');
});

test('tensors that are held are not blamed on the event loop', async () => {
  const backend = await wasm({ threads: 1, maxBytes: 2 ** 22 });
  const held: unknown[] = [];
  let message = '';
  while (message === '') {
    const result = steps(backend, 1, (b) => held.push(ones([1000], { backend: b })));
    if (result !== 'no error') message = result;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  expect(held.length).toBeGreaterThan(500);
  expect(message).toContain('Free tensors');
  expect(message).not.toContain('event loop');
});

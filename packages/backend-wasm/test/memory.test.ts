import { MemoryLimitError } from '@rnn/core';
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
        // Everything given back is one piece again: what fitted once fits once more, without growth.
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

test('the limit is an error that names it, and leaves the backend as it was', async () => {
  const backend = await wasm({ maxBytes: 4 * PAGE });
  const before = backend.memory();
  expect(() => backend.fill(0, 100_000, 'float32')).toThrow(MemoryLimitError);
  expect(() => backend.fill(0, 100_000, 'float32')).toThrow(/at most 262144 bytes.*maxBytes/);
  expect(backend.memory()).toEqual(before);
  const small = backend.fill(3, 1000, 'float32');
  expect(backend.readSync(small)[999]).toBe(3);
});

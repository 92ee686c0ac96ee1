/** Tensors larger than what is read at once. */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { setBackend } from '@rnn/core';
import { openSafetensors, writeSafetensors } from '@rnn/io';

setBackend(await cpu());

/** More than a part in the file, and no whole number of parts. */
const COUNT = 2_000_003;
const MOST_READ = 4 * 2 ** 20;

function file(type: 'F32' | 'F16' | 'I32') {
  const data =
    type === 'I32'
      ? Int32Array.from({ length: COUNT }, (_, i) => i - 1000)
      : Float32Array.from({ length: COUNT }, (_, i) => (i % 2048) / 4);
  const options = type === 'F16' ? ({ dtype: 'float16' } as const) : {};
  const bytes = writeSafetensors({ x: { shape: [COUNT], data } }, options);
  const reads: number[] = [];
  const source = {
    size: bytes.length,
    read: (start: number, end: number) => {
      reads.push(end - start);
      return Promise.resolve(bytes.slice(start, end));
    },
  };
  const filling = {
    ...source,
    readInto: (into: Uint8Array, start: number) => {
      reads.push(into.length);
      const there = bytes.subarray(start, start + into.length);
      into.set(there);
      return Promise.resolve(there.length);
    },
  };
  return { data, sources: [source, filling], reads };
}

describe.each(['F32', 'F16', 'I32'] as const)('%s', (type) => {
  const { data, sources, reads } = file(type);

  test.each(sources)('is read in parts, to the host and to backends', async (source) => {
    const opened = await openSafetensors(source);
    reads.length = 0;
    const host = await opened.read('x');
    expect(host.shape).toEqual([COUNT]);
    expect(Buffer.compare(Buffer.from(host.data.buffer), Buffer.from(data.buffer))).toBe(0);
    expect(Math.max(...reads)).toBeLessThanOrEqual(MOST_READ);
    for (const backend of [await cpu(), await wasm({ threads: 1 })]) {
      const tensor = await opened.tensor('x', { backend });
      const numbers = tensor.dataSync();
      expect(
        Buffer.compare(Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength), Buffer.from(data.buffer)),
      ).toBe(0);
      tensor.dispose();
      expect(backend.memory().storages).toBe(0);
    }
  });

  test('that is cut off in a later part is refused, and leaves nothing behind', async () => {
    const backend = await cpu();
    const [source] = sources;
    const short = {
      size: source.size,
      read: async (start: number, end: number) =>
        (await source.read(start, end)).slice(0, Math.max(0, source.size - 8 - start)),
    };
    const opened = await openSafetensors(short);
    await expect(opened.tensor('x', { backend })).rejects.toThrow(/tensor 'x' is cut off/);
    await expect(opened.read('x')).rejects.toThrow(/tensor 'x' is cut off/);
    expect(backend.memory().storages).toBe(0);
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '@rnn/core';
import { afterEach, expect, test, vi } from 'vitest';
import { wasm, type WasmOptions } from '../src/index.js';
import { withSharedMemory } from '../src/shared-module.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const build = join(import.meta.dirname, '../build');

test.each([
  [{ threads: 0 }, 'threads', /threads is 0, expected a whole number from 1 to 64/],
  [{ threads: 1.5 }, 'threads', /1\.5/],
  [{ threads: 65 }, 'threads', /65/],
  [{ deterministic: 1 }, 'deterministic', /true or false/],
  [{ module: 'kernels.wasm' }, 'module', /a WebAssembly\.Module or its bytes/],
  [{ maxBytes: 10 }, 'maxBytes', /maxBytes is 10/],
  [{ worker: 'worker.js' }, 'worker', /the URL of worker\.js/],
  [{ thread: 2 }, 'thread', /wasm: option 'thread' is unknown, expected one of .*; write threads/],
])('%j is refused', async (options, argument, message) => {
  const attempt = wasm(options as WasmOptions);
  await expect(attempt).rejects.toThrow(message);
  await expect(attempt).rejects.toMatchObject({ argument, code: 'ERR_ARGUMENT' });
});

test('a module that is not ours is refused', async () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  for (const module of [empty, empty.buffer, await WebAssembly.compile(empty)]) {
    await expect(wasm({ module })).rejects.toThrow(/a module without simdLevel.*expected kernels-relaxed\.wasm/);
  }
  await expect(wasm({ module: Uint8Array.of(1, 2, 3) })).rejects.toThrow(/module is no WebAssembly/);
  const relaxed = await readFile(join(build, 'kernels-relaxed.wasm'));
  await expect(wasm({ module: relaxed, deterministic: true })).rejects.toThrow(ArgumentError);
});

test("the kernels' bytes work with threads, a compiled module with one thread", async () => {
  const strict = await readFile(join(build, 'kernels-strict.wasm'));
  const two = await wasm({ module: strict, threads: 2 });
  expect(two.info).toMatchObject({ threads: 2, simd: 'strict', device: 'WebAssembly, 2 threads' });
  const one = await wasm({ module: await WebAssembly.compile(strict), threads: 2 });
  expect(one.info).toMatchObject({ threads: 1, simd: 'strict', device: 'WebAssembly' });
  expect(one.info.notes.join(' ')).toMatch(/One thread computes because module is compiled already/);
  await two.dispose();
});

test('the memory that a module imports is declared as shared, and nothing else changes', async () => {
  const plain = await readFile(join(build, 'kernels-relaxed.wasm'));
  const shared = withSharedMemory(plain);
  expect(plain.filter((byte, i) => byte !== shared[i])).toHaveLength(1);
  const memory = (isShared: boolean): WebAssembly.Memory =>
    new WebAssembly.Memory({ initial: 1, maximum: 16, shared: isShared });
  const link = (bytes: BufferSource, isShared: boolean): Promise<WebAssembly.WebAssemblyInstantiatedSource> =>
    WebAssembly.instantiate(bytes, { env: { memory: memory(isShared) } });
  await expect(link(shared, true)).resolves.toBeDefined();
  await expect(link(plain, false)).resolves.toBeDefined();
  await expect(link(shared, false)).rejects.toThrow(WebAssembly.LinkError);
  await expect(link(plain, true)).rejects.toThrow(WebAssembly.LinkError);
  expect(() => withSharedMemory(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))).toThrow(/imports no memory/);
});

test('by default there are as many threads as cores, up to 8, and the reason is told', async () => {
  const backend = await wasm();
  expect(backend.info.threads).toBeGreaterThanOrEqual(1);
  expect(backend.info.threads).toBeLessThanOrEqual(8);
  expect(backend.info.notes.join(' ')).toMatch(/because the machine has \d+ core/);
  expect(backend.info.notes.at(-1)).toBe(`The memory may grow to ${2 ** 32} bytes.`);
  await backend.dispose();
});

test('without workers, without shared memory or without room for it one thread computes, and the reason is told', async () => {
  const threads = async (): Promise<string> => {
    const { info } = await wasm({ threads: 2 });
    expect(info).toMatchObject({ threads: 1, device: 'WebAssembly' });
    return info.notes.join(' ');
  };
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
  expect(await threads()).toMatch(/there are no workers here/);
  vi.restoreAllMocks();
  vi.stubGlobal('SharedArrayBuffer', undefined);
  expect(await threads()).toMatch(/no SharedArrayBuffer/);
  vi.unstubAllGlobals();
  const { Memory } = WebAssembly;
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function (descriptor: WebAssembly.MemoryDescriptor) {
    if (descriptor.shared === true) throw new RangeError('could not allocate memory');
    return new Memory(descriptor);
  });
  expect(await threads()).toMatch(/no room for shared memory/);
});

test('an engine that reserves less memory than asked for is taken at its word', async () => {
  const { Memory } = WebAssembly;
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function (descriptor: WebAssembly.MemoryDescriptor) {
    if ((descriptor.maximum ?? 0) > 20_000) throw new RangeError('could not allocate memory');
    return new Memory(descriptor);
  });
  const backend = await wasm({ threads: 2 });
  expect(backend.info.notes.at(-1)).toBe(`The memory may grow to ${2 ** 30} bytes.`);
  await backend.dispose();
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function () {
    throw new RangeError('could not allocate memory');
  });
  await expect(wasm()).rejects.toThrow(/no room for another memory.*dispose/);
});

test('an engine without WebAssembly, without SIMD, or with a policy against it is an error that says what to do', async () => {
  vi.stubGlobal('WebAssembly', undefined);
  await expect(wasm()).rejects.toThrow(/no WebAssembly; use @rnn\/backend-cpu/);
  vi.unstubAllGlobals();
  vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
  await expect(wasm()).rejects.toThrow(/no SIMD .* update it, or use @rnn\/backend-cpu/);
  vi.restoreAllMocks();
  vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new WebAssembly.CompileError('disallowed by embedder'));
  await expect(wasm()).rejects.toThrow(/'wasm-unsafe-eval'/);
});

test('without relaxed SIMD the strict kernels run', async () => {
  const { validate } = WebAssembly;
  // The probe for relaxed SIMD is the longer one.
  vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => bytes.byteLength < 36 && validate(bytes));
  const { info } = await wasm({ threads: 1 });
  expect(info).toMatchObject({ simd: 'strict' });
  expect(info.notes[0]).toMatch(/strict SIMD because the engine has no relaxed SIMD/);
});

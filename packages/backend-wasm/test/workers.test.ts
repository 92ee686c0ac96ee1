/** Workers that start, do not start, fail, and end. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BackendError, type Backend, type Instruction, type Storage } from '@rnn/core';
import { expect, test, vi } from 'vitest';
import { createBackend } from '../src/create.js';
import { wasm } from '../src/index.js';
import { PAGE, type Memory } from '../src/memory.js';
import { eager, helpedBy, poolOf } from './eager.js';

const node = promisify(execFile);
const build = join(import.meta.dirname, '../build');
const n = 64;

/**
 * The address of a worker with a program of its own, which gets `parentPort` and the message with
 * the memory.
 */
function worker(program: string): string {
  const script = `const { parentPort } = process.getBuiltinModule('node:worker_threads'); parentPort.once('message', (start) => { ${program} });`;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}

/** A product that is worth sharing here; all its elements are `2 n`. */
function multiply(backend: Backend): Storage {
  const a = { storage: backend.fill(1, n * n, 'float32'), batchStrides: [], transposed: false };
  const b = { storage: backend.fill(2, n * n, 'float32'), batchStrides: [], transposed: false };
  return backend.matmul(a, b, { batch: [], m: n, k: n, n });
}

test('a process ends although its workers wait', async () => {
  const program = `
    import { wasm } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const backend = await wasm({ threads: 3 });
    const x = { storage: backend.fill(1, 1 << 18, 'float32'), batchStrides: [], transposed: false };
    const y = backend.matmul(x, x, { batch: [], m: 512, k: 512, n: 512 });
    console.log(backend.info.threads, backend.readSync(y)[0]);
  `;
  const { stdout } = await node(process.execPath, ['--input-type=module', '--eval', program], { timeout: 120_000 });
  expect(stdout).toBe('3 512\n');
});

test("the package's own worker file does the same as the built-in script", async () => {
  const backend = await createBackend({ threads: 2, worker: `file://${join(build, 'worker.js')}` }, eager);
  expect(backend.info.threads).toBe(2);
  expect(new Set(backend.readSync(multiply(backend)))).toEqual(new Set([2 * n]));
  expect(helpedBy(backend)).toBeGreaterThan(0);
  await backend.dispose();
});

test('workers that do not start leave one thread, and the reason', async () => {
  const backend = await wasm({ threads: 2, worker: worker(`throw new Error('no room')`) });
  expect(backend.info.threads).toBe(1);
  expect(backend.info.notes.join(' ')).toMatch(/One thread computes because no workers could be started: .*no room/);
  expect(backend.readSync(multiply(backend))[0]).toBe(2 * n);
});

test('a worker that sleeps holds nobody up', async () => {
  const program = `parentPort.postMessage('ready'); setInterval(() => {}, 1000);`;
  const backend = await createBackend({ threads: 2, worker: worker(program) }, { ...eager, timeout: 0 });
  expect(backend.info.threads).toBe(2);
  expect(new Set(backend.readSync(multiply(backend)))).toEqual(new Set([2 * n]));
  await backend.dispose();
});

test('a worker that has ended is an error at the next use of threads', async () => {
  const program = `parentPort.postMessage('ready'); setTimeout(() => process.exit(7), 1);`;
  const backend = await createBackend({ threads: 3, worker: worker(program) }, { ...eager, timeout: 0 });
  await vi.waitFor(() => expect(() => multiply(backend)).toThrow(BackendError), { timeout: 120_000 });
  expect(() => multiply(backend)).toThrow(/a worker has ended.*make a new one/);
  await backend.dispose();
});

test('a worker that takes a call and does not return is an error, not a hang', async () => {
  const program = `
    const words = new Int32Array(start.memory.buffer, start.queue, 1);
    parentPort.postMessage('ready');
    Atomics.wait(words, 0, 0);
    Atomics.sub(words, 0, 1);
    Atomics.wait(words, 0, -1);
    setInterval(() => {}, 1000);
  `;
  const backend = await createBackend({ threads: 2, worker: worker(program) }, { ...eager, longestWait: 100 });
  expect(() => multiply(backend)).toThrow(/a worker does not answer.*make a new one/);
  expect(() => multiply(backend)).toThrow(BackendError);
  await backend.dispose();
});

test('a process that was stopped for long while a worker computed goes on', async () => {
  // Takes the first call at once, and returns after 400 ms.
  const program = `
    const words = new Int32Array(start.memory.buffer, start.queue, 51);
    parentPort.postMessage('ready');
    Atomics.wait(words, 0, 0);
    Atomics.sub(words, 0, 1);
    Atomics.wait(words, 50, 0, 400);
    Atomics.add(words, 32, 1);
    setInterval(() => {}, 1000);
  `;
  const backend = await createBackend({ threads: 2, worker: worker(program) }, eager);
  const now = performance.now.bind(performance);
  const begun = now();
  vi.spyOn(performance, 'now').mockImplementation(() => now() + (now() - begun < 100 ? 0 : 1_000_000));
  try {
    expect(() => multiply(backend)).not.toThrow();
  } finally {
    vi.restoreAllMocks();
  }
  await backend.dispose();
});

test('modules of programs that nobody holds any more are given back by all threads', async () => {
  const backend = await createBackend({ threads: 2 }, eager);
  const linear = (backend as unknown as { readonly memoryOf: Memory }).memoryOf;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rows = 8;
  /** Compiles and runs a program; the result is a power of two. */
  const run = (count: number): void => {
    const body: Instruction[] = Array.from({ length: count }, (_, x) => ({
      kind: 'binary',
      width: 1,
      op: 'add',
      a: { value: x },
      b: { value: x },
    }));
    const program = {
      dtype: 'float32',
      xs: [1],
      carry: [],
      perRow: [],
      consts: [],
      body,
      carryOut: [],
      ys: [count],
    } as const;
    const xs = [backend.fill(1, rows, 'float32')];
    const args = { steps: 1, rows, xs, carry: [], perRow: [], consts: [] };
    const { ys } = backend.compile?.({ ...program, reverse: false })?.run(args) ?? { ys: [] };
    expect([...backend.readSync(ys[0])]).toEqual(Array.from({ length: rows }, () => 2 ** count));
    for (const storage of [...xs, ...ys]) backend.release(storage);
  };
  for (let i = 0; i < 200; i++) {
    run(20 + (i % 100));
    if (i % 10 !== 9) continue;
    await new Promise((resolve) => setTimeout(resolve));
    collect();
    await new Promise((resolve) => setTimeout(resolve));
  }
  // All modules together have several times as much.
  expect(linear.memory.buffer.byteLength).toBeLessThanOrEqual(3 * PAGE);
  expect(helpedBy(backend)).toBeGreaterThan(100);
  await backend.dispose();
});

test('workers of a backend that nobody holds any more end', async () => {
  const program = `
    import { wasm } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    let ended = 0;
    process.on('worker', (worker) => worker.on('exit', () => ended++));
    await wasm({ threads: 3 });
    for (let i = 0; i < 500 && ended < 2; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(ended);
  `;
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const { stdout } = await node(process.execPath, args, { timeout: 120_000 });
  expect(stdout).toBe('2\n');
});

test('a call that fails in a worker is an error that says why', async () => {
  const backend = await createBackend({ threads: 2 }, eager);
  const broken = {
    name: 'run',
    module: { bytes: Uint8Array.of(1, 2, 3, 4), at: 0, number: 0 },
    call: () => undefined,
  } as const;
  expect(() => poolOf(backend).run(broken, [[], []])).toThrow(/a call failed in a worker: CompileError/);
  expect(() => multiply(backend)).toThrow(BackendError);
  await backend.dispose();
});

import { ArgumentError, BackendError, type BackendInfo } from '@rnn/core';
import { WasmBackend } from './backend.js';
import { compileProgram } from './compile.js';
import { canCompile, coreCount, whyNotShared } from './features.js';
import type { Kernels } from './kernels.js';
import { chooseKernels, type Chosen } from './load.js';
import { LEAST_LIMIT, linearMemory } from './linear-memory.js';
import { LARGEST, type Memory } from './memory.js';
import { addressOf, checkWasmOptions, type WasmOptions } from './options.js';
import { Pool, type Tuning } from './threads/pool.js';
import { packedProduct } from './packed-product.js';
import { oneThread, type Threads } from './threads/threads.js';

/** Threads without being asked. */
const MOST_CORES = 8;

/** What `info` says where programs cannot be made. */
const UNCOMPILED =
  'Programs run by single operations, several times slower, because WebAssembly may not be compiled here while a program runs.';

/** Memory, the kernels' module for it, and who computes. */
interface Parts {
  readonly memory: Memory;
  readonly module: WebAssembly.Module;
  readonly threads: Threads;
  readonly notes: readonly string[];
}

/** Makes a backend; `tuning` says what work is worth sharing. */
export async function createBackend(options: WasmOptions, tuning: Tuning): Promise<WasmBackend> {
  checkWasmOptions(options);
  const chosen = await chooseKernels(options);
  const { memory, module, threads, notes } = await chooseParts(options, chosen, tuning);
  const instance = await WebAssembly.instantiate(module, { env: { memory: memory.memory } });
  const kernels = instance.exports as unknown as Kernels;
  const simd = kernels.simdLevel.value === 2 ? 'relaxed' : 'strict';
  if (options.deterministic === true && simd === 'relaxed') {
    await threads.dispose();
    throw new ArgumentError('wasm: deterministic needs kernels-strict.wasm, but module is kernels-relaxed.wasm', {
      argument: 'module',
    });
  }
  const compiles = canCompile();
  const info: BackendInfo = {
    name: 'wasm',
    device: threads.count === 1 ? 'WebAssembly' : `WebAssembly, ${threads.count} threads`,
    dtypes: ['float32', 'int32'],
    threads: threads.count,
    simd,
    synchronous: true,
    notes: [chosen.note, ...notes, ...(compiles ? [] : [UNCOMPILED]), `The memory may grow to ${memory.limit} bytes.`],
  };
  const backend = new WasmBackend(info, memory, kernels, {
    threads,
    packed: packedProduct(threads),
    compiler: compiles ? compileProgram : undefined,
  });
  forgotten.register(backend, threads);
  return backend;
}

/** Ends the workers of backends that nobody holds any more and nobody disposed of. */
const forgotten = new FinalizationRegistry<Threads>((threads) => void threads.dispose());

/** Several threads if that is wanted and possible, else one and why. */
async function chooseParts(
  { threads: asked, maxBytes = LARGEST, worker }: WasmOptions,
  chosen: Chosen,
  tuning: Tuning,
): Promise<Parts> {
  const cores = coreCount();
  const count = asked ?? Math.min(cores, MOST_CORES);
  const why = asked === undefined ? `the machine has ${cores} core${cores === 1 ? '' : 's'}` : 'so many were asked for';
  const alone = async (reason: string): Promise<Parts> => {
    const memory = linearMemory(maxBytes, false);
    if (memory === undefined) {
      throw new BackendError(
        `wasm: the engine has no room for another memory of ${Math.min(maxBytes, LEAST_LIMIT)} bytes; dispose of backends that are not used any more, or lower maxBytes`,
      );
    }
    return {
      memory,
      module: await chosen.compile(false),
      threads: oneThread,
      notes: [`One thread computes because ${reason}.`],
    };
  };
  if (count === 1) return alone(asked === undefined ? why : 'one was asked for');
  const obstacle = chosen.unshared ?? whyNotShared();
  if (obstacle !== undefined) return alone(obstacle);
  const memory = linearMemory(maxBytes, true);
  if (memory === undefined) return alone('the engine has no room for shared memory');
  const module = await chosen.compile(true);
  try {
    const address = worker && addressOf(worker);
    const source = address ?? (await import('./worker.generated.js')).source;
    return {
      memory,
      module,
      threads: await Pool.start({ memory, module, source, count, tuning }),
      notes: [`${count} threads compute because ${why}.`],
    };
  } catch (error) {
    return alone(`no workers could be started: ${reasonOf(error)}`);
  }
}

/** An error's message with those of its causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}

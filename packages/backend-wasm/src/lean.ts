/**
 * The WebAssembly backend for pages that count every byte: kernels, one thread, no compiled
 * programs. See `@rnn/backend-wasm` for all of it.
 */
import { BackendError, type Backend } from '@rnn/core';
import { checkOptions } from '@rnn/core/checks';
import { WasmBackend } from './backend.js';
import type { Kernels } from './kernels.js';
import { linearMemory } from './linear-memory.js';
import { LARGEST } from './memory.js';

/** What the lean `wasm` takes. */
export interface LeanWasmOptions {
  /**
   * `kernels-strict.wasm` or `kernels-relaxed.wasm` of this package, fetched or compiled by the
   * caller; what is built in is the strict one, which a bundler puts into a file of its own that is
   * then not loaded.
   */
  readonly module?: WebAssembly.Module | ArrayBuffer | Uint8Array<ArrayBuffer>;
}

/**
 * A backend that computes in WebAssembly with SIMD, operation by operation on one thread: a fifth
 * of the size of `@rnn/backend-wasm`, several times slower on recurrent layers, and the same bits
 * on every machine unless `kernels-relaxed.wasm` is given.
 *
 * @example
 * ```ts
 * setBackend(await wasm());
 * ```
 * @param options - `module`
 * @returns a new backend with memory of its own
 * @throws BackendError where the engine has no WebAssembly with SIMD, or a content security policy
 *   forbids it; ArgumentError for an unknown option
 */
export async function wasm(options: LeanWasmOptions = {}): Promise<Backend> {
  checkOptions('wasm', options, ['module']);
  const memory = linearMemory(LARGEST, false);
  if (memory === undefined) throw new BackendError('wasm: the engine has no room for another memory');
  const kernels = await kernelsFor(options, memory.memory);
  const info = {
    name: 'wasm',
    device: 'WebAssembly',
    dtypes: ['float32', 'int32'],
    threads: 1,
    simd: kernels.simdLevel.value === 2 ? 'relaxed' : 'strict',
    synchronous: true,
    notes: ['One thread computes, and programs run by single operations, as this is the lean entry.'],
  } as const;
  return new WasmBackend(info, memory, kernels);
}

async function kernelsFor({ module }: LeanWasmOptions, memory: WebAssembly.Memory): Promise<Kernels> {
  try {
    const given = module ?? (await builtIn());
    const made = given instanceof WebAssembly.Module ? given : await WebAssembly.compile(given);
    const { exports } = await WebAssembly.instantiate(made, { env: { memory } });
    return exports as unknown as Kernels;
  } catch (cause) {
    throw new BackendError(
      "wasm: the kernels could not be compiled: the engine needs WebAssembly with SIMD, and a content security policy script-src 'wasm-unsafe-eval'; else use @rnn/backend-cpu",
      { cause },
    );
  }
}

/** The kernels, which are deflated and then base64. */
async function builtIn(): Promise<ArrayBuffer> {
  const { bytes } = await import('./kernels-lean.generated.js');
  const packed = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).arrayBuffer();
}

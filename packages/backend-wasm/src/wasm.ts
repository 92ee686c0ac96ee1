import { ArgumentError } from '@rnn/core';
import type { Backend, BackendInfo } from '@rnn/core';
import { WasmBackend } from './backend.js';
import type { Kernels } from './kernels.js';
import { loadKernels } from './load.js';
import { LARGEST, Memory } from './memory.js';
import { checkOptions, type WasmOptions } from './options.js';

export type { WasmOptions } from './options.js';

const PAGE = 65_536;

/**
 * A backend that computes in WebAssembly with SIMD.
 *
 * @example
 * ```ts
 * setBackend(await wasm());
 * ```
 * @param options - `threads`, `deterministic`, `module`, `maxBytes`
 * @returns a new backend with memory of its own
 * @throws ArgumentError for an option that does not exist or has a value that it cannot have; BackendError where the engine has no
 * WebAssembly or no SIMD, or a content security policy forbids it
 */
export async function wasm(options: WasmOptions = {}): Promise<Backend> {
  checkOptions(options);
  const { module, note } = await loadKernels(options);
  const limit = options.maxBytes ?? LARGEST;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: LARGEST / PAGE });
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const kernels = instance.exports as unknown as Kernels;
  const simd = kernels.simdLevel.value === 2 ? 'relaxed' : 'strict';
  if (options.deterministic === true && simd === 'relaxed') {
    throw new ArgumentError('wasm: deterministic needs kernels-strict.wasm, but module is kernels-relaxed.wasm', {
      argument: 'module',
    });
  }
  const info: BackendInfo = {
    name: 'wasm',
    device: 'WebAssembly',
    dtypes: ['float32', 'int32'],
    threads: 1,
    simd,
    synchronous: true,
    notes: [note],
  };
  return new WasmBackend(info, new Memory(memory, limit), kernels);
}

import type { Backend } from '@rnn/core';
import { createBackend } from './create.js';
import type { WasmOptions } from './options.js';
import { usual } from './threads/pool.js';

export type { WasmOptions } from './options.js';

/**
 * A backend that computes in WebAssembly with SIMD, on several threads where memory can be shared
 * between them.
 *
 * @example
 * ```ts
 * setBackend(await wasm());
 * ```
 * @param options - `threads`, `deterministic`, `maxBytes`, `module`, `worker`
 * @returns a new backend with memory of its own; `info` says with what it computes, and why
 * @throws ArgumentError for an option that does not exist or has a value that it cannot have;
 *   BackendError where the engine has no
 * WebAssembly or no SIMD, or a content security policy forbids it
 */
export async function wasm(options: WasmOptions = {}): Promise<Backend> {
  return createBackend(options, usual);
}

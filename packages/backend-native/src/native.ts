import type { Backend } from '@rnn/core';
import { createBackend } from './create.js';
import type { NativeOptions } from './options.js';

export type { NativeOptions } from './options.js';

/**
 * A backend that computes in machine code, with all registers that the processor has, on several
 * threads. For Node alone.
 *
 * @example
 * ```ts
 * setBackend(await native());
 * ```
 * @param options - `threads`, `deterministic`, `maxBytes`
 * @returns a new backend with memory and threads of its own; `info` says with what it computes, and
 *   why
 * @throws ArgumentError for an option that does not exist or has a value that it cannot have;
 *   BackendError where there is no build for
 * the platform, which names `@rnn/backend-wasm`
 */
export async function native(options: NativeOptions = {}): Promise<Backend> {
  return createBackend(options);
}

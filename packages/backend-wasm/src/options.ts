import { ArgumentError } from '@rnn/core';
import { checkCount, checkFlag, checkOptions, refuse } from '@rnn/core/checks';
import { LARGEST } from './memory.js';
import { MOST_CALLS } from './threads/job-queue.js';

/** What `wasm` takes. */
export interface WasmOptions {
  /**
   * How many threads compute, the calling one included: from 1 to 64. By default as many as there
   * are cores, up to 8. One computes where memory cannot be shared: in a page that is not
   * cross-origin isolated, or where workers cannot be started; `info.notes` then says why.
   */
  readonly threads?: number;
  /**
   * The same bits on every machine, in every engine and for any number of threads: without fused
   * multiplication and addition, whose rounding depends on the processor. Costs up to half the
   * speed of matrix products.
   */
  readonly deterministic?: boolean;
  /**
   * `kernels-relaxed.wasm` or `kernels-strict.wasm` of this package, loaded by the caller; the
   * strict one with `deterministic`. Bytes work with any number of threads, a compiled module with
   * one. A compiled module also runs where nothing may be compiled (Cloudflare Workers); programs
   * then run by single operations, as `info.notes` says.
   */
  readonly module?: WebAssembly.Module | ArrayBuffer | Uint8Array;
  /**
   * The most linear memory to take, in bytes; up to 4 GiB, which is also what is taken as a limit
   * when it is left out.
   */
  readonly maxBytes?: number;
  /**
   * The address of this package's `worker.js`. Without it, workers are started from a script that
   * is part of the library, which a content security policy has to allow with `worker-src blob:`.
   */
  readonly worker?: string | URL;
}

const KNOWN: readonly string[] = [
  'threads',
  'deterministic',
  'module',
  'maxBytes',
  'worker',
] satisfies (keyof WasmOptions)[];

/** Refuses options that do not exist or make no sense. */
export function checkWasmOptions(options: WasmOptions): void {
  checkOptions('wasm', options, KNOWN);
  const { threads, deterministic, module, maxBytes, worker } = options;
  if (threads !== undefined) checkCount('wasm', 'threads', threads, 1, MOST_CALLS);
  if (deterministic !== undefined) checkFlag('wasm', 'deterministic', deterministic);
  if (module !== undefined && !isModule(module)) {
    refuse(ArgumentError, 'wasm', 'module', { value: module, expected: 'a WebAssembly.Module or its bytes' });
  }
  if (maxBytes !== undefined) checkCount('wasm', 'maxBytes', maxBytes, 2 ** 16, LARGEST);
  if (worker !== undefined && addressOf(worker) === undefined) {
    refuse(ArgumentError, 'wasm', 'worker', { value: worker, expected: 'the URL of worker.js' });
  }
}

function isModule(value: unknown): boolean {
  // By tag, since `instanceof` does not know modules and buffers of another realm.
  const tag = Object.prototype.toString.call(value);
  return tag === '[object WebAssembly.Module]' || tag === '[object ArrayBuffer]' || tag === '[object Uint8Array]';
}

/** An address, of the page where it is relative, or nothing if it is none. */
export function addressOf(worker: string | URL): URL | undefined {
  if (typeof worker !== 'string' && !(worker instanceof URL)) return undefined;
  try {
    return new URL(worker, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    return undefined;
  }
}

import { ArgumentError } from '@rnn/core';
import { HEAP } from './layout.js';
import { LARGEST } from './memory.js';
import { MOST_CALLS } from './threads/board.js';

/** What `wasm` takes. */
export interface WasmOptions {
  /**
   * How many threads compute, the calling one included: from 1 to 64. By default as many as there are cores, up to 8. One computes where memory
   * cannot be shared: in a page that is not cross-origin isolated, or where workers cannot be started; `info.notes` then says why.
   */
  readonly threads?: number;
  /**
   * The same bits on every machine, in every engine and for any number of threads: without fused multiplication and addition, whose rounding
   * depends on the processor. Costs up to half the speed of matrix products.
   */
  readonly deterministic?: boolean;
  /**
   * `kernels-relaxed.wasm` or `kernels-strict.wasm` of this package, loaded by the caller; the strict one with `deterministic`. Bytes work with any
   * number of threads, a compiled module with one. A compiled module also runs where nothing may be compiled (Cloudflare Workers); programs then run
   * by single operations, as `info.notes` says.
   */
  readonly module?: WebAssembly.Module | ArrayBuffer | Uint8Array;
  /** The most linear memory to take, in bytes; up to 4 GiB, which is also what is taken as a limit when it is left out. */
  readonly maxBytes?: number;
  /**
   * The address of this package's `worker.js`. Without it, workers are started from a script that is part of the library, which a content security policy
   * has to allow with `worker-src blob:`.
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
export function checkOptions(options: WasmOptions): void {
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name)) continue;
    throw new ArgumentError(`wasm: unknown option '${name}', expected one of ${KNOWN.join(', ')}`, {
      argument: name,
      expected: KNOWN.join(', '),
    });
  }
  const { threads, deterministic, module, maxBytes, worker } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_CALLS)) {
    throw refused('threads', `a whole number from 1 to ${MOST_CALLS}`, threads);
  }
  if (deterministic !== undefined && typeof deterministic !== 'boolean') {
    throw refused('deterministic', 'true or false', deterministic);
  }
  if (module !== undefined && !isModule(module)) {
    throw refused('module', 'a WebAssembly.Module or its bytes', module);
  }
  if (maxBytes !== undefined && !(Number.isInteger(maxBytes) && maxBytes >= 2 ** 16 && maxBytes <= LARGEST)) {
    throw refused(
      'maxBytes',
      `a whole number of bytes from ${2 ** 16} (of which ${HEAP} are taken) to ${LARGEST}`,
      maxBytes,
    );
  }
  if (worker !== undefined && addressOf(worker) === undefined) {
    throw refused('worker', 'the URL of worker.js', worker);
  }
}

function isModule(value: unknown): boolean {
  // By tag, since `instanceof` does not know modules and buffers of another realm.
  const tag = Object.prototype.toString.call(value);
  return tag === '[object WebAssembly.Module]' || tag === '[object ArrayBuffer]' || tag === '[object Uint8Array]';
}

/** An address, of the page where it is relative, or nothing if it is none. */
export function addressOf(worker: string | URL): URL | undefined {
  try {
    return new URL(worker, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    return undefined;
  }
}

function refused(argument: string, expected: string, value: unknown): ArgumentError {
  const received = typeof value === 'number' || typeof value === 'string' ? String(value) : typeof value;
  return new ArgumentError(`wasm: ${argument} is ${received}, expected ${expected}`, { argument, expected, received });
}

import { ArgumentError } from '@rnn/core';
import { HEAP } from './layout.js';
import { LARGEST } from './memory.js';

/** What `wasm` takes. */
export interface WasmOptions {
  /**
   * How many threads compute, the calling one included. Left out: one for each processor core, up to 8, or 1 where memory cannot be shared.
   */
  readonly threads?: number;
  /**
   * The same bits on every machine, in every engine and for any number of threads: without fused multiplication and addition, whose rounding
   * depends on the processor. Costs up to half the speed of matrix products.
   */
  readonly deterministic?: boolean;
  /** `kernels-relaxed.wasm` or `kernels-strict.wasm` of this package, compiled by the caller; the strict one with `deterministic`. */
  readonly module?: WebAssembly.Module;
  /** The most linear memory to take, in bytes; up to 4 GiB, which is also what is taken as a limit when it is left out. */
  readonly maxBytes?: number;
}

const KNOWN: readonly string[] = ['threads', 'deterministic', 'module', 'maxBytes'] satisfies (keyof WasmOptions)[];
const MOST_THREADS = 64;

/** Refuses options that do not exist or make no sense. */
export function checkOptions(options: WasmOptions): void {
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name)) continue;
    throw new ArgumentError(`wasm: unknown option '${name}', expected one of ${KNOWN.join(', ')}`, {
      argument: name,
      expected: KNOWN.join(', '),
    });
  }
  const { threads, deterministic, module, maxBytes } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw refused('threads', `a whole number from 1 to ${MOST_THREADS}`, threads);
  }
  if (deterministic !== undefined && typeof deterministic !== 'boolean') {
    throw refused('deterministic', 'true or false', deterministic);
  }
  if (module !== undefined && !(module instanceof WebAssembly.Module)) {
    throw refused('module', 'a WebAssembly.Module', module);
  }
  if (maxBytes !== undefined && !(Number.isInteger(maxBytes) && maxBytes >= 2 ** 16 && maxBytes <= LARGEST)) {
    throw refused('maxBytes', `a whole number of bytes from ${2 ** 16} (of which ${HEAP} are taken) to ${LARGEST}`, maxBytes);
  }
}

function refused(argument: string, expected: string, value: unknown): ArgumentError {
  const received = typeof value === 'object' ? 'an object' : String(value);
  return new ArgumentError(`wasm: ${argument} is ${received}, expected ${expected}`, { argument, expected, received });
}

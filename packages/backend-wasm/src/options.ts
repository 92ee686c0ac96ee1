import { ArgumentError } from '@rnn/core';
import { HEAP } from './layout.js';
import { LARGEST } from './memory.js';

/** What `wasm` takes. */
export interface WasmOptions {
  /** How many threads compute, the calling one included. Only 1 for now. */
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
  if (threads !== undefined && threads !== 1) {
    throw refused('threads', '1 (this version computes on the calling thread)', threads);
  }
  if (deterministic !== undefined && typeof deterministic !== 'boolean') {
    throw refused('deterministic', 'true or false', deterministic);
  }
  if (module !== undefined && !(module instanceof WebAssembly.Module)) {
    throw refused('module', 'a WebAssembly.Module', module);
  }
  if (maxBytes !== undefined && !(Number.isInteger(maxBytes) && maxBytes >= 2 ** 16 && maxBytes <= LARGEST)) {
    throw refused(
      'maxBytes',
      `a whole number of bytes from ${2 ** 16} (of which ${HEAP} are taken) to ${LARGEST}`,
      maxBytes,
    );
  }
}

function refused(argument: string, expected: string, value: unknown): ArgumentError {
  const received = typeof value === 'number' || typeof value === 'string' ? String(value) : typeof value;
  return new ArgumentError(`wasm: ${argument} is ${received}, expected ${expected}`, { argument, expected, received });
}

import { ArgumentError, BackendError } from '@rnn/core';
import { hasRelaxedSimd, hasSimd, hasWebAssembly } from './features.js';
import type { WasmOptions } from './options.js';
import { withSharedMemory } from './shared-module.js';

/** A build of the kernels, and how it was chosen. */
export interface Chosen {
  /** Compiles it for memory of one kind. */
  readonly compile: (isShared: boolean) => Promise<WebAssembly.Module>;
  /** Why it cannot have shared memory, if so. */
  readonly unshared?: string;
  readonly note: string;
}

/** Some of what the kernels export, by which a module is known as ours. */
const LANDMARKS = ['simdLevel', 'multiply', 'pack', 'scatterAdd_float32'];

/**
 * Chooses a build of the kernels by what the engine can do.
 *
 * @throws BackendError if the engine cannot run any; ArgumentError if the given module is another
 *   one
 */
export async function chooseKernels({ deterministic = false, module }: WasmOptions): Promise<Chosen> {
  if (!hasWebAssembly()) {
    throw new BackendError(
      'wasm: this JavaScript engine has no WebAssembly; use @rnn/backend-cpu, which needs nothing but JavaScript',
    );
  }
  if (!hasSimd()) {
    throw new BackendError(
      "wasm: this engine's WebAssembly has no SIMD (Chrome 91, Firefox 89, Safari 16.4, Node 16 and later have it); update it, or use @rnn/backend-cpu",
    );
  }
  if (module instanceof WebAssembly.Module) {
    checkModule(module);
    return {
      compile: async () => module,
      unshared: 'module is compiled already, for memory of one thread; give its bytes instead',
      note: 'The kernels are the given module.',
    };
  }
  if (module !== undefined) {
    const bytes = new Uint8Array(module);
    if (!WebAssembly.validate(bytes)) throw otherModule('no WebAssembly');
    checkModule(await compile(bytes));
    return { compile: compiler(bytes), note: 'The kernels are the given module.' };
  }
  const isRelaxed = !deterministic && hasRelaxedSimd();
  const why = deterministic ? 'deterministic was asked for' : `the engine has ${isRelaxed ? '' : 'no '}relaxed SIMD`;
  const { bytes } = isRelaxed
    ? await import('./kernels-relaxed.generated.js')
    : await import('./kernels-strict.generated.js');
  return {
    compile: compiler(decode(bytes)),
    note: `The kernels use ${isRelaxed ? 'relaxed' : 'strict'} SIMD because ${why}.`,
  };
}

function compiler(bytes: Uint8Array<ArrayBuffer>): Chosen['compile'] {
  return (isShared) => compile(isShared ? withSharedMemory(bytes) : bytes);
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function checkModule(module: WebAssembly.Module): void {
  const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const missing = LANDMARKS.filter((name) => !exported.has(name));
  if (missing.length === 0) return;
  throw otherModule(`a module without ${missing.join(', ')}`);
}

function otherModule(received: string): ArgumentError {
  const expected = 'kernels-relaxed.wasm or kernels-strict.wasm of this version of @rnn/backend-wasm';
  return new ArgumentError(`wasm: module is ${received}, expected ${expected}`, {
    argument: 'module',
    expected,
    received,
  });
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new BackendError(
      "wasm: WebAssembly could not be compiled. A content security policy has to allow it with script-src 'wasm-unsafe-eval'; where only modules that were compiled before may run (Cloudflare Workers), give the option module a WebAssembly.Module; else use @rnn/backend-cpu",
      { cause },
    );
  }
}

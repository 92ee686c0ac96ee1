import { BackendError } from '@rnn/core';
import { hasRelaxedSimd, hasSimd, hasWebAssembly } from './features.js';
import type { WasmOptions } from './options.js';

/** The kernels' module, and how it was chosen. */
export interface Loaded {
  readonly module: WebAssembly.Module;
  readonly note: string;
}

/** Chooses a build of the kernels by what the engine can do, and compiles it. */
export async function loadKernels({ deterministic = false, module }: WasmOptions): Promise<Loaded> {
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
  if (module !== undefined) return { module, note: 'The kernels are the given module.' };
  const isRelaxed = !deterministic && hasRelaxedSimd();
  const why = deterministic ? 'deterministic was asked for' : `the engine has ${isRelaxed ? '' : 'no '}relaxed SIMD`;
  const { bytes } = isRelaxed
    ? await import('./kernels-relaxed.generated.js')
    : await import('./kernels-strict.generated.js');
  return {
    module: await compile(decode(bytes)),
    note: `The kernels use ${isRelaxed ? 'relaxed' : 'strict'} SIMD because ${why}.`,
  };
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new BackendError(
      "wasm: WebAssembly could not be compiled. A content security policy has to allow it with script-src 'wasm-unsafe-eval'; else use @rnn/backend-cpu",
      { cause },
    );
  }
}

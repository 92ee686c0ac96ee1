import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import wasmWorker from '@rnn/backend-wasm/worker.js?url';
import type { Backend } from '@rnn/core';
import type { BackendFactories } from '../../src/chapters/context.ts';

/** What the page offers. What a graphics card needs is loaded when it is asked for. */
export const backends: BackendFactories = {
  cpu: () => cpu(),
  // The workers' script by its address: the page's policy allows none that are made at run time.
  wasm: () => wasm({ worker: wasmWorker }),
  webgl2: () => gpu('webgl2'),
  webgpu: () => gpu('webgpu'),
};

async function gpu(mode: 'webgl2' | 'webgpu'): Promise<Backend> {
  const { gpu: start } = await import('@rnn/backend-gpu');
  return start({ mode });
}

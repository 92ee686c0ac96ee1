/** What is there to run on: a page, a worker, or Node. */
import { BackendError } from '@rnn/core';
import type { Mode } from './engine.js';

/** What of the global scope matters here. Not every place has all of it. */
interface Host {
  readonly document?: object;
  readonly OffscreenCanvas?: object;
  readonly process?: { readonly versions?: { readonly node?: string } };
  readonly navigator?: { readonly gpu?: { requestAdapter(): Promise<object | null> } };
}

/** The `webgpu` package for Node. */
interface NodeWebGpu {
  create(options: string[]): object;
  readonly globals: object;
}

function isNode({ document, process }: Host): boolean {
  return document === undefined && process?.versions?.node !== undefined;
}

/**
 * Settles which mode to run, and prepares it.
 *
 * @param wanted - the mode asked for, if any
 * @returns the mode, which still may turn out not to work
 * @throws BackendError when it is not there, saying what would work
 */
export async function settle(wanted: Mode | undefined): Promise<Mode> {
  const here = globalThis as Host;
  if (wanted === 'cpu') return 'cpu';
  if (wanted === 'webgpu') {
    await prepareWebGpu(here);
    return 'webgpu';
  }
  const has = here.document !== undefined || here.OffscreenCanvas !== undefined;
  if (has && !isNode(here)) return 'webgl2';
  const asked = wanted === undefined ? 'without a mode it would take webgl2, which' : 'webgl2';
  throw new BackendError(
    `gpu: ${asked} needs a page or a worker; in Node use gpu({ mode: 'webgpu' }) with the package webgpu installed, ` +
      'or @rnn/backend-wasm, which is fast everywhere',
    { argument: 'mode' },
  );
}

async function prepareWebGpu(here: Host): Promise<void> {
  if (here.navigator?.gpu === undefined) {
    if (!isNode(here)) {
      throw new BackendError(
        "gpu: this browser has no WebGPU (navigator.gpu is missing; it also is in a page that is not served over https); use gpu({ mode: 'webgl2' })",
        { argument: 'mode' },
      );
    }
    await installWebGpu();
  }
  if ((await (globalThis as Host).navigator?.gpu?.requestAdapter()) === null) {
    const instead = isNode(here)
      ? 'check that a Vulkan, Metal or Direct3D 12 driver is installed, or use @rnn/backend-wasm'
      : "use gpu({ mode: 'webgl2' })";
    throw new BackendError(`gpu: WebGPU finds no adapter here; ${instead}`, { argument: 'mode' });
  }
}

/** Puts WebGPU where a browser has it. */
async function installWebGpu(): Promise<void> {
  // An optional peer, of 80 MB. Bundlers for pages are not to look for it.
  const name = 'webgpu';
  let library: NodeWebGpu;
  try {
    library = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as NodeWebGpu;
  } catch (cause) {
    throw new BackendError(
      `gpu: webgpu in Node needs the package webgpu (npm install webgpu), which cannot be loaded: ${(cause as Error).message}`,
      { argument: 'mode', cause },
    );
  }
  Object.assign(globalThis, library.globals);
  const gpu = library.create([]);
  // Node has a navigator of its own from version 21 on, without gpu.
  if (globalThis.navigator === undefined)
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
}

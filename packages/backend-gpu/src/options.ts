import { checkChoice, checkOptions } from '@rnn/core/checks';
import type { Mode } from './engine.js';

/** What `gpu` takes. */
export interface GpuOptions {
  /**
   * What computes: `webgl2` (in a page the default), `webgpu` (in a page that has it, or in Node
   * with the package `webgpu`), or `cpu`, JavaScript that gpu.js makes of the same kernels: for
   * tests of code that uses this backend, slow, and nothing falls back to it.
   */
  readonly mode?: Mode;
}

/** Refuses what is no options, options that do not exist, and values that they cannot have. */
export function checkGpuOptions(options: unknown): asserts options is GpuOptions {
  checkOptions('gpu', options, ['mode'] satisfies (keyof GpuOptions)[]);
  const { mode } = options as { readonly mode?: unknown };
  if (mode !== undefined) checkChoice('gpu', 'mode', mode, ['webgl2', 'webgpu', 'cpu'] satisfies Mode[]);
}

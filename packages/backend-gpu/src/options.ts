import { ArgumentError } from '@rnn/core';
import type { Mode } from './engine.js';

/** What `gpu` takes. */
export interface GpuOptions {
  /**
   * What computes: `webgl2` (in a page the default), `webgpu` (in a page that has it, or in Node with the package `webgpu`), or `cpu`, JavaScript
   * that gpu.js makes of the same kernels: for tests of code that uses this backend, slow, and nothing falls back to it.
   */
  readonly mode?: Mode;
}

const KNOWN: readonly string[] = ['mode'] satisfies (keyof GpuOptions)[];
const MODES: readonly string[] = ['webgl2', 'webgpu', 'cpu'] satisfies Mode[];

/** Refuses options that do not exist or make no sense. */
export function checkOptions(options: GpuOptions): void {
  for (const name of Object.keys(options)) {
    if (KNOWN.includes(name)) continue;
    throw new ArgumentError(`gpu: unknown option '${name}', expected one of ${KNOWN.join(', ')}`, {
      argument: name,
      expected: KNOWN.join(', '),
    });
  }
  const { mode } = options;
  if (mode === undefined || MODES.includes(mode)) return;
  throw new ArgumentError(`gpu: mode is '${String(mode)}', expected one of ${MODES.join(', ')}`, {
    argument: 'mode',
    expected: MODES.join(', '),
    received: String(mode),
  });
}

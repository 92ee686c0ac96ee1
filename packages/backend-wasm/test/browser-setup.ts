/** Runs in Node, ahead of the browser tests. */
import type { TestProject } from 'vitest/node';
import { wasm } from '../src/index.js';
import { trainedWeights } from './trained-weights.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** What `trainedWeights` gives in Node on one thread. */
    readonly weightsInNode: string;
  }
}

export async function setup({ provide }: TestProject): Promise<void> {
  provide('weightsInNode', await trainedWeights(await wasm({ threads: 1, deterministic: true })));
}

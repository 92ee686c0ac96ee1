/**
 * Runs before any test: makes kernels and worker anew where their sources changed since, so that no
 * test sees old ones.
 */
import { existsSync, readFileSync } from 'node:fs';
import { buildKernels, kernelSources } from './build-kernels.js';
import { buildWorker } from './build-worker.js';

const madeOf = (name: string): string | undefined => {
  const file = new URL(`../src/kernels-${name}.generated.ts`, import.meta.url);
  return existsSync(file) ? / of (\w+)\. /.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
};

export async function setup(): Promise<void> {
  const sources = await kernelSources();
  if (['strict', 'relaxed', 'lean'].some((name) => madeOf(name) !== sources)) await buildKernels();
  await buildWorker();
}

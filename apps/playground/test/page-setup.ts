/** Builds the page once, ahead of all tests that open it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the built page. */
    readonly builtPage: string;
  }
}

/** Vite's configuration of the page. */
export const configFile: string = fileURLToPath(new URL('../web/vite.config.ts', import.meta.url));

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'rnn-page-'));
  // As visitors get it: in a test's environment Vite would build for development.
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  await build({ configFile, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  process.env.NODE_ENV = NODE_ENV;
  provide('builtPage', folder);
  return () => rm(folder, { recursive: true });
}

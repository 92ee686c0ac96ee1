import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { build as viteBuild } from 'vite';
import { beforeAll, expect, test } from 'vitest';

// A user's program. Methods are installed on Tensor's prototype by a module that nobody names: a
// bundler must not drop it.
const program = `
  import { cpu } from '@rnn/backend-cpu';
  import { setBackend, tensor } from '@rnn/core';
  setBackend(await cpu());
  console.log(JSON.stringify([...tensor([1]).add(tensor([2])).dataSync()]));
`;

// In this folder, not in a temporary one, so that the packages are found.
const folder = join(import.meta.dirname, '../build');
const entry = join(folder, 'program.js');
beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(entry, program);
});

const output = (file: string): string => execFileSync(process.execPath, [file], { encoding: 'utf8' });

test('methods survive bundling by esbuild', async () => {
  const outfile = join(folder, 'esbuild.mjs');
  await esbuild.build({ entryPoints: [entry], outfile, bundle: true, minify: true, format: 'esm', target: 'es2022' });
  expect(output(outfile)).toBe('[3]\n');
});

test('methods survive bundling by Vite', async () => {
  await viteBuild({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { target: 'es2022', lib: { entry, formats: ['es'], fileName: () => 'vite.mjs' } },
  });
  expect(output(join(folder, 'dist/vite.mjs'))).toBe('[3]\n');
});

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import ts from 'typescript';
import { afterAll, describe, expect, test } from 'vitest';
import { publishedPackages, type Package } from '../src/packages.ts';

const exec = promisify(execFile);
const tarballs = mkdtempSync(join(tmpdir(), 'rnn-tarballs-'));
afterAll(() => rmSync(tarballs, { recursive: true }));

/** Packs as a release does: pnpm rewrites `workspace:` and `catalog:` and leaves the in-repository condition out. */
async function pack({ folder }: Package): Promise<string> {
  const { stdout } = await exec('pnpm', ['pack', '--json', '--pack-destination', tarballs], { cwd: folder });
  return (JSON.parse(stdout) as { filename: string }).filename;
}

/** What a checking command complains of: its report if it exits with an error. */
async function complaints(command: string, args: string[]): Promise<string> {
  return exec(join(import.meta.dirname, '../node_modules/.bin', command), args, {
    env: { ...process.env, NO_COLOR: '1' },
  }).then(
    () => '',
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}\n${stderr}`,
  );
}

/** The names of the packages, without those of Node, that the built files (code and types) import. */
function importedPackages({ folder }: Package): string[] {
  const files = readdirSync(join(folder, 'dist')).filter((name) => /\.(js|d\.ts)$/.test(name));
  const imports = files.flatMap(
    (file) => ts.preProcessFile(readFileSync(join(folder, 'dist', file), 'utf8')).importedFiles,
  );
  const names = imports
    .map(({ fileName }) => fileName)
    .filter((name) => !name.startsWith('.') && !isBuiltin(name))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  return [...new Set(names)].toSorted();
}

describe.each(publishedPackages())('$name', (subject) => {
  test('is packed with sound exports', async () => {
    expect(await complaints('publint', [await pack(subject), '--strict'])).toBe('');
  });

  test('has types that every module resolution for ESM finds', async () => {
    expect(
      await complaints('attw', [
        await pack(subject),
        '--profile',
        'esm-only',
        // Bytes and a worker's script have no types.
        '--exclude-entrypoints',
        './kernels-relaxed.wasm',
        './kernels-strict.wasm',
        './worker.js',
      ]),
    ).toBe('');
  });

  test('imports what its manifest names, and no copy of another package is built in', () => {
    const imported = importedPackages(subject).filter((name) => !subject.optionalPeers.includes(name));
    expect(imported).toEqual([...subject.dependencies].toSorted());
  });

  test('runs in a browser: its main entry reaches nothing of Node', async () => {
    const { metafile } = await build({
      entryPoints: [join(subject.folder, 'dist/index.js')],
      bundle: true,
      format: 'esm',
      packages: 'external',
      write: false,
      metafile: true,
      outdir: tarballs,
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    expect(imports.filter((path) => isBuiltin(path))).toEqual([]);
  });
});

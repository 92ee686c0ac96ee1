import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { publishedPackages, type Package } from '../src/packages.ts';
import { install, scratch, tarballOf } from '../src/tarballs.ts';

const exec = promisify(execFile);
/** What a checking command complains of: its report if it exits with an error. */
async function complaints(command: string, args: string[]): Promise<string> {
  return exec(join(import.meta.dirname, '../node_modules/.bin', command), args, {
    env: { ...process.env, NO_COLOR: '1' },
  }).then(
    () => '',
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}\n${stderr}`,
  );
}

/**
 * The names of the packages, without those of Node, that the built files (code and types) import.
 */
function importedPackages({ folder }: Package): string[] {
  const files = globSync('**/*.{js,d.ts}', { cwd: join(folder, 'dist') });
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
    expect(await complaints('publint', [await tarballOf(subject), '--strict'])).toBe('');
  });

  test('has types that every module resolution for ESM finds', async () => {
    expect(
      await complaints('attw', [
        await tarballOf(subject),
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

  test('holds each source once, as a file, and nothing that a script wrote a second time', async () => {
    const folder = join(scratch, 'unpacked', subject.name);
    await install(subject, folder);
    const files = globSync('**/*', { cwd: folder });
    expect(files.filter((name) => /^dist.*(?<!\.d)\.ts$|\.generated\.ts$/.test(name))).toEqual([]);
    const maps = files.filter((name) => name.endsWith('.map'));
    // Those of the types lead an editor to the sources, those of the code a debugger.
    for (const kind of ['.js.map', '.d.ts.map']) expect(maps.some((name) => name.endsWith(kind))).toBe(true);
    for (const name of maps) {
      const map = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        sources: string[];
        sourcesContent?: string[];
      };
      expect(map.sourcesContent).toBeUndefined();
      expect(map.sources.filter((source) => !existsSync(join(folder, dirname(name), source)))).toEqual([]);
    }
  });

  test('shows no member that is meant for the repository alone', () => {
    for (const file of globSync('dist/**/*.d.ts', { cwd: subject.folder })) {
      expect(readFileSync(join(subject.folder, file), 'utf8')).not.toContain('@internal');
    }
  });

  test('imports what its manifest names, and no copy of another package is built in', () => {
    const imported = importedPackages(subject).filter((name) => !subject.optionalPeers.includes(name));
    expect(imported).toEqual([...subject.dependencies].toSorted());
  });
});

// All but the one that is machine code.
const forBrowsers = publishedPackages().filter(({ name }) => name !== '@rnn/backend-native');

describe.each(forBrowsers)('$name', (subject) => {
  test('runs in a browser: its main entry reaches nothing of Node', async () => {
    const { metafile } = await build({
      entryPoints: [join(subject.folder, 'dist/index.js')],
      bundle: true,
      format: 'esm',
      packages: 'external',
      write: false,
      metafile: true,
      outdir: scratch,
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    expect(imports.filter((path) => isBuiltin(path))).toEqual([]);
  });
});

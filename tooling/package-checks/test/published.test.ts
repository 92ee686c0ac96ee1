import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
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

  test('holds each source once, and nothing that a script wrote a second time', async () => {
    const folder = join(scratch, 'unpacked', subject.name);
    await install(subject, folder);
    const files = globSync('**/*', { cwd: folder });
    expect(files.filter((name) => /^src|(?<!\.d)\.ts$/.test(name))).toEqual([]);
    const sources = globSync('**/*.map', { cwd: folder }).flatMap((name) => {
      const map = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        sources: string[];
        sourcesContent: string[];
      };
      expect(map.sourcesContent).toHaveLength(map.sources.length);
      return map.sources;
    });
    expect(sources.filter((name, i) => sources.indexOf(name) !== i)).toEqual([]);
    expect(sources.filter((name) => name.includes('.generated.'))).toEqual([]);
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

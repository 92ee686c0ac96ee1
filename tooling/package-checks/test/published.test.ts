import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
  return exec(command, args, { env: { ...process.env, NO_COLOR: '1' } }).then(
    () => '',
    ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}\n${stderr}`,
  );
}

/** The names of the packages that the built files (code and types) import. */
function importedPackages({ folder }: Package): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(join(folder, 'dist')).filter((name) => /\.(js|d\.ts)$/.test(name))) {
    for (const { fileName } of ts.preProcessFile(readFileSync(join(folder, 'dist', file), 'utf8')).importedFiles) {
      if (fileName.startsWith('.')) continue;
      const depth = fileName.startsWith('@') ? 2 : 1;
      const name = isBuiltin(fileName) ? fileName : fileName.split('/').slice(0, depth).join('/');
      found.set(name, [...(found.get(name) ?? []), file]);
    }
  }
  return found;
}

describe.each(publishedPackages())('$name', (subject) => {
  test('is packed with sound exports', async () => {
    expect(await complaints('publint', [await pack(subject), '--strict'])).toBe('');
  });

  test('has types that every module resolution for ESM finds', async () => {
    expect(await complaints('attw', [await pack(subject), '--profile', 'esm-only'])).toBe('');
  });

  test('imports what its manifest names, and no copy of another package is built in', () => {
    const imported = importedPackages(subject);
    const named = [...imported.keys()].filter((name) => !isBuiltin(name));
    expect(named.toSorted()).toEqual([...subject.dependencies].toSorted());
  });

  test('runs in a browser: only command lines import from Node', () => {
    const fromNode = [...importedPackages(subject)].filter(([name]) => isBuiltin(name));
    for (const [name, files] of fromNode) expect(files, name).toEqual(['cli.js']);
  });
});

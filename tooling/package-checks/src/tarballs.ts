import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import type { Package } from './packages.ts';

const exec = promisify(execFile);

/** A folder for the tests of one file, removed after the last one. */
export const scratch: string = mkdtempSync(join(tmpdir(), 'rnn-packages-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const packed = new Map<string, Promise<string>>();

/** A package's tarball, packed as a release does: pnpm rewrites `workspace:` and `catalog:` and leaves the in-repository condition out. */
export function tarballOf({ name, folder }: Package): Promise<string> {
  const known = packed.get(name) ?? pack(folder);
  packed.set(name, known);
  return known;
}

async function pack(folder: string): Promise<string> {
  const { stdout } = await exec('pnpm', ['pack', '--json', '--pack-destination', scratch], { cwd: folder });
  // In front of it stands what `prepack` printed.
  return (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { filename: string }).filename;
}

/** Lays a package's tarball out in a folder, as an installer does. */
export async function install(subject: Package, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await exec('tar', ['-xzf', await tarballOf(subject), '-C', folder, '--strip-components', '1']);
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { pack, unpack } from './pack.ts';
import type { Package } from './packages.ts';

/** A folder for the tests of one file, removed after the last one. */
export const scratch: string = mkdtempSync(join(tmpdir(), 'rnn-packages-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const packed = new Map<string, Promise<string>>();

/** A package's tarball. */
export function tarballOf({ name, folder }: Package): Promise<string> {
  const known = packed.get(name) ?? pack(folder, scratch);
  packed.set(name, known);
  return known;
}

/** Lays a package's tarball out in a folder. */
export async function install(subject: Package, folder: string): Promise<void> {
  await unpack(await tarballOf(subject), folder);
}

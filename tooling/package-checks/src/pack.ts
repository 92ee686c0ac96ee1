import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/**
 * Packs a package as a release does: pnpm rewrites `workspace:` and `catalog:` and leaves the
 * in-repository condition out.
 */
export async function pack(folder: string, destination: string): Promise<string> {
  const { stdout } = await exec('pnpm', ['pack', '--json', '--pack-destination', destination], { cwd: folder });
  // In front of it stands what `prepack` printed.
  return (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { filename: string }).filename;
}

/** Lays a tarball out in a folder, as an installer does. */
export async function unpack(tarball: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await exec('tar', ['-xzf', tarball, '-C', folder, '--strip-components', '1']);
}

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../release-tools');
const modules = join(folder, 'node_modules');

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}
const readManifest = (path: string): Manifest =>
  JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;

/**
 * Installs the registry, Parcel and the runtimes beside the workspace, unless just these versions
 * are there.
 */
export function installTools(): void {
  const isThere = ([name, version]: [string, string]): boolean =>
    existsSync(join(modules, name, 'package.json')) && readManifest(join(modules, name)).version === version;
  if (Object.entries(readManifest(folder).dependencies).every(isThere)) return;
  console.log('Installing a local registry, Parcel and other runtimes (700 MB, once)');
  const flags = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync('npm', ['install', ...flags], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm install failed in ${folder}`, { cause: error });
}

/** The script of an installed command. */
export const commandOf = (name: 'verdaccio' | 'parcel'): string => join(modules, '.bin', name);

/** A program that runs JavaScript, or the reason why there is none here. */
export interface Runtime {
  readonly name: string;
  readonly kind: 'node' | 'bun' | 'deno';
  readonly path: string | undefined;
}

/**
 * The file of a package of a runtime for this platform. Install scripts, which may make it
 * executable, do not run here.
 */
function executable(name: string, kind: Runtime['kind'], places: readonly string[]): Runtime {
  const path = places.map((place) => join(modules, place)).find((place) => existsSync(place));
  if (path !== undefined) chmodSync(path, 0o755);
  return { name, kind, path };
}

/** What the packages say they run in. */
export function runtimes(): Runtime[] {
  const { platform, arch } = process;
  const aarch = arch === 'arm64' ? 'aarch64' : arch;
  return [
    ...[20, 22, 24].map((major) => executable(`Node ${major}`, 'node', [`node-${major}-${platform}-${arch}/bin/node`])),
    executable('Bun', 'bun', [`@oven/bun-${platform}-${aarch}/bin/bun`]),
    executable('Deno', 'deno', [`@deno/${platform}-${arch}-glibc/deno`, `@deno/${platform}-${arch}/deno`]),
  ];
}

import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pack, unpack } from './pack.ts';
import { manifestIn, publishedPackages, root, type Manifest } from './packages.ts';

/** A job in `examples/`. */
export interface ExampleProject {
  readonly name: string;
  readonly folder: string;
  readonly manifest: Manifest & { readonly devDependencies?: Readonly<Record<string, string>> };
}

/** All of them. */
export function exampleProjects(): ExampleProject[] {
  const home = join(root, 'examples');
  return readdirSync(home)
    .map((name) => ({ name, folder: join(home, name) }))
    .filter(({ folder }) => existsSync(join(folder, 'package.json')))
    .map((each) => ({ ...each, manifest: manifestIn(each.folder) }));
}

/** What an example's manifest names. */
export const dependenciesOf = ({ manifest }: ExampleProject): string[] =>
  Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });

/**
 * Lays out copies of examples in a folder, as if each had been installed there: the packages from
 * tarballs packed as a release packs them, and what they and the examples depend on beside, which
 * this repository has installed already.
 *
 * @param folder - an empty one
 * @returns where the copy of an example is
 */
export async function layOut(folder: string): Promise<(project: ExampleProject) => string> {
  const modules = join(folder, 'node_modules');
  const own = publishedPackages();
  await Promise.all(
    own.map(async ({ name, folder: source }) => unpack(await pack(source, folder), join(modules, name))),
  );
  const link = (name: string, from: string): void => {
    const place = join(modules, name);
    if (existsSync(place)) return;
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(installed(name, from), place);
  };
  const here = import.meta.dirname;
  const isOwn = (name: string): boolean => name.startsWith('@rnn/');
  for (const { folder: source, manifest, optionalPeers } of own) {
    const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const name of named) if (!isOwn(name) && !optionalPeers.includes(name)) link(name, source);
  }
  for (const project of exampleProjects()) {
    for (const name of dependenciesOf(project)) if (!isOwn(name)) link(name, here);
    cpSync(project.folder, join(folder, 'examples', project.name), { recursive: true });
  }
  link('@types/node', here);
  return ({ name }) => join(folder, 'examples', name);
}

/** The folder of an installed package, as a file in `from` would find it. */
function installed(name: string, from: string): string {
  for (const paths of createRequire(join(from, 'package.json')).resolve.paths(name) ?? []) {
    const place = join(paths, name);
    if (existsSync(place)) return realpathSync(place);
  }
  throw new Error(`${name} is not installed, as ${from} would look for it`);
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A published package. */
export interface Package {
  readonly name: string;
  readonly folder: string;
  /** What its manifest lets it import: dependencies and peers. */
  readonly dependencies: readonly string[];
  /** Peers that a user may leave out: imported in an entry of their own, or looked up by name at run time. */
  readonly optionalPeers: readonly string[];
}

const home = join(import.meta.dirname, '../../../packages');

/** All packages that are published, by folder name. */
export function publishedPackages(): Package[] {
  return readdirSync(home)
    .map((name) => join(home, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name: string;
        dependencies?: Record<string, string>;
        peerDependencies?: Record<string, string>;
        peerDependenciesMeta?: Record<string, { optional?: boolean }>;
      };
      const isOptional = (name: string): boolean => manifest.peerDependenciesMeta?.[name]?.optional === true;
      const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      const dependencies = named.filter((name) => !isOptional(name));
      const optionalPeers = named.filter(isOptional);
      return { name: manifest.name, folder, dependencies, optionalPeers };
    });
}

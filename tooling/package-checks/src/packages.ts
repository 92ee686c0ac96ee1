import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A published package. */
export interface Package {
  readonly name: string;
  readonly folder: string;
  /** What its manifest lets it import: dependencies and peers. An optional peer is looked up by name at run time, and only where it is wanted. */
  readonly dependencies: readonly string[];
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
      const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
        (name) => manifest.peerDependenciesMeta?.[name]?.optional !== true,
      );
      return { name: manifest.name, folder, dependencies };
    });
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is read here of a package's manifest. */
export interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly homepage?: string;
  readonly bugs?: string;
  readonly keywords?: readonly string[];
  readonly repository?: { readonly type: string; readonly url: string; readonly directory?: string };
  readonly main?: string;
  readonly types?: string;
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly publishConfig?: {
    readonly os?: readonly string[];
    readonly cpu?: readonly string[];
    readonly libc?: readonly string[];
  };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** A published package. */
export interface Package {
  readonly name: string;
  readonly folder: string;
  readonly manifest: Manifest;
  /** What its manifest lets it import: dependencies and peers. */
  readonly dependencies: readonly string[];
  /**
   * Peers that a user may leave out: imported in an entry of their own, or looked up by name at run
   * time.
   */
  readonly optionalPeers: readonly string[];
}

/** The repository's top folder. */
export const root: string = join(import.meta.dirname, '../../..');

/** The manifest in a folder. */
export function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/**
 * The folders of the packages that hold the compiled part of `@rnn/backend-native`, one for each
 * platform. They are published with the others and have no code of their own.
 *
 * @param repository - the top folder of this repository or of a copy
 */
export function platformFolders(repository = root): string[] {
  const home = join(repository, 'packages/backend-native/platforms');
  return readdirSync(home).map((name) => join(home, name));
}

/** Whether an installer on this machine would take the platform package in a folder. */
export function fitsThisMachine(folder: string): boolean {
  const { os, cpu, libc } = manifestIn(folder).publishConfig ?? {};
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  const own = report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  const fits = (names: readonly string[] | undefined, name: string): boolean => names?.includes(name) ?? true;
  return fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, own);
}

/**
 * All packages that are published and have code, by folder name.
 *
 * @param repository - the top folder of this repository or of a copy
 */
export function publishedPackages(repository = root): Package[] {
  const home = join(repository, 'packages');
  return readdirSync(home)
    .map((name) => join(home, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => {
      const manifest = manifestIn(folder);
      const isOptional = (name: string): boolean => manifest.peerDependenciesMeta?.[name]?.optional === true;
      const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      const dependencies = named.filter((name) => !isOptional(name));
      const optionalPeers = named.filter(isOptional);
      return { name: manifest.name, folder, manifest, dependencies, optionalPeers };
    });
}

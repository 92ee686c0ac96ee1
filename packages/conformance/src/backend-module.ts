/** Finds a backend's factory by the name of its module. For Node alone. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { moduleResolve } from 'import-meta-resolve';
import { ArgumentError, type Backend } from '@rnn/core';

/** A factory with options, as backend packages export them. */
export type OptionedFactory = (options: Record<string, unknown>) => Backend | Promise<Backend>;

/**
 * Imports a module and finds the factory in it: the export named like the module (`cpu` in
 * `@rnn/backend-cpu`, `abacus` in `./abacus.ts`), else the default one.
 *
 * @param name - a path or file URL, taken from `directory`; or a package, looked for from
 *   `directory` and then beside this one
 * @param directory - the working directory
 * @returns the factory
 * @throws ArgumentError when there is no such module, it cannot be loaded, or it exports no factory
 */
export async function loadFactory(name: string, directory: string): Promise<OptionedFactory> {
  const url = locate(name, directory);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw new ArgumentError(`--backend ${name}: ${url} cannot be loaded: ${(cause as Error).message}`, {
      argument: 'backend',
      cause,
    });
  }
  const short = shortName(name);
  const factory = exports[short] ?? exports.default;
  if (typeof factory !== 'function') {
    const found = Object.keys(exports);
    const some = found.length > 5 ? `${found.slice(0, 5).join(', ')} and ${found.length - 5} more` : found.join(', ');
    throw new ArgumentError(
      `--backend ${name}: expected a factory as the export '${short}' or as the default export, found ${some || 'no exports'}`,
      { argument: 'backend', expected: `an export '${short}' or a default export` },
    );
  }
  return factory as OptionedFactory;
}

/** Where a module is. */
function locate(name: string, directory: string): string {
  if (name.startsWith('file:')) return name;
  const path = resolve(directory, name);
  if (/^\.{0,2}[/\\]/.test(name) || existsSync(path)) {
    if (existsSync(path)) return pathToFileURL(path).href;
    throw new ArgumentError(`--backend ${name}: there is no file ${path}`, { argument: 'backend' });
  }
  // As an import in a file of that directory would find it, then as one in this file does.
  const places = [pathToFileURL(join(directory, 'index.js')), new URL(import.meta.url)];
  for (const place of places) {
    try {
      return moduleResolve(name, place, new Set(['node', 'import'])).href;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'ERR_MODULE_NOT_FOUND') throw refusal(name, error as Error);
    }
  }
  const looked = places.map((place) => fileURLToPath(new URL('.', place))).join(' and ');
  throw refusal(name, new Error(`no such file, and no such package from ${looked}`));
}

function refusal(name: string, cause: Error): ArgumentError {
  return new ArgumentError(`--backend ${name}: ${cause.message}`, { argument: 'backend', cause });
}

/** `@rnn/backend-cpu` -> `cpu`, `./backends/my-abacus.ts` -> `myAbacus`. */
function shortName(name: string): string {
  const last =
    name
      .replace(/[/\\]+$/, '')
      .split(/[/\\]/)
      .pop() ?? name;
  const bare = last.replace(/\.[cm]?[jt]s$/, '').replace(/^backend-|-backend$/g, '');
  return bare.replace(/[-_.]+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

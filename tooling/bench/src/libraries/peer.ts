import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load, loadCommonJs } from '../../peers/load.ts';

/**
 * The folder of the other libraries, with their manifest and, once installed, their `node_modules`.
 */
export const peersFolder: string = fileURLToPath(new URL('../../peers/', import.meta.url));

export const installed: string = `${peersFolder}node_modules/`;

/** The version of an installed library. */
export function versionOf(name: string): string {
  return (JSON.parse(readFileSync(`${installed}${name}/package.json`, 'utf8')) as { version: string }).version;
}

/**
 * An installed library. Its own types are not there when these sources are checked, so the caller
 * says what it uses.
 */
export async function loadPeer<T>(name: string): Promise<T> {
  const exports = (await load(name)) as T & { default?: T };
  return exports.default ?? exports;
}

/** The same for a family of packages that share one registry in CommonJS. */
export const requirePeer: (name: string) => unknown = loadCommonJs;

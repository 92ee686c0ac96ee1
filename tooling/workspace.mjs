// Where things lie in the repository. For Node >= 18, without dependencies.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {string} path
 * @returns {unknown}
 */
export const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** @returns {string[]} the absolute folders of all workspace packages */
export function packageFolders() {
  return ['packages', 'apps', 'tooling']
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
    .filter((folder) => existsSync(join(folder, 'package.json')));
}

/** @returns {boolean} whether any package has tests that need a browser */
export function hasBrowserTests() {
  return packageFolders()
    .map((folder) => join(folder, 'test'))
    .filter((folder) => existsSync(folder))
    .some((folder) =>
      readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.browser.test.ts')),
    );
}

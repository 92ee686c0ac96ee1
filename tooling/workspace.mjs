// Where things lie in the repository. For Node >= 18, without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
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

/**
 * @param {string} folder
 * @returns {string} the name of the package there
 */
export const nameOf = (folder) => /** @type {{ name: string }} */ (readJson(join(folder, 'package.json'))).name;

/** @returns {string[]} the names of all workspace packages */
export const workspacePackages = () => packageFolders().map(nameOf);

/**
 * The packages in which a file differs from where this branch left `main`; on `main` itself, or
 * where there is none, from what is committed.
 *
 * @returns {string[]} their names
 */
export function changedPackages() {
  /** @param {string[]} args */
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim().split('\n');
  const [base] = git('merge-base', 'HEAD', 'main');
  const changed = [...git('diff', '--name-only', base || 'HEAD'), ...git('ls-files', '-o', '--exclude-standard')];
  return packageFolders()
    .filter((folder) => changed.some((path) => path.startsWith(`${relative(root, folder)}/`)))
    .map(nameOf);
}

/** @returns {boolean} whether any package has tests that need a browser */
export function hasBrowserTests() {
  return packageFolders()
    .map((folder) => join(folder, 'test'))
    .filter((folder) => existsSync(folder))
    .some((folder) =>
      readdirSync(folder, { recursive: true }).some((name) => /[.](?:browser|page)[.]test[.]ts$/.test(String(name))),
    );
}

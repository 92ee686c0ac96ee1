// What each package's tests and types stand on, as digests in its git-ignored file `.sources`: the
// code of the package and of those that it imports, however indirectly. turbo runs a test again
// when this file changes, so a comment or a test elsewhere repeats nothing. The file
// `.sources-browser` adds the tests that need a browser.
//
//   node tooling/sources.mjs --check     brings the files up to date; fails if one was not, since
//   turbo has looked at it already
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolders, readJson, root } from './workspace.mjs';

/**
 * @typedef {{ digest: string, packages: string[] }} Essence what a file does, and which packages of
 *   the workspace it names
 */

/** @param {string} text */
const sha = (text) => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Comments that tools act on. */
const acting = /^.*(?:@ts-|@internal|@vite-ignore|[@#]__PURE__).*$/gm;

/** Essences by the text that they were made of; parsing everything takes seconds. */
const memory = join(root, 'node_modules/.cache/rnn-sources.json');

/**
 * Makes the function that gives a TypeScript file's essence: its code without comments and layout.
 *
 * @returns {Promise<{ essenceOf: (text: string) => Promise<Essence>, save: () => void }>}
 */
async function essences() {
  const known = /** @type {Record<string, Essence>} */ (existsSync(memory) ? readJson(memory) : {});
  /** @type {Record<string, Essence>} */
  const used = {};
  /** @param {string} text */
  const make = async (text) => {
    const { default: ts } = await import('typescript');
    const file = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest);
    const code = ts.createPrinter({ removeComments: true }).printFile(file);
    const names = [...code.matchAll(/['"`]@rnn\/([\w-]+)|packages\/([\w-]+)/g)].map(
      ([, name, folder]) => name ?? folder,
    );
    const imported = ts.preProcessFile(text).importedFiles.map(({ fileName }) => /^@rnn\/([\w-]+)/.exec(fileName)?.[1]);
    return {
      digest: sha(`${code}${(text.match(acting) ?? []).join('\n')}`),
      packages: [...new Set([...names, ...imported.filter((name) => name !== undefined)])],
    };
  };
  return {
    essenceOf: async (text) => {
      const key = sha(text);
      return (used[key] = known[key] ?? (await make(text)));
    },
    save: () => {
      if (Object.keys(used).every((key) => key in known)) return;
      mkdirSync(join(memory, '..'), { recursive: true });
      writeFileSync(memory, JSON.stringify(used));
    },
  };
}

/**
 * The files of a package that another one may come to use, and so not its tests and documents.
 *
 * @param {string} path relative to the package
 */
const isLibrary = (path) => !/^(?:test|example|scripts|assembly)\/|[.]config[.]ts$|[.]md$|^package[.]json$/.test(path);

/**
 * What a package's browser tests are made of besides: everything in `test/` but the tests that need
 * no browser, and the manifest.
 *
 * @param {string} path relative to the package
 */
const isOfBrowserTests = (path) =>
  path === 'package.json' || (path.startsWith('test/') && !/(?<!\.(?:browser|page))\.test\.ts$|\.md$/.test(path));

/**
 * @returns {Map<string, string[]>} the files of each package by its folder, relative to it; those
 *   that scripts generate are among them
 */
function filesByPackage() {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  const all = [...listed.split('\0'), ...globSync('packages/*/src/**/*.generated.ts', { cwd: root })];
  return new Map(
    packageFolders().map((folder) => {
      const prefix = `${relative(root, folder)}/`;
      const own = all.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      return [folder, [...new Set(own)].filter((path) => existsSync(join(folder, path))).toSorted()];
    }),
  );
}

/**
 * The packages of the workspace that a manifest lists.
 *
 * @param {string} folder
 * @param {readonly ('dependencies' | 'peerDependencies' | 'devDependencies')[]} kinds
 */
function listed(folder, kinds) {
  const manifest = /** @type {Record<string, Record<string, string> | undefined>} */ (
    readJson(join(folder, 'package.json'))
  );
  const names = kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
  return names.filter((name) => name.startsWith('@rnn/')).map((name) => name.slice('@rnn/'.length));
}

/**
 * Writes the digests.
 *
 * @returns {Promise<string[]>} the names of the packages whose digests changed
 */
async function writeDigests() {
  const { essenceOf, save } = await essences();
  const files = filesByPackage();
  /**
   * @param {string} folder
   * @param {string} path
   */
  const digestOf = async (folder, path) => {
    const content = readFileSync(join(folder, path));
    return path.endsWith('.ts') ? (await essenceOf(content.toString())).digest : sha(content.toString('latin1'));
  };
  /** @type {Map<string, { digest: string, below: string[] }>} */
  const libraries = new Map();
  for (const [folder, paths] of files) {
    let text = '';
    for (const path of paths.filter(isLibrary)) {
      text += `${path} ${await digestOf(folder, path)}\n`;
    }
    libraries.set(basename(folder), { digest: sha(text), below: listed(folder, ['dependencies', 'peerDependencies']) });
  }
  /** @type {string[]} */
  const changed = [];
  for (const [folder, paths] of files) {
    const name = basename(folder);
    // Its tests may use packages that the manifest cannot list, since those depend on it.
    const start = [name, ...listed(folder, ['dependencies', 'peerDependencies', 'devDependencies'])];
    for (const path of paths.filter((path) => path.startsWith('test/') && path.endsWith('.ts'))) {
      start.push(...(await essenceOf(readFileSync(join(folder, path), 'utf8'))).packages);
    }
    const reached = new Set(start.filter((each) => libraries.has(each)));
    // A set visits what is added while it is walked.
    for (const each of reached) for (const below of libraries.get(each)?.below ?? []) reached.add(below);
    const below = [...reached]
      .toSorted()
      .map((each) => `${each} ${libraries.get(each)?.digest}\n`)
      .join('');
    let own = '';
    for (const path of paths.filter(isOfBrowserTests)) own += `${path} ${await digestOf(folder, path)}\n`;
    const texts = { '.sources': below, '.sources-browser': below + own };
    for (const [file, text] of Object.entries(texts)) {
      const path = join(folder, file);
      if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
      writeFileSync(path, text);
      if (!changed.includes(name)) changed.push(name);
    }
  }
  save();
  return changed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const changed = await writeDigests();
  if (changed.length > 0 && process.argv.includes('--check')) {
    console.error(
      `Sources of ${changed.join(', ')} changed after turbo had looked: run it once more, or start with npm test.`,
    );
    process.exitCode = 1;
  }
}

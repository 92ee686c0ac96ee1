/** The part of a release that needs no registry; the whole of it is `npm run release:try`. */
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { manifestIn, platformFolders, publishedPackages, root } from '../src/packages.ts';
import { readmeProgram } from '../src/release/consumers.ts';
import { settingsFor } from '../src/release/registry.ts';
import { scratch } from '../src/tarballs.ts';

const exec = promisify(execFile);
const copy = join(scratch, 'repository');

/** The text of a changeset, and the packages that it names. */
function parts(file: string): { names: string[]; text: string } {
  const [, head = '', text = ''] = /^---\n([^]*?)---\n([^]*)$/.exec(readFileSync(file, 'utf8')) ?? [];
  return { names: [...head.matchAll(/'([^']+)':/g)].map(([, name = '']) => name), text: text.trim() };
}
const changesets = globSync('.changeset/*.md', { cwd: root }).map((path) => parts(join(root, path)));

beforeAll(async () => {
  const manifests = globSync('{packages,apps,tooling,packages/backend-native/platforms}/*/package.json', { cwd: root });
  for (const path of ['package.json', 'pnpm-workspace.yaml', '.changeset', ...manifests]) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  // To format what it writes it would install the tools there.
  const config = JSON.parse(readFileSync(join(copy, '.changeset/config.json'), 'utf8')) as object;
  writeFileSync(join(copy, '.changeset/config.json'), JSON.stringify({ ...config, format: false }));
  // Right after a release there would be none.
  writeFileSync(join(copy, '.changeset/one-more.md'), "---\n'@rnn/core': minor\n---\n\nOne more.\n");
  const git = (...args: string[]): Promise<unknown> => exec('git', args, { cwd: copy });
  await git('init', '-q', '-b', 'main');
  await git('add', 'package.json', 'packages', '.changeset');
  await git('-c', 'user.name=Nobody', '-c', 'user.email=nobody@localhost', 'commit', '-qm', 'All');
  await exec(process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'version'], { cwd: copy });
});

test('every changeset names packages that are published, and has a text', () => {
  const names = publishedPackages().map(({ name }) => name);
  for (const changeset of changesets) {
    expect(names).toEqual(expect.arrayContaining(changeset.names));
    expect(changeset.names).not.toEqual([]);
    expect(changeset.text).not.toBe('');
  }
});

test('all packages get one new version', () => {
  const before = new Set(publishedPackages().map(({ manifest }) => manifest.version));
  const after = new Set([
    ...publishedPackages(copy).map(({ manifest }) => manifest.version),
    ...platformFolders(copy).map((folder) => manifestIn(folder).version),
  ]);
  expect([before.size, after.size]).toEqual([1, 1]);
  expect([...after]).not.toEqual([...before]);
});

test('every changeset stands in the changelog of each package that it names, and is gone', () => {
  const changelogs = new Map(
    publishedPackages(copy).map(({ name, folder }) => [name, readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')]),
  );
  for (const { names, text } of changesets)
    for (const name of names) expect(changelogs.get(name)).toContain(text.split('\n', 1)[0]);
  expect(readdirSync(join(copy, '.changeset')).filter((name) => name.endsWith('.md'))).toEqual([]);
});

test('a release is tried on this machine alone', () => {
  expect(settingsFor('http://127.0.0.1:4873/')).toContain('\n@rnn:registry=http://127.0.0.1:4873/\n');
  for (const url of ['https://registry.npmjs.org/', 'http://127.0.0.1.example.org/', 'http://localhost.example.org/'])
    expect(() => settingsFor(url)).toThrow('on this machine alone');
});

test('what is tried is the program of the README', () => {
  expect(readmeProgram().code).toContain("from '@rnn/nn'");
});

test('the workflow asks for provenance by a name that pnpm knows, with the rights for it', () => {
  const workflow = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8');
  expect(workflow).toContain("PNPM_CONFIG_PROVENANCE: 'true'");
  expect(workflow).toContain('id-token: write');
});

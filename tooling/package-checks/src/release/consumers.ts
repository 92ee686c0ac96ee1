import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fitsThisMachine, manifestIn, platformFolders, root } from '../packages.ts';
import { output, run } from './commands.ts';
import { settingsFor, type Registry } from './registry.ts';
import type { Runtime } from './tools.ts';

/** A program and what it prints. */
export interface Program {
  readonly code: string;
  readonly prints: string;
}

/** The first program of the README, with the output that stands there; it is JavaScript, too. */
export function readmeProgram(): Program {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const [, code, prints] = /```ts\n([^]*?)```\s*```text\n([^]*?)```/.exec(text) ?? [];
  if (code === undefined || prints === undefined) throw new Error('the README has no program with its output');
  return { code, prints };
}

/** The compiled part that an installer on this machine chooses. */
const compiledPart = platformFolders()
  .filter(fitsThisMachine)
  .map((folder) => manifestIn(folder).name);

/** What `npm install` of some packages lays down, and nothing else. */
export const expectedTrees: readonly { readonly install: readonly string[]; readonly tree: readonly string[] }[] = [
  { install: ['@rnn/nn', '@rnn/backend-cpu'], tree: ['@rnn/backend-cpu', '@rnn/core', '@rnn/nn'] },
  { install: ['@rnn/nn', '@rnn/backend-wasm'], tree: ['@rnn/backend-wasm', '@rnn/core', '@rnn/nn'] },
  {
    install: ['@rnn/train', '@rnn/nn', '@rnn/backend-wasm'],
    tree: ['@rnn/backend-wasm', '@rnn/core', '@rnn/nn', '@rnn/train'],
  },
  {
    install: ['@rnn/nn', '@rnn/backend-native'],
    tree: ['@rnn/backend-native', ...compiledPart, '@rnn/core', '@rnn/nn'],
  },
  { install: ['@rnn/io'], tree: ['@bufbuild/protobuf', '@rnn/core', '@rnn/io', '@rnn/nn', 'commander', 'fflate'] },
];

/** The packages that lie in a folder's node_modules, at any depth. */
function treeOf(folder: string): string[] {
  const found = globSync(['**/node_modules/*/package.json', '**/node_modules/@*/*/package.json'], { cwd: folder });
  return found
    .map((path) =>
      dirname(path)
        .replace(/^node_modules\//, '')
        .replaceAll('\\', '/'),
    )
    .toSorted();
}

/** Makes a folder in which a new project would begin: empty but for where packages come from. */
export function emptyProject(folder: string, { url }: Registry): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.npmrc'), settingsFor(url));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  return folder;
}

/** An environment in which a command finds a runtime first. */
const withRuntime = (env: NodeJS.ProcessEnv, path: string): NodeJS.ProcessEnv => ({
  ...env,
  PATH: `${dirname(path)}${delimiter}${env.PATH ?? ''}`,
});

/** Installs packages as a user of a runtime does, and refuses whatever nobody asked for. */
export async function install(
  folder: string,
  names: readonly string[],
  tree: readonly string[],
  { kind, path = process.execPath }: Runtime,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const options = { cwd: folder, env: withRuntime(env, path) };
  if (kind === 'bun') await run(path, ['install', ...names], options);
  else await run('npm', ['install', '--loglevel=error', ...names], options);
  const found = treeOf(folder);
  const wanted = tree.toSorted();
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`installing ${names.join(', ')} laid down ${found.join(', ')}, not ${wanted.join(', ')}`);
}

/** Runs a program in a project and refuses any other output than its own. */
export async function runs(
  folder: string,
  { code, prints }: Program,
  { name, kind, path = '' }: Runtime,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const file = join(folder, 'program.js');
  writeFileSync(file, code);
  const args = { node: [file], bun: ['run', file], deno: ['run', '--allow-all', '--node-modules-dir=manual', file] };
  const printed = await output(path, args[kind], { cwd: folder, env });
  if (printed.trim() !== prints.trim()) throw new Error(`${name} printed ${printed}, not ${prints}`);
}

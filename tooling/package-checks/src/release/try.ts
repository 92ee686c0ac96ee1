// A release from end to end, on this machine alone: npm run release:try [-- --versioned]
//
// Versions, changelogs and tarballs of what is committed go to a registry at 127.0.0.1; from there
// they are installed into empty folders, run by every runtime that can be had here, and bundled for
// Chromium. Whatever is not so is an error. With `--versioned` the versions that stand there are
// published, as the workflow will.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlesRun } from './bundles.ts';
import { output } from './commands.ts';
import { emptyProject, expectedTrees, install, readmeProgram, runs } from './consumers.ts';
import { platformFolders } from '../packages.ts';
import { emptyHome, release, type Release } from './publish.ts';
import { startRegistry, type Registry } from './registry.ts';
import { installTools, runtimes, type Runtime } from './tools.ts';

/** What the registry tells of a package is what its page on npm would show. */
async function looksAtRegistry({ url }: Registry, { version, packages }: Release): Promise<void> {
  for (const { name, manifest } of packages) {
    const answer = await fetch(`${url}${name.replace('/', '%2f')}`);
    const told = (await answer.json()) as {
      readonly readme?: string;
      readonly 'dist-tags': { readonly latest: string };
      readonly versions: Record<string, Record<string, unknown>>;
    };
    const published = told.versions[version] ?? {};
    const dependencies = JSON.stringify([published.dependencies, published.peerDependencies, published.exports]);
    if (told['dist-tags'].latest !== version) throw new Error(`${name}: the latest version is not ${version}`);
    if (/workspace:|catalog:|@rnn\/source/.test(dependencies)) throw new Error(`${name}: ${dependencies}`);
    // By the repository and its folder a registry checks where a tarball with provenance was made.
    for (const field of ['repository', 'homepage', 'license', 'description', 'keywords'] as const) {
      const wanted = JSON.stringify((manifest as unknown as Record<string, unknown>)[field]);
      if (JSON.stringify(published[field]) !== wanted) throw new Error(`${name}: ${field} is not ${wanted}`);
    }
  }
}

/** The newest Node that is here; the tools' own one otherwise. */
const newestNode = (all: readonly Runtime[]): Runtime =>
  all.findLast(({ kind, path }) => kind === 'node' && path !== undefined) ?? {
    name: `Node ${process.versions.node}`,
    kind: 'node',
    path: process.execPath,
  };

const versioned = process.argv.includes('--versioned');
const folder = mkdtempSync(join(tmpdir(), 'rnn-release-'));
let registry: Registry | undefined;
try {
  installTools();
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' });
  registry = await startRegistry(join(folder, 'registry'), stdout.trim());
  const made = await release(join(folder, 'repository'), registry, join(folder, 'publisher'), versioned);
  await looksAtRegistry(registry, made);
  const tags = await output('git', ['tag', '--list', `*@${made.version}`], { cwd: join(folder, 'repository') });
  if (tags.trim().split('\n').length !== made.packages.length + platformFolders().length)
    throw new Error(`tags: ${tags}`);
  console.log(
    `published: ${made.packages.length + platformFolders().length} packages at ${made.version}, with changelogs and tags`,
  );

  const env = emptyHome(join(folder, 'user'));
  const all = runtimes();
  for (const [i, { install: names, tree }] of expectedTrees.entries()) {
    await install(emptyProject(join(folder, `tree-${i}`), registry), names, tree, newestNode(all), env);
    console.log(`installed: ${names.join(' ')} -> ${tree.length} packages, ${tree.join(' ')}`);
  }
  const program = readmeProgram();
  const [, , { install: names, tree }] = expectedTrees;
  for (const runtime of all) {
    if (runtime.path === undefined) {
      console.log(`NOT TRIED: ${runtime.name}, which is not to be had for ${process.platform}-${process.arch}`);
      continue;
    }
    const project = emptyProject(join(folder, runtime.name), registry);
    await install(project, names, tree, runtime, env);
    await runs(project, program, runtime, env);
    const version = await output(runtime.path, ['--version'], { cwd: project, env });
    console.log(`ran: ${runtime.name} (${version.split('\n', 1)[0]}) prints what the README says`);
  }
  const chromium = process.env.CHROMIUM_PATH;
  if (chromium === undefined) throw new Error('CHROMIUM_PATH names no Chromium');
  await bundlesRun(join(folder, newestNode(all).name), program, chromium, env, (bundler, bytes) => {
    console.log(`bundled: ${bundler}, ${Math.round(bytes / 1024)} kB, shows the same in Chromium`);
  });
} finally {
  registry?.close();
  rmSync(folder, { recursive: true, force: true });
}

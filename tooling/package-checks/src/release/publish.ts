import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { fitsThisMachine, manifestIn, platformFolders, publishedPackages, root, type Package } from '../packages.ts';
import { run } from './commands.ts';
import { settingsFor, type Registry } from './registry.ts';

/** What was published. */
export interface Release {
  readonly version: string;
  readonly packages: readonly Package[];
}

/**
 * An environment without anyone's settings or tokens: an empty home.
 *
 * @param home - the empty folder
 */
export function emptyHome(home: string): NodeJS.ProcessEnv {
  mkdirSync(home, { recursive: true });
  const own = Object.entries(process.env).filter(([name]) => !/^(npm|pnpm|node_auth)_/i.test(name));
  return { ...Object.fromEntries(own), HOME: home, XDG_CONFIG_HOME: home, USERPROFILE: home };
}

/**
 * Makes a release of what is committed, in a copy of the repository, as the workflow does: versions
 * and changelogs, builds, tarballs in a registry, tags.
 *
 * @param folder - where the copy goes
 * @param registry - of this machine
 * @param home - an empty folder for whoever publishes
 * @param versioned - versions and changelogs are made already
 */
export async function release(folder: string, registry: Registry, home: string, versioned: boolean): Promise<Release> {
  await run('git', ['clone', '--quiet', root, folder], { cwd: root });
  // changesets takes its commits for those of main.
  await run('git', ['checkout', '-q', '-B', 'main'], { cwd: folder });
  await run('git', ['config', 'user.email', 'nobody@localhost'], { cwd: folder });
  await run('git', ['config', 'user.name', 'Nobody'], { cwd: folder });
  console.log('Installing the dependencies of the copy');
  await run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], { cwd: folder });
  const path = `${join(folder, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`;
  if (!versioned) {
    const notes = readdirSync(join(folder, '.changeset')).filter((name) => name.endsWith('.md'));
    if (notes.length === 0) throw new Error('no changeset is left to release');
    await run('changeset', ['version'], { cwd: folder, env: { ...process.env, PATH: path } });
    await run('git', ['commit', '-qam', 'Version'], { cwd: folder });
    console.log(`Versions and changelogs of ${notes.length} changesets`);
  }
  const packages = publishedPackages(folder);
  const versions = new Set(packages.map(({ manifest }) => manifest.version));
  const [version = ''] = versions;
  if (versions.size !== 1) throw new Error(`every package has one version, not ${[...versions].join(', ')}`);
  if (!versioned && version === manifestIn(join(root, 'packages/core')).version)
    throw new Error(`the version is still ${version}`);
  for (const { folder: place, name } of packages) {
    if (!readFileSync(join(place, 'CHANGELOG.md'), 'utf8').includes(`## ${version}`))
      throw new Error(`${name}: the changelog has nothing about ${version}`);
  }
  console.log(`Building version ${version}`);
  await run('turbo', ['run', 'generate', 'build', '--filter=./packages/*', '--output-logs=errors-only'], {
    cwd: folder,
    env: { ...process.env, PATH: path },
  });
  addCompiledParts(folder);
  await publish(folder, registry, { ...withoutWorkflow(emptyHome(home)), PATH: path });
  return { version, packages };
}

/**
 * Lays the compiled part of `@rnn/backend-native` into the packages for platforms: those that the
 * workflow built, if they are here; else the one for this machine, and a text in the place of the
 * others, which nobody on this machine installs.
 */
function addCompiledParts(folder: string): void {
  for (const platform of platformFolders(folder)) {
    const place = join(platform, 'rnn-native.node');
    const made = join(root, 'packages/backend-native/platforms', basename(platform), 'rnn-native.node');
    const own = join(folder, 'packages/backend-native/build/rnn-native.node');
    if (existsSync(made)) copyFileSync(made, place);
    else if (fitsThisMachine(platform) && existsSync(own)) copyFileSync(own, place);
    else writeFileSync(place, 'Built by the workflow that releases.\n');
  }
}

/**
 * Publishes all packages, once it is sure where to: to the registry of this machine and nowhere
 * else.
 */
async function publish(folder: string, { url }: Registry, env: NodeJS.ProcessEnv): Promise<void> {
  writeFileSync(join(folder, '.npmrc'), settingsFor(url));
  const folders = [...publishedPackages(folder).map((each) => each.folder), ...platformFolders(folder)];
  for (const cwd of folders) {
    const told = await run('pnpm', ['publish', '--dry-run', '--no-git-checks', '--ignore-scripts'], { cwd, env });
    const target = /→ (\S+)/.exec(told)?.[1];
    if (target !== url) throw new Error(`${cwd} would be published to ${target ?? 'nowhere'}, not to ${url}\n${told}`);
  }
  await refusesWithoutProof(folder, env);
  console.log(`Publishing to ${url}`);
  await run('changeset', ['publish'], { cwd: folder, env });
}

/**
 * What the workflow sets for the step that publishes makes pnpm ask the host of the workflow for
 * proof of where a tarball was made. Here there is none to ask, so that the same settings have to
 * refuse.
 */
async function refusesWithoutProof(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const workflow = readFileSync(join(folder, '.github/workflows/release.yml'), 'utf8');
  const set = workflow.matchAll(/^ +(P?NPM_CONFIG_\w+): '([^']*)'$/gm);
  const settings = Object.fromEntries([...set].map(([, name = '', value]) => [name, value]));
  const [first] = publishedPackages(folder);
  const told = await run('pnpm', ['publish', '--no-git-checks', '--ignore-scripts'], {
    cwd: first?.folder ?? folder,
    // Of a workflow that runs this, the host must not be asked.
    env: { ...withoutWorkflow(env), ...settings },
  }).catch(String);
  if (!told.includes('PROVENANCE_UNSUPPORTED_PROVIDER'))
    throw new Error(
      `the workflow's ${JSON.stringify(settings)} do not make pnpm prove where a tarball comes from\n${told}`,
    );
}

const withoutWorkflow = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(CI$|GITHUB_|ACTIONS_)/.test(name)));

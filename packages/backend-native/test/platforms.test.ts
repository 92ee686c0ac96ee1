/**
 * The packages for platforms: what a release publishes, and what an installation without one says.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { targets } from '../scripts/build-platform.js';
import { built } from './built.js';

const home = fileURLToPath(new URL('..', import.meta.url));
const platforms = readdirSync(join(home, 'platforms'));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly main?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly publishConfig: { readonly os?: string[]; readonly cpu?: string[]; readonly libc?: string[] };
}
const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
const own = manifestIn(home);

describe('platform packages', () => {
  test('the package depends on each of them, and on nothing else that is optional', () => {
    expect(Object.keys(own.optionalDependencies ?? {}).toSorted()).toEqual(
      platforms.map((name) => `@rnn/backend-native-${name}`).toSorted(),
    );
  });

  test('there is a way to build each of them, and the release does so, for the same kind of machine', () => {
    const release = readFileSync(join(home, '../../.github/workflows/release.yml'), 'utf8');
    const released = [...release.matchAll(/\{ platform: (\S+), os: \S+, triple: (\S+) \}/g)];
    const ways = Object.entries(targets).map(([name, { triple }]) => `${name} ${triple}`);
    expect(Object.keys(targets).toSorted()).toEqual(platforms.toSorted());
    expect(ways.toSorted()).toEqual(released.map(([, name, triple]) => `${name} ${triple}`).toSorted());
  });

  test.each(platforms)('%s says where it runs, and has no script that an installation would run', (platform) => {
    const { name, version, main, scripts, publishConfig } = manifestIn(join(home, 'platforms', platform));
    const [os, cpu, abi] = platform.split('-');
    expect({ name, version, main }).toEqual({
      name: `@rnn/backend-native-${platform}`,
      version: own.version,
      main: './rnn-native.node',
    });
    expect(Object.keys(scripts ?? {})).toEqual(['prepack']);
    expect(publishConfig.os).toEqual([os]);
    expect(publishConfig.cpu).toEqual([cpu]);
    expect(publishConfig.libc).toEqual({ gnu: ['glibc'], musl: ['musl'] }[abi]);
  });
});

built('an installation', () => {
  let folder: string;
  const isGnu = process.platform === 'linux' && process.arch === 'x64';
  const modules = (): string => join(folder, 'node_modules/@rnn');

  const { RNN_NATIVE_FILE: _chosen, ...env } = process.env;

  // As an installer lays it out: the packages, and the one for this platform beside them.
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rnn-native-'));
    for (const name of ['core', 'backend-native']) {
      const from = join(home, '..', name);
      mkdirSync(join(modules(), name), { recursive: true });
      cpSync(join(from, 'dist'), join(modules(), name, 'dist'), { recursive: true });
      copyFileSync(join(from, 'package.json'), join(modules(), name, 'package.json'));
    }
    writeFileSync(
      join(folder, 'main.mjs'),
      `import { native } from '@rnn/backend-native';
import { setBackend, tensor } from '@rnn/core';
setBackend(await native({ threads: 1 }));
console.log(String(tensor([1, 2, 3]).square()));
`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (): string =>
    execFileSync(process.execPath, ['main.mjs'], { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' });

  test('without a package for the platform the error names one that runs everywhere', () => {
    expect(run).toThrow(/there is no build for this platform.*@rnn\/backend-native-.*@rnn\/backend-wasm/);
  });

  test('with it, the package runs, and is at most 3 MB', ({ task, skip }) => {
    if (!isGnu) {
      Object.assign(task.meta, { skipped: 'the platform package that is tried is that of Linux on x64' });
      skip();
    }
    const place = join(modules(), 'backend-native-linux-x64-gnu');
    mkdirSync(place);
    copyFileSync(join(home, 'platforms/linux-x64-gnu/package.json'), join(place, 'package.json'));
    copyFileSync(join(home, 'build/rnn-native.node'), join(place, 'rnn-native.node'));
    expect(run()).toBe('tensor([1., 4., 9.])\n');
    const sizes = ['backend-native', 'backend-native-linux-x64-gnu'].flatMap((name) =>
      readdirSync(join(modules(), name), { recursive: true, encoding: 'utf8' })
        .map((path) => statSync(join(modules(), name, path)))
        .filter((entry) => entry.isFile())
        .map(({ size }) => size),
    );
    expect(existsSync(join(place, 'rnn-native.node'))).toBe(true);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(3e6);
  });
});

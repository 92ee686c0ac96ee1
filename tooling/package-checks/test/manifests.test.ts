/** What stands in the manifests, and what packing makes of them. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { manifestIn, publishedPackages, root } from '../src/packages.ts';
import { scratch } from '../src/tarballs.ts';

const exec = promisify(execFile);
const prepack = join(root, 'tooling/prepack.mjs');

// The one place that says where the repository lies; every package follows it.
const { repository, bugs } = manifestIn(root);
const page = bugs?.replace(/\/issues$/, '') ?? '';

describe.each(publishedPackages())('$name', ({ folder, manifest }) => {
  test('says where it comes from', () => {
    const directory = `packages/${basename(folder)}`;
    expect(manifest.repository).toEqual({ ...repository, directory });
    expect(manifest.homepage).toBe(`${page}/tree/main/${directory}#readme`);
    expect(manifest.bugs).toBe(bugs);
    expect(manifest.keywords).toContain('rnn');
    expect(manifest.description?.length).toBeGreaterThan(20);
  });

  test('has a README in the order of all others, which holds where it is read', () => {
    const text = readFileSync(join(folder, 'README.md'), 'utf8');
    const places = [
      `# ${manifest.name}\n`,
      /^```sh\nnpm install .*\n```$/m.exec(text)?.[0] ?? 'how it is installed',
      '\n## Example\n',
      '\n## Guides\n',
      '\n## Limits\n',
      '\n## Stability\n',
    ].map((part) => text.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(text.slice(places.at(-1)).match(/^## /gm)).toHaveLength(1);
    const install = text.slice(places[1], places[2]);
    expect(install).toContain(manifest.name);
    for (const peer of Object.keys(manifest.peerDependencies ?? {}))
      if (manifest.peerDependenciesMeta?.[peer]?.optional !== true && manifest.name !== '@rnn/conformance')
        expect(install).toContain(peer);
    // On npm there is no repository around it.
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, url = '']) => url);
    expect(links.filter((url) => !/^(https:|#)/.test(url))).toEqual([]);
    expect(links.filter((url) => url.startsWith('https://rnn-ts.github.io/rnn/api/'))).toHaveLength(1);
  });

  test('names its main entry for tools that know no exports, too', () => {
    expect([manifest.main, manifest.types]).toEqual(['./dist/index.js', './dist/index.d.ts']);
  });

  test('leaves the choice of the core to the program: one copy for all packages', () => {
    const own = Object.keys(manifest.dependencies ?? {});
    expect(own).not.toContain('@rnn/core');
    if (manifest.name !== '@rnn/core') expect(manifest.peerDependencies?.['@rnn/core']).toBe('workspace:^');
  });

  test('is refused by packing while it is not built, and then taken with its changes', async () => {
    expect(manifest.scripts?.prepack).toBe('node ../../tooling/prepack.mjs');
    expect(manifest.scripts?.build).toBe('tsup && node ../../tooling/publish-types.mjs');
    const copy = join(scratch, basename(folder));
    mkdirSync(copy);
    for (const name of ['package.json', 'README.md']) cpSync(join(folder, name), join(copy, name));
    const check = exec(process.execPath, [prepack], { cwd: copy });
    await expect(check).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${manifest.name} is not built: ./dist/index.js,`) as string,
    });
    for (const name of manifest.files?.filter((name) => !/^!|^CHANGELOG/.test(name)) ?? []) {
      cpSync(join(folder, name), join(copy, name), { recursive: true });
    }
    writeFileSync(join(copy, 'CHANGELOG.md'), '# Changes\n');
    await exec(process.execPath, [prepack], { cwd: copy });
    const { stdout } = await exec('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: copy });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['CHANGELOG.md', 'dist/index.js']));
  });
});

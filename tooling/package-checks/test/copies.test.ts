/** Programs with packed packages: one copy of the core, and two. */
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { publishedPackages, root } from '../src/packages.ts';
import { install, scratch } from '../src/tarballs.ts';

const exec = promisify(execFile);
const [core, nn, cpu] = ['core', 'nn', 'backend-cpu'].map((name) => {
  const found = publishedPackages().find((each) => each.name === `@rnn/${name}`);
  if (found === undefined) throw new Error(`there is no package @rnn/${name}`);
  return found;
});

const program = `
  import { setBackend, ones, add } from '@rnn/core';
  import { cpu } from '@rnn/backend-cpu';
  import { Linear } from '@rnn/nn';
  setBackend(await cpu());
  const layer = (make) => { try { return String(make().shape); } catch (error) { return error.name + ': ' + error.message; } };
  console.log(JSON.stringify([
    layer(() => new Linear(3, 2).forward(ones([5, 3]))),
    layer(() => new Linear(3, 2, { backend: ones([1]).backend }).forward(ones([5, 3]))),
    layer(() => ones([5, 3]).matmul(ones([2, 2]))),
  ]));
`;

/** A folder in which the packages are installed. */
async function project(name: string): Promise<string> {
  const modules = join(scratch, name, 'node_modules');
  await Promise.all([core, nn, cpu].map((each) => install(each, join(modules, each.name))));
  writeFileSync(join(scratch, name, 'program.mjs'), program);
  return join(scratch, name);
}

async function run(folder: string): Promise<string[]> {
  const { stdout } = await exec(process.execPath, [join(folder, 'program.mjs')]);
  return JSON.parse(stdout) as string[];
}

const place = (folder: string): string => pathToFileURL(join(folder, 'dist')).href;
let single: string;
let double: string;
beforeAll(async () => {
  single = await project('single');
  double = await project('double');
  // What an installer does when a package wants another version of the core than the program has.
  const second = join(double, 'node_modules/@rnn/nn/node_modules/@rnn/core');
  mkdirSync(dirname(second), { recursive: true });
  cpSync(join(double, 'node_modules/@rnn/core'), second, { recursive: true });
  for (const name of globSync(['package.json', 'dist/**/*.js'], { cwd: second })) {
    const text = readFileSync(join(second, name), 'utf8');
    writeFileSync(join(second, name), text.replace(/(?<=version(?:": | = ))"[^"]+"/, '"9.8.7"'));
  }
});

test('with one copy an error speaks of itself alone', async () => {
  const [one, two, wrong] = await run(single);
  expect([one, two]).toEqual(['5,2', '5,2']);
  expect(wrong).toMatch(/^ShapeError: matmul: /);
  expect(wrong).not.toContain('copies');
});

test('with two copies every error names both, with version and place', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8')) as { version: string };
  const [none, foreign] = await run(double);
  expect(none).toMatch(/^BackendError: no backend is set/);
  expect(foreign).toMatch(/^ArgumentError: Linear: .*expected a Tensor/);
  for (const message of [none, foreign]) {
    expect(message).toContain('2 copies of @rnn/core are loaded');
    expect(message).toContain(`${version} at ${place(join(double, 'node_modules/@rnn/core'))}`);
    expect(message).toContain(`9.8.7 at ${place(join(double, 'node_modules/@rnn/nn/node_modules/@rnn/core'))}`);
    expect(message).toContain("backend 'cpu'");
    expect(message).toContain('npm ls @rnn/core');
  }
});

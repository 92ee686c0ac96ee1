/** The jobs in `examples/`, on a small budget, with the packages as they would be published. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dependenciesOf, exampleProjects, layOut, type ExampleProject } from '../src/examples.ts';
import { root } from '../src/packages.ts';
import { scratch } from '../src/tarballs.ts';

const exec = promisify(execFile);
const jobs = ['forecast', 'characters', 'speakers', 'seq2seq', 'streams', 'pytorch', 'backend', 'worker-page'];
const home = join(root, 'examples');
const data = join(root, 'apps/playground/data');
const projects = exampleProjects().filter(({ name }) => jobs.includes(name));
let copyOf: (project: ExampleProject) => string;
beforeAll(async () => {
  copyOf = await layOut(scratch);
});

const folderOf = (name: string): string => copyOf(projects.find((each) => each.name === name) as ExampleProject);

async function output(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec(process.execPath, args, { cwd: folderOf(name) });
  return stdout;
}

test('are all there', () => {
  expect(projects.map(({ name }) => name).sort()).toEqual(jobs.toSorted());
});

test('have the data of the tour', () => {
  const tour = new Map(globSync('*', { cwd: data }).map((name) => [name, join(data, name)]));
  const shared = globSync('*/data/*.{csv,pt,json}', { cwd: home });
  expect(shared.length).toBeGreaterThan(3);
  for (const path of shared) {
    const original = tour.get(basename(path));
    expect(original, path).toBeDefined();
    if (original !== undefined) expect(readFileSync(join(home, path)).equals(readFileSync(original)), path).toBe(true);
  }
});

describe.each(exampleProjects())('$name', ({ name, folder, manifest }) => {
  const all = globSync('**/*.{ts,js,html,json}', { cwd: folder, exclude: ['node_modules/**'] });

  test('stands alone: nothing leads out of its folder', () => {
    for (const file of all) expect(readFileSync(join(folder, file), 'utf8'), file).not.toContain('../..');
    expect(manifest.scripts?.start ?? manifest.scripts?.dev).toBeDefined();
  });

  test('opens in StackBlitz by a link, at a file that is there', () => {
    const links = readFileSync(join(folder, 'README.md'), 'utf8').matchAll(
      /https:\/\/stackblitz\.com\/github\/rnn-ts\/rnn\/tree\/main\/(\S+?)\?file=([^)\s]+)/g,
    );
    const [[, path = '', file = ''] = []] = [...links];
    expect(path).toBe(`examples/${name}`);
    expect(existsSync(join(root, path, file)), file).toBe(true);
  });
});

test('are shown by the recipes', () => {
  const recipes = globSync('docs/recipes/*.md', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'));
  for (const name of jobs)
    expect(
      recipes.some((text) => text.includes(`(../../examples/${name})`)),
      name,
    ).toBe(true);
});

describe.each(projects)('$name', (project) => {
  const files = globSync('**/*.ts', { cwd: project.folder, exclude: ['node_modules/**'] });

  test('imports what its manifest names, and no more', () => {
    const imports = files.flatMap((file) =>
      ts
        .preProcessFile(readFileSync(join(project.folder, file), 'utf8'))
        .importedFiles.map(({ fileName }) => fileName)
        .filter((name) => !name.startsWith('.') && !isBuiltin(name)),
    );
    const names = imports.map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
    // Started as a command, and the parser of `@rnn/train/csv`.
    const others = dependenciesOf(project).filter((name) => !['vite', 'papaparse'].includes(name));
    expect([...new Set(names)].sort()).toEqual(others.sort());
  });

  test('has at most 60 lines of its own in a file', () => {
    for (const file of files) {
      expect(readFileSync(join(project.folder, file), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(60);
    }
  });
});

test('have sound types with the types that are published', { timeout: 120_000 }, async () => {
  const options = {
    target: 'es2023',
    module: 'nodenext',
    lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
  };
  writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['examples'] }));
  // The one in machine code, which takes a fifth of the time; all versions check the documents.
  const compiler = join(import.meta.dirname, '../node_modules/typescript-newest/bin/tsc');
  const complaints = await exec(process.execPath, [compiler, '-p', scratch]).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
  expect(complaints).toBe('');
});

describe('run', { timeout: 120_000 }, () => {
  const servers: ChildProcess[] = [];
  afterAll(() => servers.forEach((server) => server.kill()));

  test('forecast: from the CSV file to a service that refuses what is no history', async () => {
    expect(await output('forecast', 'train.ts', '30')).toMatch(/RMSE \d+\.\d; of "next month is like this one" 19\.6/);
    const server = spawn(process.execPath, ['server.ts', '0'], { cwd: folderOf('forecast') });
    servers.push(server);
    const port = await new Promise<string>((resolve, reject) => {
      server.stdout.on('data', (data) => resolve(/listening on (\d+)/.exec(String(data))?.[1] ?? ''));
      server.stderr.on('data', (data) => reject(new Error(String(data))));
    });
    const ask = (body: object): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/forecast`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const history = Array.from({ length: 72 }, (_, t) => 60 + 40 * Math.sin(t / 20));
    const answer = (await (await ask({ history, months: 6 })).json()) as {
      values: number[];
      intervals: { level: number; lower: number[]; upper: number[] }[];
    };
    expect(answer.values).toHaveLength(6);
    const [narrow, wide] = answer.intervals;
    expect([narrow.level, wide.level]).toEqual([0.8, 0.95]);
    answer.values.forEach((value, i) => {
      expect(wide.lower[i]).toBeLessThan(narrow.lower[i]);
      expect(narrow.lower[i]).toBeLessThan(value);
      expect(value).toBeLessThan(narrow.upper[i]);
    });
    for (const wrong of [{ history: history.slice(0, 59) }, { history, months: 0 }, { history: ['a'] }, {}]) {
      expect((await ask(wrong)).status).toBe(400);
    }
  });

  test('characters: bits a character, and text', async () => {
    const lines = (await output('characters', 'train.ts', '4')).split('\n');
    expect(lines[0]).toMatch(/^held out: [3-6]\.\d\d bits a character$/);
    expect(lines.slice(1).join('\n')).toMatch(/^And God said[^]{200}\n$/);
  });

  test('speakers: accuracy and confusion matrix', async () => {
    const text = await output('speakers', 'train.ts', '40');
    expect(Number(/accuracy (\S+);/.exec(text)?.[1])).toBeGreaterThan(0.5);
    const counts = text
      .trim()
      .split('\n')
      .slice(1)
      .flatMap((line) => line.trim().split(/ +/).map(Number));
    expect(counts).toHaveLength(81);
    expect(counts.reduce((a, b) => a + b)).toBe(370);
  });

  test('seq2seq: reverse and add', async () => {
    expect(await output('seq2seq', 'train.ts', '8')).toMatch(
      /^reverse: \d+\.\d % right.*\nadd: \d+\.\d % right, such as \d+\+\d+ -> /,
    );
  });

  test('streams: a thousand, flat in memory', async () => {
    const text = await output('streams', 'serve.ts', '10');
    expect(text).toMatch(/^\d+ samples a second, 0 bytes more than at first\n/);
    expect(text).toContain('as the whole sequence at once: true\n500 sessions here, 1 elsewhere');
  });

  test('pytorch: in, on, and out', async () => {
    expect(await output('pytorch', 'exchange.ts', '20')).toMatch(
      /^as PyTorch computes it, to 1e-6: true\nloss \S+ -> \S+\nthe file holds the same: true\n$/,
    );
  });

  test('backend: passes the suite and trains', async () => {
    const text = await output('backend', 'main.ts', '3');
    expect(text).toMatch(/^conformance: [1-9]\d* cases passed, 0 failed\n/);
    expect(text).toMatch(/matmul +[\d.]+ calls a step/);
  });

  test('worker-page: trains in its worker while the page stays alive, stops, and uses what was learned', async () => {
    const folder = folderOf('worker-page');
    await build({ root: folder, logLevel: 'error', build: { outDir: 'dist' } });
    expect(globSync('dist/**/training-*.js', { cwd: folder })).toHaveLength(1);
    const server = await preview({ root: folder, logLevel: 'error', preview: { port: 0 } });
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium' });
    try {
      const page = await browser.newPage();
      const failed = new Promise<never>((_, reject) => page.once('pageerror', reject));
      const address = server.resolvedUrls?.local[0] as string;
      const said = async (query: string, whileItRuns: () => Promise<void>): Promise<string> => {
        await page.goto(address + query);
        const run = async (): Promise<string> => {
          await page.click('#start:enabled');
          await whileItRuns();
          await page.waitForFunction(`document.querySelector('#result').textContent !== ''`);
          return (await page.textContent('#result')) ?? '';
        };
        return Promise.race([run(), failed]);
      };
      // Frames go on while it learns.
      const text = await said('?steps=60', async () => {
        await page.evaluate('new Promise(requestAnimationFrame)');
      });
      expect(text).toMatch(/^60 steps; 30 values on it is off by \d/);
      expect(await page.textContent('#loss')).toMatch(/loss/);
      const stopped = await said('?steps=1000000', async () => {
        await page.waitForFunction(`document.querySelector('#loss').textContent !== ''`);
        await page.click('#stop');
      });
      expect(Number(/^(\d+) steps/.exec(stopped)?.[1])).toBeLessThan(1_000_000);
    } finally {
      await browser.close();
      await server.close();
    }
    expect(globSync(join(root, 'examples/*/node_modules'))).toEqual([]);
  });
});

/**
 * A page that trains in a worker, built by Vite with the built packages as they are installed, in
 * Chromium.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright';
import { build, createServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../..');
let root: string;
let browser: Browser;

/** Puts a package's files where an installation would. */
function install(folder: string): void {
  const from = join(packages, folder);
  const { publishConfig, ...manifest } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as {
    name: string;
    publishConfig: object;
  };
  const to = join(root, 'node_modules', manifest.name);
  mkdirSync(to, { recursive: true });
  cpSync(join(from, 'dist'), join(to, 'dist'), { recursive: true });
  writeFileSync(join(to, 'package.json'), JSON.stringify({ ...manifest, ...publishConfig }));
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'rnn-page-'));
  cpSync(join(import.meta.dirname, 'page'), root, { recursive: true });
  for (const folder of ['core', 'nn', 'train', 'backend-cpu']) install(folder);
  symlinkSync(join(packages, 'core/node_modules/pure-rand'), join(root, 'node_modules/pure-rand'));
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  [browser] = await Promise.all([
    chromium.launch({ executablePath }),
    build({ root, configFile: false, logLevel: 'error', build: { target: 'es2022' }, worker: { format: 'es' } }),
  ]);
});

afterAll(async () => {
  await browser.close();
  rmSync(root, { recursive: true });
});

/** Opens the page on a server of its own and returns what it tells. */
async function visit(query: string, isDev: boolean): Promise<unknown> {
  const options = { root, configFile: false, logLevel: 'error' } as const;
  // Neither texts nor made-up addresses may become programs; a development server needs its own.
  const headers = isDev ? undefined : { 'Content-Security-Policy': "default-src 'self'; script-src 'self'" };
  const server = isDev
    ? await (await createServer({ ...options, server: { port: 0 } })).listen()
    : await preview({ ...options, preview: { port: 0, headers } });
  const page = await browser.newPage();
  try {
    await page.goto(`${server.resolvedUrls?.local[0]}${query}`);
    const body = page.locator('body[data-result]');
    await body.waitFor({ state: 'attached', timeout: 120_000 });
    return JSON.parse((await body.getAttribute('data-result')) ?? '');
  } finally {
    await page.close();
    await server.close();
  }
}

describe.each([false, true])('a page trains in a worker; development server: %s', (isDev) => {
  test('under a strict content security policy, with progress', async () => {
    expect(await visit('', isDev)).toEqual({
      stopped: 'finished',
      step: 1000,
      weight: expect.closeTo(2, 3) as number, // of y = 2 x + 1
      types: ['begin', 'epoch', 'step', 'end'], // a pass is one step, and every 50th is told
      text: expect.stringMatching(/^1000 of 1000 steps, loss /) as string,
      isAlive: true,
    });
  });

  test('until it is told to stop', async () => {
    expect(await visit('?abort', isDev)).toMatchObject({ stopped: 'aborted', weight: expect.any(Number) as number });
  });
});

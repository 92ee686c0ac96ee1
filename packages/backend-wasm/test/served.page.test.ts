/**
 * A user's page, built and served by Vite with the built packages as they are installed, in
 * Chromium.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  install('core');
  install('backend-wasm');
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

type Headers = Readonly<Record<string, string>>;

const isolated: Headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
const policy = (text: string): Headers => ({ ...isolated, 'Content-Security-Policy': text });

/** Opens the page on a server of its own and returns what it computed. */
async function visit(headers: Headers, { query = '', isDev = false } = {}): Promise<unknown> {
  const options = { root, configFile: false, logLevel: 'error' } as const;
  const server = isDev
    ? await (await createServer({ ...options, server: { port: 0, headers } })).listen()
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

const total = 300 ** 3;
const twoThreads = { threads: 2, total, hasHelped: true };

describe.each([true, false])('served by the development server: %s', (isDev) => {
  test('an isolated page computes on two threads', async () => {
    expect(await visit(isolated, { isDev })).toMatchObject(twoThreads);
    expect(await visit(isolated, { isDev, query: '?file' })).toMatchObject(twoThreads);
  });

  test('a worker of the page does too', async () => {
    expect(await visit(isolated, { isDev, query: '?inside' })).toMatchObject(twoThreads);
  });

  test('another page computes on one, and says what is missing', async () => {
    expect(await visit({}, { isDev })).toMatchObject({
      threads: 1,
      total,
      notes: expect.arrayContaining([
        expect.stringMatching(/not cross-origin isolated.*Cross-Origin-Opener-Policy/),
      ]) as string[],
    });
  });
});

describe('under a content security policy', () => {
  test('that allows WebAssembly, the worker file of the package is used', async () => {
    const headers = policy("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'");
    expect(await visit(headers, { query: '?file' })).toMatchObject(twoThreads);
  });

  test('that allows WebAssembly but no workers from texts, one thread computes, and the reason is told', async () => {
    expect(await visit(policy("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"))).toMatchObject({
      threads: 1,
      total,
      notes: expect.arrayContaining([expect.stringMatching(/no workers could be started/)]) as string[],
    });
  });

  test('that allows both, two threads compute', async () => {
    const headers = policy("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:");
    expect(await visit(headers)).toMatchObject(twoThreads);
  });

  test('that forbids WebAssembly, the error says what to allow', async () => {
    expect(await visit(policy("script-src 'self'"))).toEqual({
      code: 'ERR_BACKEND',
      message: expect.stringMatching(/content security policy.*'wasm-unsafe-eval'/) as string,
    });
  });
});

/** The page, built, served and opened: what its browser tests have in common. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from 'playwright';
import { preview, type PreviewServer } from 'vite';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { configFile } from './page-setup.ts';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/** The software renderer, so that WebGL and WebGPU are there, and the same, on every machine. */
export const withGraphics: readonly string[] = [
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Sizes of the window that every demo is looked at in. */
export const phone: Size = { width: 360, height: 740 };
export const desktop: Size = { width: 1280, height: 800 };

interface OpenOptions {
  readonly viewport?: Size;
  readonly colorScheme?: 'light' | 'dark';
  /**
   * Chromium's; without a graphics card unless given, since a page drawn by the software renderer
   * takes the processor from everything else.
   */
  readonly args?: readonly string[];
  readonly forcedColors?: 'active';
  readonly reducedMotion?: 'reduce';
  readonly permissions?: readonly string[];
  /** Whether the browser has no WebAssembly. */
  readonly withoutWebAssembly?: boolean;
  /** Whether what computes has not come yet. */
  readonly withoutWorkers?: boolean;
  /** Whether the page comes from a folder of a static server, without the headers for threads. */
  readonly plainFolder?: boolean;
  /** Whether the page may keep its files for visits without a network. */
  readonly keepsFiles?: boolean;
}

/** The page of a test file. */
export interface TestPage {
  /** Where the page is served. */
  readonly address: string;
  /** The address of the folder with its files. */
  readonly folder: string;
  /**
   * Opens it at `#/...`, until the demo is drawn; the console must stay clean until the end of the
   * test.
   */
  open(hash?: string, options?: OpenOptions): Promise<Page>;
  /** What went wrong so far without being shown, to be emptied by a test that expects it. */
  readonly complaints: string[];
}

/**
 * Serves the page for a test file, as `page-setup.ts` built it. Call it at the top of the file;
 * after each test what was opened is closed, and complaints of the console, of scripts or of
 * requests to elsewhere fail the test.
 */
export function testPage(): TestPage {
  const folder = inject('builtPage');
  let server: PreviewServer;
  let plain: Server;
  const browsers = new Map<string, Browser>();
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];
  const address = (): string => server.resolvedUrls?.local[0] ?? '';

  beforeAll(async () => {
    server = await preview({ configFile, logLevel: 'error', build: { outDir: folder }, preview: { port: 0 } });
    plain = await serveFolder(folder);
  });

  afterAll(async () => {
    for (const browser of browsers.values()) await browser.close();
    await server.close();
    plain.close();
  });

  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    expect(complaints.splice(0)).toEqual([]);
  });

  const browserWith = async (args: readonly string[]): Promise<Browser> => {
    const key = args.join(' ');
    const browser = browsers.get(key) ?? (await chromium.launch({ executablePath, args: [...args] }));
    browsers.set(key, browser);
    return browser;
  };

  return {
    get address() {
      return address();
    },
    folder: pathToFileURL(`${folder}/`).href,
    complaints,
    async open(hash = '', { args = ['--disable-gpu'], viewport = desktop, permissions, ...given } = {}) {
      const {
        withoutWebAssembly = false,
        withoutWorkers = false,
        plainFolder = false,
        keepsFiles = false,
        ...options
      } = given;
      const browser = await browserWith(args);
      const context = await browser.newContext({
        viewport,
        permissions: permissions && [...permissions],
        serviceWorkers: keepsFiles ? 'allow' : 'block',
        ...options,
      });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(60_000);
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('request', (request) => {
        const url = request.url();
        const own = [address(), addressOf(plain)].map((one) => new URL(one).origin);
        if (!own.some((origin) => url.startsWith(origin)) && !/^(blob|data):/.test(url))
          complaints.push(`asked ${url}`);
      });
      await page.addInitScript(watch);
      // A worker has no init scripts: it is told by its own file.
      if (withoutWebAssembly) await withholdWebAssembly(page);
      if (withoutWorkers) await page.route(/\/worker-[^/]*\.js$/, () => {});
      await page.goto(`${plainFolder ? addressOf(plain) : address()}${hash}`);
      await drawn(page);
      return page;
    },
  };
}

/** Waits until the page and the demo of its address are drawn. */
export async function drawn(page: Page): Promise<void> {
  await page.locator('html[data-ready] main:not([aria-busy="true"])').waitFor({ state: 'attached' });
}

/** What the page's main thread went through. */
export interface Watched {
  /** Sum of the layout shifts that no input caused. */
  readonly shift: number;
  /** Milliseconds of each task that blocked for more than 50. */
  readonly longTasks: readonly number[];
}

/** Runs in the page before anything else. */
function watch(): void {
  const seen = { shift: 0, longTasks: [] as number[] };
  Object.assign(globalThis, { watched: seen });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
      if (!entry.hadRecentInput) seen.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longTasks.push(Math.round(duration));
  }).observe({ type: 'longtask', buffered: true });
}

/** Layout shift and long tasks since the page was opened. */
export function watched(page: Page): Promise<Watched> {
  return page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched);
}

/** What axe finds, as `rule: place`; nothing is as it should be. */
export async function axeFindings(page: Page): Promise<string[]> {
  // The policy of the page forbids scripts from elsewhere; the debugger's are none of its business.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}

/** What is wider than its place, code and the row of tabs apart; nothing is as it should be. */
export function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('html, .card, .card *:not(pre, code)')].flatMap((element) => {
      const scrolls = ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
      const isMeant = !scrolls && !element.matches('html, .card');
      return isMeant || element.scrollWidth <= element.clientWidth ? [] : [element.outerHTML.slice(0, 120)];
    }),
  );
}

/** Chooses a backend in the bar by a click, and waits until it computes. */
export async function chooseBackend(page: Page, name: string): Promise<void> {
  await page.locator(`.backend.${name}`).click();
  await backendComputes(page, name);
}

/** Waits until the steps of the run are done by this backend. */
export async function backendComputes(page: Page, name: string): Promise<void> {
  await page.locator(`.backend.${name} input:checked`).waitFor({ state: 'attached' });
  await page.locator(`.backend.${name} .rate`).filter({ hasText: 'steps/s' }).waitFor();
}

/** Training steps done, as the bar shows them. */
export async function stepCount(page: Page): Promise<number> {
  const text = (await page.locator('.step-count').textContent()) ?? '';
  return Number(/step ([\d,]+)/.exec(text)?.[1].replaceAll(',', '') ?? Number.NaN);
}

/**
 * Stops a run that plays, begins it again and takes some single steps: the loss of the last one, in
 * all its digits.
 */
export async function lossAfter(page: Page, steps: number): Promise<string> {
  await untilStep(page, 1);
  await button(page, 'Pause').click();
  await button(page, 'Play').waitFor();
  await button(page, 'Reset').click();
  await expect.poll(() => stepCount(page), { timeout: 60_000 }).toBe(0);
  for (let step = 1; step <= steps; step++) {
    await button(page, 'One step').click();
    await expect.poll(() => stepCount(page), { timeout: 60_000 }).toBe(step);
  }
  return (await page.locator('.step-count').getAttribute('data-loss')) ?? '';
}

/** Drops a file on the middle of the page, as a visitor does from a folder. */
export async function dropFile(page: Page, name: string, content: Buffer): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ name, bytes }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(bytes)], name));
      return transfer;
    },
    { name, bytes: [...content] },
  );
  await page.dispatchEvent('#demo', 'dragover', { dataTransfer: transfer });
  await page.dispatchEvent('#demo', 'drop', { dataTransfer: transfer });
}

/** Waits until the run has done this many steps. */
export async function untilStep(page: Page, steps: number): Promise<void> {
  await expect.poll(() => stepCount(page), { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(steps);
}

/** The button of the bar with this name. */
export function button(page: Page, name: string): Locator {
  return page.getByRole('button', { name, exact: true });
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** A server that knows nothing but files, under a path of its site. */
async function serveFolder(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    const [, name] = /^\/lessons\/rnn\/(.*)$/.exec(pathname) ?? [];
    if (name === undefined) return void response.writeHead(404).end();
    const file = name === '' ? 'index.html' : name;
    readFile(join(folder, file)).then(
      (content) => response.writeHead(200, { 'content-type': types[extname(file)] ?? 'text/plain' }).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return server;
}

function addressOf(server: Server): string {
  return `http://localhost:${(server.address() as AddressInfo).port}/lessons/rnn/`;
}

/** Takes WebAssembly from the page's workers, by a line in front of their scripts. */
async function withholdWebAssembly(page: Page): Promise<void> {
  await page.route(/\/worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `delete globalThis.WebAssembly;${await response.text()}` });
  });
}

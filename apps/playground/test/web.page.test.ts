import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import { build, preview, type PreviewServer } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { readData } from '../src/data/files.ts';
import { parseLesson } from '../src/data/lesson.ts';

// A software renderer takes long over what a graphics card does at once; nothing is asserted about
// it.
const patience = 300_000;
vi.setConfig({ testTimeout: patience, hookTimeout: patience });

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const configFile = fileURLToPath(new URL('../web/vite.config.ts', import.meta.url));

let folder: string;
let server: PreviewServer;
let browser: Browser;
let page: Page;
/** What went wrong in the page without being shown in it. */
let complaints: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rnn-page-'));
  await build({ configFile, logLevel: 'error', build: { outDir: folder } });
  server = await preview({ configFile, logLevel: 'error', build: { outDir: folder }, preview: { port: 0 } });
  browser = await chromium.launch({
    executablePath,
    // The software renderer, so that WebGL and WebGPU are there, and the same, on every machine.
    args: [
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
    ],
  });
});

afterAll(async () => {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true });
});

beforeEach(() => open(browser));

afterEach(async () => {
  await page.close();
  if (complaints.length > 0) throw new Error(`The page complains: ${complaints.join('; ')}`);
});

/** Opens the page and waits until its first backend has run the lesson. */
async function open(browser: Browser): Promise<void> {
  complaints = [];
  page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  page.setDefaultTimeout(patience);
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => {
    if (!request.url().startsWith(address())) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(`${address()}chapters.html`);
  await page.locator('html[data-ready]').waitFor({ state: 'attached' });
}

function address(): string {
  return server.resolvedUrls?.local[0] ?? '';
}

/**
 * Chooses a backend as a visitor does; a mode that is not there fails with what the page says of
 * it.
 */
async function choose(name: string): Promise<void> {
  await page.selectOption('#backend', name);
  await page.locator('#backend:enabled').waitFor();
  expect(await page.locator('#backend-error').textContent()).toBe('');
  expect(await page.locator('#backend').inputValue()).toBe(name);
}

/** Trains a section's network; returns the sentence that says what came of it. */
async function train(section: string, steps: number): Promise<string> {
  await begin(section, steps);
  return outcome(section);
}

async function begin(section: string, steps: number): Promise<void> {
  await page.fill(`#${section}-steps`, String(steps));
  await page.click(`#${section} button`);
}

async function outcome(section: string): Promise<string> {
  await page.locator(`#${section}:is([data-state=done], [data-state=failed])`).waitFor();
  expect(await page.locator(`#${section} .error`).textContent()).toBe('');
  return (await page.locator(`#${section} .result`).textContent()) ?? '';
}

/** The number before a unit or after a word in a sentence. */
function numberIn(sentence: string, pattern: RegExp): number {
  return Number(pattern.exec(sentence)?.[1]);
}
const errorIn = (sentence: string): number => numberIn(sentence, /off by ([\d.]+) sunspots/);
const percentIn = (sentence: string): number => numberIn(sentence, /speaker of ([\d.]+)\s%/);

/** The lesson's numbers as they stand in the page, here and by PyTorch. */
async function expectLesson(): Promise<void> {
  const { printed } = parseLesson(await readData('lesson.json'));
  const here = await page.locator('#lesson td[data-label=here]').allTextContents();
  const torch = await page.locator('#lesson td[data-label=PyTorch]').allTextContents();
  expect(here).toHaveLength(11);
  expect(here).toEqual(torch);
  // Weights and input come first, then the five lines of the lesson.
  for (const [t, line] of printed.entries()) expect(line).toContain(here[3 + t]);
}

test.each(['cpu', 'wasm'])('%s: the lesson, a forecast and the speakers', async (name) => {
  await choose(name);
  await expectLesson();

  const forecast = await train('sunspots', 70);
  expect(numberIn(forecast, /which is off by ([\d.]+)\./)).toBe(19.6);
  expect(errorIn(forecast)).toBeLessThan(19.6);

  // By chance it would be 11 %.
  expect(percentIn(await train('vowels', 40))).toBeGreaterThan(50);
});

// So few steps teach little, but they tell a backend that computes something else from one that is
// slow.
test.each(['webgl2', 'webgpu'])('%s: the lesson, and the same forecast and speakers as wasm', async (name) => {
  const forecast = await train('sunspots', 1);
  const speakers = await train('vowels', 2);

  await choose(name);
  await expectLesson();
  expect(await page.locator('#backend-info').textContent()).toContain(name);
  expect(Math.abs(errorIn(await train('sunspots', 1)) - errorIn(forecast))).toBeLessThanOrEqual(0.1);
  expect(Math.abs(percentIn(await train('vowels', 2)) - percentIn(speakers))).toBeLessThanOrEqual(1);
});

test('a training that changes its backend goes on as if it had stayed', async () => {
  const unmoved = await train('sunspots', 20);
  await choose('cpu');
  await begin('sunspots', 20);
  await page.waitForFunction(() => (document.querySelector('#sunspots progress') as HTMLProgressElement).value > 0);
  await choose('wasm');
  expect(errorIn(await outcome('sunspots'))).toBe(errorIn(unmoved));
  const drawn = await page.locator('#sunspots .loss .u-series:not(.u-off)').allTextContents();
  expect(drawn).toEqual(['cpu', 'wasm']);
});

test('a training can be stopped, and shows what was learned', async () => {
  await choose('cpu');
  await begin('sunspots', 5000);
  await page.waitForFunction(() => (document.querySelector('#sunspots progress') as HTMLProgressElement).value > 0);
  await page.click('#sunspots button');
  expect(numberIn(await outcome('sunspots'), /After (\d+) steps/)).toBeLessThan(5000);
});

test('a backend that cannot run says why, and the one before stays', async () => {
  const without = await chromium.launch({ executablePath, args: ['--disable-gpu', '--disable-software-rasterizer'] });
  try {
    await open(without);
    await page.selectOption('#backend', 'webgl2');
    await page.locator('#backend:enabled').waitFor();
    expect(await page.locator('#backend-error').textContent()).toMatch(/^webgl2 is not available here\. gpu: /);
    expect(await page.locator('#backend option[value=webgl2]').textContent()).toContain('(not available)');
    expect(await page.locator('#backend').inputValue()).toBe('wasm');
    expect(await train('vowels', 1)).toContain('After 1 step ');
  } finally {
    await without.close();
  }
});

test('a training that fails says why, and can be tried again', async () => {
  await page.route('**/*.csv', (route) => route.fulfill({ status: 404 }));
  await begin('vowels', 1);
  await page.locator('#vowels[data-state=failed]').waitFor();
  expect(await page.locator('#vowels .error').textContent()).toBe(
    'The training ended with an error. japanese-vowels-train.csv could not be loaded: 404 Not Found',
  );
  await page.unroute('**/*.csv');
  expect(await train('vowels', 1)).toContain('After 1 step ');
  complaints = complaints.filter((text) => !text.includes('404')); // which the browser notes as well
});

test('in a window of 360 pixels nothing has to be scrolled sideways', async () => {
  await train('sunspots', 1);
  await train('vowels', 1);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  const tables = await page
    .locator('.wide')
    .evaluateAll((all) => all.map((each) => each.scrollWidth - each.clientWidth));
  expect(tables).toEqual([0, 0, 0]);
});

test('every control is reached and worked by keyboard, and has a name', async () => {
  const names: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (element === null || element === document.body) return '';
      const labels = (element as HTMLInputElement).labels ?? [];
      return element.getAttribute('aria-label') ?? labels[0]?.textContent ?? element.textContent;
    });
    if (name === '') break;
    names.push(name.trim());
  }
  const codeAndNumbers = ['Code', 'Numbers', 'Code', 'Numbers', 'Code', 'Numbers'];
  const training = ['Training steps', 'Train'];
  expect(names).toEqual(['Compute on', ...training, 'Data', ...training, 'Source of the cell', ...codeAndNumbers]);
});

test('nothing jumps, the first training is on the first screen, and the choice of the backend stays beside the curve', async () => {
  await page.addInitScript(() => {
    const shifts = window as unknown as { layoutShift: number };
    shifts.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
        if (!entry.hadRecentInput) shifts.layoutShift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.reload();
  await page.locator('html[data-ready]').waitFor({ state: 'attached' });
  const train = page.locator('#sunspots button');
  expect((await train.boundingBox())?.y).toBeLessThan(740);
  await train.click();
  await page.locator('#sunspots[data-state=done]').waitFor();
  await page.locator('#sunspots .loss').evaluate((figure) => figure.scrollIntoView({ block: 'start' }));
  const [bar, curve] = [
    await page.locator('.backend-bar').boundingBox(),
    await page.locator('#sunspots .loss .plot').boundingBox(),
  ];
  expect(bar?.y).toBe(0);
  expect(curve?.y).toBeGreaterThanOrEqual(bar?.height ?? Infinity);
  expect((curve?.y ?? Infinity) + (curve?.height ?? 0)).toBeLessThanOrEqual(740);
  expect(await page.evaluate(() => (window as unknown as { layoutShift: number }).layoutShift)).toBeLessThan(0.05);
});

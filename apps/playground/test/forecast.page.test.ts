/** The forecast in Chromium: a result, a file of one's own, broken and huge ones, backends. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { axeFindings, button, chooseBackend, phone, stepCount, testPage, untilStep, watched } from './page.ts';

const site = testPage();
/** These demos draw on canvases alone: a software renderer of WebGL would only slow them down. */
const args = ['--disable-gpu'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rnn-csv-'));
});
afterAll(() => rm(folder, { recursive: true }));

const verdict = (page: Page): Promise<string> => page.locator('.verdict').first().innerText();
const choose = (page: Page, name: string, content: string): Promise<void> =>
  page
    .locator('.drop input[type=file]')
    .setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(content, 'utf8') });

test('sunspots: the forecast redraws while it learns, and beats “next month is like this one”', async () => {
  const page = await site.open('#/forecast?seed=0', { args });
  await untilStep(page, 1);
  const before = await page.locator('.line-plot .hidden').first().innerText();
  await untilStep(page, 200);
  await expect.poll(() => verdict(page), { timeout: 60_000 }).toMatch(/^Better than no model/);
  await button(page, 'Pause').click();
  expect(await page.locator('.line-plot .hidden').first().innerText()).not.toBe(before);
  // The naive error is that of the file, which data.test.ts computes by a plain loop.
  await expect.poll(() => verdict(page)).toContain('“next month is like this one” by 19.6');
  expect(await axeFindings(page)).toEqual([]);
  expect((await watched(page)).shift).toBeLessThan(0.05);
});

test('a file of one’s own is chosen, its columns too; a broken one says where', async () => {
  const page = await site.open('#/forecast', { args, viewport: phone });
  const row = (i: number): string => `2020-01-${String((i % 28) + 1).padStart(2, '0')},${Math.sin(i / 5)},${i % 7},wet`;
  const rows = Array.from({ length: 300 }, (_, i) => row(i));
  await choose(page, 'mine.csv', `day,wave,week,word\n${rows.join('\n')}`);
  await page.getByText('300 rows.').waitFor();
  expect(await page.getByRole('combobox', { name: 'Forecast', exact: true }).locator('option').allInnerTexts()).toEqual(
    ['wave', 'week'],
  );
  await page.getByRole('checkbox', { name: 'week' }).check();
  await untilStep(page, 5);
  expect(new URL(page.url()).hash).toContain('also=week');

  await choose(page, 'broken.csv', `a,b\n${rows.map((_, i) => (i === 40 ? '1' : '1,2')).join('\n')}`);
  const alert = page.locator('.drop [role=alert]');
  await alert.waitFor();
  await expect
    .poll(() => alert.innerText())
    .toContain('broken.csv cannot be used. Row 42 has 1 cell, the first one 2.');
  expect(await axeFindings(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await button(page, 'Back to the sunspots').click();
  await untilStep(page, 5);
});

test('50 MB are read apart from the page, which stays alive', async () => {
  const path = join(folder, 'large.csv');
  const file = await open(path, 'w');
  let [line, size] = [0, 0];
  await file.write('n,value\n');
  while (size < 50e6) {
    const part = Array.from({ length: 50_000 }, () => `${line},${Math.sin(line++ / 9).toFixed(12)}\n`).join('');
    size += part.length;
    await file.write(part);
  }
  await file.close();
  const page = await site.open('#/forecast', { args });
  await untilStep(page, 3);
  const before = (await watched(page)).longTasks.length;
  const began = performance.now();
  await page.locator('.drop input[type=file]').setInputFiles(path);
  await page.getByText(`The file has ${line.toLocaleString('en')} rows; the last 20,000 are used.`).waitFor();
  const took = performance.now() - began;
  await untilStep(page, 3);
  // A page that read the file itself would be blocked for nearly all of the time that it takes.
  const blocked = (await watched(page)).longTasks.slice(before).reduce((sum, duration) => sum + duration, 0);
  expect(blocked).toBeLessThan(took / 4);
});

test('S&P 500: what is said is what the numbers say', async () => {
  const page = await site.open('#/forecast?data=sp500', { args });
  await untilStep(page, 60);
  await button(page, 'Pause').click();
  await expect.poll(() => verdict(page)).toMatch(/^(Not better|Worse) than no model/);
});

test('another backend takes the run over; it learns on where it was', async () => {
  const page = await site.open('#/forecast?backend=cpu', { args });
  await untilStep(page, 3);
  const before = await stepCount(page);
  await chooseBackend(page, 'wasm');
  await untilStep(page, before + 5);
  await expect.poll(() => page.locator('.backend.cpu .rate').innerText()).toMatch(/steps\/s$/);
});

test('by keyboard alone: the slider looks elsewhere, at rest as well', async () => {
  const page = await site.open('#/forecast', { args });
  await untilStep(page, 2);
  await button(page, 'Pause').press('Enter');
  await button(page, 'Play').waitFor();
  const slider = page.getByRole('slider').first();
  await slider.focus();
  const text = page.locator('.line-plot .hidden').first();
  const before = await text.innerText();
  await slider.press('ArrowRight');
  await expect.poll(() => text.innerText()).not.toBe(before);
  expect(new URL(page.url()).hash).toContain('ahead=73');
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
});

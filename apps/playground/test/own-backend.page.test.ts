/** The suite in Chromium on a backend of an author's: the documentation's, and broken ones. */
import { readFile } from 'node:fs/promises';
import type { Report } from '@rnn/conformance';
import type { Page } from 'playwright';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { axeFindings, button, dropFile, phone, testPage } from './page.ts';

const site = testPage();
/** The backend of docs/new-backend.md as one file: it imports nothing but types. */
const source = ts.transpileModule(
  await readFile(new URL('../../../packages/conformance/example/minimal-backend.ts', import.meta.url), 'utf8'),
  { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } },
).outputText;

const choose = (page: Page, content: string): Promise<void> =>
  page
    .locator('input[type=file]')
    .setInputFiles({ name: 'mine.js', mimeType: 'text/javascript', buffer: Buffer.from(content, 'utf8') });
const run = async (page: Page, filter: string): Promise<void> => {
  await page.getByRole('textbox', { name: /^Only cases/ }).fill(filter);
  await page.keyboard.press('Enter');
  await button(page, 'Run the cases').click();
};
/** Waits until the page says this of the module. */
const says = (page: Page, words: RegExp): Promise<void> =>
  page.locator('.drop [role=alert]').filter({ hasText: words }).waitFor();

test('the backend of the documentation passes, its report says so, and Stop ends it', async () => {
  const page = await site.open('#/conformance', { viewport: phone });
  await page.getByRole('link', { name: 'run a backend of your own' }).click();
  await page.locator('html[data-ready] .drop').waitFor();
  expect(await axeFindings(page)).toEqual([]);
  await choose(page, source);
  await page.getByText('minimal, on JavaScript, with float32, int32.').waitFor();
  await run(page, 'kernel movement');
  await page.getByText('minimal does all that was asked of it here.').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Download the report (JSON)').click(),
  ]);
  expect(download.suggestedFilename()).toBe('conformance-minimal.json');
  const report = JSON.parse(await readFile(await download.path(), 'utf8')) as Report;
  expect([report.failed, report.info?.name]).toEqual([0, 'minimal']);
  expect(report.passed).toBeGreaterThan(5);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);

  await run(page, '');
  await page.locator('.results tbody tr').nth(2).waitFor();
  await button(page, 'Stop').click();
  await button(page, 'Go on').waitFor();
});

test('wrong numbers are named; what cannot be loaded is refused in words', async () => {
  const page = await site.open('own-backend.html');
  const wrong = source.replace(/\badd: \(a, b\) => a \+ b/, 'add: (a, b) => a + b + 1e-3');
  expect(wrong).not.toBe(source);
  await dropFile(page, 'mine.js', Buffer.from(wrong, 'utf8'));
  await button(page, 'Run the cases').waitFor();
  await run(page, 'kernel elementwise');
  await page.getByText('minimal fails in what stands below.').waitFor();
  await expect.poll(() => page.locator('.failures li').first().innerText()).toMatch(/add/);
  await expect.poll(() => page.locator('.results tr.fails .failed').innerText()).toMatch(/^[1-9]/);

  await choose(page, 'export default () => {');
  await says(page, /^mine\.js cannot be used\. It is no module that runs by itself: /);
  await choose(page, 'export const minimal = 1;');
  await says(page, /default export has to be a function .* it exports minimal\.$/);
  await choose(page, "export default () => { throw new Error('no device'); };");
  await says(page, /^mine\.js cannot be used\. no device$/);
  await choose(page, 'export default () => { for (;;) {} };');
  await button(page, 'Give up').click();
  await choose(page, source);
  await page.getByText('minimal, on JavaScript').waitFor();
});

test('a module comes from its address as well, and has no origin: it reaches nothing of the site', async () => {
  const page = await site.open('own-backend.html');
  const probe = `export default async () => {
    const blocked = [];
    try { await caches.keys(); } catch { blocked.push('caches'); }
    try { indexedDB.open('x'); } catch { blocked.push('indexedDB'); }
    throw new Error(\`origin \${self.origin}, blocked \${blocked.join(' ')}\`);
  };`;
  await page.route('https://author.example/mine.js', (route) =>
    route.fulfill({ contentType: 'text/javascript', headers: { 'Access-Control-Allow-Origin': '*' }, body: probe }),
  );
  await page.getByLabel('or its address').fill('https://author.example/mine.js');
  await button(page, 'Load').click();
  await says(page, /origin null, blocked caches indexedDB$/);
  expect(site.complaints.splice(0)).toEqual(['asked https://author.example/mine.js']);
});

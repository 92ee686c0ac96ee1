/** The suite in Chromium: counts, a report, stop and go on, another backend, keyboard, a phone. */
import { readFile } from 'node:fs/promises';
import type { Report } from '@rnn/conformance';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { axeFindings, button, phone, testPage, tooWide, watched } from './page.ts';

const site = testPage();
const movement = '#/conformance?backend=cpu&filter=kernel%20movement';

const done = async (page: Page): Promise<[done: number, total: number]> => {
  const [, some, all] = /([\d,]+) of ([\d,]+)/.exec(await page.locator('p.done').innerText()) ?? [];
  return [Number(some?.replaceAll(',', '')), Number(all?.replaceAll(',', ''))];
};
const untilOver = (page: Page): Promise<void> =>
  page.locator('.verdict').filter({ hasText: 'all that was asked' }).waitFor();
const begin = async (page: Page): Promise<void> => {
  await page.locator('.backend input:checked').waitFor({ state: 'attached' });
  await button(page, 'Run the cases').click();
};

test('a filtered run on cpu passes; table, counts and the report say the same', async () => {
  const page = await site.open(movement);
  await begin(page);
  await untilOver(page);
  const [some, all] = await done(page);
  expect(some).toBe(all);
  expect(some).toBeGreaterThan(10);
  await expect.poll(() => page.locator('.counts').innerText()).toBe(`${all} passed, 0 failed, 0 skipped`);
  expect(await page.locator('.results tbody tr').allInnerTexts()).toEqual([
    expect.stringMatching(new RegExp(`^kernel movement\\s+${all}\\s+0\\s+0\\s`)),
  ]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Download the report (JSON)').click(),
  ]);
  expect(download.suggestedFilename()).toBe('conformance-cpu.json');
  const report = JSON.parse(await readFile(await download.path(), 'utf8')) as Report;
  expect([report.passed, report.failed, report.skipped, report.results.length]).toEqual([all, 0, 0, all]);
  expect(report.info?.name).toBe('cpu');
});

test("PyTorch's numbers are among the cases; what wasm does not have is skipped, and said", async () => {
  const page = await site.open('#/conformance?backend=wasm&filter=float64');
  await page.locator('.backend.wasm input:checked').waitFor({ state: 'attached' });
  await begin(page);
  await page.getByText('All of these were skipped').waitFor();
  await expect.poll(() => page.locator('.counts').innerText()).toMatch(/0 failed, [1-9]\d* skipped$/);
  await page
    .locator('.results')
    .getByText(/^[\d,]+ cases: .*float64/)
    .first()
    .waitFor();
  await page.getByRole('textbox').fill('cell_lstm');
  await page.keyboard.press('Enter');
  await button(page, 'Run the cases').click();
  await untilOver(page);
  expect((await done(page))[1]).toBeGreaterThan(3);
});

test('Stop answers in the middle of the whole suite; a step is a case; it goes on', async () => {
  const page = await site.open('#/conformance?backend=cpu');
  await begin(page);
  await expect.poll(async () => (await done(page))[0], { timeout: 30_000, interval: 20 }).toBeGreaterThan(20);
  await button(page, 'Stop').click();
  await button(page, 'Go on').waitFor();
  const [some, all] = await done(page);
  expect(all).toBeGreaterThan(1000);
  await button(page, 'One step').click();
  await expect.poll(async () => (await done(page))[0]).toBe(some + 1);
  await button(page, 'Go on').click();
  await expect.poll(async () => (await done(page))[0]).toBeGreaterThan(some + 10);
  await page.locator('.backend.wasm').click();
  await page.locator('.backend.wasm input:checked').waitFor({ state: 'attached' });
  await button(page, 'Stop').click();
});

test('a word that no case has, by the keyboard alone', async () => {
  const page = await site.open('#/conformance?backend=cpu');
  await page.locator('.backend input:checked').waitFor({ state: 'attached' });
  await page.getByRole('textbox').focus();
  await page.keyboard.type('no such case');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('No case has “no such case”').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Run the cases');
});

test('a filter holds for the click that follows it at once', async () => {
  const page = await site.open('#/conformance?backend=cpu');
  await page.locator('.backend input:checked').waitFor({ state: 'attached' });
  // One task after the other, without a frame between them.
  await page.evaluate(async () => {
    const field = document.querySelector<HTMLInputElement>('.controls input');
    if (field === null) throw new Error('there is no field');
    field.value = 'no such case';
    field.dispatchEvent(new Event('change', { bubbles: true }));
    await new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', resolve);
      port1.start();
      port2.postMessage(undefined);
    });
    document.querySelector<HTMLButtonElement>('.run-cases')?.click();
  });
  await page.getByText('No case has “no such case”').waitFor();
  await expect.poll(() => page.locator('.counts').innerText()).toMatch(/^0 /);
});

test.each([
  ['phone', phone, 'light'],
  ['desktop', undefined, 'dark'],
] as const)('is accessible and still on a %s', async (_name, viewport, colorScheme) => {
  const page = await site.open(movement, { viewport, colorScheme });
  await begin(page);
  await untilOver(page);
  expect(await axeFindings(page)).toEqual([]);
  expect((await watched(page)).shift).toBeLessThan(0.05);
  expect(await tooWide(page)).toEqual([]);
  // Titles are broken between words alone.
  expect(await page.locator('.results thead th').allTextContents()).toContain('Passed');
  const broken = await page.locator('.results thead th').evaluateAll((all) =>
    all.flatMap((each) => {
      const range = document.createRange();
      const [text] = each.childNodes;
      return [...(each.textContent ?? '').matchAll(/\S+/g)].flatMap(({ 0: word, index }) => {
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length > 1 ? [word] : [];
      });
    }),
  );
  expect(broken).toEqual([]);
});

/** The speakers in Chromium: a result, a look inside, another backend, keyboard, missing data. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { axeFindings, button, chooseBackend, phone, stepCount, testPage, untilStep, watched } from './page.ts';

const site = testPage();
/** These demos draw on canvases alone: a software renderer of WebGL would only slow them down. */
const args = ['--disable-gpu'];
const accuracy = async (page: Page): Promise<number> =>
  Number.parseFloat(await page.locator('.accuracy strong').innerText());

test('nine speakers are told apart: over 80 % after some hundred steps', async () => {
  const page = await site.open('#/speakers', { args });
  await expect.poll(() => accuracy(page), { timeout: 90_000 }).toBeGreaterThan(80);
  await button(page, 'Pause').click();
  await button(page, 'Play').waitFor();
  const cells = await page.locator('.confusion tbody button').allInnerTexts();
  expect(cells).toHaveLength(81);
  expect(cells.reduce((sum, text) => sum + Number(text), 0)).toBe(370);
  expect(await axeFindings(page)).toEqual([]);
  expect((await watched(page)).shift).toBeLessThan(0.05);
});

test('a click on a cell, then an utterance: its states over time', async () => {
  const page = await site.open('#/speakers', { args, viewport: phone });
  await untilStep(page, 20);
  await button(page, 'Pause').click();
  await button(page, 'Play').waitFor();
  const cell = page.locator(".confusion tbody button[aria-disabled='false']").last();
  const name = (await cell.getAttribute('aria-label')) ?? '';
  await cell.click();
  const [, speaker] = /^Speaks (\d)/.exec(name) ?? [];
  await page.getByText(new RegExp(`^Speaker ${speaker} speaks`)).waitFor();
  const states = page.getByRole('application', { name: /^State of each unit/ });
  await expect.poll(() => states.getAttribute('aria-label')).toMatch(/32 rows, \d+ columns/);
  // A value is read by the arrow keys, without a pointer.
  await states.focus();
  await states.press('ArrowRight');
  expect(await page.locator('.heat-map', { has: states }).locator('.reading').innerText()).toMatch(
    /^unit 1, step 2: -?0\.\d+$/,
  );
  expect(new URL(page.url()).hash).toContain('utterance=');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test('another backend takes the run over; it learns on where it was', async () => {
  const page = await site.open('#/speakers?backend=cpu', { args });
  await untilStep(page, 2);
  const before = await stepCount(page);
  await chooseBackend(page, 'wasm');
  await untilStep(page, before + 5);
  await expect.poll(() => page.locator('.backend.cpu .rate').innerText()).toMatch(/steps\/s$/);
});

test('utterances that cannot be loaded: it says so, and tries again', async () => {
  const page = await site.open('#/text', { args });
  await page.route('**/*.csv', (route) => route.fulfill({ status: 404 }));
  await page.locator('.tabs a[href*=speakers]').click();
  await page.locator('[role=alert]').first().waitFor();
  await page.unroute('**/*.csv');
  await button(page, 'Try again').click();
  await untilStep(page, 1);
  const others = site.complaints.splice(0).filter((text) => !text.includes('404'));
  expect(others).toEqual([]);
});

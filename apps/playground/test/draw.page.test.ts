/** The drawing in Chromium: by pointer, by keys, from a link, on another backend. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { axeFindings, button, chooseBackend, phone, stepCount, testPage, untilStep } from './page.ts';

const site = testPage();
const args = ['--disable-gpu'];
const ends = (page: Page): Promise<string> => page.locator('#drawing-text').innerText();

test('waves: the continuations go on to the right', async () => {
  const page = await site.open('#/draw?drawing=waves&seed=0&chance=0.2', { args });
  await untilStep(page, 250);
  await button(page, 'Pause').click();
  await button(page, 'Play').waitFor();
  const rights = [...(await ends(page)).matchAll(/(\d+), -?\d+/g)].map(([, x]) => Number(x));
  expect(rights).toHaveLength(3);
  for (const x of rights) expect(x).toBeGreaterThan(470);
  expect(await axeFindings(page)).toEqual([]);
});

test('a line that is drawn by the pointer goes into the address, and comes back from it', async () => {
  const page = await site.open('#/draw', { args, viewport: phone });
  await untilStep(page, 1);
  await button(page, 'Clear and draw').click();
  await page.getByRole('application').scrollIntoViewIfNeeded();
  const box = await page.getByRole('application').boundingBox();
  if (box === null) throw new Error('There is no drawing.');
  await page.mouse.move(box.x + 20, box.y + 60);
  await page.mouse.down();
  for (let i = 0; i <= 40; i++) await page.mouse.move(box.x + 20 + 4 * i, box.y + 60 + 30 * Math.sin(i / 3));
  await page.mouse.up();
  await page.getByText(/pen steps were drawn/).waitFor();
  const steps = await page.getByText(/pen steps were drawn/).innerText();
  await untilStep(page, 2);
  const again = await site.open(new URL(page.url()).hash, { args });
  await again.getByText(steps).waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test('by keys alone: pen down, a line, pen up, and the net learns it', async () => {
  const page = await site.open('#/draw', { args });
  await untilStep(page, 1);
  await button(page, 'Clear and draw').press('Enter');
  const drawing = page.getByRole('application');
  await drawing.focus();
  await drawing.press(' ');
  for (let i = 0; i < 36; i++) await drawing.press(i % 8 < 4 ? 'ArrowRight' : 'ArrowDown');
  await drawing.press('Enter');
  await page.getByText(/^3\d pen steps were drawn/).waitFor();
  await untilStep(page, 2);
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('CANVAS');
});

test('another backend takes the run over; it learns on where it was', async () => {
  const page = await site.open('#/draw?backend=cpu', { args });
  await untilStep(page, 2);
  const before = await stepCount(page);
  await chooseBackend(page, 'wasm');
  await untilStep(page, before + 3);
  await expect.poll(() => page.locator('.backend.cpu .rate').innerText()).toMatch(/steps\/s$/);
});

/** The race in Chromium: results, agreement, what cannot run, the bar, keyboard, a phone. */
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { axeFindings, button, phone, testPage, tooWide, watched } from './page.ts';

const site = testPage();
/** Short turns: these tests ask what is shown, not who wins. */
const short = '#/backends?seconds=1&units=8';

const state = async (page: Page, name: string): Promise<string | null> =>
  page.locator(`.lane.${name}`).getAttribute('data-state');
const untilState = async (page: Page, name: string, wanted: string): Promise<void> => {
  await expect.poll(() => state(page, name), { timeout: 60_000, interval: 50 }).toBe(wanted);
};

test('cpu and wasm race in turn; their losses agree, and the fastest is named', async () => {
  const page = await site.open(short);
  await untilState(page, 'cpu', 'runs');
  await expect.poll(() => state(page, 'wasm')).toBe('waits');
  await untilState(page, 'wasm', 'done');
  await expect.poll(() => state(page, 'cpu')).toBe('done');
  const steps: number[] = [];
  for (const name of ['cpu', 'wasm']) {
    await expect.poll(() => page.locator(`.lane.${name} .rate`).innerText()).toMatch(/^[\d,.]+ steps\/s$/);
    const text = await page.locator(`.lane.${name} .state`).innerText();
    steps.push(Number.parseInt(text.replaceAll(',', ''), 10));
  }
  expect(Math.min(...steps)).toBeGreaterThan(1);
  const [, losses, differences, verdict] = await page.locator('.agreement tr.wasm > *').allInnerTexts();
  expect(losses).toMatch(/^0\.\d{7} → 0\.\d{7}$/);
  const [, difference, allowed] = /^(\S+) \((\S+)\)$/.exec(differences) ?? [];
  expect(Number(difference)).toBeLessThanOrEqual(Number(allowed));
  // As many as both did, and no more than rounding leaves comparable.
  expect(verdict).toBe(`yes, ${Math.min(20, ...steps)} steps`);
  await page.getByText(/^Here (wasm|cpu) is the fastest/).waitFor();
  // The bar shows the same rates, and its button starts another race.
  await expect.poll(() => page.locator('.backend.wasm .rate').innerText()).toMatch(/steps\/s$/);
  await button(page, 'Play').waitFor();
  await button(page, 'Play').click();
  await untilState(page, 'cpu', 'runs');
  await expect.poll(() => state(page, 'wasm')).toBe('waits');
});

test('a card that is missing says what to do, in place, and the race goes on without it', async () => {
  const page = await site.open(short);
  await untilState(page, 'webgpu', 'unavailable');
  await page.locator('.about.webgpu').getByText('The browser offers no WebGPU').waitFor();
  await page.locator('.about.cpu').getByText('Written in JavaScript alone').waitFor();
  await page.locator('.about.wasm').getByText('Each core computes with four numbers at once').waitFor();
  const words = await page.locator('.backends-demo').innerText();
  expect(words).not.toMatch(/undefined|NaN|bytes|reads:|gpu\(/);
  await untilState(page, 'wasm', 'done');
});

test('Pause stops in the middle of a turn; another size begins again', async () => {
  const page = await site.open('#/backends?seconds=20');
  await untilState(page, 'cpu', 'runs');
  await button(page, 'Pause').click();
  await expect.poll(() => state(page, 'cpu'), { interval: 20 }).toBe('waits');
  await button(page, '8 units').click();
  await expect.poll(() => page.url()).toContain('units=8');
  await expect.poll(() => page.locator('.lane.cpu .rate').innerText()).toBe('–');
  await button(page, 'One step').click();
  await page.locator('.step-count').filter({ hasText: 'step 1' }).waitFor();
  // A backend that is chosen in the bar gets the turn.
  await page.locator('.backend.wasm').click();
  await button(page, 'Play').click();
  await untilState(page, 'wasm', 'runs');
});

test('is worked by the keyboard alone', async () => {
  const page = await site.open('#/backends?seconds=20');
  await untilState(page, 'cpu', 'runs');
  await page.getByRole('slider', { name: 'Units of the LSTM' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => page.url()).toContain('units=36');
  await button(page, 'Pause').focus();
  await page.keyboard.press('Enter');
  await button(page, 'Play').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Play');
});

test.each([
  ['phone', phone, 'light'],
  ['desktop', undefined, 'dark'],
] as const)('is accessible and still on a %s', async (_name, viewport, colorScheme) => {
  const page = await site.open(short, { viewport, colorScheme });
  await untilState(page, 'wasm', 'done');
  expect(await axeFindings(page)).toEqual([]);
  expect((await watched(page)).shift).toBeLessThan(0.05);
  expect(await tooWide(page)).toEqual([]);
});

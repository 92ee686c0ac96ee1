import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { axeFindings, button, desktop, phone, testPage, tooWide, watched } from './page.ts';

const site = testPage();

/** The state after the step that is shown, as its grid has it. */
async function numbersOf(page: Page, label: string): Promise<string[]> {
  return page.getByRole('grid', { name: label, exact: true }).getByRole('gridcell').allTextContents();
}

async function ready(page: Page): Promise<void> {
  await page.getByRole('grid').first().waitFor();
}

/** Replaces the text in the editor, as a visitor does. */
async function write(page: Page, text: string): Promise<void> {
  await page.locator('.code-editor .cm-content').click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text);
}

describe('The cell', () => {
  test("steps through the lesson's numbers by button, slider, key and bar", async () => {
    const page = await site.open('#/cell');
    await ready(page);
    // h = [0.0469, -0.2779] is what PyTorch prints for the first step.
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(['0.05', '-0.28']);
    await button(page, 'One step on').click();
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(['0.47', '0.88']);
    // At the first step there is none before it, and the focus stays where it is.
    for (let i = 0; i < 2; i++) await button(page, 'One step back').press('Enter');
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(['0.05', '-0.28']);
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toBe('One step back');
    await button(page, 'One step on').click();
    await page.getByRole('slider', { name: 'Time step' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(['0.19', '-0.72']);
    await expect.poll(() => page.url()).toContain('t=3');
    // What the colours stand for, and which row and column is what.
    await expect.poll(() => page.locator('.heat-map .key').allTextContents()).toEqual(['−1  1']);
    expect(await page.locator('.row-labels li').allTextContents()).toEqual(['h[0]', 'h[1]']);
    expect(await page.locator('.column-labels li').last().textContent()).toBe('step 5');
    await button(page, 'Play').click();
    await expect.poll(() => page.locator('output.time').textContent()).toBe('step 5 of 5');
    await button(page, 'Pause').click();
    await button(page, 'Reset').click();
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(['0.05', '-0.28']);
  });

  test('prints as PyTorch does, and shows its program', async () => {
    const page = await site.open('#/cell');
    await ready(page);
    await page.getByText('The table against PyTorch').click();
    await page.getByText('11 of 11 print as in PyTorch.').waitFor();
    await page.getByText('The program that it became').click();
    await expect.poll(() => page.locator('.became pre').textContent()).toContain('tanh %3');
  });

  test('takes a number apart to one multiply-add', async () => {
    const page = await site.open('#/cell?t=2');
    await ready(page);
    await page.getByRole('grid', { name: 'next h', exact: true }).getByRole('gridcell').first().click();
    const zoom = page.locator('.zoom');
    await zoom.getByRole('button', { name: 'a[0]' }).click();
    await zoom.getByRole('button', { name: /^Wh.matmul\(h\).add/ }).click();
    await zoom.getByRole('button', { name: /^Wh.matmul\(h\)\[0\]/ }).click();
    // W_h[0] · h_0 by the numbers that PyTorch printed: 1.5410 * 0.0469 + -0.2934 * -0.2779
    await expect.poll(() => zoom.locator('.product').allTextContents()).toEqual(['0.0723', '0.0815', '0.1538']);
  });

  test('lights what a term of the formula stands for', async () => {
    const page = await site.open('#/cell');
    await ready(page);
    await page.locator('.formula .value-Wx').first().hover();
    await expect.poll(() => page.locator('.number-grid.lit').getAttribute('aria-label')).toBe('Wx');
    await expect.poll(() => page.locator('.reading').last().textContent()).toContain('Wx = -1.085');
  });

  test('runs a cell of the visitor; a wrong one is refused in place and the old run stays', async () => {
    const page = await site.open('#/cell');
    await ready(page);
    await write(page, 'const step = (x, h) => h.mul(0.5).add(x.sum());');
    await expect.poll(() => page.locator('.formulas li').count()).toBe(1);
    const before = await numbersOf(page, 'next h');
    await write(page, 'const step = (x, h) => h.plus(x);');
    const error = page.locator('.wrong-cell');
    await error.getByText('Line 1, column 26: There is no function plus.').waitFor();
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(before);
    await page.locator('.code-editor .wrong').waitFor();
    await write(page, 'const W = randn([H, X]);\nconst step = (x, h) => W.matmul(h);');
    await error.getByText(/^Line 2, column 24: matmul/).waitFor();
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(before);
    await error.getByRole('button').click();
    await error.waitFor({ state: 'detached' });
    // The copied link shows the same cell.
    const again = await site.open(new URL(page.url()).hash);
    await ready(again);
    await expect.poll(() => numbersOf(again, 'next h')).toEqual(before);
  });

  test('never runs code of a link', async () => {
    const hostile = 'const step = (x, h) => { globalThis.trapped = 1; while (true) {} return h; };';
    const page = await site.open(`#/cell?cell=own&code=${encodeURIComponent(hostile)}`);
    await page.locator('.wrong-cell').getByText('cannot stand here').waitFor();
    expect(await page.evaluate(() => 'trapped' in globalThis)).toBe(false);
  });

  test('moves to another backend', async () => {
    const page = await site.open('#/cell?t=4');
    await ready(page);
    await page.locator('.backend.cpu').click();
    await page.locator('.backend.cpu input:checked').waitFor({ state: 'attached' });
    await expect.poll(() => numbersOf(page, 'next h')).toEqual(['0.98', '-0.99']);
  });

  test('is worked by the keyboard alone', async () => {
    const page = await site.open('#/cell');
    await ready(page);
    await page.getByRole('radio', { name: 'RNN' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.locator('.formulas li').count()).toBe(9);
    await page.getByRole('grid', { name: 'sums' }).getByRole('gridcell').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.zoom-head').textContent()).toContain('sums[1] =');
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('TD');
  });

  test.each([
    ['phone', phone, 'light'],
    ['desktop', desktop, 'dark'],
  ] as const)('is accessible on a %s', async (_name, viewport, colorScheme) => {
    const page = await site.open('#/cell', { viewport, colorScheme });
    await ready(page);
    await page.waitForTimeout(500);
    expect(await axeFindings(page)).toEqual([]);
    expect((await watched(page)).shift).toBeLessThan(0.05);
    expect(await tooWide(page)).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { axeFindings, button, desktop, phone, stepCount, testPage, tooWide, untilStep, watched } from './page.ts';

const site = testPage();

describe('Memory', () => {
  test('the LSTM learns to recall over 50 steps, the plain RNN does not', async () => {
    const page = await site.open('#/memory');
    const recalls = async (net: string): Promise<number> =>
      Number(/(\d+)/.exec((await page.locator(`.net.${net} strong`).textContent()) ?? '')?.[1]);
    await expect.poll(() => recalls('LSTM'), { timeout: 150_000, interval: 200 }).toBe(100);
    expect(await recalls('RNN')).toBeLessThan(60);
    await expect.poll(() => page.locator('.net.RNN .verdict').textContent()).toBe('its gradient vanishes');
  });

  test('a slider begins again, and the address keeps it', async () => {
    const page = await site.open('#/memory');
    await untilStep(page, 2);
    await button(page, 'Pause').click();
    await page.getByRole('slider', { name: 'Length' }).focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => stepCount(page)).toBe(0);
    await expect.poll(() => page.url()).toContain('length=45');
    await page.getByRole('button', { name: 'a forget-gate bias of 0' }).click();
    await expect.poll(() => page.url()).toContain('bias=0');
    await expect.poll(() => page.locator('.net.LSTM .verdict').textContent()).toBe('its gradient vanishes');
  });

  test.each([
    ['phone', phone, 'light'],
    ['desktop', desktop, 'dark'],
  ] as const)('is accessible and still on a %s', async (_name, viewport, colorScheme) => {
    const page = await site.open('#/memory', { viewport, colorScheme });
    await untilStep(page, 2);
    expect(await axeFindings(page)).toEqual([]);
    expect((await watched(page)).shift).toBeLessThan(0.05);
    expect(await tooWide(page)).toEqual([]);
  });
});

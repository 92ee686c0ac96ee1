import { readFile } from 'node:fs/promises';
import { decodeSafetensors } from '@rnn/io';
import { expect, test } from 'vitest';
import type { Page } from 'playwright';
import {
  axeFindings,
  backendComputes,
  button,
  chooseBackend,
  desktop,
  lossAfter,
  phone,
  stepCount,
  testPage,
  untilStep,
  watched,
  withGraphics,
} from './page.ts';

const site = testPage();

const bits = async (page: Page): Promise<number> => Number(await page.locator('.bits').textContent());

/** Pauses, and waits until the bar says so. */
async function pause(page: Page): Promise<void> {
  await button(page, 'Pause').click();
  await button(page, 'Play').waitFor();
}

/** The passage is read again and again while the model learns: this one is as the model is now. */
async function letter(page: Page, at: number): Promise<void> {
  await page.locator(`[data-at="${at}"]`).hover();
}

test('on arrival it learns: bits fall below what letter frequencies give, and words appear', async () => {
  const page = await site.open();
  await untilStep(page, 1);
  const first = await page.locator('.sample').textContent();
  await untilStep(page, 150);
  // By frequency alone a letter of this text costs 4.3 bits.
  expect(await bits(page)).toBeLessThan(3.2);
  expect(await page.locator('.sample').textContent()).not.toBe(first);
  await expect.poll(() => page.locator('.line-plot .hidden').textContent()).toMatch(/wasm: from \d\.\d\d at step 1 /);
});

test('a letter that is pointed at lights up those before it, in the numbers of the gradient', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 20);
  await letter(page, 30);
  const reading = page.locator('.inside .reading').first();
  await expect.poll(() => reading.textContent()).toMatch(/depended most on/);
  const colours = await page
    .locator('.letter')
    .evaluateAll((all) => all.map((each) => getComputedStyle(each).backgroundColor));
  expect(new Set(colours.slice(0, 30)).size).toBeGreaterThan(3);
  expect(new Set(colours.slice(30)).size).toBe(1);
});

test('what is pointed at before there are numbers waits for them', async () => {
  const page = await site.open('#/text?units=32', { withoutWorkers: true });
  const map = page.locator('.inside .heat-map').last();
  await map.locator('.cells').hover();
  await map.locator('.cells').press('ArrowRight');
  expect((await map.locator('.reading').textContent())?.trim()).toBe('');
  await page.getByText('Let it learn from a text of your own').click();
  await page.getByRole('textbox').waitFor();
});

test('a phrase that is dragged over shows units that switch there; one of them colours the text', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 60);
  await pause(page);
  await letter(page, 3);
  await page.mouse.down();
  await letter(page, 5);
  await page.mouse.up();
  const switching = page.locator('.switching');
  await expect.poll(() => switching.textContent()).toMatch(/Units that switch at “the”/);
  await switching.getByRole('button').first().click();
  await expect.poll(() => page.url()).toMatch(/colour=unit/);
  await expect.poll(() => switching.getByRole('button', { pressed: true }).count()).toBe(1);
});

test('a backend chosen in the middle of the training takes it along', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 20);
  await chooseBackend(page, 'cpu');
  const moved = await stepCount(page);
  expect(moved).toBeGreaterThanOrEqual(20);
  await untilStep(page, moved + 3);
  await expect.poll(() => page.url()).toContain('backend=cpu');
  await expect.poll(() => page.locator('.line-plot .hidden').textContent()).toMatch(/wasm: from .* cpu: from /);
});

test.each(['webgl2', 'webgpu'])('%s computes as well', async (name) => {
  // The renderer in software takes the processor that the page is drawn with: a small window, and
  // a click that waits for no frame.
  const page = await site.open('#/text?units=32', { args: withGraphics, viewport: phone });
  await untilStep(page, 1);
  await page.locator(`.backend.${name} input`).dispatchEvent('click');
  await backendComputes(page, name);
  const moved = await stepCount(page);
  await untilStep(page, moved + 1);
  expect(await page.locator('.bar .notice').count()).toBe(0);
});

test('a backend that cannot run says why, and the run stays where it is', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 5);
  await page.locator('.backend.webgpu').click();
  await expect
    .poll(() => page.locator('.bar .notice').textContent())
    .toMatch(/^webgpu is not available here, so the run stays on wasm\. /);
  await expect.poll(() => page.locator('.backend.webgpu .rate').textContent()).toBe('not available');
  await backendComputes(page, 'wasm');
  const stayed = await stepCount(page);
  await untilStep(page, stayed + 2);
});

test('where WebAssembly cannot start, cpu takes over and the page says so', async () => {
  const page = await site.open('', { withoutWebAssembly: true });
  await expect.poll(() => page.locator('.bar .notice').textContent()).toMatch(/^wasm cannot start .* cpu computes\./);
  await backendComputes(page, 'cpu');
});

test('a run that begins again plays on: its button does not change, and Pause finds what it stops', async () => {
  const page = await site.open('#/text?units=64');
  await untilStep(page, 30);
  const moved = await stepCount(page);
  await page.evaluate(() => {
    const labels = new Set<string | null>();
    const play = document.querySelector('.play');
    Object.assign(globalThis, { labels });
    new MutationObserver(() => labels.add(play?.textContent ?? null)).observe(play ?? document, {
      characterData: true,
      childList: true,
      subtree: true,
    });
  });
  await page.getByLabel('Units').selectOption('32');
  await expect.poll(() => page.url()).toContain('units=32');
  await expect.poll(() => stepCount(page)).toBeLessThan(moved);
  await untilStep(page, 1);
  expect(await page.evaluate(() => [...(globalThis as unknown as { labels: Set<string> }).labels])).toEqual([]);
  await pause(page);
});

test('a copied link reproduces the run to the last digit', async () => {
  const own = 'She sells sea shells by the sea shore. '.repeat(40);
  const first = await site.open('', { permissions: ['clipboard-read', 'clipboard-write'] });
  await first.getByText('Let it learn from a text of your own').click();
  await first.getByRole('textbox').fill(own);
  await button(first, 'Learn from this').click();
  await first.getByRole('spinbutton', { name: 'Seed' }).fill('7');
  await first.keyboard.press('Tab');
  await first.getByLabel('Units').selectOption('32');
  const here = await lossAfter(first, 4);
  expect(here).toMatch(/^\d\.\d{6,}/);
  await button(first, 'Copy link').click();
  const link = await first.evaluate(() => navigator.clipboard.readText());
  const second = await site.open(new URL(link).hash);
  expect(await lossAfter(second, 4)).toBe(here);
  await expect.poll(() => second.locator('.sample').textContent()).toBe(await first.locator('.sample').textContent());
});

test('a reload in the middle of the training begins the same run again', async () => {
  const page = await site.open('#/text?units=32&temperature=0.2');
  await untilStep(page, 10);
  await page.reload();
  await untilStep(page, 10);
  await expect.poll(() => page.url()).toContain('units=32&temperature=0.2');
});

test('what is no text, or too short, is refused beside the field', async () => {
  const page = await site.open('#/text?units=32');
  await page.getByText('Let it learn from a text of your own').click();
  await page.getByRole('textbox').fill('too short');
  await button(page, 'Learn from this').click();
  await expect
    .poll(() => page.locator('details .error').textContent())
    .toMatch(/9 characters; it takes at least 1,000/);
  const buffer = Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 37) % 256));
  await page.locator('input[accept^="text"]').setInputFiles({ name: 'cat.jpg', mimeType: 'image/jpeg', buffer });
  await expect.poll(() => page.locator('details .error').textContent()).toMatch(/^cat\.jpg is not a text/);
});

test('all of it is worked by keyboard, and the focus stays where it is', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 5);
  const focus = (): Promise<string> => page.evaluate(() => document.activeElement?.className ?? '');
  await button(page, 'Pause').press('Space');
  await button(page, 'Play').waitFor();
  await expect.poll(() => focus()).toContain('play');
  await page.locator('.passage').focus();
  await page.keyboard.press('ArrowRight');
  for (let i = 0; i < 4; i++) await page.keyboard.press('Shift+ArrowRight');
  await expect.poll(() => page.locator('.inside').textContent()).toMatch(/Units that switch at “In th”/);
  await expect.poll(() => focus()).toBe('passage');
  await page.locator('.backend.wasm input').focus();
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => page.url()).toContain('backend=cpu');
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
});

test('after the first visit it works without a network', async () => {
  const page = await site.open('#/text?units=32', { keepsFiles: true });
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await page.context().setOffline(true);
  await page.reload();
  await untilStep(page, 5);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
});

test('weights go out as a file and come back; a broken file changes nothing', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 5);
  await pause(page);
  await page.getByText('The model as a file').click();
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download safetensors').click()]);
  expect(download.suggestedFilename()).toBe('characters.safetensors');
  const buffer = await readFile(await download.path());
  const { tensors } = decodeSafetensors(buffer);
  expect(tensors['lstm.weight_hh_l0'].shape).toEqual([128, 32]);
  const input = page.locator('.model-files input');
  for (const [end, kind] of [
    ['safetensors', 'safetensors'],
    ['onnx', 'ONNX'],
    ['pt', 'PyTorch'],
  ]) {
    const broken = { name: `broken.${end}`, mimeType: 'application/octet-stream', buffer: buffer.subarray(0, 5000) };
    await input.setInputFiles(broken);
    await page
      .locator('.model-files .error')
      .getByText(
        `broken.${end} could not be loaded, so the model stays as it was. It cannot be read as ${kind}: it may be cut off`,
      )
      .waitFor();
  }
  await input.setInputFiles({ name: 'mine.safetensors', mimeType: 'application/octet-stream', buffer });
  await expect
    .poll(() => page.locator('.model-files [role=status]').textContent())
    .toMatch(/^The weights of mine\.safetensors/);
});

test('without isolation it runs on one thread, and under another path', async () => {
  const page = await site.open('#/text?units=32', { plainFolder: true });
  await untilStep(page, 5);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  await expect.poll(() => page.locator('.bar').textContent()).toMatch(/One thread/);
});

test.each([
  ['phone', 'light', phone],
  ['phone', 'dark', phone],
  ['desktop', 'light', desktop],
  ['desktop', 'dark', desktop],
] as const)('%s, %s: nothing jumps, axe finds nothing, nothing is cut off', async (_, colorScheme, viewport) => {
  const page = await site.open('#/text?units=32', { colorScheme, viewport });
  await untilStep(page, 10);
  await letter(page, 20);
  await pause(page);
  expect(await axeFindings(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
  expect((await watched(page)).shift).toBeLessThan(0.05);
});

test('while it learns, the page stays free: tasks beyond 50 ms are the exception', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 100);
  const before = (await watched(page)).longTasks.length;
  const began = performance.now();
  await untilStep(page, (await stepCount(page)) + 200);
  await chooseBackend(page, 'cpu');
  await untilStep(page, (await stepCount(page)) + 3);
  const blocked = (await watched(page)).longTasks.slice(before).reduce((sum, duration) => sum + duration, 0);
  // A page that trained itself would be blocked for nearly all of the time.
  expect(blocked).toBeLessThan((performance.now() - began) / 4);
});

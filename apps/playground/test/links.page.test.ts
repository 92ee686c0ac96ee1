/** Runs as links, and models as files: the same for every demo that trains. */
import { readFile } from 'node:fs/promises';
import { decodeSafetensors } from '@rnn/io';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { written } from '../web/src/demos/draw/strokes.ts';
import { button, drawn, dropFile, lossAfter, testPage, untilStep } from './page.ts';

const site = testPage();
const zigzag = Array.from({ length: 8 }, (_, i) => ({ x: 60 * (i + 1), y: 100 + 80 * (i % 2) }));
const permissions = ['clipboard-read', 'clipboard-write'];

/** The link that the page copies. */
async function copied(page: Page): Promise<string> {
  await button(page, 'Copy link').click();
  await page.getByText('Copied').waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Leaves the page, and comes back by a link. */
async function come(page: Page, link: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(link);
  await drawn(page);
}

test.each([
  ['forecast', 'data=weather&column=temp_max&also=wind&layer=GRU&units=8', 'layer.weight_hh_l0', [24, 8]],
  ['speakers', 'layer=LSTM&units=16', 'layer.weight_hh_l0', [64, 16]],
  ['draw', `strokes=${written([zigzag])}&units=16`, 'lstm.weight_hh_l0', [64, 16]],
  ['memory', 'length=15&gain=1.2&bias=2', 'LSTM.recurrent.weight_hh_l0', [64, 16]],
])('%s: a copied link gives the same losses to the last digit; weights go out and come back', async (...given) => {
  const [demo, settings, weight, shape] = given;
  const page = await site.open(`#/${demo}?${settings}`, { permissions });
  await untilStep(page, 3);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('7');
  await page.keyboard.press('Tab');
  const here = await lossAfter(page, 3);
  expect(here).toMatch(/^-?\d+\.\d{6,}/);
  const link = await copied(page);
  expect(new URLSearchParams(new URL(link).hash.split('?')[1]).get('seed')).toBe('7');
  // Once more from the link, once more from a reload in the middle of the training.
  await come(page, link);
  expect(await lossAfter(page, 3)).toBe(here);
  await button(page, 'Play').click();
  await untilStep(page, 6);
  await page.reload();
  expect(await lossAfter(page, 3)).toBe(here);

  await page.getByText('The model as a file').click();
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Download safetensors').click()]);
  const file = await readFile(await download.path());
  expect(decodeSafetensors(file).tensors[weight].shape).toEqual(shape);
  await dropFile(page, 'half.safetensors', file.subarray(0, 500));
  await page.locator('.model-files .error').getByText('half.safetensors could not be loaded').waitFor();
  await dropFile(page, 'mine.safetensors', file);
  await page.getByText('The weights of mine.safetensors are in the model').waitFor();
  // The first step again, from weights that have learnt: another loss than that of new ones.
  await button(page, 'One step').click();
  await untilStep(page, 4);
});

test('a file of one’s own is no part of a link, which says so; with the file it is the same run', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => `${Math.sin(i / 5)},${i % 7}`);
  const mine = Buffer.from(`wave,week\n${rows.join('\n')}`, 'utf8');
  const page = await site.open('#/forecast?units=8', { permissions });
  await untilStep(page, 1);
  await dropFile(page, 'mine.csv', mine);
  await page.getByText('A link cannot hold mine.csv').waitFor();
  await page.getByRole('checkbox', { name: 'week' }).check();
  await untilStep(page, 1);
  const here = await lossAfter(page, 3);
  await come(page, await copied(page));
  await page.getByText('This link is of mine.csv').waitFor();
  await expect.poll(() => button(page, 'Play').isDisabled()).toBe(true);
  await page.locator('.drop input[type=file]').setInputFiles({ name: 'mine.csv', mimeType: 'text/csv', buffer: mine });
  expect(await lossAfter(page, 3)).toBe(here);

  // A broken one takes its place: it says why, and the bar has nothing to run.
  await dropFile(page, 'broken.csv', Buffer.from('a,b\n1,2\n3\n', 'utf8'));
  await page.locator('.drop [role=alert]').waitFor();
  expect(await page.locator('.bar .error').count()).toBe(0);
  await expect.poll(() => button(page, 'Play').isDisabled()).toBe(true);
});

test('a text is learned from wherever it is dropped; what no demo can use is said, and the page stays', async () => {
  const page = await site.open('#/text?units=32');
  await untilStep(page, 1);
  await dropFile(page, 'shells.txt', Buffer.from('She sells sea shells by the sea shore. '.repeat(40), 'utf8'));
  await page.getByText('It learns from your text of 1,560 characters').waitFor();
  await untilStep(page, 1);
  const address = page.url();
  await page.getByRole('link', { name: 'Memory', exact: true }).click();
  await untilStep(page, 1);
  await dropFile(page, 'cat.jpg', Buffer.from([1, 2, 3]));
  await page.getByText('cat.jpg was dropped, but nothing here can use it.').waitFor();
  expect(new URL(page.url()).pathname).toBe(new URL(address).pathname);
});

/** The voice detector in Chromium, with a recorded file as its microphone. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { expect, test, vi } from 'vitest';
import { axeFindings, button, phone, testPage } from './page.ts';

vi.setConfig({ testTimeout: 120_000 });

const site = testPage();
const speech = fileURLToPath(new URL('../data/silero/speech.wav', import.meta.url));
const args = [
  '--disable-gpu',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  `--use-file-for-fake-audio-capture=${speech}`,
];
const expected = JSON.parse(await readFile(new URL('../data/silero/expected.json', import.meta.url), 'utf8')) as {
  readonly speech_probs: readonly number[];
};
const isSpeech = expected.speech_probs.map((probability) => probability > 0.5);

/** Seconds heard so far. */
async function seconds(page: Page): Promise<number> {
  const [, all] = /of ([\d.]+) s\./.exec(await page.locator('.voice').innerText()) ?? [];
  return Number(all ?? 0);
}

/** Which of the first frames are said to be speech, by the page's own text. */
async function heard(page: Page, frames: number): Promise<boolean[]> {
  const text = await page.locator('.moving-map .hidden').innerText();
  const stretches = [...text.matchAll(/([\d.]+) to ([\d.]+)/g)].map(([, from, to]) => [Number(from), Number(to)]);
  return Array.from({ length: frames }, (_, i) =>
    stretches.some(([from = 0, to = 0]) => (i + 0.5) * 0.032 > from && (i + 0.5) * 0.032 < to),
  );
}

const agreement = (frames: readonly boolean[], shift: number): number =>
  frames.filter((is, i) => is === isSpeech[(i + shift) % isSpeech.length]).length / frames.length;

test('the example: speech is heard where onnxruntime hears it, and cells are read by keys', async () => {
  const page = await site.open('#/listen', { args, viewport: phone });
  expect(await axeFindings(page)).toEqual([]);
  await button(page, 'Hear the example').click();
  await button(page, 'Play').waitFor({ timeout: 60_000 });
  await expect.poll(() => seconds(page)).toBeGreaterThan(9);
  expect(agreement(await heard(page, 290), 0)).toBeGreaterThan(0.98);
  const cells = page.getByRole('application', { name: /^128 cells/ });
  await cells.focus();
  await cells.press('ArrowDown');
  expect(await page.locator('.moving-map .reading').innerText()).toMatch(/^cell 2 at [\d.]+ s: -?[01]\.\d{3}$/);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test('the microphone: the probability rises where the speech is', async () => {
  const page = await site.open('#/listen', { args });
  await button(page, 'Use the microphone').click();
  await expect.poll(() => seconds(page), { timeout: 60_000 }).toBeGreaterThan(10);
  await button(page, 'Stop').click();
  const frames = await heard(page, 300);
  // Chromium plays the file round and round, from anywhere.
  const best = Math.max(...isSpeech.map((_, shift) => agreement(frames, shift)));
  expect(best).toBeGreaterThan(0.85);
});

test('a file that is no sound is refused in words', async () => {
  const page = await site.open('#/listen', { args });
  const file = { name: 'no.wav', mimeType: 'audio/wav', buffer: Buffer.from('no sound') };
  await page.locator('input[type=file]').setInputFiles(file);
  await page.locator('[role=alert]').waitFor();
  expect(await page.locator('[role=alert]').innerText()).toContain('no sound that the browser can read');
});

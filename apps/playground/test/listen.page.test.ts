/** The voice detector in Chromium, with a recorded file as its microphone. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { axeFindings, button, phone, testPage, tooWide, watched } from './page.ts';

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
  // What has no effect here is not offered, and the bar says why.
  await page.locator('.bar').getByText('No backend to choose here').waitFor();
  expect(await page.locator('.bar input:enabled').count()).toBe(0);
  await expect.poll(() => button(page, 'One step').isDisabled()).toBe(true);
  await button(page, 'Hear the example').click();
  await button(page, 'Play').waitFor({ timeout: 60_000 });
  await expect.poll(() => seconds(page)).toBeGreaterThan(9);
  expect(agreement(await heard(page, 290), 0)).toBeGreaterThan(0.98);
  const cells = page.getByRole('application', { name: /^128 cells/ });
  await cells.focus();
  await cells.press('ArrowDown');
  await expect
    .poll(() => page.locator('.moving-map .reading').innerText())
    .toMatch(/^cell 2 at [\d.]+ s: -?[01]\.\d{3}$/);
  expect(await tooWide(page)).toEqual([]);
  expect((await watched(page)).shift).toBeLessThan(0.05);
});

test('the microphone: the probability rises where the speech is', async () => {
  const page = await site.open('#/listen', { args });
  await button(page, 'Use the microphone').click();
  await expect.poll(() => seconds(page), { timeout: 60_000 }).toBeGreaterThan(10);
  await button(page, 'Stop').press('Enter');
  await button(page, 'Play').waitFor();
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe('Stop');
  const frames = await heard(page, 300);
  // Chromium plays the file round and round, from anywhere.
  const best = Math.max(...isSpeech.map((_, shift) => agreement(frames, shift)));
  expect(best).toBeGreaterThan(0.85);
});

test('no sound, no speech and no microphone are told of in words', async () => {
  // Nobody allows the microphone here.
  const page = await site.open('#/listen', {
    args: ['--disable-gpu', '--use-fake-device-for-media-stream', '--deny-permission-prompts'],
  });
  const open = (buffer: Buffer): Promise<void> =>
    page.locator('input[type=file]').setInputFiles({ name: 'no.wav', mimeType: 'audio/wav', buffer });
  await open(Buffer.from('no sound'));
  await page.getByText('This is no sound that the browser can read').waitFor();
  await open(silence(0.2));
  await page.getByText('No speech was heard in these 0.2 s.').waitFor();
  expect(await page.locator('[role=alert]').count()).toBe(0);
  await button(page, 'Use the microphone').click();
  await page.getByText('The microphone was not allowed.').waitFor();
});

/** A WAV file of 16 kHz in which nothing is heard. */
function silence(seconds: number): Buffer {
  const bytes = 2 * 16_000 * seconds;
  const wav = Buffer.alloc(44 + bytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + bytes, 4);
  wav.write('WAVEfmt ', 8);
  for (const [value, at] of [
    [16, 16],
    [16_000, 24],
    [32_000, 28],
  ] as const)
    wav.writeUInt32LE(value, at);
  for (const [value, at] of [
    [1, 20],
    [1, 22],
    [2, 32],
    [16, 34],
  ] as const)
    wav.writeUInt16LE(value, at);
  wav.write('data', 36);
  wav.writeUInt32LE(bytes, 40);
  return wav;
}

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { Detector, frameLength, type HeardFrame, type VoiceModel } from '../../web/src/demos/listen/detector.ts';
import { Resampler } from '../../web/src/demos/listen/resampler.ts';
import { voiceModelCode } from '../../web/voice-model.ts';

const silero = new URL('../../data/silero/', import.meta.url);

interface Expected {
  readonly speech_probs: readonly number[];
  readonly hn: readonly number[];
  readonly cn: readonly number[];
}

let model: VoiceModel;
let expected: Expected;
let speech: Float32Array;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rnn-voice-'));
  try {
    const path = join(folder, 'model.mjs');
    await writeFile(path, await voiceModelCode());
    model = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as VoiceModel;
  } finally {
    await rm(folder, { recursive: true });
  }
  expected = JSON.parse(await readFile(new URL('expected.json', silero), 'utf8')) as Expected;
  const wav = await readFile(new URL('speech.wav', silero));
  const samples = new DataView(wav.buffer, wav.byteOffset + 44);
  speech = Float32Array.from({ length: samples.byteLength / 2 }, (_, i) => samples.getInt16(2 * i, true) / 32768);
});

/** Hears samples in blocks, as an AudioWorklet gets them. */
function heard(samples: Float32Array, rate: number): { probabilities: number[]; last: HeardFrame } {
  const probabilities: number[] = [];
  let last: HeardFrame = { probability: NaN, h: new Float32Array(), c: new Float32Array() };
  const detector = new Detector(model, rate, (frame) => {
    probabilities.push(frame.probability);
    last = { ...frame, h: frame.h.slice(), c: frame.c.slice() };
  });
  for (let i = 0; i < samples.length; i += 128) detector.push(samples.subarray(i, i + 128));
  return { probabilities, last };
}

test('300 frames of speech: the probabilities and the last state of onnxruntime', () => {
  const { probabilities, last } = heard(speech, 16_000);
  expect(probabilities).toHaveLength(expected.speech_probs.length);
  for (const [i, p] of probabilities.entries())
    expect(Math.abs(p - (expected.speech_probs[i] ?? NaN))).toBeLessThan(2e-4);
  for (const [i, h] of last.h.entries()) expect(Math.abs(h - (expected.hn[i] ?? NaN))).toBeLessThan(2e-4);
  for (const [i, c] of last.c.entries()) expect(Math.abs(c - (expected.cn[i] ?? NaN))).toBeLessThan(2e-3);
});

test.each([48_000, 44_100])('from %i Hz: speech is heard where it is', (rate) => {
  // The same sound at another rate, by linear interpolation, which is good enough for speech.
  const samples = Float32Array.from({ length: Math.floor((speech.length * rate) / 16_000) }, (_, i) => {
    const at = (i * 16_000) / rate;
    const [a = 0, b = 0] = speech.subarray(Math.floor(at), Math.floor(at) + 2);
    return a + (b - a) * (at % 1);
  });
  const { probabilities } = heard(samples, rate);
  expect(probabilities.length).toBeGreaterThan(297);
  const agree = probabilities.filter((p, i) => p > 0.5 === (expected.speech_probs[i] ?? NaN) > 0.5).length;
  expect(agree / probabilities.length).toBeGreaterThan(0.95);
});

describe.each([
  [48_000, 16_000],
  [44_100, 16_000],
  [8_000, 16_000],
  [22_050, 16_000],
])('%i to %i Hz', (from, to) => {
  const resampled = (frequency: number): Float32Array => {
    const resampler = new Resampler(from, to);
    const samples = Float32Array.from({ length: from }, (_, i) => Math.sin((2 * Math.PI * frequency * i) / from));
    const out: number[] = [];
    for (let i = 0; i < samples.length; i += 128) resampler.push(samples.subarray(i, i + 128), (x) => out.push(x));
    return Float32Array.from(out);
  };

  test('a tone below the cut-off is the same tone, at the same time', () => {
    const out = resampled(440);
    expect(out.length).toBeGreaterThan(to - frameLength);
    expect(out.length).toBeLessThanOrEqual(to);
    for (let i = 200; i < out.length; i++) {
      expect(Math.abs((out[i] ?? NaN) - Math.sin((2 * Math.PI * 440 * i) / to))).toBeLessThan(2e-3);
    }
  });

  test('a tone that the other rate cannot have is gone', () => {
    if (from <= to) return;
    expect(
      Math.max(
        ...resampled(0.48 * from)
          .slice(200)
          .map(Math.abs),
      ),
    ).toBeLessThan(2e-3);
    if (from > 20_000) expect(Math.max(...resampled(9_500).slice(200).map(Math.abs))).toBeLessThan(2e-3);
  });
});

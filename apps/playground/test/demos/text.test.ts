import { readFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { fromData, Generator, logSoftmax, manualSeed, noGrad, setBackend, type Backend } from '@rnn/core';
import { expect, test } from 'vitest';
import { TextExperiment, type Reading } from '../../web/src/demos/text/experiment.ts';
import { frequencyBits, packed, textOf, unpacked } from '../../web/src/demos/text/own-text.ts';
import { switchingUnits } from '../../web/src/demos/text/units.ts';

const text = (await readFile(new URL('../../data/english-kjv.txt', import.meta.url), 'utf8')).slice(0, 20_000);
const writing = { temperature: 0.7, topK: 0 };

function begin(backend: Backend, units = 32): TextExperiment {
  setBackend(backend);
  manualSeed(3);
  return new TextExperiment({ seed: 3, settings: { text, units, writing } });
}

async function losses(experiment: TextExperiment, steps: number, between?: () => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let step = 0; step < steps; step++) {
    const loss = experiment.step();
    found.push((await loss.data())[0]);
    loss.dispose();
    await between?.();
  }
  return found;
}

test('it learns more than how often each letter comes', async () => {
  const all = await losses(begin(await wasm()), 120);
  const last = all.slice(-10).reduce((sum, loss) => sum + loss / 10, 0);
  expect(last / Math.LN2).toBeLessThan(frequencyBits(text) - 0.5);
});

test('what is written and read in between changes nothing of the training', async () => {
  const backend = await wasm();
  const alone = await losses(begin(backend), 6);
  const watched = begin(backend);
  const seen = await losses(watched, 6, async () => {
    await watched.view(true);
    await watched.read('In the beginning');
    await watched.influences('In the beginning', 5);
    await watched.gates('In the beginning', 0);
  });
  expect(seen).toEqual(alone);
});

test('at rest the same seed writes the same text, of the temperature that was set', async () => {
  const backend = await wasm();
  const samples = async (): Promise<string[]> => {
    const experiment = begin(backend);
    await losses(experiment, 2);
    const { sample } = await experiment.view(true);
    experiment.setWriting({ temperature: 0, topK: 0 });
    const { sample: cold } = await experiment.view(true);
    return [sample.text, cold.text];
  };
  const [warm, cold] = await samples();
  expect(cold).not.toBe(warm);
  expect(await samples()).toEqual([warm, cold]);
});

test('a run that moves to another backend goes on as if it had stayed', async () => {
  const [first, second] = [await cpu(), await wasm()];
  const stayed = await losses(begin(first, 16), 4);
  const experiment = begin(first, 16);
  const before = await losses(experiment, 2);
  for (const part of experiment.movable) await part.moveTo(second);
  setBackend(second);
  const after = await losses(experiment, 2);
  for (const [i, loss] of [...before, ...after].entries()) expect(loss).toBeCloseTo(stayed[i], 4);
});

test('a letter lights up by the size of the gradient: finite differences say the same', async () => {
  const experiment = begin(await cpu());
  await losses(experiment, 5);
  const passage = 'And God said';
  const [at, place] = [7, 4];
  const influences = await experiment.influences(passage, at);
  expect(influences).toHaveLength(at);

  const { model } = experiment;
  const tokens = experiment.tokens(passage);
  const embedded = Array.from(await noGrad(() => model.embedding.forward(fromData(tokens, [tokens.length, 1]))).data());
  const width = embedded.length / tokens.length;
  const score = async (dimension: number, change: number): Promise<number> => {
    const changed = Float32Array.from(embedded.slice(0, at * width));
    changed[place * width + dimension] += change;
    const scores = noGrad(() => {
      const [output] = model.lstm.forward(fromData(changed, [at, 1, width]));
      return logSoftmax(model.head.forward(output.select(0, at - 1)), -1);
    });
    return (await scores.data())[tokens[at]];
  };
  let squares = 0;
  for (let dimension = 0; dimension < width; dimension++)
    squares += (((await score(dimension, 0.05)) - (await score(dimension, -0.05))) / 0.1) ** 2;
  expect(Math.sqrt(squares) / influences[place]).toBeCloseTo(1, 1);
});

test('the gates of a unit obey the equations of the LSTM', async () => {
  const experiment = begin(await wasm());
  const passage = 'In the beginning';
  const [i, f, g, o, c, h] = [0, 1, 2, 3, 4, 5];
  const gates = await experiment.gates(passage, 5);
  const { states, units } = await experiment.read(passage);
  const value = (row: number, t: number): number => gates[row * passage.length + t];
  for (let t = 1; t < passage.length; t++) {
    expect(value(c, t)).toBeCloseTo(value(f, t) * value(c, t - 1) + value(i, t) * value(g, t), 5);
    expect(value(h, t)).toBeCloseTo(value(o, t) * Math.tanh(value(c, t)), 5);
    expect(value(h, t)).toBeCloseTo(states[t * units + 5], 5);
  }
});

test.each(['safetensors', 'onnx'] as const)('a model comes back from %s as it was', async (format) => {
  const backend = await wasm();
  const first = begin(backend, 16);
  await losses(first, 3);
  const { name, content } = await first.saveModel(format);
  const second = begin(backend, 16);
  await second.loadModel(name, content as Uint8Array);
  const passage = 'And God said';
  expect((await second.read(passage)).states).toEqual((await first.read(passage)).states);
  await expect(second.loadModel(name, (content as Uint8Array).slice(0, 300))).rejects.toThrow('it may be cut off');
});

test('letters that it never saw are left out of a passage', async () => {
  const experiment = begin(await cpu(), 8);
  expect(experiment.readable('In the €beginning☃')).toBe('In the beginning');
});

test('of all units it finds the one that is on in a phrase, and where else it is', () => {
  const [units, passage] = [3, 'one two one two one'];
  const states = new Float32Array(passage.length * units);
  for (let t = 0; t < passage.length; t++) {
    states[t * units] = Math.sin(t * 7); // noise
    const isTwo = (t >= 4 && t < 7) || (t >= 12 && t < 15);
    states[t * units + 1] = isTwo ? 0.9 : -0.8;
    states[t * units + 2] = 0.5; // always on
  }
  const reading: Reading = { text: passage, units, states, surprise: new Float32Array(passage.length) };
  const [found] = switchingUnits(reading, { from: 4, to: 7 }, 5);
  expect(found).toMatchObject({ unit: 1, isHigh: true, elsewhere: [{ from: 12, to: 15 }] });
  expect(switchingUnits(reading, { from: 4, to: 7 }, 5).map(({ unit }) => unit)).not.toContain(2);
});

test('a text travels in an address and comes back; a long one does not', async () => {
  const own = 'Füße, 雪 und Schnee.\n'.repeat(100);
  const value = await packed(own);
  expect(value).toMatch(/^[\w-]+$/);
  expect(await unpacked(value ?? '')).toBe(own);
  const generator = new Generator(1);
  const noise = Array.from({ length: 30_000 }, () => String.fromCharCode(97 + 26 * generator.nextUniform()));
  expect(await packed(noise.join(''))).toBeUndefined();
  await expect(unpacked('abc')).rejects.toThrow(TypeError);
});

test('what is no text is told from what is', async () => {
  expect(await textOf(new Blob([Uint8Array.from({ length: 4000 }, (_, i) => (i * 37) % 256)]))).toBeUndefined();
  expect(await textOf(new Blob(['plain words\r\n']))).toBe('plain words\r\n');
});

test('letters of equal frequency cost the logarithm of their number', () => {
  expect(frequencyBits('abcd'.repeat(10))).toBeCloseTo(2, 10);
  expect(frequencyBits('aaaa')).toBeCloseTo(0, 10);
});

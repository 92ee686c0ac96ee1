import { wasm } from '@rnn/backend-wasm';
import { manualSeed, scope, setBackend } from '@rnn/core';
import { beforeAll, expect, test } from 'vitest';
import { readData } from '../../src/data/files.ts';
import { SpeakersExperiment } from '../../web/src/demos/speakers/experiment.ts';
import type { LayerName } from '../../web/src/demos/speakers/classifier.ts';

beforeAll(async () => {
  setBackend(await wasm({ threads: 1 }));
});

async function begun(layer: LayerName): Promise<SpeakersExperiment> {
  manualSeed(0);
  const [training, test] = [await readData('japanese-vowels-train.csv'), await readData('japanese-vowels-test.csv')];
  return new SpeakersExperiment({ seed: 0, settings: { training, test, layer, hidden: 32 } });
}

function train(experiment: SpeakersExperiment, steps: number): void {
  for (let step = 0; step < steps; step++) {
    scope(() => {
      experiment.step();
    });
  }
}

test('nine speakers are told apart: 85 of 100 test utterances after 150 steps, 11 by chance', async () => {
  const experiment = await begun('GRU');
  const before = await experiment.view(true);
  expect(before.accuracy).toBeLessThan(0.4);
  train(experiment, 150);
  const view = await experiment.view(true);
  expect(view.accuracy).toBeGreaterThan(0.85);
  const sums = view.confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  expect(sums).toEqual([31, 35, 88, 44, 29, 24, 40, 50, 29]); // the file's, as data.test.ts counts them
  const diagonal = view.confusion.reduce((sum, row, i) => sum + row[i], 0);
  expect(diagonal / 370).toBeCloseTo(view.accuracy, 12);
  for (const { speaker, heard } of view.utterances) expect(view.confusion[speaker][heard]).toBeGreaterThan(0);
});

test.each(['GRU', 'LSTM', 'RNN'] as const)(
  '%s: the last belief about an utterance is the verdict, though batches are padded',
  async (layer) => {
    const experiment = await begun(layer);
    train(experiment, 3);
    const { utterances } = await experiment.view(true);
    for (const index of [0, 100, 369]) {
      const { steps, beliefs, states, hidden, speaker } = await experiment.hear(index);
      expect([steps, speaker]).toEqual([utterances[index].steps, utterances[index].speaker]);
      expect(states).toHaveLength(steps * hidden);
      const last = beliefs.slice(-9);
      expect(last.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
      expect(last.indexOf(Math.max(...last))).toBe(utterances[index].heard);
    }
  },
);

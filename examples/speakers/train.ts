// Tells nine speakers apart by utterances of 7 to 29 steps: node train.ts [steps]
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, setBackend, type Tensor } from '@rnn/core';
import { crossEntropy, GRU, lengthsMask, Linear, maskedSoftmax, Module } from '@rnn/nn';
import { Adam, ConfusionMatrix, DataLoader, evaluate, fit, SequenceDataset } from '@rnn/train';
import { fromCsv } from '@rnn/train/csv';
import { readFile } from 'node:fs/promises';

setBackend(await wasm());
manualSeed(0);
const steps = Number(process.argv[2] ?? 400);

async function utterances(name: string): Promise<SequenceDataset> {
  const file = new URL(`data/japanese-vowels-${name}.csv`, import.meta.url);
  const table = fromCsv(await readFile(file, 'utf8'));
  const { shape, data } = table.values(Array.from({ length: 12 }, (_, i) => `c${i}`));
  const [sequence, speaker, step] = ['sequence', 'speaker', 'step'].map((column) => table.numbers(column));
  const starts = Array.from(sequence.keys()).filter((i) => step[i] === 0);
  const parts = starts.map((from, i) => data.slice(from * 12, (starts[i + 1] ?? shape[0]) * 12));
  return new SequenceDataset(
    parts.map((part) => ({ shape: [part.length / 12, 12], data: part })),
    Int32Array.from(starts, (i) => speaker[i] - 1),
  );
}

/** A mean of the outputs of all steps, weighted by how much each one says. */
class Listener extends Module {
  gru = new GRU(12, 64);
  score = new Linear(64, 1);
  head = new Linear(64, 9);

  forward(x: Tensor, lengths: readonly number[]): Tensor {
    const [output] = this.gru.forward(x, undefined, { lengths });
    const mask = lengthsMask(lengths, { steps: x.shape[0] });
    const weights = maskedSoftmax(this.score.forward(output).squeeze(2).transpose(0, 1), mask.transpose(0, 1));
    return this.head.forward(output.mul(weights.transpose(0, 1).unsqueeze(2)).sum(0));
  }
}

const model = new Listener();
await fit(model, new DataLoader(await utterances('train'), { batchSize: 32, shuffle: true }), {
  loss: (net, { input, lengths, target }) => crossEntropy(net.forward(input, lengths), target),
  optimizer: new Adam(model.parameters(), { lr: 0.005 }),
  steps,
  clipNorm: 1,
});
const confusion = new ConfusionMatrix(9);
const { accuracy } = await evaluate(model, new DataLoader(await utterances('test'), { batchSize: 128 }), {
  metrics: (net, { input, lengths, target }) => {
    const scores = net.forward(input, lengths);
    confusion.update(scores, target);
    return { accuracy: scores.argmax(1).eq(target) };
  },
});
console.log(`accuracy ${accuracy.toFixed(3)}; speakers as they are, by whom they were taken for:`);
for (const row of confusion.compute()) console.log(row.map((n) => String(n).padStart(3)).join(' '));

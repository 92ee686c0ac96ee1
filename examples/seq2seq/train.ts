// Learns to reverse words and to add numbers, from examples: node train.ts [steps]
import { wasm } from '@rnn/backend-wasm';
import { Generator, manualSeed, setBackend } from '@rnn/core';
import { Adam, CharVocabulary, DataLoader, fit, randomSplit, Seq2Seq, SequencePairs } from '@rnn/train';

setBackend(await wasm());
const steps = Number(process.argv[2] ?? 1500);
const generator = new Generator(0);
const below = (n: number): number => Math.floor(generator.nextUniform() * n);

const tasks: Record<string, () => [string, string]> = {
  reverse: () => {
    const letters = Array.from({ length: 3 + below(8) }, () => 'abcdefghij'[below(10)]);
    return [letters.join(''), letters.toReversed().join('')];
  },
  add: () => {
    const [a, b] = [below(100), below(100)];
    return [`${a}+${b}`, String(a + b)];
  },
};

for (const [name, make] of Object.entries(tasks)) {
  manualSeed(0);
  const pairs = Array.from({ length: 4000 }, make);
  const vocabulary = new CharVocabulary(pairs.flat(), { specials: ['<pad>', '<bos>', '<eos>'] });
  const [bos, eos] = ['<bos>', '<eos>'].map((token) => vocabulary.indexOf(token));
  const data = new SequencePairs(
    pairs.map(([source]) => vocabulary.encode(source)),
    pairs.map(([, target]) => Int32Array.of(...vocabulary.encode(target), eos)),
  );
  const [training, test] = randomSplit(data, [0.9, 0.1], { generator });
  const model = new Seq2Seq({
    sourceTokens: vocabulary.size,
    targetTokens: vocabulary.size,
    bos,
    eos,
    hiddenSize: 64,
    attention: 'additive',
  });
  await fit(model, new DataLoader(training, { batchSize: 64, shuffle: true }), {
    loss: (net, batch) => net.loss(batch),
    optimizer: new Adam(model.parameters(), { lr: 0.005 }),
    steps,
    clipNorm: 1,
  });
  const { source, sourceLengths, target, targetLengths } = test.batch(Array.from({ length: test.length }, (_, i) => i));
  const said = await model.decode(source, { lengths: sourceLengths, maxTokens: 12 });
  const [asked, wanted] = [await source.transpose(0, 1).data(), await target.transpose(0, 1).data()];
  const textOf = (all: ArrayLike<number>, row: number, longest: number, length: number): string =>
    vocabulary.decode(Array.from(all).slice(row * longest, row * longest + length));
  const lines = said.map((tokens, row) => ({
    asked: textOf(asked, row, source.shape[0], sourceLengths[row]),
    said: vocabulary.decode(tokens),
    right: textOf(wanted, row, target.shape[0], targetLengths[row] - 1),
  }));
  const right = lines.filter((line) => line.said === line.right).length;
  console.log(
    `${name}: ${((100 * right) / lines.length).toFixed(1)} % right, such as ${lines[0].asked} -> ${lines[0].said}`,
  );
}

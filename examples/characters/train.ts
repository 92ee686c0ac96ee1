// A model of English, character by character, and some text of its own: node train.ts [steps]
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, setBackend, type Tensor } from '@rnn/core';
import { crossEntropy, Embedding, Linear, LSTM, Module, type LSTMState } from '@rnn/nn';
import { Adam, CharVocabulary, evaluate, fit, generate, textStreams } from '@rnn/train';
import { readFile } from 'node:fs/promises';

setBackend(await wasm());
manualSeed(0);
const steps = Number(process.argv[2] ?? 600);
const text = await readFile(new URL('data/english-kjv.txt', import.meta.url), 'utf8');
const vocabulary = new CharVocabulary(text);
const cut = Math.floor(text.length * 0.9);

class Characters extends Module {
  embedding = new Embedding(vocabulary.size, 64);
  lstm = new LSTM(64, 256);
  head = new Linear(256, vocabulary.size);

  forward(x: Tensor, state?: LSTMState): [Tensor, LSTMState] {
    const [output, last] = this.lstm.forward(this.embedding.forward(x), state);
    return [this.head.forward(output), last];
  }
}

const model = new Characters();
const loss = (net: Characters, [x, y]: [Tensor, Tensor], state?: LSTMState): [Tensor, LSTMState] => {
  const [scores, next] = net.forward(x, state);
  return [crossEntropy(scores, y, { classDim: -1 }), next];
};
await fit(model, textStreams(vocabulary.encode(text.slice(0, cut)), { rows: 32 }), {
  loss,
  optimizer: new Adam(model.parameters(), { lr: 0.003 }),
  steps,
  tbptt: 64,
  clipNorm: 1,
  onStep: ({ step, loss: nats }) => {
    if (step % 50 === 0) console.log(`step ${step}: ${(nats / Math.LN2).toFixed(2)} bits a character`);
  },
});
const heldOut = textStreams(vocabulary.encode(text.slice(cut)), { rows: 32 });
const { loss: nats } = await evaluate(model, heldOut, { loss, tbptt: 64 });
console.log(`held out: ${(nats / Math.LN2).toFixed(2)} bits a character`);
const prompt = 'And God said';
process.stdout.write(prompt);
let column = prompt.length;
for await (const piece of generate(model, prompt, { vocabulary, temperature: 0.7, maxTokens: 200, seed: 1 })) {
  const isBreak = piece === '\n' || (piece === ' ' && column > 66); // no line grows wider than a terminal
  process.stdout.write(isBreak ? '\n' : piece);
  column = isBreak ? 0 : column + 1;
}
console.log();

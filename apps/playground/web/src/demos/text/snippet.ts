// A model of English, character by character, and a text of its own.
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, setBackend, type Tensor } from '@rnn/core';
import { crossEntropy, Embedding, Linear, LSTM, Module, type LSTMState } from '@rnn/nn';
import { Adam, CharVocabulary, fit, generate, textStreams } from '@rnn/train';

setBackend(await wasm());
manualSeed(1);
const text = 'And God said, Let there be light: and there was light. '.repeat(60); // or one of yours
const vocabulary = new CharVocabulary(text);

class CharacterModel extends Module {
  embedding = new Embedding(vocabulary.size, 32);
  lstm = new LSTM(32, 128);
  head = new Linear(128, vocabulary.size);

  forward(x: Tensor, state?: LSTMState): [scores: Tensor, state: LSTMState] {
    const [output, next] = this.lstm.forward(this.embedding.forward(x), state);
    return [this.head.forward(output), next];
  }
}

const model = new CharacterModel();
await fit(model, textStreams(vocabulary.encode(text), { rows: 16, steps: 32 }), {
  loss: (net, [x, y]: [Tensor, Tensor]) => crossEntropy(net.forward(x)[0], y, { classDim: -1 }),
  optimizer: new Adam(model.parameters(), { lr: 0.004 }),
  clipNorm: 1,
  steps: 60,
  onStep: ({ step, loss }) => {
    if (step % 20 === 0) console.log(`step ${step}: ${(loss / Math.LN2).toFixed(2)} bits per character`);
  },
});

let written = 'And ';
for await (const piece of generate(model, written, { vocabulary, temperature: 0.5, maxTokens: 80, seed: 1 }))
  written += piece;
console.log(written);

import { wasm } from '@rnn/backend-wasm';
import { manualSeed, randn, scope, setBackend, type Lengths, type Tensor } from '@rnn/core';
import { crossEntropy, GRU, Linear, Module } from '@rnn/nn';
import { Adam, DataLoader, SequenceDataset } from '@rnn/train';

setBackend(await wasm());
manualSeed(1);

class Classifier extends Module {
  readonly gru = new GRU(12, 32);
  readonly head = new Linear(32, 9);
  forward(x: Tensor, lengths: Lengths): Tensor {
    const [, last] = this.gru.forward(x, undefined, { lengths }); // each sequence to its own end
    return this.head.forward(last.select(0, 0));
  }
}

// Your sequences, each [steps, 12], and the class of each; here noise, whose mean tells the class.
const lengths = Array.from({ length: 180 }, (_, i) => 7 + (i % 23));
const classes = Int32Array.from(lengths, (_, i) => i % 9);
const sequences = lengths.map((steps, i) =>
  scope(() => ({
    shape: [steps, 12],
    data: randn([steps, 12])
      .add((classes[i] ?? 0) / 4 - 1)
      .dataSync(),
  })),
);

const model = new Classifier();
const optimizer = new Adam(model.parameters(), { lr: 0.005 });
const loader = new DataLoader(new SequenceDataset(sequences, classes), { batchSize: 32, shuffle: true });
for (let epoch = 0; epoch < 20; epoch++) {
  for (const { input, lengths, target } of loader) {
    const loss = scope(() => {
      const loss = crossEntropy(model.forward(input, lengths), target);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    input.dispose();
    target.dispose();
    if (epoch === 19) console.log(loss);
  }
}

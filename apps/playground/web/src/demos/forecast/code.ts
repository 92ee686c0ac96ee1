import { wasm } from '@rnn/backend-wasm';
import { manualSeed, scope, setBackend, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { Adam, DataLoader, forecast, splitInTime, StandardScaler, windows } from '@rnn/train';

setBackend(await wasm());
manualSeed(1);

// Your series, a value a row; `fromCsv` of @rnn/train/csv reads one from a file.
const series = Array.from({ length: 400 }, (_, t) => 50 + 30 * Math.sin(t / 8) + 5 * Math.sin(t / 3));
const [past, future] = splitInTime(series, [0.8, 0.2]);
const scaler = new StandardScaler().fit(past); // it sees the past alone

class Forecaster extends Module {
  readonly lstm = new LSTM(1, 24);
  readonly head = new Linear(24, 1);
  forward(x: Tensor, state?: [Tensor, Tensor]): [Tensor, [Tensor, Tensor]] {
    const [output, last] = this.lstm.forward(x, state);
    return [this.head.forward(output).add(x), last]; // what it adds is the change until the next row
  }
}
const model = new Forecaster();
const optimizer = new Adam(model.parameters(), { lr: 0.005 });
const { shape, data } = scaler.transform(past);
const examples = windows({ shape: [shape[0], 1], data }, 64, 1, { everyStep: true });
for (let epoch = 0; epoch < 10; epoch++) {
  for (const [x, y] of new DataLoader(examples, { batchSize: 32, shuffle: true })) {
    scope(() => {
      const loss = mseLoss(model.forward(x)[0], y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
    });
    x.dispose();
    y.dispose();
  }
}

// What it forecasts becomes its input; courses with noise of one unit make the band.
const { values, intervals } = await forecast(model, past, 24, { scaler, sampling: { noise: 1, paths: 64 } });
console.log(values.data[0], 'truth', future.data[0], 'band', intervals[0]?.lower.data[0], intervals[0]?.upper.data[0]);

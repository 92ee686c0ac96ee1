import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, randn, scope, setBackend } from '@rnn/core';
import { LSTM, mseLoss } from '@rnn/nn';
import { Adam } from '@rnn/train';

for (const backend of [await cpu(), await wasm()]) {
  setBackend(backend);
  manualSeed(1); // the same weights and data on each
  const lstm = new LSTM(1, 32);
  const optimizer = new Adam(lstm.parameters(), { lr: 0.005 });
  const [x, target] = [randn([32, 16, 1]), randn([32, 16, 32])]; // [time, batch, features]
  const step = (): number =>
    scope(() => {
      const [outputs] = lstm.forward(x);
      const loss = mseLoss(outputs, target);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss.item();
    });

  const first = step();
  const began = performance.now();
  for (let i = 0; i < 50; i++) step();
  const rate = 50_000 / (performance.now() - began);
  console.log(`${backend.info.device}: ${rate.toFixed(0)} steps/s, first loss ${first}`);
}

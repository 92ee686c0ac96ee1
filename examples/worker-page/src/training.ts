import { wasm } from '@rnn/backend-wasm';
import { manualSeed, setBackend } from '@rnn/core';
import { mseLoss } from '@rnn/nn';
import { Adam, DataLoader, serveFit, windows } from '@rnn/train';
import { wave, Wave } from './wave.ts';

serveFit(async ({ steps }: { steps: number }) => {
  setBackend(await wasm());
  manualSeed(0);
  const model = new Wave();
  const data = new DataLoader(windows(wave, 20), { batchSize: 32, shuffle: true });
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  return { model, data, options: { loss: (net, [x, y]) => mseLoss(net.forward(x), y), optimizer, steps } };
});

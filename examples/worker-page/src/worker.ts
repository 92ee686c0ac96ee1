import { wasm } from '@rnn/backend-wasm';
import { manualSeed, setBackend, type Tensor } from '@rnn/core';
import { GRU, Linear, Module, mseLoss } from '@rnn/nn';
import { Adam, DataLoader, fit, forecast, windows } from '@rnn/train';
import { expose } from 'comlink';

class Wave extends Module {
  gru = new GRU(1, 16);
  head = new Linear(16, 1);

  forward(x: Tensor): Tensor {
    const [, last] = this.gru.forward(x);
    return this.head.forward(last.select(0, 0));
  }
}

let stopped = new AbortController();

const trainer = {
  /** Trains and tells of each step; gives what the model says of the next 30 values. */
  async train(steps: number, onStep: (step: number, loss: number) => unknown): Promise<number[]> {
    stopped = new AbortController();
    setBackend(await wasm());
    manualSeed(0);
    const wave = Array.from({ length: 400 }, (_, t) => Math.sin(t / 5));
    const model = new Wave();
    await fit(model, new DataLoader(windows(wave, 20), { batchSize: 32, shuffle: true }), {
      loss: (net, [x, y]) => mseLoss(net.forward(x), y),
      optimizer: new Adam(model.parameters(), { lr: 0.01 }),
      steps,
      signal: stopped.signal,
      onStep: ({ step, loss }) => onStep(step, loss),
    });
    const { values } = await forecast(model, wave, 30, { window: 20 });
    return Array.from(values.data);
  },

  stop(): void {
    stopped.abort();
  },
};

export type Trainer = typeof trainer;
expose(trainer);

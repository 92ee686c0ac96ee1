import { monitorEventLoopDelay } from 'node:perf_hooks';
import { manualSeed, randn, tensor, type Backend, type Tensor } from '@rnn/core';
import { Embedding, GRU, Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { Adam, DataLoader, evaluate, fit, forecast, generate, SGD, stream, TensorDataset } from '@rnn/train';

/** A model that scores the next of five tokens. */
class Tokens extends Module {
  embedding = new Embedding(5, 2);
  gru = new GRU(2, 4);
  head = new Linear(4, 5);
  forward(x: Tensor, state?: Tensor): [scores: Tensor, state: Tensor] {
    const [output, last] = this.gru.forward(this.embedding.forward(x), state);
    return [this.head.forward(output), last];
  }
}

/** A model that forecasts the next number. */
class Series extends Module {
  gru = new GRU(1, 4);
  head = new Linear(4, 1);
  forward(x: Tensor, state?: Tensor): [output: Tensor, state: Tensor] {
    const [output, last] = this.gru.forward(x, state);
    return [this.head.forward(output), last];
  }
}

export interface LongestGap {
  readonly steps: number;
  /** Milliseconds. */
  readonly gap: number;
  readonly step: number;
}

/**
 * The longest time that the event loop waited while `fit` trained: with steps of a few
 * milliseconds, of which several fit between two turns.
 */
export async function longestGap(steps = 300): Promise<LongestGap> {
  manualSeed(0);
  const model = new LSTM(16, 64);
  const data = new DataLoader(new TensorDataset(randn([128, 50, 16]), randn([128, 50, 64])), { batchSize: 16 });
  const options = {
    loss: (net: LSTM, [x, y]: [Tensor, Tensor]) => mseLoss(net.forward(x.transpose(0, 1))[0], y.transpose(0, 1)),
    optimizer: new Adam(model.parameters(), { lr: 0.001 }),
  };
  await fit(model, data, { ...options, steps: 20 }); // what is compiled once
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  await fit(model, data, { ...options, steps });
  const step = (performance.now() - start) / steps;
  delay.disable();
  return { steps, gap: delay.max / 1e6, step };
}

export interface FlatLoop {
  readonly name: string;
  readonly steps: number;
  /** Storages and bytes more at the end than after the first hundred steps. */
  readonly storages: number;
  readonly bytes: number;
}

/** What lives in the backend after 100 steps and at the end of each loop. */
export async function flatLoops(backend: Backend, steps = 10_000): Promise<FlatLoop[]> {
  const found: FlatLoop[] = [];
  const measure = async (name: string, loop: (tick: () => void) => Promise<void>): Promise<void> => {
    let [count, most] = [0, { storages: 0, bytes: 0 }];
    let early = backend.memory();
    await loop(() => {
      count++;
      const now = backend.memory();
      if (count <= 100)
        early = { storages: Math.max(early.storages, now.storages), bytes: Math.max(early.bytes, now.bytes) }; // prettier-ignore
      else most = { storages: Math.max(most.storages, now.storages), bytes: Math.max(most.bytes, now.bytes) };
    });
    const [storages, bytes] = [most.storages - early.storages, most.bytes - early.bytes];
    found.push({ name, steps: count, storages, bytes });
  };
  const pair: [Tensor, Tensor] = [tensor([[1], [2]]), tensor([[3], [5]])];
  const loss = (net: Linear, [x, y]: [Tensor, Tensor]): Tensor => mseLoss(net.forward(x), y);
  await measure('fit', async (tick) => {
    const model = new Linear(1, 1);
    const optimizer = new SGD(model.parameters(), { lr: 0.01 });
    const data = Array.from({ length: 100 }, () => pair);
    await fit(model, data, { loss, optimizer, steps, onStep: tick, logEvery: 1 });
  });
  await measure('evaluate', async (tick) => {
    const data = Array.from({ length: steps }, () => pair);
    const counted = (net: Linear, batch: [Tensor, Tensor]): Tensor => {
      tick();
      return loss(net, batch);
    };
    await evaluate(new Linear(1, 1), data, { loss: counted });
  });
  await measure('generate', async (tick) => {
    for await (const token of generate(new Tokens(), [1], { maxTokens: steps, seed: 1 })) if (token >= 0) tick();
  });
  await measure('forecast', async (tick) => {
    const model = new Series();
    const forward = model.forward.bind(model);
    model.forward = (x, state) => {
      tick();
      return forward(x, state);
    };
    await forecast(model, [1, 2, 3], steps);
  });
  await measure('stream', async (tick) => {
    const session = stream(new GRU(3, 8));
    const sample = Float32Array.of(1, 2, 3);
    for (let n = 0; n < steps; n++) {
      await session.push(sample);
      tick();
    }
    session.dispose();
  });
  return found;
}

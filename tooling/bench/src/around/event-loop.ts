import { monitorEventLoopDelay } from 'node:perf_hooks';
import { manualSeed, randn, type Tensor } from '@rnn/core';
import { LSTM, mseLoss } from '@rnn/nn';
import { Adam, DataLoader, fit, TensorDataset } from '@rnn/train';
import { digits } from '../report/grid.ts';
import type { Section } from './section.ts';

const STEPS = 300;

/** How long others wait while `fit` trains by steps of which several fit between two turns. */
export function eventLoop(): Section {
  return {
    title: 'The event loop beside fit: an LSTM of 64 units, 16 rows of 50 steps',
    header: ['', 'ms a step', 'longest gap, ms'],
    rows: [{ name: `${STEPS} steps`, cells: longestGap }],
  };
}

async function longestGap(): Promise<string[]> {
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
  await fit(model, data, { ...options, steps: STEPS });
  const step = (performance.now() - start) / STEPS;
  delay.disable();
  return [digits(step), digits(delay.max / 1e6)];
}

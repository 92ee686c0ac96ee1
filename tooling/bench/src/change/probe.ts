// Times of some work by the built packages of a checkout, as JSON: node probe.ts FOLDER
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Wasm from '@rnn/backend-wasm';
import type * as Core from '@rnn/core';
import type * as Nn from '@rnn/nn';
import type * as Train from '@rnn/train';
import { measure } from '../measure.ts';

const folder = process.argv[2] ?? '';
const load = (name: string): Promise<unknown> =>
  import(pathToFileURL(join(folder, 'packages', name, 'dist/index.js')).href);
const started = performance.now();
const { manualSeed, noGrad, randn, scope, setBackend } = (await load('core')) as typeof Core;
const { GRU, LSTM, mseLoss, RNN } = (await load('nn')) as typeof Nn;
const { SGD } = (await load('train')) as typeof Train;
const { wasm } = (await load('backend-wasm')) as typeof Wasm;
setBackend(await wasm());
manualSeed(0);

const times: Record<string, number> = { 'import, and the backend': performance.now() - started };
const note = async (name: string, call: () => unknown): Promise<void> => {
  times[name] = (await measure(() => scope(call), { time: 250, warmup: 250 })).minimum;
};

const sizes = [
  { title: 'tutorial case, 1 x 5 steps, 2 units', rows: 1, features: 3, units: 2, steps: 5 },
  { title: '32 x 100 steps, 128 units', rows: 32, features: 64, units: 128, steps: 100 },
];
const layers = {
  RNN: (features: number, units: number) => {
    const layer = new RNN(features, units);
    return { layer, forward: (x: Core.Tensor): Core.Tensor => layer.forward(x)[0] };
  },
  LSTM: (features: number, units: number) => {
    const layer = new LSTM(features, units);
    return { layer, forward: (x: Core.Tensor): Core.Tensor => layer.forward(x)[0] };
  },
  GRU: (features: number, units: number) => {
    const layer = new GRU(features, units);
    return { layer, forward: (x: Core.Tensor): Core.Tensor => layer.forward(x)[0] };
  },
};
for (const [cell, make] of Object.entries(layers)) {
  for (const { title, rows, features, units, steps } of sizes) {
    const { layer, forward } = make(features, units);
    const optimizer = new SGD(layer.parameters(), { lr: 1e-3 });
    const [x, y] = [randn([steps, rows, features]), randn([steps, rows, units])];
    await note(`${cell} forward, ${title}`, () => noGrad(() => forward(x).dataSync()));
    await note(`${cell} training, ${title}`, () => {
      optimizer.zeroGrad();
      mseLoss(forward(x), y).backward();
      optimizer.step();
    });
  }
}
const [a, b] = [randn([1]), randn([1])];
await note('add, 1 number', () => a.add(b));
const [p, q] = [randn([256, 256]), randn([256, 256])];
await note('matmul, 256 x 256', () => p.matmul(q).dataSync());
console.log(JSON.stringify(times));

/**
 * Imports the packages as a user does, makes an LSTM of so many layers and trains it for one step.
 * Prints the milliseconds from the first import to the end of the first step, and of the second.
 */
import { argv } from 'node:process';

const layers = Number(argv[2]);
const start = performance.now();
const { wasm } = await import('@rnn/backend-wasm');
const { manualSeed, randn, setBackend } = await import('@rnn/core');
const { LSTM, mseLoss } = await import('@rnn/nn');
const { Adam } = await import('@rnn/train');
setBackend(await wasm());
manualSeed(0);
const model = new LSTM(8, 32, { numLayers: layers });
const optimizer = new Adam(model.parameters(), { lr: 0.01 });
const [x, y] = [randn([20, 16, 8]), randn([20, 16, 32])];
const step = (): number => {
  optimizer.zeroGrad();
  const loss = mseLoss(model.forward(x)[0], y);
  loss.backward();
  optimizer.step();
  loss.item();
  return performance.now();
};
const first = step();
const second = step();
console.log(JSON.stringify([first - start, second - first]));
process.exit(0);

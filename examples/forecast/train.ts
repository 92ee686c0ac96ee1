// From a CSV file to a model file: node train.ts [steps]
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, setBackend, type Tensor } from '@rnn/core';
import { save } from '@rnn/io/node';
import { mseLoss } from '@rnn/nn';
import {
  Adam,
  DataLoader,
  evaluate,
  fit,
  persistence,
  RootMeanSquaredError,
  splitInTime,
  StandardScaler,
  windows,
} from '@rnn/train';
import { fromCsv } from '@rnn/train/csv';
import { readFile, writeFile } from 'node:fs/promises';
import { Forecaster, window } from './model.ts';

setBackend(await wasm());
manualSeed(0);
const steps = Number(process.argv[2] ?? 600);
const table = fromCsv(await readFile(new URL('data/sunspots-monthly.csv', import.meta.url), 'utf8'));
const [training, test] = splitInTime(table.values(['sunspots']), [0.8, 0.2], { overlap: window });
const scaler = new StandardScaler().fit(training);
const batches = (part: typeof training, shuffle: boolean): DataLoader<[Tensor, Tensor]> =>
  new DataLoader(windows(scaler.transform(part), window, 1, { target: 0 }), { batchSize: 64, shuffle });

const model = new Forecaster();
const loss = (net: Forecaster, [x, y]: [Tensor, Tensor]): Tensor => mseLoss(net.forward(x), y);
await fit(model, batches(training, true), {
  loss,
  optimizer: new Adam(model.parameters(), { lr: 0.005 }),
  steps,
  clipNorm: 1,
});

const [errors, baseline] = [new RootMeanSquaredError(), new RootMeanSquaredError()];
await evaluate(model, batches(test, false), {
  loss,
  metrics: (net, [x, y]) => {
    const truth = scaler.inverse(y, { features: 0 });
    errors.update(scaler.inverse(net.forward(x), { features: 0 }), truth);
    baseline.update(scaler.inverse(persistence(x, 1, { target: 0 }), { features: 0 }), truth);
    return {};
  },
});
console.log(`RMSE ${errors.compute().toFixed(1)}; of "next month is like this one" ${baseline.compute().toFixed(1)}`);
await save('forecast.safetensors', model);
await writeFile('scaler.json', JSON.stringify({ ...scaler.stateDict(), error: errors.compute() }));

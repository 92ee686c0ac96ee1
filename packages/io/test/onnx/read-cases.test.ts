/**
 * Models with known outputs: recurrent operators with every attribute, graphs in graphs, versions
 * of operators, ONNX's own node tests.
 */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { noGrad, scope, type Tensor } from '@rnn/core';
import { readOnnx, type OnnxModule } from '../../src/index.js';
import { casesOf, expectGradients, expectOutputs, inputsOf } from './onnx-case.js';

const backends = [await cpu(), await wasm()];
const files = [
  'recurrent.json',
  'activations.json',
  'graphs.json',
  'loops.json',
  'versions.json',
  'operators-1.json',
  'operators-2.json',
  'operators-3.json',
  'operators-4.json',
  'node-recurrent.json',
  'node-graphs.json',
  'node-parts-1.json',
  'node-parts-2.json',
  'node-others-1.json',
  'node-others-2.json',
  'node-others-3.json',
  'node-resized.json',
];

describe.each(files)('%s', (file) => {
  test.each(casesOf(file))('$name', (sample) => {
    for (const backend of backends) {
      // wasm has no float64, and so computes with float32 what the model has of it.
      const before = backend.memory().storages;
      const model = readOnnx(Buffer.from(sample.model, 'base64'), { backend });
      // The first run finds out what follows from shapes, the second is written down, the third
      // follows what was written.
      for (const recorded of [false, false, false, true, false]) {
        scope(() => {
          const inputs = inputsOf(sample, model, backend);
          const results = recorded ? model.run(inputs) : noGrad(() => model.run(inputs));
          expectOutputs(sample, results, 2e-6);
        });
      }
      if (sample.gradients !== undefined) scope(() => expectGradients(sample, model, backend));
      model.dispose();
      expect(backend.memory().storages, 'storages left behind').toBe(before);
    }
  });
});

describe.each(files)('%s, run again', (file) => {
  const [backend] = backends;
  test.each(casesOf(file))('$name', (sample) => {
    const bytes = Buffer.from(sample.model, 'base64');
    const model = readOnnx(bytes, { backend });
    /** The results of a run, or its error, with each real number of the inputs changed. */
    const outcome = (of: OnnxModule, shift: number): unknown =>
      scope(() => {
        const inputs = Object.entries(inputsOf(sample, model, backend));
        const changed = inputs.map(([name, x]) => [name, x.dtype === 'int32' ? x : x.mul(1 - shift).sub(shift)]);
        try {
          const results = noGrad(() => of.run(Object.fromEntries(changed) as Record<string, Tensor>));
          return Object.entries(results).map(([name, y]) => [name, y.shape, Array.from(y.dataSync())]);
        } catch (error) {
          return error;
        }
      });
    for (const shift of [0, 0.25, 0.5, 0.125]) {
      const fresh = readOnnx(bytes, { backend });
      expect(outcome(model, shift), `changed by ${shift}`).toEqual(outcome(fresh, shift));
      fresh.dispose();
    }
    model.dispose();
  });
});

test('all 22 node tests of ONNX 1.23 for RNN, GRU, LSTM and Scan are among them', () => {
  const names = casesOf('node-recurrent.json').map(({ name }) => name);
  const count = (start: RegExp): number => names.filter((name) => start.test(name)).length;
  expect([/^test_(simple_)?rnn_/, /^test_gru_/, /^test_lstm_/, /^test_scan9?_/].map(count)).toEqual([6, 6, 6, 4]);
});

/**
 * Models with known outputs: recurrent operators with every attribute, graphs in graphs, versions
 * of operators, ONNX's own node tests.
 */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { noGrad, scope } from '@rnn/core';
import { readOnnx } from '../../src/index.js';
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
  'node-recurrent.json',
  'node-graphs.json',
  'node-parts-1.json',
  'node-parts-2.json',
  'node-others-1.json',
  'node-others-2.json',
  'node-others-3.json',
];

describe.each(files)('%s', (file) => {
  test.each(casesOf(file))('$name', (sample) => {
    for (const backend of backends) {
      // wasm has no float64, and so computes with float32 what the model has of it.
      const before = backend.memory().storages;
      const model = readOnnx(Buffer.from(sample.model, 'base64'), { backend });
      for (const recorded of [false, true]) {
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

test('all 22 node tests of ONNX 1.23 for RNN, GRU, LSTM and Scan are among them', () => {
  const names = casesOf('node-recurrent.json').map(({ name }) => name);
  const count = (start: RegExp): number => names.filter((name) => start.test(name)).length;
  expect([/^test_(simple_)?rnn_/, /^test_gru_/, /^test_lstm_/, /^test_scan9?_/].map(count)).toEqual([6, 6, 6, 4]);
});

/**
 * A training that uses everything whose bits could depend on threads, engines or draws; for Node
 * and for browsers.
 */
import { manualSeed, rand, randn, scope, setBackend, type Backend } from '@rnn/core';
import { Dropout, Linear, LSTM } from '@rnn/nn';
import { Adam } from '@rnn/train';

const [rows, times, features, hidden] = [20, 7, 5, 24];

/**
 * Trains two LSTM layers with dropout and a linear one with Adam, on sequences of different
 * lengths.
 *
 * @returns the SHA-256 of the weights after so many steps, in hexadecimal digits
 */
export async function trainedWeights(backend: Backend, steps = 200): Promise<string> {
  setBackend(backend);
  manualSeed(20_261_124);
  const lstm = new LSTM(features, hidden, { numLayers: 2, dropout: 0.25 });
  const dropout = new Dropout(0.25);
  const head = new Linear(hidden, 2);
  const parameters = [...lstm.parameters(), ...head.parameters()];
  const optimizer = new Adam(parameters, { lr: 0.01 });
  for (let step = 0; step < steps; step++) {
    scope(() => {
      const x = randn([times, rows, features]);
      const target = rand([rows, 2]);
      const lengths = Array.from({ length: rows }, (_, i) => (i + step) % (times + 1));
      const [, [h]] = lstm.forward(x, undefined, { lengths });
      const loss = head
        .forward(dropout.forward(h.slice(1)))
        .sub(target)
        .square()
        .mean();
      loss.backward();
      optimizer.step();
      optimizer.zeroGrad();
      return undefined;
    });
  }
  const weights = await Promise.all(parameters.map((parameter) => parameter.data()));
  const bytes = await new Blob(weights.map((each) => Float32Array.from(each))).arrayBuffer();
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Small models of both of PyTorch's exporters. */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { noGrad, tensor, type TensorLike } from '@rnn/core';
import { readOnnx } from '../../src/index.js';
import { fixtureBytes } from './onnx-case.js';

const names = ['lstm_last', 'lstm2', 'lstm_bi_time_major', 'gru', 'gru2_ln', 'gru_tokens', 'rnn_tanh_bi', 'rnn_nobias'];
const backends = [await cpu(), await wasm()];

interface Sample {
  readonly x: TensorLike;
  readonly y: TensorLike;
}

describe.each(['legacy', 'dynamo'])('%s exporter', (exporter) => {
  test.each(names)('%s', (name) => {
    const { x, y } = JSON.parse(new TextDecoder().decode(fixtureBytes(`exchange/${name}.json`))) as Sample;
    for (const backend of backends) {
      const model = readOnnx(fixtureBytes(`exchange/${name}.${exporter}.onnx`), { backend });
      const dtype = model.inputs[0].dtype === 'int64' ? 'int32' : 'float32';
      const result = noGrad(() => model.forward(tensor(x, { dtype, backend })));
      if (Array.isArray(result)) throw new Error('expected one output');
      const expected = tensor(y, { backend });
      expect(result.shape).toEqual(expected.shape);
      expect(result.sub(expected).abs().amax().item()).toBeLessThan(1e-6);
    }
  });
});

test('a projection that the exporter lost is refused by name', () => {
  expect(() => readOnnx(fixtureBytes('exchange/lstm_proj.dynamo.onnx'), { backend: backends[0] })).toThrow(
    "readOnnx: LSTM 'node_lstm__2': initial_c is 5 wide and hidden_size is 2: this is an LSTM with a projection, which ONNX cannot express",
  );
});

/** From PyTorch by way of ONNX to an ES module: the module gives PyTorch's numbers. */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor } from '@rnn/core';
import { exportModule, readOnnx } from '../../src/index.js';
import { fixtureBytes } from '../onnx/onnx-case.js';
import { imported } from './exported.js';

setBackend(await cpu());

type Nested = number | readonly Nested[];

interface Sample {
  readonly x: readonly (readonly Nested[])[];
  readonly y: readonly Nested[];
}

/** The last step of each row alone, or time first. */
const layouts: Readonly<Record<string, string>> = { lstm_last: 'last', lstm_bi_time_major: 'time first' };

const flat = (nested: Nested): number[] => (typeof nested === 'number' ? [nested] : nested.flatMap(flat));

/** Rows first, whatever comes first. */
function rowsOf<T>(list: readonly (readonly T[])[], isTimeFirst: boolean): readonly (readonly T[])[] {
  return isTimeFirst ? list[0].map((_, row) => list.map((step) => step[row])) : list;
}

describe.each(['wasm', 'js'])('%s', (engine) => {
  test.each(['lstm_last', 'lstm2', 'lstm_bi_time_major', 'gru', 'gru2_ln', 'gru_tokens', 'rnn_tanh_bi', 'rnn_nobias'])(
    '%s',
    async (name) => {
      const { x, y } = JSON.parse(new TextDecoder().decode(fixtureBytes(`exchange/${name}.json`))) as Sample;
      const model = readOnnx(fixtureBytes(`exchange/${name}.legacy.onnx`));
      const { create } = await imported(
        exportModule(model, [tensor(x, { dtype: model.inputs[0].dtype === 'int64' ? 'int32' : 'float32' })]),
      );
      const isTimeFirst = layouts[name] === 'time first';
      const rows = rowsOf(x, isTimeFirst);
      const received = create(engine).run(
        rows.flatMap(flat),
        undefined,
        rows.map((row) => row.length),
      );
      const expected = layouts[name] === 'last' ? flat(y) : rowsOf(y as readonly Nested[][], isTimeFirst).flatMap(flat);
      expect(received.length).toBe(expected.length);
      expected.forEach((value, i) => expect(Math.abs(received[i] - value)).toBeLessThanOrEqual(1e-6));
    },
  );
});

test('a file for sequences of one length is refused', () => {
  const model = readOnnx(fixtureBytes('exchange/gru.dynamo.onnx'));
  expect(() => exportModule(model, [tensor([[[1, 2, 3]]])])).toThrow(
    /^exportModule: forward refuses a sequence of another length \(run: input 'x' is given as the shape/,
  );
});

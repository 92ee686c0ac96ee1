/** Models of Keras, written by tf2onnx and by Keras itself, with what Keras computes. */
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { fromData, noGrad, scope, zeros, type Backend, type Tensor } from '@rnn/core';
import { readOnnx, type OnnxModule } from '../../src/index.js';

interface Numbers {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface KerasCase {
  readonly name: string;
  readonly model: string;
  /** Several batch sizes and lengths. */
  readonly runs: readonly { readonly x: Numbers; readonly y: Numbers }[];
}

const cases = JSON.parse(readFileSync(new URL('cases/keras.json', import.meta.url), 'utf8')) as KerasCase[];
const backends = [await cpu(), await wasm()];

const tensorOf = ({ dtype, shape, data }: Numbers, backend: Backend): Tensor =>
  fromData(data, shape, { dtype: dtype === 'int32' ? 'int32' : 'float32', backend });

/** The only output for the only input. */
function output(model: OnnxModule, x: Tensor): Tensor {
  return model.run({ [model.inputs[0]?.name ?? '']: x })[model.outputs[0]?.name ?? ''];
}

describe.each(cases)('$name', ({ model: bytes, runs }) => {
  test.each(backends)('on $info.name: the numbers of Keras, with and without gradients', (backend) => {
    const before = backend.memory().storages;
    const model = readOnnx(Buffer.from(bytes, 'base64'), { backend });
    for (const isRecorded of [false, false, false, true]) {
      for (const { x, y } of runs) {
        scope(() => {
          const result = isRecorded
            ? output(model, tensorOf(x, backend))
            : noGrad(() => output(model, tensorOf(x, backend)));
          expect(result.shape).toEqual(y.shape);
          result.dataSync().forEach((number, i) => expect(number).toBeCloseTo(y.data[i], 5));
        });
      }
    }
    model.dispose();
    expect(backend.memory().storages, 'storages left behind').toBe(before);
  });
});

test.each(cases.slice(0, 3))(
  '$name: its loop is a scan, so a longer sequence makes no more calls',
  ({ model: bytes }) => {
    const [, backend] = backends;
    const model = readOnnx(Buffer.from(bytes, 'base64'), { backend });
    const products = (steps: number): number => {
      const run = (): void =>
        scope(() => {
          noGrad(() => output(model, zeros([2, steps, 2], { backend })));
        });
      run();
      const spy = vi.spyOn(backend, 'matmul');
      run();
      const { length } = spy.mock.calls;
      spy.mockRestore();
      return length;
    };
    expect(products(40)).toBe(products(5));
    expect(products(40)).toBeLessThan(40);
  },
);

import { runInNewContext } from 'node:vm';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { ArgumentError, setBackend, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { collateSequences, SequenceDataset, TensorDataset, windows, type HostValues } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));

/** An array of another realm. */
const foreign = (expression: string): HostValues => runInNewContext(expression) as HostValues;
class Samples extends Float64Array {}
const shared = new Float32Array(new SharedArrayBuffer(12));
shared.set([0.25, 0.5, 1.5]);

const uses: readonly [string, (values: HostValues) => Tensor][] = [
  ['TensorDataset', (values) => new TensorDataset(values).batch([0, 1, 2])[0]],
  [
    'TensorDataset with a shape',
    (values) => new TensorDataset({ shape: [3, 1], data: values as number[] }).batch([0, 1, 2])[0],
  ],
  ['SequenceDataset', (values) => new SequenceDataset([values], [0]).batch([0]).input],
  ['SequenceDataset, targets', (values) => new SequenceDataset([[1, 2, 3]], [values]).batch([0]).target],
  ['windows', (values) => windows(values, 2).batch([0])[0]],
  ['collateSequences', (values) => collateSequences([values]).padded],
];

describe.each(uses)('%s', (_name, use) => {
  test.each<[string, HostValues, string]>([
    ['Float32Array', Float32Array.of(0.25, 0.5, 1.5), 'float32'],
    ['a list', [0.25, 0.5, 1.5], 'float32'],
    ['a Float32Array of another realm', foreign('Float32Array.of(0.25, 0.5, 1.5)'), 'float32'],
    ['a Float64Array of another realm', foreign('Float64Array.of(0.25, 0.5, 1.5)'), 'float64'],
    ['a list of another realm', foreign('[0.25, 0.5, 1.5]'), 'float32'],
    ['a subclass', Samples.of(0.25, 0.5, 1.5), 'float64'],
    ['shared memory', shared, 'float32'],
  ])('takes %s for what it is', (_kind, values, dtype) => {
    const result = use(values);
    expect(result.dtype).toBe(dtype);
    expect([...result.dataSync()].slice(0, 2)).toEqual([0.25, 0.5]);
  });

  test('takes a Float16Array, of any realm, as float32', () => {
    const make = 'Float16Array.of(0.25, 0.5, 1.5)';
    const { Float16Array: Own } = globalThis as unknown as { Float16Array: { of(...values: number[]): HostValues } };
    for (const values of [foreign(make), Own.of(0.25, 0.5, 1.5)]) {
      const result = use(values);
      expect([result.dtype, ...result.dataSync().slice(0, 2)]).toEqual(['float32', 0.25, 0.5]);
    }
  });

  test('keeps whole numbers of another realm whole', () => {
    const result = use(foreign('Int32Array.of(7, 8, 9)'));
    expect([result.dtype, ...result.dataSync().slice(0, 2)]).toEqual(['int32', 7, 8]);
  });

  test.each(['Uint8Array', 'Uint32Array', 'Int8Array', 'BigInt64Array', 'DataView', 'ArrayBuffer'])(
    'refuses %s and says what is known',
    (kind) => {
      const make =
        kind === 'DataView'
          ? 'new DataView(new ArrayBuffer(12))'
          : kind === 'ArrayBuffer'
            ? 'new ArrayBuffer(12)'
            : `typeof ${kind} === 'undefined' ? new Uint8Array(3) : new ${kind}(3)`;
      expect(() => use(foreign(make))).toThrow(ArgumentError);
      expect(() => use(foreign(make))).toThrow(/Float32Array.*Float64Array.*Int32Array/);
      expect(() => use(Uint8Array.of(1, 2, 3) as unknown as HostValues)).toThrow(ArgumentError);
    },
  );
});

test('float64 for a backend without it is refused with what to do', async () => {
  const backend = await wasm({ threads: 1 });
  const values = Float64Array.of(1, 2, 3, 4);
  const expected =
    "batch: dtype is float64, expected one of those that the backend 'wasm' has: float32, int32; give the values as a Float32Array or a list";
  expect(() => windows(values, 2).batch([0], backend)).toThrow(expected);
  expect(() => new TensorDataset(values).batch([0], backend)).toThrow(expected);
  expect(() => new SequenceDataset([values], [0]).batch([0], backend)).toThrow(expected);
});

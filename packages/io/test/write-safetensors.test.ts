import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, BackendError, setBackend, tensor, type Backend, type Storage } from '@rnn/core';
import {
  decodeSafetensors,
  openSafetensors,
  readSafetensors,
  toHost,
  writeSafetensors,
  type HostTensor,
} from '@rnn/io';
import { LSTM, Module, Parameter } from '@rnn/nn';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, expectedOf } from './files.js';

setBackend(await cpu());

class Tied extends Module {
  first: Parameter;
  second: Parameter;
  constructor() {
    super();
    this.first = this.second = new Parameter(tensor([[1, 2, 3]]));
  }
  forward(): void {}
}

const headerOf = (bytes: Uint8Array): Record<string, { dtype: string; data_offsets: [number, number] }> => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as ReturnType<typeof headerOf>;
};

describe('writeSafetensors', () => {
  test('what was written is read again, to the bit', () => {
    const numbers = fc.oneof(
      fc.float32Array({ maxLength: 12 }),
      fc.float64Array({ maxLength: 12 }),
      fc.int32Array({ maxLength: 12 }),
    );
    const tensors = fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__'),
      numbers.map((data): HostTensor => ({ shape: [1, data.length], data })),
      { maxKeys: 6 },
    );
    const metadata = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(tensors, metadata, (given, texts) => {
        const read = decodeSafetensors(writeSafetensors(given, { metadata: texts }));
        expect(read.metadata).toEqual({ ...texts });
        expect(new Map(Object.entries(read.tensors))).toEqual(new Map(Object.entries(given)));
      }),
    );
  });

  test.each(['float16', 'bfloat16'] as const)('rounds to %s as numpy does', (dtype) => {
    const { values, ...rounded } = expectedOf('rounded');
    const bytes = writeSafetensors({ x: { shape: values.shape, data: Float32Array.from(values.data) } }, { dtype });
    expect([...decodeSafetensors(bytes).tensors.x.data]).toEqual(rounded[dtype].data);
  });

  test('writes every code of the short types as it was read', () => {
    for (const [dtype, type] of [
      ['float16', 'F16'],
      ['bfloat16', 'BF16'],
    ] as const) {
      const codes = Uint16Array.from({ length: 2 ** 16 }, (_, code) => code);
      const header = new TextEncoder().encode(
        JSON.stringify({ x: { dtype: type, shape: [2 ** 16], data_offsets: [0, 2 ** 17] } }),
      );
      const bytes = new Uint8Array(8 + header.length + 2 ** 17);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
      bytes.set(header, 8);
      bytes.set(new Uint8Array(codes.buffer), 8 + header.length);
      const { x } = decodeSafetensors(bytes).tensors;
      const written = writeSafetensors({ x }, { dtype });
      const again = new Uint16Array(written.slice(-(2 ** 17)).buffer);
      // NaN has many codes and one number.
      const wrong = codes.filter((code, i) => again[i] !== code && !Number.isNaN(x.data[i]));
      expect([...wrong]).toEqual([]);
    }
  });

  test('aligns every tensor to its elements', () => {
    const bytes = writeSafetensors({
      a: { shape: [1], data: Float32Array.of(1) },
      b: { shape: [1], data: Float64Array.of(2) },
      c: { shape: [3], data: Int32Array.of(1, 2, 3) },
    });
    const { a, b, c } = headerOf(bytes);
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect([
      start % 8,
      (start + b.data_offsets[0]) % 8,
      (start + a.data_offsets[0]) % 4,
      (start + c.data_offsets[0]) % 4,
    ]).toEqual([0, 0, 0, 0]);
  });

  test('tied weights are written once and found again', () => {
    const bytes = writeSafetensors(new Tied().stateDict());
    expect(headerOf(bytes)).toEqual({
      __metadata__: { 'rnn.tied': '{"second":"first"}' },
      first: { dtype: 'F32', shape: [1, 3], data_offsets: [0, 12] },
    });
    const { tensors, metadata } = readSafetensors(bytes);
    expect(tensors.second).toBe(tensors.first);
    expect(metadata).toEqual({});
    const model = new Tied();
    model.first.copy_(tensor([[7, 8, 9]]));
    expect(model.loadStateDict(tensors)).toEqual({ missing: [], unexpected: [] });
    expect(model.second.toArray()).toEqual([[1, 2, 3]]);
  });

  test('tied weights stay tied on their way over the host', async () => {
    expect(writeSafetensors(await toHost(new Tied().stateDict()))).toEqual(writeSafetensors(new Tied().stateDict()));
  });

  test('says what to do where numbers come later', async () => {
    const backend = await cpu();
    const later: Backend = Object.create(backend, {
      info: { value: { ...backend.info, synchronous: false } },
      read: { value: (storage: Storage) => Promise.resolve(backend.readSync(storage)) },
      readSync: {
        value: () => {
          throw new BackendError('use await t.data()');
        },
      },
    }) as Backend;
    const tensors = { x: tensor([1, 2], { backend: later }) };
    expect(() => writeSafetensors(tensors)).toThrow(/await toHost/);
    expect(decodeSafetensors(writeSafetensors(await toHost(tensors))).tensors.x.data).toEqual(Float32Array.of(1, 2));
  });

  test.each([
    ['null', { x: null }, /'x' is null, expected a tensor/],
    ['a number', { x: 1 }, /'x' is number, expected a tensor/],
    ['a shape of other size', { x: { shape: [3], data: new Float32Array(2) } }, /'x' is/],
    ['the name of the metadata', { __metadata__: { shape: [1], data: new Float32Array(1) } }, /format's own name/],
  ])('refuses %s', (_, tensors, message) => {
    expect(() => writeSafetensors(tensors as never)).toThrow(ArgumentError);
    expect(() => writeSafetensors(tensors as never)).toThrow(message);
  });

  test('refuses metadata that are no texts, and an unknown type', () => {
    expect(() => writeSafetensors({}, { metadata: { epoch: 3 as never } })).toThrow(
      /'epoch' is number, expected a text/,
    );
    expect(() => writeSafetensors({}, { dtype: 'float8' as never })).toThrow(
      /dtype is 'float8', expected 'float16' or 'bfloat16'/,
    );
  });
});

describe('readSafetensors', () => {
  test.each(['float32', 'float64'] as const)('makes floating tensors %s on demand', (dtype) => {
    const { tensors } = readSafetensors(bytesOf('every-type.safetensors'), { dtype });
    for (const name of ['float16', 'float32', 'float64']) expect(tensors[name].dtype).toBe(dtype);
    expect(tensors.int64.dtype).toBe('int32');
  });

  test('keeps float64 where the backend has it, and rounds it where not', async () => {
    const backend = await cpu();
    const { x } = readSafetensors(writeSafetensors({ x: { shape: [1], data: Float64Array.of(0.1) } })).tensors;
    expect([x.dtype, x.item()]).toEqual(['float64', 0.1]);
    const single = Object.create(backend, {
      info: { value: { ...backend.info, dtypes: ['float32', 'int32'] } },
    }) as Backend;
    const { x: y } = readSafetensors(writeSafetensors({ x }), { backend: single }).tensors;
    expect([y.dtype, y.item()]).toEqual(['float32', Math.fround(0.1)]);
  });
});

describe('openSafetensors', () => {
  test('reads from a Blob what it is asked for', async () => {
    const lstm = new LSTM(2, 3);
    const bytes = writeSafetensors(lstm.stateDict(), { metadata: { a: 'b' } });
    const read: [number, number][] = [];
    const file = await openSafetensors({
      size: bytes.length,
      read: (start, end) => {
        read.push([start, end]);
        return Promise.resolve(bytes.slice(start, end));
      },
    });
    expect([...file.names].sort()).toEqual(Object.keys(lstm.stateDict()).sort());
    expect(file.info('weight_hh_l0')).toEqual({
      type: 'F32',
      shape: [12, 3],
      bytes: 144,
      storedAs: 'weight_hh_l0',
    });
    read.length = 0;
    expect((await file.tensor('weight_hh_l0')).toArray()).toEqual(lstm.stateDict().weight_hh_l0.toArray());
    expect(read.map(([start, end]) => end - start)).toEqual([144]);

    const blob = await openSafetensors(new Blob([bytes as BlobPart]));
    expect(blob.metadata).toEqual({ a: 'b' });
    expect(new LSTM(2, 3).loadStateDict(await blob.tensors())).toEqual({ missing: [], unexpected: [] });
    await expect(blob.read('nothing')).rejects.toThrow(/no tensor 'nothing', expected one of/);
  });

  test('gives twins as one tensor', async () => {
    const file = await openSafetensors(new Blob([writeSafetensors(new Tied().stateDict()) as BlobPart]));
    const { first, second } = await file.tensors();
    expect(second).toBe(first);
  });

  test('reads every type as the whole file does', async () => {
    const bytes = bytesOf('every-type.safetensors');
    const file = await openSafetensors(new Blob([bytes as BlobPart]));
    const { tensors } = decodeSafetensors(bytes);
    for (const name of file.names) expect(await file.read(name)).toEqual(tensors[name]);
  });
});

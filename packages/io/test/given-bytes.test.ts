/** Readers take bytes in any of their forms, and say of anything else what it is. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, FormatError, ones, RnnError, setBackend } from '@rnn/core';
import {
  decodePyTorch,
  decodeSafetensors,
  readCheckpoint,
  readOnnx,
  readPyTorch,
  readSafetensors,
  writeCheckpoint,
  writeOnnx,
  writeSafetensors,
} from '@rnn/io';
import { Linear } from '@rnn/nn';
import { bytesOf } from './files.js';

setBackend(await cpu());
const onnx = readFileSync(new URL('onnx/cases/exchange/gru.legacy.onnx', import.meta.url));

describe.each<[string, (bytes: never) => unknown, Uint8Array]>([
  ['readSafetensors', readSafetensors, bytesOf('exchange/gru.safetensors')],
  ['decodeSafetensors', decodeSafetensors, bytesOf('exchange/gru.safetensors')],
  ['readPyTorch', readPyTorch, bytesOf('exchange/gru.pt')],
  ['decodePyTorch', decodePyTorch, bytesOf('exchange/gru.pt')],
  ['readOnnx', readOnnx, onnx],
  ['readCheckpoint', readCheckpoint, await writeCheckpoint({ epoch: 3 })],
])('%s', (name, read, bytes) => {
  test('takes bytes, a buffer, and those of another realm', () => {
    const buffer = Uint8Array.from(bytes).buffer;
    const foreign = runInNewContext('Uint8Array.from(list)', { list: [...bytes] }) as Uint8Array;
    for (const form of [bytes, buffer, foreign]) expect(read(form as never)).toBeTypeOf('object');
  });

  test.each([undefined, null, 3, 'text', [[1, 2]], {}, new Float32Array(3), Promise.resolve(bytes)])(
    'refuses %j',
    (junk) => {
      expect(() => read(junk as never)).toThrow(ArgumentError);
      expect(() => read(junk as never)).toThrow(
        new RegExp(`^${name}: bytes is .*, expected a Uint8Array or an ArrayBuffer`),
      );
    },
  );
});

describe('bytes of something else are called by their name', () => {
  const of = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const zip = bytesOf('exchange/gru.pt');
  const safetensors = bytesOf('exchange/gru.safetensors');
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /empty/],
    ['a web page', of('<!DOCTYPE html><title>404</title>'), /a web page/],
    ['a pointer', of('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a'), /git lfs pull/],
    ['gzip', of('\x1f\x8b\x08\0\0\0\0\0'), /unpack it first/],
    ['HDF5', of('\x89HDF\r\n\x1a\n'), /Keras writes it; export the model as ONNX/],
    ['NumPy', of("\x93NUMPY\x01\0v\0{'descr': '<f8'}"), /NumPy/],
    ['a pickle', of('\x80\x04}q\0.'), /a pickle that torch.save did not write/],
  ];

  test.each(cases)('%s', (_, bytes, message) => {
    for (const read of [readPyTorch, readOnnx]) {
      expect(() => read(bytes)).toThrow(FormatError);
      expect(() => read(bytes)).toThrow(message);
    }
  });

  test('one kind of model in the place of another', () => {
    expect(() => readOnnx(zip)).toThrow(/a zip, as torch.save writes it, which readPyTorch reads/);
    expect(() => readOnnx(safetensors)).toThrow(/safetensors, which readSafetensors reads/);
    expect(() => readPyTorch(safetensors)).toThrow(/safetensors, which readSafetensors reads/);
    expect(() => readPyTorch(onnx)).toThrow(/perhaps an ONNX model, which readOnnx reads/);
    expect(() => readSafetensors(zip)).toThrow(/of another format/);
    expect(() => readPyTorch(of('hello'))).toThrow(/of no known kind, expected one that torch.save wrote/);
    expect(() => readPyTorch(zip.subarray(0, 700))).toThrow(/cut off or broken/);
  });

  test('a model that is cut off is not taken for another kind', () => {
    const half = onnx.subarray(0, onnx.length / 2);
    expect(() => readOnnx(half)).toThrow(FormatError);
    expect(() => readOnnx(half)).not.toThrow(/which readOnnx reads/);
  });
});

describe('options and arguments that cannot be meant', () => {
  const model = new Linear(3, 2);
  const inputs = [ones([1, 3])];
  const junk = (value: unknown): never => value as never;
  const tensors = model.stateDict();
  test.each<[string, () => unknown, RegExp]>([
    ['a name', () => readOnnx(onnx, junk({ backnd: 1 })), /^readOnnx: option 'backnd' is unknown.*write backend/],
    [
      'null',
      () => readSafetensors(bytesOf('exchange/gru.safetensors'), junk(null)),
      /^readSafetensors: options is null/,
    ],
    [
      'a backend',
      () => readPyTorch(bytesOf('exchange/gru.pt'), { backend: junk('cpu') }),
      /^readPyTorch: backend is 'cpu', expected a backend/,
    ],
    [
      'a type',
      () => readPyTorch(bytesOf('exchange/gru.pt'), { dtype: junk('float16') }),
      /^readPyTorch: dtype is 'float16', expected/,
    ],
    [
      'a type to decode',
      () => decodePyTorch(bytesOf('exchange/gru.pt'), junk({ backend: 1 })),
      /^decodePyTorch: option 'backend' is unknown/,
    ],
    ['a model', () => writeOnnx(junk({}), inputs), /^writeOnnx: model is an object, expected a Module/],
    ['no model', () => writeOnnx(junk(undefined), inputs), /^writeOnnx: model is undefined/],
    [
      'names',
      () => writeOnnx(model, inputs, { inputNames: junk('x') }),
      /^writeOnnx: inputNames is 'x', expected an array/,
    ],
    [
      'a name of a number',
      () => writeOnnx(model, inputs, { outputNames: junk([3]) }),
      /^writeOnnx: outputNames\[0\] is 3/,
    ],
    [
      'an old version',
      () => writeOnnx(model, inputs, { opset: 16 }),
      /^writeOnnx: opset is 16, expected .* from 17 to 28/,
    ],
    ['a version to come', () => writeOnnx(model, inputs, { opset: 29 }), /^writeOnnx: opset is 29/],
    ['an option', () => writeOnnx(model, inputs, junk({ input_names: ['x'] })), /input_names.*write inputNames/],
    ['a module', () => writeSafetensors(junk(model)), /^writeSafetensors: tensors is .*; pass model\.stateDict\(\)/],
    ['no tensors', () => writeSafetensors(junk(undefined)), /^writeSafetensors: tensors is undefined/],
    ['a list', () => writeSafetensors(junk(inputs)), /^writeSafetensors: tensors is an array of 1/],
    ['a text', () => writeSafetensors(tensors, { metadata: junk('x') }), /^writeSafetensors: metadata is 'x'/],
    ['an option to write', () => writeSafetensors(tensors, junk({ dtyp: 1 })), /option 'dtyp' is unknown.*write dtype/],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(RnnError);
    expect(act).toThrow(message);
  });
});

/** Readers take bytes in any of their forms, and say of anything else what it is. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, setBackend } from '@rnn/core';
import {
  decodePyTorch,
  decodeSafetensors,
  readCheckpoint,
  readOnnx,
  readPyTorch,
  readSafetensors,
  writeCheckpoint,
} from '@rnn/io';
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

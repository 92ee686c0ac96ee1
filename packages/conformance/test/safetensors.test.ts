import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '@rnn/core';
import { readSafetensors } from '@rnn/conformance';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { safetensorsBytes } from './safetensors-bytes.js';

const real = readFileSync(join(import.meta.dirname, '../cases/op_where.safetensors'));

/** A file with a header of one's own. */
function fileOf(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  return safetensorsBytes(typeof header === 'string' ? header : JSON.stringify(header), Uint8Array.from(data));
}

const entry = (dtype: string, shape: unknown, offsets: unknown): unknown => ({ dtype, shape, data_offsets: offsets });

describe('readSafetensors', () => {
  test('reads metadata, shapes and numbers', () => {
    const { metadata, tensors } = readSafetensors(real);
    expect(metadata.get('group')).toBe('op');
    expect(JSON.parse(metadata.get('config') ?? '')).toEqual({ op: 'where' });
    expect(tensors.get('c')).toMatchObject({ shape: [3, 4], data: expect.any(Int32Array) as Int32Array });
    // where(c, a, b) holds in the file itself.
    const [c, a, b, out] = ['c', 'a', 'b', 'out'].map((name) => tensors.get(name)?.data ?? []);
    expect([...out]).toEqual([...c].map((pick, i) => (pick === 0 ? b[i] : a[i])));
  });

  test('reads every type, at offsets that are not multiples of the element size', () => {
    const numbers = new Uint8Array(4 + 8 + 8 + 4);
    const view = new DataView(numbers.buffer);
    view.setFloat32(0, 1.5, true);
    view.setFloat64(4, -0.1, true);
    view.setBigInt64(12, -7n, true);
    view.setInt32(20, 2 ** 31 - 1, true);
    const header = {
      a: entry('F32', [1], [0, 4]),
      b: entry('F64', [1], [4, 12]),
      c: entry('I64', [1], [12, 20]),
      d: entry('I32', [], [20, 24]),
      none: entry('F32', [0, 3], [24, 24]),
    };
    const { tensors } = readSafetensors(fileOf(header, numbers));
    expect([...tensors].map(([name, { data }]) => [name, [...data]])).toEqual([
      ['a', [1.5]],
      ['b', [-0.1]],
      ['c', [-7]],
      ['d', [2 ** 31 - 1]],
      ['none', []],
    ]);
  });

  test('reads a view into a larger buffer, as Node hands out small files', () => {
    const padded = new Uint8Array(real.length + 13);
    padded.set(real, 5);
    const view = Buffer.from(padded.buffer, 5, real.length);
    expect(readSafetensors(view)).toEqual(readSafetensors(real));
  });

  const broken: readonly (readonly [name: string, bytes: Uint8Array, message: RegExp])[] = [
    ['no bytes', new Uint8Array(0), /0 bytes, expected at least 8/],
    [
      'a header longer than the file',
      Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 123),
      /claims 255 bytes, but 1 bytes follow/,
    ],
    ['a header length of 2^64 - 1', new Uint8Array(9).fill(255), /claims 18446744073709551615 bytes/],
    ['a header that is not JSON', fileOf('{"a":'), /not JSON/],
    ['a header that is not UTF-8', safetensorsBytes('', Uint8Array.of()).fill(1, 0, 1), /claims 1 bytes/],
    ['a header that is a list', fileOf('[]'), /not a JSON object/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), /metadata 'a' is not a text/],
    ['a tensor that is a number', fileOf({ a: 1 }), /'a' is not described/],
    ['an unknown type', fileOf({ a: entry('F16', [1], [0, 2]) }, [0, 0]), /type "F16", expected one of F32/],
    ['a type from the prototype', fileOf({ a: entry('toString', [], [0, 0]) }), /type "toString"/],
    ['a negative size', fileOf({ a: entry('F32', [-1], [0, 0]) }), /shape that is not a list of whole numbers/],
    ['a fractional size', fileOf({ a: entry('F32', [0.5], [0, 2]) }, [0, 0]), /shape that is not/],
    ['offsets that go backwards', fileOf({ a: entry('F32', [0], [4, 0]) }), /data_offsets that are not/],
    ['three offsets', fileOf({ a: entry('F32', [0], [0, 0, 0]) }), /data_offsets that are not/],
    [
      'a shape that does not fit the offsets',
      fileOf({ a: entry('F32', [2], [0, 4]) }, [0, 0, 0, 0]),
      /takes 8 bytes, but its data_offsets span 4/,
    ],
    ['a shape whose product overflows', fileOf({ a: entry('F32', [2 ** 40, 2 ** 40], [0, 0]) }), /data_offsets span 0/],
    ['too many dimensions', fileOf({ a: entry('F32', Array(33).fill(1), [0, 4]) }, [0, 0, 0, 0]), /33 dimensions/],
    [
      'a gap',
      fileOf({ a: entry('F32', [1], [4, 8]) }, [0, 0, 0, 0, 0, 0, 0, 0]),
      /leaves a gap before it, expected byte 0/,
    ],
    ['an overlap', fileOf({ a: entry('F32', [1], [0, 4]), b: entry('F32', [1], [0, 4]) }, [0, 0, 0, 0]), /overlaps/],
    [
      'data past the tensors',
      fileOf({ a: entry('F32', [1], [0, 4]) }, [0, 0, 0, 0, 0]),
      /take 4 bytes, but the file holds 5/,
    ],
    ['tensors past the data', fileOf({ a: entry('F32', [1], [0, 4]) }, [0, 0]), /take 4 bytes, but the file holds 2/],
    [
      'a whole number of more than 32 bits',
      fileOf({ a: entry('I64', [1], [0, 8]) }, [0, 0, 0, 0, 1, 0, 0, 0]),
      /4294967296, which does not fit/,
    ],
  ];

  test.each(broken)('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(FormatError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test('refuses a real file that is cut off anywhere', () => {
    fc.assert(
      fc.property(fc.nat({ max: real.length - 1 }), (length) => {
        expect(() => readSafetensors(real.subarray(0, length))).toThrow(FormatError);
      }),
    );
  });

  test('reads or refuses, and never breaks on, a real file with some bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat({ max: real.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = Uint8Array.from(real);
        for (const [at, value] of list) bytes[at] = value;
        try {
          for (const { shape, data } of readSafetensors(bytes).tensors.values()) {
            expect(data.length).toBe(shape.reduce((size, next) => size * next, 1));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

import { FormatError } from '@rnn/core';
import { decodeSafetensors, writeSafetensors } from '@rnn/io';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectedOf, bytesOf } from './files.js';
import { safetensorsBytes } from './safetensors-bytes.js';

const real = bytesOf('every-type.safetensors');

/** A file with a header of one's own. */
function fileOf(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  return safetensorsBytes(typeof header === 'string' ? header : JSON.stringify(header), Uint8Array.from(data));
}

const text = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
const entry = (dtype: string, shape: unknown, offsets: unknown): unknown => ({ dtype, shape, data_offsets: offsets });

describe('decodeSafetensors', () => {
  test.each(['every-type', 'small-floats', 'tied'])('reads %s of Python as PyTorch and ml_dtypes do', (name) => {
    const { tensors } = decodeSafetensors(bytesOf(`${name}.safetensors`));
    expect(
      Object.fromEntries(Object.entries(tensors).map(([key, { shape, data }]) => [key, { shape, data: [...data] }])),
    ).toEqual(expectedOf(name));
  });

  test('reads metadata, but not the note on tied weights', () => {
    expect(decodeSafetensors(real).metadata).toEqual({ 'made by': 'safetensors', text: 'größer → ∞ \u{1f600}' });
    const data = Float32Array.of(1);
    const tied = { a: { shape: [1], data }, b: { shape: [1], data } };
    expect(decodeSafetensors(writeSafetensors(tied, { metadata: { c: 'd' } }))).toEqual({
      tensors: tied,
      metadata: { c: 'd' },
    });
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
    const { tensors } = decodeSafetensors(fileOf(header, numbers));
    expect(Object.entries(tensors).map(([name, { data }]) => [name, [...data]])).toEqual([
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
    expect(decodeSafetensors(view)).toEqual(decodeSafetensors(real));
  });

  test('reads whole numbers of 64 bits up to the last that an int32 holds', () => {
    for (const [value, fits] of [
      [2 ** 31 - 1, true],
      [2 ** 31, false],
      [-(2 ** 31), true],
      [-(2 ** 31) - 1, false],
      [-1, true],
    ] as const) {
      const bytes = fileOf({ a: entry('I64', [1], [0, 8]) }, new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
      if (fits) expect([...decodeSafetensors(bytes).tensors.a.data]).toEqual([value]);
      else expect(() => decodeSafetensors(bytes)).toThrow(`'a' holds ${value}, which does not fit into 32 bits`);
    }
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
    [
      'a header that is not UTF-8',
      Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x22, 0x7d),
      /not JSON in UTF-8/,
    ],
    ['deep nesting', fileOf(`{"a":${'['.repeat(1e6)}`), /not JSON/],
    ['deep nesting that closes', fileOf(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), /'a' is not described/],
    ['a header that is a list', fileOf('[]'), /not a JSON object/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), /metadata 'a' is not a text/],
    ['a tensor that is a number', fileOf({ a: 1 }), /'a' is not described/],
    ['an unknown type', fileOf({ a: entry('F17', [1], [0, 2]) }, [0, 0]), /type "F17", expected one of BOOL/],
    ['the same tensor twice', fileOf(`{"a":${text},"\\u0061":${text}}`, [0, 0, 0, 0]), /key "\\u0061" twice/],
    [
      'the same size twice',
      fileOf('{"a":{"dtype":"F32","shape":[1],"shape" : [1],"data_offsets":[0,4]}}', [0, 0, 0, 0]),
      /key "shape" twice/,
    ],
    ['the same metadata twice', fileOf('{"__metadata__":{"b":"\\"","b":""}}'), /key "b" twice/],
    [
      'a name that is half a character',
      fileOf('{"\\ud800":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'),
      /no text/,
    ],
    [
      'a note on a twin that is no tensor',
      fileOf({ __metadata__: { 'rnn.tied': '{"a":"b"}' } }),
      /names 'a' as the twin of 'b'/,
    ],
    ['a note on twins that is not JSON', fileOf({ __metadata__: { 'rnn.tied': '{' } }), /'rnn.tied' is not JSON/],
    ['white space before the header', fileOf(' {}'), /begins with its brace/],
    ['a byte order mark', fileOf('\ufeff{}'), /not JSON/],
    ['a size of -0', fileOf('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'), /shape that is not/],
    ['half a byte', fileOf({ a: entry('F4', [3], [0, 2]) }, [0, 0]), /does not end with a whole byte/],
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
    ['too many dimensions', fileOf({ a: entry('F32', Array(65).fill(1), [0, 4]) }, [0, 0, 0, 0]), /65 dimensions/],
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
    expect(() => decodeSafetensors(bytes)).toThrow(FormatError);
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  test('keeps names that objects have anyhow', () => {
    const tensors = Object.fromEntries(
      ['__proto__', 'constructor', 'a"b\\', '', '1'].map((name, i) => [name, { shape: [], data: Float32Array.of(i) }]),
    );
    expect(Object.entries(decodeSafetensors(writeSafetensors(tensors)).tensors)).toEqual(
      expect.arrayContaining(Object.entries(tensors)),
    );
  });

  test('refuses a real file that is cut off anywhere', () => {
    fc.assert(
      fc.property(fc.nat({ max: real.length - 1 }), (length) => {
        expect(() => decodeSafetensors(real.subarray(0, length))).toThrow(FormatError);
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
          for (const { shape, data } of Object.values(decodeSafetensors(bytes).tensors)) {
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

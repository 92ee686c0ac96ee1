import { cpu } from '@rnn/backend-cpu';
import { FormatError, scope, setBackend, type Tensor } from '@rnn/core';
import { readPyTorch } from '@rnn/io';
import * as fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { bytesOf } from './files.js';

setBackend(await cpu());

/** More of them by `RNN_FUZZ_RUNS=100000 vitest run --project io fuzz`. */
const numRuns = Number(process.env.RNN_FUZZ_RUNS ?? 300);
const seconds = 30 + numRuns / 100;

const files = ['every-type.pt', 'views.pt', 'legacy.pt', 'checkpoint.pt', 'tied.pt'].map(bytesOf);

/** Reads or refuses, and nothing else. */
function readOrRefuse(bytes: Uint8Array): void {
  try {
    scope(() => void readPyTorch(bytes));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

/** A file with a pickle of one's own; text stands for its bytes in latin-1. */
function fileOf(pickle: string, entries: Record<string, Uint8Array> = {}): Uint8Array {
  const data = Uint8Array.from(pickle, (char) => char.charCodeAt(0));
  return zipSync({ 'a/data.pkl': [data, { level: 0 }], ...entries }, { level: 0 });
}

const START = '\x80\x02';
/** A view of a storage of one float. */
const tensor = (shape: string, strides: string, offset = 'K\x00'): string =>
  `${START}ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ${offset}${shape}${strides}\x89}tR.`;
const storage = { 'a/data/0': Uint8Array.of(0, 0, 128, 63) };

describe('readPyTorch refuses', () => {
  test('but reads what the cases are variations of', () => {
    const one = readPyTorch<Tensor>(fileOf(tensor('K\x01\x85', 'K\x01\x85'), storage));
    expect(one.item()).toBe(1);
  });

  test.each([
    ['a call of os.system', `${START}cos\nsystem\nX\x02\x00\x00\x00ls\x85R.`, /object of 'os\.system'/],
    ['a call of eval', `${START}cbuiltins\neval\nX\x01\x00\x00\x001\x85R.`, /object of 'builtins\.eval'/],
    ['a class by its name alone', `${START}cos\nsystem\n.`, /refers to 'os\.system'/],
    ['a name of JavaScript', `${START}cconstructor\nconstructor\n)R.`, /object of 'constructor\.constructor'/],
    ['a list that holds itself', `${START}]q\x00h\x00a.`, /holds itself/],
    ['a dict that holds itself', `${START}}q\x00X\x01\x00\x00\x00ah\x00s.`, /holds itself/],
    ['deep nesting', `${START}${']'.repeat(20_000)}${'a'.repeat(19_999)}.`, /levels deep/],
    ['a text longer than the file', `${START}X\xff\xff\xff\x7f.`, /cut off/],
    ['a text of 2^64 - 1 bytes', `${START}\x8d${'\xff'.repeat(8)}.`, /cut off/],
    ['a number of 2^31 - 1 bytes', `${START}\x8b\xff\xff\xff\x7f.`, /1024/],
    ['a number of -1 bytes', `${START}\x8b\xff\xff\xff\xff.`, /cut off/],
    ['a text that is not UTF-8', `${START}X\x01\x00\x00\x00\xff.`, /not UTF-8/],
    ['a name that does not end', `${START}cos`, /does not end/],
    ['a set of a number', `${START}cbuiltins\nset\nK\x01\x85R.`, /no list/],
    ['a name made of lists', `${START}]]\x93.`, /no text/],
    ['an empty stack', `${START}.`, /empty stack/],
    ['a mark that is not there', `${START}t.`, /mark that is not there/],
    ['a memo that is not there', `${START}h\x05.`, /value 5, which it has not made/],
    ['an unknown instruction', `${START}\xfe.`, /unknown instruction 0xfe/],
    ['attributes of a number', `${START}K\x01}b.`, /no dict/],
    ['a dict of half a pair', `${START}}(K\x01u.`, /no dict/],
    ['protocol 0', 'I1\n.', /unknown instruction/],
    [
      'a storage that is no tensor',
      `${START}(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.`,
      /is a storage/,
    ],
    [
      'an unknown storage',
      `${START}(X\x07\x00\x00\x00storagectorch\nQInt8Storage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ.`,
      /'torch\.QInt8Storage'/,
    ],
    ['a view past its storage', tensor('K\x02\x85', 'K\x01\x85'), /reaches byte 8 of a storage of 4/],
    ['a view that begins past its storage', tensor('K\x01\x85', 'K\x01\x85', 'K\x01'), /reaches byte 8/],
    ['a view of other rank than its strides', tensor('K\x01\x85', ')'), /shape or strides/],
    ['a negative stride', tensor('K\x01\x85', 'J\xff\xff\xff\xff\x85'), /shape or strides/],
    [
      'a view of one number as 2^40',
      tensor('\x8a\x06\x00\x00\x00\x00\x00\x01\x85', 'K\x00\x85'),
      /which a file of this size cannot hold/,
    ],
  ])('%s', (_, pickle, message) => {
    const bytes = fileOf(pickle, storage);
    expect(() => readPyTorch(bytes)).toThrow(FormatError);
    expect(() => readPyTorch(bytes)).toThrow(message);
  });

  test('lists of lists of lists that are few in the file and many outside', () => {
    // Ten references to a list of ten references, and so on: 10^30 values, if each were made anew.
    let pickle = `${START}]q\x00`;
    for (let level = 1; level <= 30; level++) {
      pickle += `](${`h${String.fromCharCode(level - 1)}`.repeat(10)}eq${String.fromCharCode(level)}`;
    }
    expect(() => readPyTorch(fileOf(`${pickle}.`))).not.toThrow();
  });

  test('an archive that unpacks to far more than it is', () => {
    const bomb = zipSync({ 'a/data.pkl': new Uint8Array(1 << 26) }, { level: 9 });
    expect(bomb.length).toBeLessThan(1 << 17);
    expect(() => readPyTorch(bomb)).toThrow(/expected at most/);
    const storages = zipSync({
      'a/data.pkl': [Uint8Array.from(tensor('K\x01\x85', 'K\x01\x85'), (c) => c.charCodeAt(0)), { level: 0 }],
      'a/data/0': new Uint8Array(1 << 26),
    });
    expect(() => readPyTorch(storages)).toThrow(/expected at most/);
  });

  test.each([
    ['no bytes', new Uint8Array(0)],
    ['an archive of something else', zipSync({ 'word/document.xml': new Uint8Array(3) })],
  ])('%s', (_, bytes) => {
    expect(() => readPyTorch(bytes)).toThrow(FormatError);
  });
});

describe('readPyTorch reads or refuses, and never breaks on', () => {
  test('files that are cut off anywhere', () => {
    for (const file of files) {
      for (let length = 0; length < file.length; length += 1 + Math.floor(file.length / 200)) {
        expect(() => scope(() => void readPyTorch(file.subarray(0, length)))).toThrow(FormatError);
      }
    }
  });

  test(
    'files with some bytes changed',
    () => {
      const change = fc.record({
        file: fc.constantFrom(...files),
        at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        value: fc.nat(255),
      });
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          const bytes = Uint8Array.from(changes[0].file);
          for (const { at, value } of changes) bytes[Math.floor(at * bytes.length)] = value;
          readOrRefuse(bytes);
        }),
        { numRuns },
      );
    },
    seconds * 1000,
  );

  test(
    'pickles of random instructions',
    () => {
      const codes = '}]()\x85\x86t0128NKqhaesu\x88\x89\x8f\x90\x94QRb.';
      const instruction = fc
        .constantFrom(...codes.split(''))
        .chain((code) =>
          'Kqh'.includes(code) ? fc.nat(3).map((n) => code + String.fromCharCode(n)) : fc.constant(code),
        );
      fc.assert(
        fc.property(fc.array(instruction, { maxLength: 40 }), (list) =>
          readOrRefuse(fileOf(`${START}${list.join('')}.`)),
        ),
        { numRuns },
      );
    },
    seconds * 1000,
  );
});

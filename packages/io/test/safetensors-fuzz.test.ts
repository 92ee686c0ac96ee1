import { cpu } from '@rnn/backend-cpu';
import { FormatError, RnnError, setBackend } from '@rnn/core';
import { decodeSafetensors, openSafetensors, readCheckpoint, writeCheckpoint } from '@rnn/io';
import { Linear } from '@rnn/nn';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf } from './files.js';
import { safetensorsBytes } from './safetensors-bytes.js';

setBackend(await cpu());

/** More of them by `npm run fuzz`. */
const numRuns = Number(process.env.RNN_FUZZ_RUNS ?? 500);
const timeout = 30_000 + numRuns * 10;

describe('decodeSafetensors reads or refuses, and never breaks on', () => {
  test(
    'headers of random entries, sizes and offsets',
    async () => {
      const size = fc.oneof(fc.nat(8), fc.constantFrom(-1, 0.5, -0, 2 ** 32, 2 ** 53, 1e308, null, '4'));
      const entry = fc.record(
        {
          dtype: fc.constantFrom('F32', 'F16', 'I64', 'F4', 'F6_E2M3', 'BOOL', 'C64', 'toString', 3),
          shape: fc.oneof(fc.array(size, { maxLength: 3 }), fc.constant('[1]')),
          data_offsets: fc.oneof(fc.array(size, { maxLength: 3 }), fc.constant(null)),
        },
        { requiredKeys: [] },
      );
      const names = fc.constantFrom('a', 'b', '__metadata__', '__proto__', 'constructor', '');
      const header = fc.array(fc.tuple(names, fc.oneof(entry, fc.jsonValue())), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(header, fc.uint8Array({ maxLength: 24 }), async (entries, data) => {
          const text = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
          const bytes = safetensorsBytes(text, data);
          let whole: unknown;
          try {
            whole = decodeSafetensors(bytes).tensors;
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
          // Tensor by tensor is no less strict: what is refused whole is refused when it is opened,
          // or when a number does not fit.
          const opened = openSafetensors(new Blob([bytes as BlobPart])).then(async (file) =>
            Object.fromEntries(
              await Promise.all(file.names.map(async (name) => [name, await file.read(name)] as const)),
            ),
          );
          if (whole === undefined) await expect(opened).rejects.toThrow(FormatError);
          else expect(await opened).toEqual(whole);
        }),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'files with some bytes changed',
    () => {
      const files = ['every-type.safetensors', 'small-floats.safetensors', 'tied.safetensors'].map(bytesOf);
      const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255));
      fc.assert(
        fc.property(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 4 }), (file, changes) => {
          const bytes = Uint8Array.from(file);
          for (const [at, value] of changes) bytes[Math.floor(at * bytes.length)] = value;
          try {
            decodeSafetensors(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        }),
        { numRuns },
      );
    },
    timeout,
  );
});

test(
  'a checkpoint with some bytes changed loads whole or not at all',
  async () => {
    const model = new Linear(2, 2);
    const file = await writeCheckpoint({ model, list: [1, NaN, { a: new Map([['b', 2n]]) }] });
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Uint8Array.from(file);
        for (const [at, value] of changes) bytes[at] = value;
        const target = new Linear(2, 2);
        const before = target.stateDict();
        try {
          readCheckpoint(bytes, { model: target });
        } catch (error) {
          expect(error).toBeInstanceOf(RnnError);
          expect(target.stateDict()).toEqual(before);
        }
      }),
      { numRuns },
    );
  },
  timeout,
);

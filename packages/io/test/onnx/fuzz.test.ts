/** Broken files: a FormatError, never a hang, never another error. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { FormatError } from '@rnn/core';
import { readOnnx } from '../../src/index.js';
import { casesOf, fixtureBytes } from './onnx-case.js';

const backend = await cpu();
/** More of them by `RNN_FUZZ_RUNS=100000 vitest run --project io fuzz`. */
const numRuns = Number(process.env.RNN_FUZZ_RUNS ?? 400);
const timeout = 30_000 + numRuns * 20;
const models: [name: string, bytes: Uint8Array][] = [
  ['a GRU', fixtureBytes('exchange/gru.legacy.onnx')],
  ['graphs in graphs', Buffer.from(casesOf('graphs.json')[9].model, 'base64')],
];

/** Reads, and lets nothing pass but a model or a FormatError. */
function read(bytes: Uint8Array): void {
  try {
    readOnnx(bytes, { backend }).dispose();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

describe.each(models)('%s', (_, bytes) => {
  test('cut at any place', () => {
    for (let end = 0; end < bytes.length; end += end < 300 ? 1 : 23) {
      expect(() => read(bytes.slice(0, end))).not.toThrow();
    }
  });

  test(
    'bytes changed',
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
          (changes) => {
            const broken = Uint8Array.from(bytes);
            for (const [at, value] of changes) broken[at] = value;
            read(broken);
          },
        ),
        { numRuns },
      );
    },
    timeout,
  );

  test(
    'pieces taken out and doubled',
    () => {
      fc.assert(
        fc.property(fc.nat(bytes.length), fc.nat(bytes.length), fc.boolean(), (a, b, isDoubled) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const rest = bytes.slice(isDoubled ? from : to);
          read(Uint8Array.from([...bytes.slice(0, isDoubled ? to : from), ...rest]));
        }),
        { numRuns: numRuns / 2 },
      );
    },
    timeout,
  );
});

test(
  'any bytes',
  () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readOnnx(bytes, { backend })).toThrow(FormatError);
      }),
      { numRuns },
    );
  },
  timeout,
);

test('messages nested without end', () => {
  // graph -> node -> attribute -> graph -> ..., each a few bytes longer than the one inside
  let bytes = new Uint8Array();
  const wrapped = (field: number, inner: Uint8Array): Uint8Array<ArrayBuffer> => {
    const length: number[] = [];
    for (let rest = inner.length; ; rest = Math.floor(rest / 128)) {
      length.push(rest < 128 ? rest : (rest % 128) + 128);
      if (rest < 128) break;
    }
    return Uint8Array.from([field * 8 + 2, ...length, ...inner]);
  };
  for (let depth = 0; depth < 1000; depth++) bytes = wrapped(depth % 3 === 0 ? 1 : depth % 3 === 1 ? 6 : 5, bytes);
  expect(() => readOnnx(wrapped(7, bytes), { backend })).toThrow(FormatError);
});

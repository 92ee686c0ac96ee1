/** A part of a tensor of indices is judged by what it holds, not by what the whole holds. */
import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { crossEntropy, embedding } from '@rnn/nn';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { isKnownIndex } from '../src/checks/index.js';
import {
  arange,
  BackendError,
  chunk,
  concat,
  expand,
  fromData,
  gather,
  indexSelect,
  narrow,
  oneHot,
  scan,
  scatterAdd,
  select,
  setBackend,
  slice,
  split,
  tensor,
  unbind,
  zeros,
  type Tensor,
} from '../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const indices = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const numbers = (x: Tensor): number[] => Array.from(x.dataSync());

/** Rows of tokens; the second is padded with -1, which no table has. */
const padded = (): Tensor =>
  indices([
    [0, 1, 2],
    [1, 0, -1],
  ]);
const table = (): Tensor =>
  tensor([
    [10, 11],
    [20, 21],
    [30, 31],
  ]);
const FIRST_ROW = [10, 11, 20, 21, 30, 31];

describe('a valid part of padded indices', () => {
  test.each<[string, (tokens: Tensor) => Tensor]>([
    ['select', (t) => select(t, 0, 0)],
    ['narrow', (t) => narrow(t, 0, 0, 1).reshape([3])],
    ['slice', (t) => slice(t, 0, 0, 1).flatten()],
    ['split', (t) => split(t, [1, 1], 0)[0].reshape([3])],
    ['chunk', (t) => chunk(t, 2, 0)[0].flatten()],
    ['unbind', (t) => unbind(t, 0)[0]],
    ['gather of rows', (t) => indexSelect(t, 0, indices([0])).flatten()],
    ['gather', (t) => gather(t, 0, indices([[0, 0, 0]])).flatten()],
    ['a part of a part', (t) => select(narrow(t, 0, 0, 1), 0, 0)],
    ['a turned part', (t) => select(t.t(), 1, 0)],
    ['a flipped part, turned back', (t) => select(t.flip(1), 0, 0).flip(0)],
  ])('%s', (_, first) => {
    const x = table();
    expect(numbers(indexSelect(x, 0, first(padded())))).toEqual(FIRST_ROW);
    expect(numbers(gather(x, 0, expand(first(padded()).unsqueeze(1), [3, 2])))).toEqual(FIRST_ROW);
    expect(numbers(scatterAdd(zeros([3]), 0, first(padded()), tensor([1, 2, 3])))).toEqual([1, 2, 3]);
    expect(numbers(oneHot(first(padded()), 3))).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(numbers(embedding(first(padded()), table()))).toEqual(FIRST_ROW);
  });

  test('the other part is refused, for the value that it holds', () => {
    for (const part of [select(padded(), 0, 1), unbind(padded())[1], split(padded(), 1)[1].flatten()]) {
      expect(() => indexSelect(table(), 0, part)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT', argument: 'index', received: '-1' }),
      );
    }
    const reversed = padded().flip(0);
    expect(numbers(indexSelect(table(), 0, select(reversed, 0, 1)))).toEqual(FIRST_ROW);
    expect(() => indexSelect(table(), 0, select(reversed, 0, 0))).toThrow('index has the value -1');
  });

  test('positions of the largest value point into what is as large as they need', () => {
    const at = tensor([3, 9, 1, 2]).argmax();
    expect(numbers(indexSelect(tensor([5, 7]), 0, at.reshape([1])))).toEqual([7]);
  });

  test('a scan over padded tokens sees the valid ones', () => {
    const x = fromData([1, 2, 3], [3, 1], { requiresGrad: true });
    const tokens = indices([
      [0, 1],
      [2, 0],
      [1, -1],
    ]);
    const step = (token: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
      const next = h.add(indexSelect(x, 0, token));
      return [next, next];
    };
    const [, last] = scan(step, tokens, zeros([2, 1]), { lengths: [3, 2], compile: 'auto' });
    expect(numbers(last)).toEqual([1 + 3 + 2, 2 + 1]);
    last.sum().backward();
    expect(numbers(x.grad as Tensor)).toEqual([2, 2, 1]);
  });
});

test('a read of the part happens once, and only where the limits of the whole do not tell', () => {
  const { backend } = table();
  let reads = 0;
  const counting = new Proxy(backend, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key === 'readSync') {
        return (...args: Parameters<typeof backend.readSync>) => {
          reads++;
          return target.readSync(...args);
        };
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const x = tensor([1, 2, 3], { backend: counting });
  const fine = tensor([0, 2, 1, 1], { dtype: 'int32', backend: counting });
  for (const part of split(fine, 2)) indexSelect(x, 0, part);
  expect(reads).toBe(0);
  const [first] = split(tensor([0, 2, -1, 1], { dtype: 'int32', backend: counting }), 2);
  indexSelect(x, 0, first);
  indexSelect(x, 0, first);
  expect(reads).toBe(1);
});

test('any part of any indices is accepted exactly where all its values are in range', () => {
  const cases = fc.array(fc.integer({ min: -2, max: 5 }), { minLength: 2, maxLength: 8 }).chain((values) =>
    fc.record({
      values: fc.constant(values),
      from: fc.nat({ max: values.length - 1 }),
      length: fc.nat({ max: values.length }),
      step: fc.integer({ min: 1, max: 3 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ values, from, length, step }) => {
      const kept = values.slice(from, from + length).filter((_, i) => i % step === 0);
      const part = slice(indices(values), 0, from, from + length, step);
      const isValid = kept.every((value) => value >= 0 && value < 4);
      const pick = (): number[] => numbers(indexSelect(arange(4), 0, concat([part])));
      const pickPart = (): number[] => numbers(indexSelect(arange(4), 0, part));
      if (isValid) {
        expect(pickPart()).toEqual(kept);
        expect(pick()).toEqual(kept);
      } else {
        expect(pickPart).toThrow('index has the value');
        expect(pick).toThrow('index has the value');
      }
    }),
  );
});

test('targets of a loss that are a part of padded ones', () => {
  const targets = indices([
    [0, 1],
    [1, -1],
  ]);
  const scores = tensor([
    [2, 0],
    [0, 2],
  ]);
  const expected = Math.log(1 + Math.exp(-2));
  expect(crossEntropy(scores, select(targets, 0, 0)).item()).toBeCloseTo(expected, 6);
});

test('where a backend answers only later, valid wholes need no question, and other parts say what to do', async () => {
  const backend = answersLater(await cpu());
  const x = tensor([1, 2, 3], { backend });
  const fine = tensor([0, 2, 1, 1], { dtype: 'int32', backend });
  expect(Array.from(await indexSelect(x, 0, select(fine.reshape([2, 2]), 0, 0)).data())).toEqual([1, 3]);
  const part = select(
    tensor(
      [
        [0, 2],
        [1, -1],
      ],
      { dtype: 'int32', backend },
    ),
    0,
    0,
  );
  expect(() => indexSelect(x, 0, part)).toThrow(
    expect.objectContaining({ code: 'ERR_BACKEND', argument: 'index', cause: expect.any(BackendError) as Error }),
  );
});

test('indices that the host gave are known, computed ones are not', () => {
  expect([2, 3].map((size) => isKnownIndex(padded().slice(0, 0, 1), size))).toEqual([false, false]);
  const given = indices([0, 2, 1]);
  expect([2, 3].map((size) => isKnownIndex(given, size))).toEqual([false, true]);
  expect(isKnownIndex(given.add(1), 9)).toBe(false);
  expect(isKnownIndex(tensor([0, 1]), 9)).toBe(false);
});

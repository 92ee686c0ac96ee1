import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, Generator, setBackend, StateDictError, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  CharVocabulary,
  DataLoader,
  randomSplit,
  splitInTime,
  Subset,
  TensorDataset,
  textStreams,
  windows,
  WordVocabulary,
} from '../../src/index.js';
import cases from '../cases/data.json' with { type: 'json' };

beforeAll(async () => {
  setBackend(await cpu());
});

const listed = (x: Tensor): number[] => [...x.dataSync()];
const counted = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('splits', () => {
  test.each(cases.splits)("randomSplit of $n into $parts has PyTorch's sizes and examples", ({ n, parts, indices }) => {
    const data = new TensorDataset(counted(n));
    const subsets = randomSplit(data, parts, { generator: new Generator(42) });
    expect(subsets.map((subset) => [...subset.indices])).toEqual(indices);
    subsets.forEach((subset, i) => {
      const read = [...new DataLoader(subset, { batchSize: 4 })].flatMap(([x]) => listed(x));
      expect(read).toEqual(indices[i]);
    });
  });

  test('a subset of a subset', () => {
    const inner = new Subset(new TensorDataset([10, 11, 12, 13]), [3, 1, 1]);
    const [x] = new Subset(inner, [2, 0]).batch([1, 0]);
    expect(listed(x)).toEqual([13, 11]);
    expect(() => new Subset(inner, [3])).toThrow(ArgumentError);
    expect(() => inner.batch([3])).toThrow(ArgumentError);
  });

  test('splitInTime keeps the order, shares memory, and every step of a part is forecast once', () => {
    const series = { shape: [20, 2], data: Float64Array.from({ length: 40 }, (_, i) => i) };
    const [train, test_] = splitInTime(series, [0.8, 0.2], { overlap: 3 });
    expect([train.shape, test_.shape]).toEqual([
      [16, 2],
      [7, 2],
    ]);
    expect(test_.data[0]).toBe(26);
    expect(test_.data.buffer).toBe(series.data.buffer);
    const forecast = windows(test_, 3, 1, { target: 0 });
    expect(listed(forecast.batch(counted(forecast.length))[1])).toEqual([32, 34, 36, 38]);
    expect(splitInTime([1, 2, 3], [2, 1]).map(({ data }) => [...data])).toEqual([[1, 2], [3]]);
  });

  test('parts that do not add up are refused', () => {
    expect(() => splitInTime([1, 2, 3], [2, 2])).toThrow(
      'splitInTime: parts is [2, 2], expected sizes that add up to 3, or fractions that add up to 1',
    );
    expect(() => splitInTime([1, 2, 3], [0.9, 0.2])).toThrow(ArgumentError);
    expect(() => splitInTime([1, 2, 3], [3, 0])).toThrow('splitInTime: parts[1] is empty for 3 examples');
    expect(() => splitInTime([1, 2, 3], [1, 2], { overlap: 2 })).toThrow(ArgumentError);
    expect(() => randomSplit(new TensorDataset([1, 2]), [1.5, 0.5])).toThrow(ArgumentError);
  });
});

describe('windows', () => {
  test.each([
    [3, 2, 2, 1, 3],
    [1, 4, 5, 0, 1],
    [4, 1, 1, 2, 1],
  ])('length %i, horizon %i, dilation %i, gap %i, stride %i', (length, horizon, dilation, gap, stride) => {
    const n = 25;
    const series = counted(n).map((t) => [t, 100 + t, 200 + t]);
    const options = { dilation, gap, stride, target: 1, known: [2, 0] };
    const starts: number[] = [];
    const firstOf = (start: number): number => start + dilation * (length - 1) + 1 + gap;
    for (let start = 0; firstOf(start) + horizon <= n; start += stride) starts.push(start);
    for (const batchFirst of [false, true]) {
      const data = windows(series, length, horizon, { ...options, batchFirst });
      expect(data.length).toBe(starts.length);
      const [input, target, ahead] = data.batch(counted(data.length));
      const inputs = starts.map((start) => counted(length).map((t) => series[start + dilation * t]));
      const aheads = starts.map((start) => counted(horizon).map((h) => [200 + firstOf(start) + h, firstOf(start) + h]));
      const order = <T>(rows: T[][]): T[] =>
        batchFirst ? rows.flat() : rows[0].flatMap((_, t) => rows.map((row) => row[t]));
      expect(listed(input)).toEqual(order(inputs).flat());
      expect(listed(target)).toEqual(starts.flatMap((start) => counted(horizon).map((h) => 100 + firstOf(start) + h)));
      expect(listed(ahead)).toEqual(order(aheads).flat());
      expect(ahead.shape).toEqual(batchFirst ? [starts.length, horizon, 2] : [horizon, starts.length, 2]);
    }
  });

  test('a series that is too short is refused with the sum', () => {
    expect(() => windows([1, 2, 3, 4, 5], 2, 2, { dilation: 2, gap: 1 })).toThrow(
      'expected at least (length - 1) * dilation + 1 + gap + horizon, 6',
    );
    expect(windows([1, 2, 3, 4, 5, 6], 2, 2, { dilation: 2, gap: 1 }).length).toBe(1);
    expect(() => windows([1, 2, 3], 1, 1, { known: 1 })).toThrow(ArgumentError);
  });
});

describe('vocabularies', () => {
  test("characters are in the order of Python's sorted(set(text))", () => {
    const vocabulary = new CharVocabulary('hello wörld 😀\uFFFD');
    // Beyond 0xFFFF code points and UTF-16 units are in another order.
    expect(vocabulary.tokens.join('')).toBe(' dehlorwö\uFFFD😀');
    const indices = vocabulary.encode('hold 😀');
    expect(vocabulary.decode(indices)).toBe('hold 😀');
    expect(indices).toHaveLength(6);
    expect(() => vocabulary.encode('x')).toThrow(
      "CharVocabulary.encode: token is 'x', expected one of the 11 of the vocabulary; make the vocabulary with unknown",
    );
    expect(() => vocabulary.decode([11])).toThrow(ArgumentError);
  });

  test('words are in the order of frequency, then of code points', () => {
    const texts = ['b a  b\n', 'c __proto__ constructor c b'];
    const options = { specials: ['<pad>', '<eos>'], unknown: '<unk>' };
    const vocabulary = new WordVocabulary(texts, options);
    expect(vocabulary.tokens).toEqual(['<pad>', '<eos>', '<unk>', 'b', 'c', '__proto__', 'a', 'constructor']);
    expect([...vocabulary.encode('b toString c')]).toEqual([3, 2, 4]);
    expect(vocabulary.decode([3, 2, 0, 1])).toBe('b <unk> <pad> <eos>');
    expect(vocabulary.decode([3, 2, 0, 4], { skipSpecials: true })).toBe('b c');
    expect(vocabulary.indexOf('<pad>')).toBe(0);
    expect(new WordVocabulary(texts, { maxWords: 2 }).tokens).toEqual(['b', 'c']);
    expect(new WordVocabulary(texts, { minCount: 3 }).tokens).toEqual(['b']);
    expect(new WordVocabulary('a,b', { tokenize: (text) => text.split(',') }).tokens).toEqual(['a', 'b']);
    expect(() => new WordVocabulary('a', { specials: ['x', 'x'] })).toThrow(ArgumentError);
  });

  test('survive JSON', () => {
    const vocabulary = new CharVocabulary(['abc', 'bcd'], { specials: ['<pad>'], unknown: '?' });
    const loaded = new CharVocabulary();
    expect(loaded.size).toBe(0);
    loaded.loadStateDict(JSON.parse(JSON.stringify(vocabulary.stateDict())) as ReturnType<typeof loaded.stateDict>);
    expect(loaded.stateDict()).toEqual(vocabulary.stateDict());
    expect(loaded.decode(loaded.encode('adx'))).toBe('ad?');
    const state = vocabulary.stateDict();
    const wrong = [null, {}, { ...state, unknown: 9 }, { ...state, tokens: ['a', 'a'] }, { ...state, specials: -1 }];
    for (const dict of wrong) expect(() => loaded.loadStateDict(dict as typeof state)).toThrow(StateDictError);
    expect(loaded.stateDict()).toEqual(state);
  });
});

describe('textStreams', () => {
  test.each(cases.streams)(
    "$n characters in $rows rows of $steps have PyTorch's batches",
    ({ n, rows, steps, pairs }) => {
      for (const batchFirst of [false, true]) {
        const streams = textStreams(Int32Array.from(counted(n)), { rows, steps, batchFirst });
        expect(streams).toHaveLength(pairs.length);
        for (let pass = 0; pass < 2; pass++) {
          const read = [...streams].map((pair) =>
            pair.map((x) => {
              expect(x.dtype).toBe('int32');
              const shown = batchFirst ? x.transpose(0, 1) : x;
              expect(shown.shape[1]).toBe(rows);
              return listed(shown.add(0));
            }),
          );
          expect(read).toEqual(pairs.map((pair) => pair.map((part) => part.flat())));
        }
        const full = textStreams(counted(n), { rows, steps, batchFirst, dropLast: true });
        expect(full).toHaveLength(pairs.filter(([input]) => input.length === steps).length);
      }
    },
  );

  test('refuses texts that are too short and what is no index', () => {
    expect(() => textStreams([1, 2, 3], { rows: 2, steps: 1 })).toThrow(
      'textStreams: indices has shape [3], expected one text of at least 4 indices, two for each row',
    );
    expect(() => textStreams([1, 2.5, 3, 4], { rows: 2, steps: 1 })).toThrow('element 1 of indices is 2.5');
  });
});

import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, Generator, setBackend } from '@rnn/core';
import { BucketLoader, SequenceDataset, SequencePairs, TensorDataset, windows } from '@rnn/train';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => setBackend(await cpu()));

describe('BucketLoader', () => {
  const generator = new Generator(7);
  const lengths = Array.from({ length: 103 }, () => 1 + Math.floor(generator.nextUniform() * 40));
  const data = new SequenceDataset(
    lengths.map((length) => new Float32Array(length)),
    Int32Array.from(lengths.keys()),
  );
  const padding = (loader: Iterable<{ lengths: readonly number[] }>): number => {
    let sum = 0;
    for (const batch of loader) for (const length of batch.lengths) sum += Math.max(...batch.lengths) - length;
    return sum;
  };

  test('takes the lengths that the data set has', () => {
    const own = new BucketLoader(data, { batchSize: 8 });
    const given = new BucketLoader(data, { lengths, batchSize: 8 });
    const seen = (loader: typeof own): number[][] => Array.from(loader, ({ target }) => [...target.dataSync()]);
    expect(seen(own)).toEqual(seen(given));
    expect(() => new BucketLoader(new TensorDataset([1, 2]), { batchSize: 2 })).toThrow(
      'BucketLoader: lengths is undefined, expected a list of 2, one for each example',
    );
  });

  test('gives every example once in a pass, and other batches in the next', () => {
    expect(data.lengths).toEqual(lengths);
    const loader = new BucketLoader(data, { lengths, batchSize: 8, shuffle: true, generator: new Generator(1) });
    expect(loader.length).toBe(13);
    const passes = [0, 1].map(() => Array.from(loader, ({ target }) => [...target.dataSync()]));
    for (const pass of passes) {
      expect(pass).toHaveLength(13);
      expect(pass.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    }
    expect(passes[0]).not.toEqual(passes[1]);
    const again = new BucketLoader(data, { lengths, batchSize: 8, shuffle: true, generator: new Generator(1) });
    expect(Array.from(again, ({ target }) => [...target.dataSync()])).toEqual(passes[0]);
  });

  test('pads least when all are sorted together, and less in large pools than in pools of one batch', () => {
    const of = (pool: number): number =>
      padding(new BucketLoader(data, { lengths, batchSize: 8, shuffle: true, pool, generator: new Generator(2) }));
    const sorted = padding(new BucketLoader(data, { lengths, batchSize: 8 }));
    // Sorted neighbours differ by 40 in all: no batching has less than a few a row.
    expect(sorted).toBeLessThan(40 * 8);
    expect(of(50)).toBeLessThan(of(1) / 3);
    expect(of(50)).toBeGreaterThanOrEqual(sorted);
  });

  test('refuses lengths that are not those of the examples', () => {
    expect(() => new BucketLoader(data, { lengths: [1, 2] })).toThrow(/an array of 2, expected a list of 103/);
    expect(() => new BucketLoader(data, { lengths: lengths.map(() => -1) })).toThrow(ArgumentError);
    expect(new SequencePairs([[1, 2], [3]], [[1], [2]]).lengths).toEqual([2, 1]);
  });
});

describe('windows with a target for every step', () => {
  const series = Array.from({ length: 12 }, (_, t) => [t, 100 + t]);

  test.each([
    [1, 0],
    [2, 0],
    [2, 3],
  ])('dilation %i, gap %i: what comes next after each', (dilation, gap) => {
    const data = windows(series, 3, 1, { everyStep: true, dilation, gap, target: 1, known: 0 });
    expect(data.length).toBe(12 - (2 * dilation + 1 + gap));
    const [input, target, ahead] = data.batch([0, data.length - 1]);
    expect([input.shape, target.shape, ahead.shape]).toEqual([
      [3, 2, 2],
      [3, 2],
      [3, 2, 1],
    ]);
    const [x, y, known] = [
      input.toArray() as number[][][],
      target.toArray() as number[][],
      ahead.toArray() as number[][][],
    ];
    for (const [t, row] of x.entries()) {
      for (const [b, [now]] of row.entries()) {
        expect(y[t][b]).toBe(100 + now + 1 + gap);
        expect(known[t][b]).toEqual([now + 1 + gap]);
      }
    }
  });

  test('batch first, and of all features; a horizon has no part in it', () => {
    const [input, target] = windows(series, 4, 1, { everyStep: true, batchFirst: true }).batch([2, 3, 4]);
    expect([input.shape, target.shape]).toEqual([
      [3, 4, 2],
      [3, 4, 2],
    ]);
    expect(target.slice(1, 0, 3).toArray()).toEqual(input.slice(1, 1, 4).toArray());
    expect(() => windows(series, 3, 2, { everyStep: true })).toThrow(ArgumentError);
  });
});

import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, Generator, manualSeed, scope, setBackend, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { DataLoader, TensorDataset, type Dataset } from '../../src/index.js';

beforeAll(async () => {
  setBackend(await cpu());
});

/** A data set whose batches are the positions asked for. */
const positions = (length: number): Dataset<number[]> => ({ length, batch: (indices) => Array.from(indices) });

describe('DataLoader', () => {
  test('takes the examples in order, the last batch being smaller or left out', () => {
    const loader = new DataLoader(positions(5), { batchSize: 2 });
    expect(loader.length).toBe(3);
    expect([...loader]).toEqual([[0, 1], [2, 3], [4]]);
    const dropping = new DataLoader(positions(5), { batchSize: 2, dropLast: true });
    expect(dropping.length).toBe(2);
    expect([...dropping]).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect([...new DataLoader(positions(2))]).toEqual([[0], [1]]);
    expect([...new DataLoader(positions(0))]).toEqual([]);
  });

  test('shuffles anew in each pass, each example once', () => {
    const loader = new DataLoader(positions(50), { batchSize: 8, shuffle: true, generator: new Generator(1) });
    const [first, second] = [[...loader].flat(), [...loader].flat()];
    expect(first).not.toEqual(second);
    for (const pass of [first, second]) {
      expect(pass).not.toEqual([...pass].sort((a, b) => a - b));
      expect([...pass].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }
  });

  test('shuffles the same way for the same seed', () => {
    const pass = (): number[] => [...new DataLoader(positions(20), { shuffle: true })].flat();
    manualSeed(3);
    const first = pass();
    manualSeed(3);
    expect(pass()).toEqual(first);
    expect([...new DataLoader(positions(20), { shuffle: true, generator: new Generator(3) })].flat()).toEqual(first);
  });

  test('gives the types of the data set', () => {
    const loader = new DataLoader(new TensorDataset([1, 2], Int32Array.of(1, 2)));
    for (const batch of loader) expectTypeOf(batch).toEqualTypeOf<[Tensor, Tensor]>();
    expect(loader.length).toBe(2);
  });

  test('puts batches on the backend that it is given, and they go with their scope', async () => {
    const own = await cpu();
    const loader = new DataLoader(new TensorDataset([1, 2, 3], [4, 5, 6]), { batchSize: 2, backend: own });
    const batches = loader[Symbol.iterator]();
    for (;;) {
      const done = scope(() => batches.next().done === true);
      expect(own.memory().storages).toBe(0);
      if (done) break;
    }
  });

  test('names wrong arguments', () => {
    const wrong: [() => unknown, string][] = [
      [
        () => new DataLoader([1, 2] as unknown as Dataset<number>),
        'DataLoader: dataset is an array of 2, expected a Dataset with batch(indices), such as new TensorDataset(x, y)',
      ],
      [
        () => new DataLoader(positions(1), { batchSize: 0 }),
        'DataLoader: batchSize is 0, expected a whole number from 1 up',
      ],
      [
        () => new DataLoader(positions(1), { shuffle: 1 as unknown as boolean }),
        'DataLoader: shuffle is 1, expected true or false',
      ],
      [() => new DataLoader(positions(-1)), 'DataLoader: dataset.length is -1, expected a whole number from 0 up'],
    ];
    for (const [run, message] of wrong) {
      expect(run).toThrow(ArgumentError);
      expect(run).toThrow(message);
    }
  });
});

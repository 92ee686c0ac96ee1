import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, setBackend, ShapeError, tensor, type Backend, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { collateSequences, SequenceDataset, TensorDataset, windows } from '../../src/index.js';

let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});

function expectError(run: () => unknown, kind: new (message: string) => Error, message: string): void {
  expect(run).toThrow(kind);
  expect(run).toThrow(message);
}

describe('TensorDataset', () => {
  test('gives rows of tensors and of values on the host, in the order asked for', () => {
    const data = new TensorDataset(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      Int32Array.of(7, 8, 9),
      [0.5, 1.5, 2.5],
      [[1], [2], [3]],
      { shape: [3, 1, 2], data: new Float64Array([1, 2, 3, 4, 5, 6]) },
    );
    expect(data.length).toBe(3);
    const batch = data.batch([2, 0]);
    expectTypeOf(batch).toEqualTypeOf<[Tensor, Tensor, Tensor, Tensor, Tensor]>();
    expect(batch.map((t) => t.toArray())).toEqual([
      [
        [5, 6],
        [1, 2],
      ],
      [9, 7],
      [2.5, 0.5],
      [[3], [1]],
      [[[5, 6]], [[1, 2]]],
    ]);
    expect(batch.map(({ dtype }) => dtype)).toEqual(['float32', 'int32', 'float32', 'float32', 'float64']);
  });

  test('puts a batch where it is told to', async () => {
    const other = await cpu();
    const data = new TensorDataset(tensor([1, 2]), [3, 4]);
    expect(data.batch([0]).map((t) => t.backend)).toEqual([backend, backend]);
    expect(data.batch([0], other).map((t) => t.backend)).toEqual([other, other]);
    expect(other.memory().storages).toBe(2);
  });

  test('names what does not fit', () => {
    expectError(
      () => new TensorDataset(),
      ArgumentError,
      'TensorDataset: columns is an empty array, expected an array of at least one tensor or array',
    );
    expectError(
      () => new TensorDataset([1, 2], [1]),
      ShapeError,
      'TensorDataset: columns has lengths 2, 1, expected one length',
    );
    expectError(() => new TensorDataset(tensor(1)), ShapeError, 'TensorDataset: columns[0] is a single number');
    expectError(
      () => new TensorDataset([[1, 2], [3]]),
      ShapeError,
      'TensorDataset: columns[0][1] is an array of 1, expected an array of 2, as columns[0][0] is',
    );
    expectError(
      () => new TensorDataset(['a'] as unknown as number[]),
      ArgumentError,
      "TensorDataset: element 0 of columns[0] is 'a', expected a number",
    );
    expectError(
      () => new TensorDataset({ shape: [2, 2], data: [1] }),
      ShapeError,
      'TensorDataset: columns[0] has data of length 1, expected 4 numbers for shape [2, 2]',
    );
    expectError(
      () => new TensorDataset('ab' as unknown as number[]),
      ArgumentError,
      "TensorDataset: columns[0] is 'ab', expected a typed array, a list of numbers, or { shape, data }",
    );
    const data = new TensorDataset([1, 2, 3]);
    expectError(
      () => data.batch([0, 3]),
      ArgumentError,
      'TensorDataset: indices[1] is 3, expected a whole number from 0 to 2',
    );
    expectError(() => data.batch([-1]), ArgumentError, 'TensorDataset: indices[0] is -1');
    expectError(
      () => data.batch([]),
      ArgumentError,
      'TensorDataset: indices is an empty array, expected an array of at least one position',
    );
  });
});

describe('collateSequences', () => {
  const sequences = [
    [[1, 2]],
    [],
    [
      [3, 4],
      [5, 6],
      [7, 8],
    ],
  ];

  test('pads to the longest', () => {
    const { padded, lengths } = collateSequences(sequences, { paddingValue: -1 });
    expect(lengths).toEqual([1, 0, 3]);
    expect(padded.toArray()).toEqual([
      [
        [1, 2],
        [-1, -1],
        [3, 4],
      ],
      [
        [-1, -1],
        [-1, -1],
        [5, 6],
      ],
      [
        [-1, -1],
        [-1, -1],
        [7, 8],
      ],
    ]);
    const turned = collateSequences(sequences, { paddingValue: -1, batchFirst: true }).padded;
    expect(turned.toArray()).toEqual(padded.transpose(0, 1).toArray());
  });

  test('keeps the type: indices stay int32', () => {
    const { padded } = collateSequences([Int32Array.of(4, 5), Int32Array.of(6)]);
    expect([padded.dtype, padded.toArray()]).toEqual([
      'int32',
      [
        [4, 6],
        [5, 0],
      ],
    ]);
  });

  test('names what does not fit', () => {
    expectError(
      () => collateSequences([]),
      ArgumentError,
      'collateSequences: sequences is an empty array, expected an array of at least one sequence',
    );
    expectError(
      () => collateSequences([[[1, 2]], [[1, 2, 3]]]),
      ShapeError,
      'collateSequences: entry 1 of sequences is a Float32Array of shape [1, 3], expected a Float32Array of shape [T, 2] like the others',
    );
    expectError(
      () => collateSequences([[1, 2], Int32Array.of(1)]),
      ShapeError,
      'collateSequences: entry 1 of sequences is a Int32Array of shape [1], expected a Float32Array of shape [T] like the others',
    );
  });
});

describe('SequenceDataset', () => {
  test('takes more sequences in a batch than a function takes arguments', () => {
    const rows = 200_000;
    const one = Float32Array.of(1);
    const data = new SequenceDataset(new Array<Float32Array>(rows).fill(one), new Int32Array(rows));
    expect(data.batch(Int32Array.from({ length: rows }, (_, i) => i)).input.shape).toEqual([1, rows]);
  });

  test('pads batch by batch, with a target for each sequence', () => {
    const data = new SequenceDataset([[[1], [2], [3]], [[4]], [[5], [6]]], Int32Array.of(7, 8, 9));
    const { input, lengths, target } = data.batch([1, 2]);
    expect(input.toArray()).toEqual([
      [[4], [5]],
      [[0], [6]],
    ]);
    expect(lengths).toEqual([1, 2]);
    expect([target.dtype, target.toArray()]).toEqual(['int32', [8, 9]]);
  });

  test('pads targets that are sequences with a value of their own', () => {
    const data = new SequenceDataset([Int32Array.of(1, 2), Int32Array.of(3)], [Int32Array.of(2, 3), Int32Array.of(4)], {
      batchFirst: true,
      targetPadding: -100,
    });
    const { input, target } = data.batch([0, 1]);
    expect(input.toArray()).toEqual([
      [1, 2],
      [3, 0],
    ]);
    expect(target.toArray()).toEqual([
      [2, 3],
      [4, -100],
    ]);
  });

  test('takes a tensor of targets', () => {
    const data = new SequenceDataset(
      [[1], [2, 3]],
      tensor([
        [0.5, 1],
        [1.5, 2],
      ]),
    );
    expect(data.batch([1]).target.toArray()).toEqual([[1.5, 2]]);
  });

  test('names what does not fit', () => {
    expectError(
      () => new SequenceDataset([[1], [2]], [1]),
      ShapeError,
      'SequenceDataset: targets has length 1, expected 2, one for each sequence',
    );
    expectError(
      () => new SequenceDataset([[1], [2]], [[1], [2, 3]]),
      ShapeError,
      'SequenceDataset: targets[1] has steps 2, expected as many as its sequence, 1',
    );
    expectError(
      () => new SequenceDataset([[1]], [[1], [2]]),
      ShapeError,
      'SequenceDataset: targets[1] has steps 1, expected as many as its sequence, which is missing',
    );
    expectError(
      () => new SequenceDataset([[1]], [1]).batch([1]),
      ArgumentError,
      'SequenceDataset: indices[0] is 1, expected a whole number from 0 to 0',
    );
  });
});

describe('windows', () => {
  const series = [
    [1, 10],
    [2, 20],
    [3, 30],
    [4, 40],
    [5, 50],
  ];

  test('of single numbers', () => {
    const data = windows([1, 2, 3, 4, 5], 3);
    expect(data.length).toBe(2);
    const [input, target] = data.batch([1, 0]);
    expect(input.toArray()).toEqual([
      [[2], [1]],
      [[3], [2]],
      [[4], [3]],
    ]);
    expect(target.toArray()).toEqual([[5], [4]]);
  });

  test('of several features, batch first', () => {
    const [input, target] = windows(series, 2, 2, { batchFirst: true }).batch([0, 1]);
    expect(input.toArray()).toEqual([
      [
        [1, 10],
        [2, 20],
      ],
      [
        [2, 20],
        [3, 30],
      ],
    ]);
    expect(target.toArray()).toEqual([
      [
        [3, 30],
        [4, 40],
      ],
      [
        [4, 40],
        [5, 50],
      ],
    ]);
  });

  test('that forecast one feature, or some', () => {
    expect(windows(series, 2, 2, { target: 1 }).batch([1])[1].toArray()).toEqual([[40, 50]]);
    expect(
      windows(series, 2, 1, { target: [1, 0] })
        .batch([0])[1]
        .toArray(),
    ).toEqual([[[30, 3]]]);
  });

  test('at a distance', () => {
    const data = windows(Float64Array.of(0, 1, 2, 3, 4, 5, 6), 2, 1, { stride: 2 });
    expect(data.length).toBe(3);
    const [input, target] = data.batch([0, 1, 2]);
    expect(input.dtype).toBe('float64');
    expect(input.toArray()).toEqual([
      [[0], [2], [4]],
      [[1], [3], [5]],
    ]);
    expect(target.toArray()).toEqual([[2], [4], [6]]);
  });

  test('name what does not fit', () => {
    expectError(
      () => windows([1, 2, 3], 3),
      ArgumentError,
      'windows: series has length 3, expected at least length + horizon, 4',
    );
    expectError(() => windows([1, 2, 3], 0), ArgumentError, 'windows: length is 0, expected a whole number from 1 up');
    expectError(
      () => windows(series, 2, 1, { target: 2 }),
      ArgumentError,
      'windows: target is 2, expected a whole number from 0 to 1',
    );
    expectError(
      () => windows({ shape: [2, 1, 1], data: [1, 2] }, 1),
      ShapeError,
      'windows: series has shape [2, 1, 1], expected [N] or [N, F]',
    );
    expectError(
      () => windows([1, 2, 3], 2).batch([1]),
      ArgumentError,
      'windows: indices[0] is 1, expected a whole number from 0 to 0',
    );
  });
});

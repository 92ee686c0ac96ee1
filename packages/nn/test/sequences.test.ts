import { cpu } from '@rnn/backend-cpu';
import { arange, gradcheck, ones, randn, setBackend, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  unpackSequence,
  unpadSequence,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

describe('padSequence', () => {
  const sequences = (): Tensor[] => [tensor([1, 2, 3]), tensor([4]), tensor([5, 6])];

  it('fills up on the right or on the left, batch second or first', () => {
    expect(padSequence(sequences()).toArray()).toEqual([
      [1, 4, 5],
      [2, 0, 6],
      [3, 0, 0],
    ]);
    expect(padSequence(sequences(), { batchFirst: true, paddingValue: -1 }).toArray()).toEqual([
      [1, 2, 3],
      [4, -1, -1],
      [5, 6, -1],
    ]);
    expect(padSequence(sequences(), { batchFirst: true, paddingSide: 'left' }).toArray()).toEqual([
      [1, 2, 3],
      [0, 0, 4],
      [0, 5, 6],
    ]);
  });

  it('takes indices and sequences of no step', () => {
    const padded = padSequence([tensor([1, 2], { dtype: 'int32' }), tensor([], { dtype: 'int32' })]);
    expect(padded.dtype).toBe('int32');
    expect(padded.toArray()).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it('passes gradients through', () => {
    expect(
      gradcheck(
        (a, b) => padSequence([a, b]),
        [randn([3, 2], { dtype: 'float64' }), randn([1, 2], { dtype: 'float64' })],
      ),
    ).toBe(true);
  });
});

describe('unpadSequence', () => {
  it('gives back what was padded, batch second or first, sequences of no step too', () => {
    const sequences = [randn([3, 2]), randn([0, 2]), randn([1, 2])];
    const values = (list: readonly Tensor[]): unknown => list.map((sequence) => sequence.toArray());
    for (const batchFirst of [false, true]) {
      const padded = padSequence(sequences, { batchFirst, paddingValue: 7 });
      expect(values(unpadSequence(padded, [3, 0, 1], { batchFirst }))).toEqual(values(sequences));
    }
    expect(values(unpackSequence(packSequence(sequences, { enforceSorted: false })))).toEqual(values(sequences));
  });

  it('sends no gradient to the padding', () => {
    const padded = randn([3, 2], { requiresGrad: true });
    const [, second] = unpadSequence(padded, [3, 1]);
    second?.square().sum().backward();
    expect(padded.grad?.ne(0).toArray()).toEqual([
      [0, 1],
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('packing', () => {
  it('and padding again gives the sequences back, with any padding', () => {
    const x = arange(12).reshape([3, 4]);
    const packed = packPaddedSequence(x, [3, 2, 1, 0]);
    const [padded, lengths] = padPackedSequence(packed);
    expect(lengths).toEqual([3, 2, 1, 0]);
    expect(padded.toArray()).toEqual([
      [0, 1, 2, 0],
      [4, 5, 0, 0],
      [8, 0, 0, 0],
    ]);
    const [filled] = padPackedSequence(packed, { batchFirst: true, paddingValue: 9, totalLength: 4 });
    expect(filled.toArray()).toEqual([
      [0, 4, 8, 9],
      [1, 5, 9, 9],
      [2, 9, 9, 9],
      [9, 9, 9, 9],
    ]);
  });

  it('cuts to the longest length', () => {
    const packed = packPaddedSequence(ones([2, 5, 3]), [2, 2], { batchFirst: true });
    expect(packed.padded.shape).toEqual([2, 2, 3]);
    expect(padPackedSequence(packPaddedSequence(ones([5, 2]), [0, 0]))[0].toArray()).toEqual([[0, 0]]);
  });

  it('takes a list of sequences', () => {
    const packed = packSequence([ones([3, 2]), ones([1, 2])]);
    expect(packed.lengths).toEqual([3, 1]);
    expect(packed.padded.shape).toEqual([3, 2, 2]);
  });

  it('keeps a NaN in the padding out of value and gradient', () => {
    const x = tensor(
      [
        [1, 2],
        [3, NaN],
      ],
      { requiresGrad: true },
    );
    const [padded] = padPackedSequence(packPaddedSequence(x, [2, 1]));
    padded.square().sum().backward();
    expectClose(padded, [1, 2, 3, 0], 0);
    expectClose(x.grad, [2, 4, 6, 0], 0);
  });
});

describe('mistakes', () => {
  checkRefused([
    [() => padSequence([]), 'padSequence: sequences is an empty array, expected an array of at least one Tensor'],
    [
      () => padSequence([ones([2, 3]), ones([2, 4])]),
      'padSequence: sequences[1] has shape [2, 4], expected [T, ...] like [2, 3] with any T',
    ],
    [
      () => padSequence([ones([2]), ones([2], { dtype: 'float64' })]),
      "padSequence: sequences[1] is float64, expected float32 as sequences[0]; convert with .to('float32')",
    ],
    [
      () => padSequence([ones([2])], { paddingSide: 'both' as never }),
      "padSequence: paddingSide is 'both', expected 'right' or 'left'",
    ],
    [() => unpadSequence(ones([3]), [3]), 'unpadSequence: padded has shape [3], expected [T, B, ...]'],
    [() => unpadSequence(ones([3, 2]), [3, 4]), 'unpadSequence: lengths[1] is 4, expected a whole number from 0 to 3'],
    [
      () => unpackSequence(ones([3, 2]) as never),
      'unpackSequence: packed is a Tensor of shape [3, 2], expected a PackedSequence; make one with packPaddedSequence',
    ],
    [
      () => packPaddedSequence(ones([3, 2]), [1, 2]),
      'packPaddedSequence: lengths is [1, 2], expected descending order (row 1 is longer); sort the batch or pass { enforceSorted: false }',
    ],
    [
      () => packPaddedSequence(ones([3, 2]), [4, 1]),
      'packPaddedSequence: lengths[0] is 4, expected a whole number from 0 to 3',
    ],
    [
      () => packPaddedSequence(ones([3, 2]), [3]),
      'packPaddedSequence: lengths has length 1, expected 2, one for each row of the batch',
    ],
    [
      () => packPaddedSequence(ones([3]), [3]),
      'packPaddedSequence: input has shape [3], expected [T, B, ...] with every size at least 1',
    ],
    [
      () => packPaddedSequence(ones([3, 2]), [3, 1], { batch_first: true } as never),
      "packPaddedSequence: option 'batch_first' is unknown, expected one of batchFirst, enforceSorted; write batchFirst",
    ],
    [
      () => padPackedSequence(ones([3, 2]) as never),
      'padPackedSequence: packed is a Tensor of shape [3, 2], expected a PackedSequence; make one with packPaddedSequence',
    ],
    [
      () => padPackedSequence(packPaddedSequence(ones([3, 2]), [3, 1]), { totalLength: 2 }),
      'padPackedSequence: totalLength is 2, expected a whole number from 3, the longest length, up',
    ],
  ]);
});

import { cpu } from '@rnn/backend-cpu';
import { gradcheck, manualSeed, ones, randn, setBackend, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { lastValid, lengthsMask, LSTM, maskedMean, maskedSoftmax, reverseSequence } from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

const lengths = [3, 1, 0];
const nan = (): Tensor =>
  tensor(
    [
      [1, 2, NaN],
      [3, NaN, NaN],
      [5, NaN, NaN],
    ],
    { requiresGrad: true },
  );

it('lengthsMask', () => {
  expect(lengthsMask(lengths).toArray()).toEqual([
    [1, 1, 0],
    [1, 0, 0],
    [1, 0, 0],
  ]);
  const mask = lengthsMask(tensor(lengths, { dtype: 'int32' }), { batchFirst: true, steps: 4, dtype: 'float64' });
  expect([mask.dtype, mask.toArray()]).toEqual([
    'float64',
    [
      [1, 1, 1, 0],
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  ]);
});

it('maskedMean: each row by itself, 0 where nothing is left, no NaN of the padding in value or gradient', () => {
  const x = nan();
  const mean = maskedMean(x, lengthsMask(lengths));
  mean
    .mul(tensor([3, 5, 7]))
    .sum()
    .backward();
  expectClose(mean, [3, 2, 0]);
  expectClose(x.grad, [1, 5, 0, 1, 0, 0, 1, 0, 0]);
  // Further dimensions follow the mask; a size of 1 stands for all.
  manualSeed(1);
  const y = randn([4, 2, 3]);
  const each = maskedMean(y, lengthsMask([4, 2]), 0, true);
  expect(each.shape).toEqual([1, 2, 3]);
  expectClose(each.select(0, 0).select(0, 1), y.slice(0, 0, 2).select(1, 1).mean(0));
  expectClose(maskedMean(y, ones([1, 2])), y.mean(0));
  expectClose(maskedMean(y, ones([4, 2]), 1), y.mean(1));
  expect(gradcheck((t) => maskedMean(t, lengthsMask([4, 2])), [randn([4, 2, 3], { dtype: 'float64' })])).toBe(true);
});

it('maskedSoftmax: as if what is masked were not there', () => {
  const x = nan();
  const shares = maskedSoftmax(x, lengthsMask(lengths), 0);
  shares
    .mul(tensor([[1], [2], [4]]))
    .sum()
    .backward();
  const own = tensor([1, 3, 5], { requiresGrad: true });
  const expected = own.softmax(0);
  expected
    .mul(tensor([1, 2, 4]))
    .sum()
    .backward();
  expectClose(shares.select(1, 0), expected);
  expectClose(shares.slice(1, 1), [1, 0, 0, 0, 0, 0]);
  expectClose(x.grad?.select(1, 0), own.grad as Tensor);
  expectClose(x.grad?.slice(1, 1), [0, 0, 0, 0, 0, 0], 0);
  expectClose(maskedSoftmax(tensor([[1e30, -1e30, 7]]), tensor([[0, 1, 1]])), [0, 0, 1], 0);
});

it('lastValid is the final state of a layer', () => {
  manualSeed(2);
  const x = randn([3, 3, 2]);
  const [output, [hN]] = new LSTM(2, 4).forward(x, undefined, { lengths });
  expectClose(lastValid(output, lengths), hN.select(0, 0), 0);
  expectClose(lastValid(output.transpose(0, 1), lengths, { batchFirst: true }), hN.select(0, 0), 0);
  expectClose(lastValid(nan(), [3, 1, 0]), [5, 2, 0], 0);
  expect(gradcheck((t) => lastValid(t, [2, 1]), [randn([3, 2], { dtype: 'float64' })])).toBe(true);
});

it('reverseSequence turns the valid steps of each row, and itself back', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 0],
  ]);
  expect(reverseSequence(x, [3, 2], { batchFirst: true }).toArray()).toEqual([
    [3, 2, 1],
    [5, 4, 0],
  ]);
  manualSeed(3);
  const y = randn([5, 3, 2]);
  expectClose(reverseSequence(reverseSequence(y, [5, 3, 0]), [5, 3, 0]), y, 0);
  expectClose(reverseSequence(y, [5, 5, 5]), y.flip(0), 0);
  // What the second direction of a layer sees.
  const both = new LSTM(2, 4, { bidirectional: true });
  const forward = new LSTM(2, 4);
  const own = Object.entries(both.stateDict()).filter(([name]) => name.endsWith('_reverse'));
  forward.loadStateDict(Object.fromEntries(own.map(([name, value]) => [name.replace('_reverse', ''), value])));
  const options = { lengths: [5, 3, 0] };
  const back = both.forward(y, undefined, options)[0].slice(-1, 4);
  const turned = forward.forward(reverseSequence(y, options.lengths), undefined, options)[0];
  expectClose(reverseSequence(turned, options.lengths), back);
});

describe('mistakes', () => {
  checkRefused([
    [() => lengthsMask([3, 5], { steps: 4 }), 'lengthsMask: lengths[1] is 5, expected a whole number from 0 to 4'],
    [() => lengthsMask([1.5]), 'lengthsMask: lengths[0] is 1.5, expected a whole number from 0 up'],
    [() => lengthsMask([]), 'lengthsMask: lengths is an empty array, expected one length for each row'],
    [
      () => maskedSoftmax(ones([2, 3]), ones([3])),
      'maskedSoftmax: mask has shape [3], expected [2, 3], or 1 in the place of a size; unsqueeze it',
    ],
    [() => maskedMean(ones([4, 2, 3]), ones([2, 4])), 'maskedMean: mask has shape [2, 4], expected the first sizes of'],
    [() => maskedMean(ones([4, 2, 3]), ones([4, 2]), 2), /maskedMean: mask has shape \[4, 2\].*up to dimension 2/],
    [() => lastValid(ones([4]), [4]), 'lastValid: x has shape [4], expected [T, B, ...] with every size at least 1'],
    [() => lastValid(ones([4, 2]), [4]), 'lastValid: lengths has length 1, expected 2, one for each row of the batch'],
    [() => reverseSequence(ones([4, 2]), [5, 1]), 'reverseSequence: lengths[0] is 5, expected a whole number from 0'],
  ]);
});

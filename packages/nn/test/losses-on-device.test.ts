import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { manualSeed, randn, tensor, type Backend } from '@rnn/core';
import { describe, expect, test } from 'vitest';
import { crossEntropy, nllLoss, type CrossEntropyOptions } from '../src/index.js';

/** Loss and gradient of a target that is partly ignored, `[T, B]` for three classes. */
async function lossOn(
  backend: Backend,
  target: number[][],
  options: CrossEntropyOptions,
  isWeighted = false,
): Promise<readonly ArrayLike<number>[]> {
  manualSeed(4);
  const input = randn([3, 2, 3], { backend, dtype: 'float64', requiresGrad: true });
  const weight = isWeighted ? tensor([1, 2, 0.5], { backend, dtype: 'float64' }) : undefined;
  const indices = tensor(target, { backend, dtype: 'int32' });
  const loss = crossEntropy(input, indices, { classDim: -1, weight, ...options });
  loss.sum().backward();
  return [await loss.data(), await (input.grad as typeof input).data()];
}

describe('crossEntropy on a backend that answers only later', () => {
  const target = [
    [0, -100],
    [2, 1],
    [-100, 1],
  ];
  const cases: Readonly<Record<string, CrossEntropyOptions>> = {
    'with ignored targets': {},
    'with lengths': { lengths: [3, 2] },
    'with smoothing': { labelSmoothing: 0.1, reduction: 'sum' },
    'each by itself': { reduction: 'none' },
    'with another index to ignore': { ignoreIndex: 1, lengths: [1, 3] },
  };
  test.each(Object.entries(cases))('%s', async (_, options) => {
    const given = options.ignoreIndex === undefined ? target : target.map((row) => row.map((c) => Math.max(c, 0)));
    for (const isWeighted of [false, true]) {
      const actual = await lossOn(answersLater(await cpu()), given, options, isWeighted);
      expect(actual).toEqual(await lossOn(await cpu(), given, options, isWeighted));
    }
  });

  test('gives NaN for a target that is no class, which only the device knows', async () => {
    const later = answersLater(await cpu());
    const [loss] = await lossOn(
      later,
      [
        [0, -5],
        [-100, 1],
        [2, 2],
      ],
      { reduction: 'none' },
    );
    expect(Array.from(loss, Number.isNaN)).toEqual([false, true, false, false, false, false]);
    const input = randn([2, 3], { backend: later });
    const computed = tensor([1, 1], { dtype: 'int32', backend: later }).add(
      tensor([1, 9], { dtype: 'int32', backend: later }),
    );
    expect(Array.from(await nllLoss(input, computed, { reduction: 'none' }).data(), Number.isNaN)).toEqual([
      false,
      true,
    ]);
  });
});

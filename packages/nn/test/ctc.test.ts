import { cpu } from '@rnn/backend-cpu';
import { compileFn, manualSeed, ones, randn, setBackend, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BCELoss, bceLoss, bceWithLogits, ctcBeamDecode, ctcGreedyDecode, CTCLoss, ctcLoss } from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

// Values and gradients of the losses are held to PyTorch's by the reference cases
// of @rnn/conformance, on every backend.
beforeAll(async () => setBackend(await cpu()));

/** What is left of a path without repetitions and blanks (0). */
function collapsed(path: readonly number[]): number[] {
  return path.filter((label, t) => label !== 0 && label !== path[t - 1]);
}

/** The probability of every result, by a walk through all paths. */
function allResults(logProbs: readonly (readonly number[])[]): Map<string, number> {
  const results = new Map<string, number>();
  const walk = (path: number[], sum: number): void => {
    if (path.length === logProbs.length) {
      const key = collapsed(path).join(',');
      results.set(key, (results.get(key) ?? 0) + Math.exp(sum));
      return;
    }
    logProbs[path.length].forEach((value, label) => walk([...path, label], sum + value));
  };
  walk([], 0);
  return results;
}

describe('ctcLoss', () => {
  it('is the probability of all paths to the target', () => {
    manualSeed(1);
    const logProbs = randn([5, 1, 3], { dtype: 'float64' }).logSoftmax(-1);
    const results = allResults(logProbs.squeeze(1).toArray() as number[][]);
    for (const target of [[], [1], [2, 2], [1, 2, 1], [1, 1, 1]]) {
      const loss = ctcLoss(logProbs, [target], undefined, undefined, { reduction: 'sum' });
      expectClose(loss, [-Math.log(results.get(target.join(',')) ?? NaN)], 1e-12);
    }
    // Four times the same label need three blanks between, seven steps in all.
    expect(ctcLoss(logProbs, [[1, 1, 1, 1]]).item()).toBe(Infinity);
  });

  it('takes targets as lists, padded and joined', () => {
    manualSeed(2);
    const logProbs = randn([6, 2, 4]).logSoftmax(-1);
    const expected = ctcLoss(logProbs, [[1, 2], [3]]);
    const padded = tensor(
      [
        [1, 2],
        [3, 0],
      ],
      { dtype: 'int32' },
    );
    expectClose(ctcLoss(logProbs, padded, [6, 6], [2, 1]), expected, 0);
    expectClose(ctcLoss(logProbs, tensor([1, 2, 3], { dtype: 'int32' }), undefined, [2, 1]), expected, 0);
    expectClose(new CTCLoss().forward(logProbs, [[1, 2, 3], [3]], [6, 6], [2, 1]), expected, 0);
    const row = logProbs.select(1, 0);
    const own = ctcLoss(row, [1, 2], [6], undefined, { reduction: 'none' });
    expect(own.shape).toEqual([]);
    expectClose(ctcLoss(row, tensor([1, 2], { dtype: 'int32' }), undefined, undefined, { reduction: 'none' }), own, 0);
  });

  it('padding has no part in it, not even a NaN', () => {
    manualSeed(3);
    const logits = randn([6, 2, 4], { requiresGrad: true });
    const spoil = tensor([0, 0, 0, 0, NaN, NaN]).reshape([6, 1, 1]);
    const row = tensor([0, 1]).reshape([1, 2, 1]);
    const spoilt = logits.logSoftmax(-1).add(spoil.where(row, 0));
    const loss = ctcLoss(spoilt, [[1, 2], [3]], [6, 4], undefined, { reduction: 'sum' });
    const alone = ctcLoss(logits.select(1, 0).logSoftmax(-1), [1, 2], undefined, undefined, { reduction: 'sum' });
    const other = logits.select(1, 1).slice(0, 0, 4).logSoftmax(-1);
    expectClose(loss, alone.add(ctcLoss(other, [3], undefined, undefined, { reduction: 'sum' })));
    loss.backward();
    expect(logits.grad?.slice(0, 0, 4).isfinite().all().item()).toBe(1);
  });

  it('says NaN where the scores are NaN, and has the gradient of PyTorch where nothing fits', () => {
    const broken = ones([3, 1, 3]).mul(NaN);
    expect(ctcLoss(broken, [[1]], undefined, undefined, { zeroInfinity: true }).item()).toBeNaN();
    manualSeed(4);
    const x = randn([3, 2, 3], { requiresGrad: true });
    const loss = ctcLoss(x.logSoftmax(-1), [[1, 1], [2]], [2, 3], undefined, { reduction: 'none' });
    expect(loss.select(0, 0).item()).toBe(Infinity);
    loss.sum().backward();
    // As PyTorch: NaN at the valid steps of that row, and the other row is not touched by it.
    expect(x.grad?.select(1, 0).slice(0, 0, 2).isnan().all().item()).toBe(1);
    expect(x.grad?.select(1, 1).isfinite().all().item()).toBe(1);
  });
});

describe('decoding', () => {
  it('greedy: the labels of the best path', () => {
    const best = (path: number[]): Tensor => tensor(path.map((label) => [0, 1, 2].map((c) => (c === label ? 0 : -5))));
    expect(ctcGreedyDecode(best([0, 1, 1, 0, 1, 2, 2, 0]))).toEqual([[1, 1, 2]]);
    expect(ctcGreedyDecode(best([0, 1, 1, 0, 1, 2, 2, 0]), { lengths: [3] })).toEqual([[1]]);
    expect(ctcGreedyDecode(best([2, 2, 0, 2]), { blank: 2 })).toEqual([[0]]);
    expect(ctcGreedyDecode(best([1, 2]).unsqueeze(1).expand([2, 3, 3]), { lengths: [2, 1, 0] })).toEqual([
      [1, 2],
      [1],
      [],
    ]);
  });

  it('beam: exact with beams enough, by a walk through all paths', () => {
    manualSeed(5);
    const logProbs = randn([5, 2, 3], { dtype: 'float64' }).mul(1.5).logSoftmax(-1);
    const rows = ctcBeamDecode(logProbs, { beamWidth: 200, topPaths: 200, lengths: [5, 4] });
    rows.forEach((results, row) => {
      const steps = logProbs.select(1, row).slice(0, 0, row === 0 ? 5 : 4);
      const all = allResults(steps.toArray() as number[][]);
      expect(results.length).toBe(all.size);
      for (const { labels, logProb } of results)
        expect(Math.exp(logProb)).toBeCloseTo(all.get(labels.join(',')) ?? NaN, 12);
      const [first] = [...all].sort((a, b) => b[1] - a[1]);
      expect(results[0].labels.join(',')).toBe(first[0]);
      // And the loss of that target is the same probability.
      const loss = ctcLoss(steps, [...results[0].labels], undefined, undefined, { reduction: 'sum' });
      expect(loss.item()).toBeCloseTo(-results[0].logProb, 12);
    });
  });

  it('beam finds what the best path misses', () => {
    // The best path is two blanks, 0.36, but three paths lead to the label.
    const logProbs = tensor([
      [0.6, 0.4],
      [0.6, 0.4],
    ]).log();
    expect(ctcGreedyDecode(logProbs)).toEqual([[]]);
    const [[best]] = ctcBeamDecode(logProbs);
    expect(best.labels).toEqual([1]);
    expect(Math.exp(best.logProb)).toBeCloseTo(0.64, 6);
  });
});

describe('bceLoss', () => {
  it('is bceWithLogits of what the sigmoid makes', () => {
    manualSeed(6);
    const x = randn([4, 3], { dtype: 'float64' });
    const y = x.gt(0).to('float64');
    expectClose(bceLoss(x.sigmoid(), y), bceWithLogits(x, y), 1e-12);
    const weight = tensor([1, 2, 3], { dtype: 'float64' });
    expectClose(new BCELoss({ weight }).forward(x.sigmoid(), y), bceWithLogits(x, y, { weight }), 1e-12);
    const options = { lengths: [4, 2, 0], reduction: 'sum' as const };
    expectClose(bceLoss(x.sigmoid(), y, options), bceWithLogits(x, y, options), 1e-12);
    expect(Object.keys(new BCELoss({ weight }).stateDict())).toEqual(['weight']);
  });

  it('lets a NaN through, and what lengths leave out', () => {
    expect(bceLoss(tensor([NaN, 0.5]), tensor([1, 1])).item()).toBeNaN();
    const padded = tensor([
      [0.5, 0.5],
      [0.5, 7],
    ]);
    expect(bceLoss(padded, ones([2, 2]), { lengths: [2, 1] }).item()).toBeCloseTo(Math.LN2, 6);
  });

  it('can be part of a compiled function, where no numbers are read', () => {
    const losses = compileFn(([x, y]: readonly Tensor[]) => bceLoss(x, y, { reduction: 'none' }), {
      compile: 'required',
    });
    const [x, y] = [tensor([[0.25, 1]]), tensor([[1, 1]])];
    expectClose(losses([x, y]), bceLoss(x, y, { reduction: 'none' }), 1e-7);
  });
});

describe('mistakes', () => {
  const logProbs = (): Tensor => ones([4, 2, 3]);
  checkRefused([
    [() => ctcLoss(logProbs(), [[1]]), 'ctcLoss: targets has length 1, expected 2, one list for each row'],
    [() => ctcLoss(logProbs(), [[1], [3]]), 'ctcLoss: targets[1][0] is 3, expected a whole number from 0 to 2'],
    [() => ctcLoss(logProbs(), [[1], [0]]), 'ctcLoss: targets[1][0] is 0, expected a class other than the blank'],
    [() => ctcLoss(logProbs(), ones([2, 1])), "ctcLoss: targets is float32, expected int32; convert with .to('int32')"],
    [
      () => ctcLoss(logProbs(), tensor([1, 2], { dtype: 'int32' })),
      'ctcLoss: targets has shape [2], expected [2, S], or [sum of targetLengths]',
    ],
    [
      () => ctcLoss(logProbs(), tensor([1, 2], { dtype: 'int32' }), undefined, [2, 1]),
      'ctcLoss: targets has shape [2], expected [3], the sum of targetLengths',
    ],
    [() => ctcLoss(logProbs(), [[1], [1]], [5, 1]), 'ctcLoss: lengths[0] is 5, expected a whole number from 0 to 4'],
    [() => ctcLoss(ones([4]), [[1]]), 'ctcLoss: logProbs has shape [4], expected [T, B, C]'],
    [() => new CTCLoss({ blank: -1 }), 'CTCLoss: blank is -1, expected a whole number from 0 up'],
    [() => ctcLoss(logProbs(), [[1], [1]], undefined, undefined, { blank: 3 }), 'ctcLoss: blank is 3, expected'],
    [
      () => ctcBeamDecode(logProbs(), { beamWidth: 0 }),
      'ctcBeamDecode: beamWidth is 0, expected a whole number from 1',
    ],
    [() => bceLoss(ones([2]), ones([3])), 'bceLoss: target has shape [3], expected [2], that of input'],
    [
      () => bceLoss(tensor([0.5, 1.5]), ones([2])),
      'bceLoss: input has the value 1.5, expected numbers from 0 to 1; bceWithLogits (as a module BCEWithLogitsLoss) takes logits',
    ],
    [
      () => new BCELoss().forward(tensor([0.5, -0.5]), ones([2])),
      'bceLoss: input has the value -0.5, expected numbers from 0 to 1',
    ],
    [() => bceLoss(ones([2]), tensor([0, 2])), 'bceLoss: target has the value 2, expected numbers from 0 to 1'],
  ]);
});

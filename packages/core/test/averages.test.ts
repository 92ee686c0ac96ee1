import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  averagedOver,
  concat,
  countAverages,
  noGrad,
  ones,
  scope,
  setBackend,
  stack,
  tensor,
  type AverageCount,
  type Tensor,
} from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

const counted = (fn: () => Tensor): AverageCount | undefined => countAverages((countOf) => countOf(fn()));
const x = (): Tensor => ones([2, 3]);

describe('counts of averages', () => {
  it.each<[string, () => Tensor, number | undefined]>([
    ['a mean', () => x().mean(), 6],
    ['a mean to one element of any shape', () => x().mean([0, 1], true), 6],
    ['without recording', () => noGrad(() => x().mean()), 6],
    ['a mean of means', () => stack([x().mean(), x().mean()]).mean(), 12],
    ['joined means', () => concat([x().mean().reshape([1]), x().mean().reshape([1])]).sum(), 6],
    ['scaled, shifted and detached', () => x().mean().mul(2).add(1).sqrt().neg().detach().clone(), 6],
    [
      'the first of two',
      () =>
        x()
          .mean()
          .add(ones([7]).mean()),
      6,
    ],
    ['out of a scope', () => scope(() => x().mul(2).mean()), 6],
    ['a sum', () => x().sum(), undefined],
    ['a mean that is not one number', () => x().mean(0), undefined],
    ['a mean that other numbers were added to', () => x().sub(x().mean()).square().sum(), undefined],
    ['a number that was told', () => averagedOver(x().sum().div(5), 5), 5],
  ])('%s', (_name, fn, expected) => {
    expect(counted(fn)).toBe(expected);
  });

  it('that are tensors live until the end, and no longer', () => {
    const count = tensor(4);
    const kept = countAverages((countOf) => {
      const loss = averagedOver(tensor(1), count);
      const found = [countOf(loss), countOf(stack([loss, loss]).mean())] as Tensor[];
      expect(found.map((each) => each.item())).toEqual([4, 8]);
      return found;
    });
    expect(kept.map(({ isDisposed }) => isDisposed)).toEqual([true, true]);
    expect(count.item()).toBe(4);
  });

  it('are noted only while asked for, by the innermost that asks', () => {
    const before = x().mean();
    countAverages((outer) => {
      const inside = countAverages((inner) => {
        const loss = x().mean();
        expect(inner(loss)).toBe(6);
        return loss;
      });
      expect([outer(inside), outer(before)]).toEqual([undefined, undefined]);
    });
    expect(averagedOver(before, 3)).toBe(before);
  });
});

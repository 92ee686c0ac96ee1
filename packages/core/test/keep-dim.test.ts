/** `keepDim` of every reduction, in both of its forms. */
import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  amax,
  amin,
  argmax,
  argmin,
  logsumexp,
  max,
  mean,
  min,
  ones,
  setBackend,
  sum,
  type KeepDim,
  type Tensor,
} from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

type Reduction = (x: Tensor, keepDim?: KeepDim) => Tensor;

/** Each as a function and as a method, along dimension 1. */
const reductions: readonly (readonly [string, Reduction, Reduction])[] = [
  ['sum', (x, k) => sum(x, 1, k), (x, k) => x.sum(1, k)],
  ['mean', (x, k) => mean(x, 1, k), (x, k) => x.mean(1, k)],
  ['amax', (x, k) => amax(x, 1, k), (x, k) => x.amax(1, k)],
  ['amin', (x, k) => amin(x, 1, k), (x, k) => x.amin(1, k)],
  ['argmax', (x, k) => argmax(x, 1, k), (x, k) => x.argmax(1, k)],
  ['argmin', (x, k) => argmin(x, 1, k), (x, k) => x.argmin(1, k)],
  ['logsumexp', (x, k) => logsumexp(x, 1, k), (x, k) => x.logsumexp(1, k)],
  ['max', (x, k) => max(x, 1, k).values, (x, k) => x.max(1, k).indices],
  ['min', (x, k) => min(x, 1, k).values, (x, k) => x.min(1, k).indices],
];

describe.each(reductions)('%s', (name, fn, method) => {
  test.each<[unknown, number[]]>([
    [undefined, [2]],
    [false, [2]],
    [{}, [2]],
    [{ keepDim: undefined }, [2]],
    [{ keepDim: false }, [2]],
    [true, [2, 1]],
    [{ keepDim: true }, [2, 1]],
  ])('with %j', (keepDim, shape) => {
    for (const reduction of [fn, method]) {
      expect(reduction(ones([2, 3]), keepDim as KeepDim).shape).toEqual(shape);
    }
  });

  test.each<[unknown, string]>([
    [1, 'keepDim'],
    [0, 'keepDim'],
    ['false', 'keepDim'],
    [null, 'keepDim'],
    [[], 'keepDim'],
    [{ keepDim: 'no' }, 'keepDim'],
    [{ keepdim: true }, 'keepdim'],
  ])('refuses %j', (keepDim, argument) => {
    for (const reduction of [fn, method]) {
      const call = (): Tensor => reduction(ones([2, 3]), keepDim as KeepDim);
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', argument }));
      expect(call).toThrow(name);
    }
  });
});

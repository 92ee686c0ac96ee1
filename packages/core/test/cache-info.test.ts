import { cpu } from '@rnn/backend-cpu';
import { beforeAll, expect, test } from 'vitest';
import { compileCacheInfo, ones, scan, setBackend, zeros, type Tensor } from '../src/index.js';

let factor: Tensor;
beforeAll(async () => {
  setBackend(await cpu());
  factor = ones([3]);
});

const step = (x: Tensor, h: Tensor, { w }: { w: Tensor }): readonly [Tensor, Tensor] => [h, h.mul(w).add(x)];
const same = (x: Tensor, h: Tensor, { w }: { w: Tensor }): readonly [Tensor, Tensor] => [h, h.mul(w).add(x)];

/** What a call adds to the counts. */
function added(call: () => unknown): [traces: number[], programs: number[]] {
  const before = compileCacheInfo();
  call();
  const after = compileCacheInfo();
  const since = (name: 'traces' | 'programs'): number[] => [
    after[name].hits - before[name].hits,
    after[name].misses - before[name].misses,
  ];
  return [since('traces'), since('programs')];
}

test('a step with parameters is traced once, and shares programs with one that does the same', () => {
  const run = (fn: typeof step) => () => scan(fn, ones([2, 1, 3]), zeros([1, 3]), { parameters: { w: factor } });
  expect(added(run(step))).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(added(run(step))).toEqual([
    [1, 0],
    [0, 0],
  ]);
  expect(added(run(same))).toEqual([
    [0, 1],
    [1, 0],
  ]);
});

test('a step that captures tensors misses at each call', () => {
  const run = (): unknown => scan((x, h) => [h, h.mul(factor).add(x)], ones([2, 1, 3]), zeros([1, 3]));
  run();
  expect(added(run)).toEqual([
    [0, 1],
    [1, 0],
  ]);
});

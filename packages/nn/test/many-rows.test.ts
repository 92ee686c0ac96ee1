/** Batches of more rows than a function takes arguments, some 120,000. */
import { cpu } from '@rnn/backend-cpu';
import { fromData, full, ones, scan, setBackend, type Tensor, zeros } from '@rnn/core';
import { beforeAll, expect, it } from 'vitest';
import {
  crossEntropy,
  ctcLoss,
  GRU,
  lengthsMask,
  packPaddedSequence,
  padPackedSequence,
  padSequence,
} from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

const ROWS = 200_000;
// Every third row has 2 steps, the others 1.
const lengths = Array.from({ length: ROWS }, (_, row) => (row % 3 === 0 ? 2 : 1));
const steps = lengths.reduce((sum, length) => sum + length, 0);

it.each(['auto', 'never'] as const)('a scan with lengths, compile: %s', (compile) => {
  const count = (_: Tensor, n: Tensor): [Tensor, Tensor] => [n, n.add(1)];
  const [, last] = scan(count, zeros([2, ROWS, 1]), zeros([ROWS, 1]), { lengths, compile });
  expect(last.sum().item()).toBe(steps);
});

it('layers with lengths and with a mask', () => {
  const gru = new GRU(1, 1);
  const x = ones([2, ROWS, 1]);
  const [, byLengths] = gru.forward(x, undefined, { lengths });
  const [, byMask] = gru.forward(x, undefined, { mask: lengthsMask(lengths) });
  expect(byLengths.sub(byMask).abs().amax().item()).toBe(0);
});

it('packed and padded sequences', () => {
  expect(lengthsMask(lengths).sum().item()).toBe(steps);
  const packed = packPaddedSequence(ones([3, ROWS, 1]), lengths, { enforceSorted: false });
  expect(padPackedSequence(packed)[0].shape).toEqual([2, ROWS, 1]);
  const one = ones([1, 1]);
  expect(padSequence(lengths.map(() => one)).shape).toEqual([1, ROWS, 1]);
});

it('losses', () => {
  const logits = zeros([2, ROWS, 2]);
  const target = fromData(new Int32Array(2 * ROWS), [2, ROWS]);
  expect(crossEntropy(logits, target, { classDim: -1, lengths }).item()).toBeCloseTo(Math.LN2);
  // One path of two says "1" in one step: its probability is 1/2.
  const labels = lengths.map(() => [1]);
  const half = full([1, ROWS, 2], -Math.LN2);
  expect(ctcLoss(half, labels, undefined, undefined, { reduction: 'mean' }).item()).toBeCloseTo(Math.LN2);
});

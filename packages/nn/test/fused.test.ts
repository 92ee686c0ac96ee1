import { cpu } from '@rnn/backend-cpu';
import { grad, gradgradcheck, manualSeed, randn, setBackend, tensor, type Backend, type Tensor } from '@rnn/core';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  bceWithLogits,
  crossEntropy,
  GRUCell,
  huberLoss,
  l1Loss,
  layerNorm,
  LSTMCell,
  mseLoss,
  RNNCell,
  smoothL1Loss,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

/** The same backend without `compile`: everything runs by single operations. */
function uncompiled(): Backend {
  return new Proxy(backend, {
    get(target, name): unknown {
      if (name === 'compile') return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

type Case = readonly [name: string, shapes: readonly (readonly number[])[], fn: (...x: Tensor[]) => Tensor];

const classes = (): Tensor => tensor([0, 2, 1, 2], { dtype: 'int32' });

const cases: readonly Case[] = [
  ['layerNorm', [[2, 4, 3], [3], [3]], (x, weight, bias) => layerNorm(x, 3, { weight, bias })],
  [
    'layerNorm of two dimensions',
    [
      [2, 4, 3],
      [4, 3],
    ],
    (x, weight) => layerNorm(x, [4, 3], { weight }),
  ],
  ['layerNorm of a vector', [[5]], (x) => layerNorm(x, 5)],
  ['crossEntropy', [[4, 3]], (x) => crossEntropy(x, classes().to(x.backend), { labelSmoothing: 0.1 })],
  [
    'crossEntropy of probabilities',
    [
      [4, 3],
      [4, 3],
    ],
    (x, y) => crossEntropy(x, y),
  ],
  [
    'mseLoss',
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => mseLoss(x, y),
  ],
  ['l1Loss of single numbers', [[], []], (x, y) => l1Loss(x, y)],
  [
    'smoothL1Loss',
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => smoothL1Loss(x, y, { beta: 0.5 }),
  ],
  [
    'huberLoss',
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => huberLoss(x, y, { delta: 0.5, reduction: 'none' }),
  ],
  [
    'bceWithLogits',
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => bceWithLogits(x, y),
  ],
];

function valuesAndGradients(at: Backend, [, shapes, fn]: Case): number[] {
  manualSeed(5);
  const x = shapes.map((shape) => randn(shape, { backend: at, dtype: 'float64', requiresGrad: true }));
  const y = fn(...x);
  const seed = randn(y.shape, { backend: at, dtype: 'float64' });
  return [y, ...grad(y, x, { gradient: seed })].flatMap((t) => Array.from(t.dataSync()));
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(1e-10));
}

describe('one program gives what single operations give', () => {
  test.each([...cases])('%s', (...each) =>
    expectClose(valuesAndGradients(backend, each), valuesAndGradients(uncompiled(), each)),
  );

  for (const Cell of [RNNCell, GRUCell, LSTMCell]) {
    for (const lead of [[4], []]) {
      test(`${Cell.name}, ${lead.length === 0 ? 'a vector' : 'a batch'}`, () => {
        const run = (at: Backend): number[] => {
          manualSeed(5);
          const place = { backend: at, dtype: 'float64' } as const;
          const cell = new Cell(3, 2, place);
          const x = randn([...lead, 3], { ...place, requiresGrad: true });
          const state = cell.initialState(lead[0]);
          const after = cell.forward(x, state as never);
          const again = [cell.forward(x, after as never)].flat();
          const total = again.map((t) => t.square().sum()).reduce((a, b) => a.add(b));
          return [...again, ...grad(total, [x, ...cell.parameters()])].flatMap((t) => Array.from(t.dataSync()));
        };
        expectClose(run(backend), run(uncompiled()));
      });
    }
  }
});

test('derivatives of derivatives', () => {
  manualSeed(5);
  const x = randn([2, 3], { dtype: 'float64' });
  expect(gradgradcheck((t) => layerNorm(t, 3), [x])).toBe(true);
  expect(gradgradcheck((t) => crossEntropy(t, tensor([0, 2], { dtype: 'int32' })), [x])).toBe(true);
  const cell = new GRUCell(3, 2, { dtype: 'float64' });
  expect(gradgradcheck((t) => cell.forward(t), [x])).toBe(true);
});

import { cpu } from '@rnn/backend-cpu';
import {
  compileCacheInfo,
  getBackend,
  grad,
  manualSeed,
  noGrad,
  randn,
  scope,
  setBackend,
  type Tensor,
} from '@rnn/core';
import { beforeEach, expect, test } from 'vitest';
import { GRU, LSTM, Parameter, RNN } from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
});

// Second derivatives are large numbers.
const dtype = 'float64';
type Layer = RNN | LSTM | GRU;
const makers: readonly [string, () => Layer][] = [
  ['RNN', () => new RNN(3, 4, { dtype })],
  ['LSTM', () => new LSTM(3, 4, { dtype })],
  ['GRU', () => new GRU(3, 4, { dtype })],
  ['an LSTM with a projection', () => new LSTM(3, 4, { projSize: 2, dtype })],
];

const flat = (value: unknown): Tensor[] => (Array.isArray(value) ? value.flatMap(flat) : [value as Tensor]);

const outputOf = (layer: Layer, x: Tensor): Tensor => (layer as RNN).forward(x)[0];

/** Results, and gradients of all of them with respect to weights and input, the second ones too. */
function derived(layer: Layer, x: Tensor, options?: object): number[][] {
  return scope(() => {
    const results = flat((layer as RNN).forward(x, undefined, options));
    const loss = results.map((y, i) => y.mul(y.add(i)).sum()).reduce((a, b) => a.add(b));
    const wanted = [...layer.parameters(), x].filter(({ requiresGrad }) => requiresGrad);
    const first = grad(loss, wanted, { createGraph: true });
    const second = grad(
      first.map((g) => g.square().sum()).reduce((a, b) => a.add(b)),
      wanted,
    );
    return [...results, ...first, ...second].map((tensor) => [...tensor.shape, ...tensor.dataSync()]);
  });
}

function check(layer: Layer, x: Tensor): void {
  const [made, plain] = [derived(layer, x), derived(layer, x, { compile: 'never' })];
  expect(made.length).toBe(plain.length);
  made.forEach((numbers, i) => numbers.forEach((value, k) => expect(value).toBeCloseTo(plain[i][k], 9)));
}

test.each(makers)('%s: values and gradients of later calls are those of single operations', (_, make) => {
  const layer = make();
  for (const [steps, batch] of [4, 4, 6, 1, 4].flatMap((count) => [2, 5].map((rows) => [count, rows]))) {
    check(layer, randn([steps, batch, 3], { dtype }));
    check(layer, randn([steps, batch, 3], { dtype, requiresGrad: true }));
  }
  check(layer, randn([4, 3], { dtype }));
  noGrad(() => layer.weight_hh_l0.copy_(randn(layer.weight_hh_l0.shape, { dtype })));
  check(layer, randn([4, 2, 3], { dtype }));
  layer.weight_ih_l0.requiresGrad = false;
  for (let i = 0; i < 3; i++) check(layer, randn([4, 2, 3], { dtype }));
  layer.weight_ih_l0 = new Parameter(randn(layer.weight_ih_l0.shape, { dtype }));
  for (let i = 0; i < 3; i++) check(layer, randn([4, 2, 3], { dtype }));
});

test.each(makers)(
  '%s: training and evaluation by turns, on two shapes, ask no trace again and leave nothing',
  (_, make) => {
    const layer = make();
    const xs = [randn([4, 2, 3], { dtype }), randn([5, 1, 3], { dtype })];
    const turn = (): void => {
      for (const x of xs) {
        scope(() => outputOf(layer, x).square().sum().backward());
        noGrad(() => scope(() => outputOf(layer, x).dataSync()));
      }
    };
    for (let i = 0; i < 3; i++) turn();
    const [before, memory] = [compileCacheInfo().traces.misses, getBackend().memory()];
    for (let i = 0; i < 3; i++) turn();
    expect(compileCacheInfo().traces.misses).toBe(before);
    expect(getBackend().memory()).toEqual(memory);
  },
);

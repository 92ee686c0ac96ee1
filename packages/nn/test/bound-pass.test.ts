import { cpu } from '@rnn/backend-cpu';
import {
  anomaly,
  AnomalyError,
  compileCacheInfo,
  compileFn,
  DisposedError,
  getBackend,
  manualSeed,
  noGrad,
  randn,
  setBackend,
  setCompileMode,
  ShapeError,
  type Tensor,
} from '@rnn/core';
import { beforeEach, expect, test } from 'vitest';
import { GRU, LSTM, observeStates, Parameter, RNN, type ObservedStates } from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
});

type AnyLayer = RNN | GRU | LSTM;

const makers: readonly [name: string, make: () => AnyLayer][] = [
  ['RNN', () => new RNN(3, 2)],
  ['GRU', () => new GRU(3, 2)],
  ['LSTM', () => new LSTM(3, 2)],
  ['LSTM with a projection', () => new LSTM(3, 4, { projSize: 2 })],
  ['GRU without biases', () => new GRU(3, 2, { bias: false })],
];

/** Output and last state as numbers: in the way that comes by itself, and by single operations. */
function bothWays(layer: AnyLayer, x: Tensor, state?: unknown): [bound: unknown, plain: unknown] {
  const numbers = (options?: object): unknown => {
    const [output, last] = (layer as LSTM).forward(x, state as undefined, options);
    return [output, last].flat().map((tensor: Tensor) => ({ shape: tensor.shape, data: [...tensor.dataSync()] }));
  };
  return [numbers(), numbers({ compile: 'never' })];
}

function check(layer: AnyLayer, x: Tensor, state?: unknown): void {
  const [bound, plain] = bothWays(layer, x, state) as { shape: number[]; data: number[] }[][];
  expect(bound.map(({ shape }) => shape)).toEqual(plain.map(({ shape }) => shape));
  bound.forEach(({ data }, i) => data.forEach((value, k) => expect(value).toBeCloseTo(plain[i].data[k], 5)));
}

test.each(makers)('%s: later calls give what single operations give, whatever the sequence', (_, make) => {
  const layer = make();
  noGrad(() => {
    for (const shape of [
      [4, 5, 3],
      [4, 5, 3],
      [6, 5, 3],
      [4, 2, 3],
      [4, 3],
      [7, 3],
      [4, 5, 3],
    ])
      check(layer, randn(shape));
  });
});

test.each(makers)('%s: a stream that hands on its state', (_, make) => {
  const layer = make();
  noGrad(() => {
    let [, state] = (layer as LSTM).forward(randn([1, 5, 3]));
    for (let t = 0; t < 4; t++) {
      const x = randn([1, 5, 3]);
      check(layer, x, state);
      [, state] = (layer as LSTM).forward(x, state);
    }
  });
});

test('a call that comes again asks no trace but once, and leaves nothing behind', () => {
  const layer = new LSTM(3, 2);
  const x = randn([4, 5, 3]);
  const call = (): void =>
    noGrad(() => {
      const [y, [h, c]] = layer.forward(x);
      for (const tensor of [y, h, c]) tensor.dispose();
    });
  call();
  const [before, memory] = [compileCacheInfo().traces, getBackend().memory()];
  for (let i = 0; i < 3; i++) call();
  const after = compileCacheInfo().traces;
  expect([after.misses - before.misses, after.hits - before.hits]).toEqual([0, 3]);
  expect(getBackend().memory()).toEqual(memory);
});

test.each<[string, (layer: LSTM) => unknown]>([
  ['values in place', (layer) => layer.weight_hh_l0.copy_(randn([8, 2]))],
  ['another parameter', (layer) => (layer.weight_ih_l0 = new Parameter(randn([8, 3])))],
  ['another bias', (layer) => (layer.bias_hh_l0 = new Parameter(randn([8])))],
  ['no biases', (layer) => ((layer as { bias: boolean }).bias = false)],
  ['the batch in front', (layer) => ((layer as { batchFirst: boolean }).batchFirst = true)],
  ['a state dict', (layer) => layer.loadStateDict(new LSTM(3, 2).stateDict())],
  ['training mode', (layer) => layer.eval()],
])('what a layer reads of itself changes after a call: %s', (_, change) => {
  const layer = new LSTM(3, 2);
  const x = randn([4, 5, 3]);
  noGrad(() => {
    check(layer, x);
    check(layer, x);
    change(layer);
    check(layer, x);
    check(layer, x);
  });
});

test('a gradient that is wanted is there, of weights, input and state', () => {
  const layer = new GRU(3, 2);
  const x = randn([4, 5, 3]);
  noGrad(() => check(layer, x));
  layer.forward(x)[0].sum().backward();
  expect(layer.weight_hh_l0.grad?.shape).toEqual([6, 2]);
  layer.requiresGrad_(false);
  check(layer, x);
  for (const [input, state] of [
    [randn([4, 5, 3], { requiresGrad: true }), randn([1, 5, 2])],
    [x, randn([1, 5, 2], { requiresGrad: true })],
  ]) {
    check(layer, x, randn([1, 5, 2]));
    layer.forward(input, state)[0].sum().backward();
    expect((input.requiresGrad ? input : state).grad).toBeDefined();
  }
  layer.weight_ih_l0.requiresGrad = true;
  layer.forward(x)[0].sum().backward();
  expect(layer.weight_ih_l0.grad).toBeDefined();
});

test('what watches a call sees it: modes, observers, a trace around it', () => {
  const layer = new LSTM(3, 2);
  const x = randn([4, 5, 3]);
  noGrad(() => {
    check(layer, x);
    const seen: ObservedStates[] = [];
    observeStates(
      (states) => seen.push(states),
      () => layer.forward(x),
    );
    expect(seen).toHaveLength(1);
    const infinite = layer.clone();
    infinite.weight_hh_l0.copy_(infinite.weight_hh_l0.mul(Infinity)); // times a state of zeros
    infinite.forward(x);
    expect(() => anomaly(() => infinite.forward(x))).toThrow(AnomalyError);
    const before = compileCacheInfo().traces.hits;
    setCompileMode('never');
    try {
      layer.forward(x);
    } finally {
      setCompileMode('auto');
    }
    expect(compileCacheInfo().traces.hits).toBe(before);
    const last = compileFn((rows: Tensor) => layer.forward(rows.unsqueeze(0))[0].squeeze(0));
    const rows = randn([5, 3]);
    layer.forward(rows.unsqueeze(0));
    expect([...last(rows).dataSync()]).toEqual([...layer.forward(rows.unsqueeze(0))[0].dataSync()]);
  });
});

test('another backend, and mistakes after a call that was none', async () => {
  const layer = new LSTM(3, 2);
  const other = await cpu();
  noGrad(() => {
    const x = randn([4, 5, 3]);
    check(layer, x);
    expect(() => layer.forward(x.to(other))).toThrow(/weights|parameters/);
    layer.to(other);
    check(layer, x.to(other));
    expect(() => layer.forward(x)).toThrow(/parameters/);
    const y = x.to(other);
    expect(() => layer.forward(randn([4, 5, 2], { backend: other }))).toThrow(ShapeError);
    expect(() =>
      layer.forward(y, [randn([1, 4, 2], { backend: other }), randn([1, 5, 2], { backend: other })]),
    ).toThrow(ShapeError);
    expect(() => layer.forward(y, null as never)).toThrow(/h0, c0/);
    (layer as { inputSize: number }).inputSize = 4;
    expect(() => layer.forward(y)).toThrow(ShapeError);
    (layer as { inputSize: number }).inputSize = 3;
    check(layer, y);
    y.dispose();
    expect(() => layer.forward(y)).toThrow(DisposedError);
    layer.weight_hh_l0.dispose();
    expect(() => layer.forward(randn([4, 5, 3], { backend: other }))).toThrow(DisposedError);
  });
});

import { cpu } from '@rnn/backend-cpu';
import {
  bindScan,
  compileCacheInfo,
  getBackend,
  manualSeed,
  noGrad,
  randn,
  setBackend,
  ShapeError,
  zeros,
  type Tensor,
} from '@rnn/core';
import { beforeEach, expect, test } from 'vitest';
import {
  Bidirectional,
  GRUCell,
  LSTMCell,
  observeStates,
  Parameter,
  Recurrent,
  type LSTMState,
  type ObservedStates,
} from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
});

const flat = (value: unknown): Tensor[] => (Array.isArray(value) ? value.flatMap(flat) : [value as Tensor]);
type Layer = Recurrent<LSTMState> | Recurrent | Bidirectional<LSTMState> | Bidirectional;

/** The call that comes by itself gives what single operations give. */
function check(layer: Layer, x: Tensor, state?: unknown, options?: object): void {
  const run = (more?: object): unknown => (layer as Recurrent).forward(x, state as Tensor, more);
  const [made, plain] = [flat(run(options)), flat(run({ ...options, compile: 'never' }))];
  expect(made.map(({ shape }) => shape)).toEqual(plain.map(({ shape }) => shape));
  made.forEach((tensor, i) => {
    const expected = plain[i].dataSync();
    tensor.dataSync().forEach((value, k) => expect(value).toBeCloseTo(expected[k], 5));
  });
}

const pair = (): LSTMState => [randn([2, 4]), randn([2, 4])];
const cases: readonly [string, () => Layer, () => unknown][] = [
  ['Recurrent of LSTMCell', () => new Recurrent(new LSTMCell(3, 4)), pair],
  ['Recurrent of GRUCell', () => new Recurrent(new GRUCell(3, 4)), () => randn([2, 4])],
  ['Bidirectional', () => new Bidirectional(new LSTMCell(3, 4), new LSTMCell(3, 4)), () => [pair(), pair()]],
];

test.each(cases)('%s: later calls give what single operations give, whatever the sequence', (_, make, state) => {
  const layer = make();
  noGrad(() => {
    for (const steps of [4, 4, 6, 1, 4]) {
      check(layer, randn([steps, 2, 3]));
      check(layer, randn([steps, 2, 3]), state());
    }
    check(layer, randn([4, 5, 3]));
    check(layer, randn([4, 3]));
    check(layer, randn([4, 2, 3]), undefined, { lengths: [3, 4] });
    if (layer instanceof Recurrent)
      for (let i = 0; i < 3; i++) check(layer, randn([4, 2, 3]), state(), { reverse: true });
    check(layer, randn([4, 2, 3]), state());
  });
});

test.each(cases)('%s: a call that comes again asks no trace but once for each cell, and leaves nothing', (_, make) => {
  const layer = make();
  const x = randn([4, 2, 3]);
  const call = (): void => noGrad(() => flat((layer as Recurrent).forward(x)).forEach((tensor) => tensor.dispose()));
  for (let i = 0; i < 3; i++) call();
  const [before, memory] = [compileCacheInfo().traces, getBackend().memory()];
  for (let i = 0; i < 3; i++) call();
  const after = compileCacheInfo().traces;
  expect([after.misses - before.misses, after.hits - before.hits]).toEqual([0, layer instanceof Recurrent ? 3 : 6]);
  expect(getBackend().memory()).toEqual(memory);
});

test.each<[string, (layer: Recurrent<LSTMState>, cell: LSTMCell) => unknown]>([
  ['values in place', (_, cell) => cell.weight_hh.copy_(randn([16, 4]))],
  ['another parameter', (_, cell) => (cell.weight_ih = new Parameter(randn([16, 3])))],
  ['no bias', (_, cell) => (cell.bias_ih = undefined)],
  ['another cell', (layer) => ((layer as { cell: object }).cell = new LSTMCell(3, 4))],
  ['the batch in front', (layer) => ((layer as { batchFirst: boolean }).batchFirst = true)],
  [
    'another first state',
    (_, cell) => (cell.initialState = (batch) => [zeros([batch ?? 1, 4]).add(1), zeros([batch ?? 1, 4])]),
  ],
  ['no promise', (_, cell) => Object.defineProperty(cell, 'pure', { value: false })],
])('what a run reads changes after a call: %s', (_, change) => {
  const cell = new LSTMCell(3, 4);
  const layer = new Recurrent<LSTMState>(cell);
  const x = randn([2, 2, 3]);
  noGrad(() => {
    for (let i = 0; i < 3; i++) check(layer, x);
    change(layer, cell);
    for (let i = 0; i < 3; i++) check(layer, x);
  });
});

test('a first state that is drawn is drawn once for each call', () => {
  let calls = 0;
  class Started extends GRUCell {
    override initialState(batch = 1): Tensor {
      calls++;
      return randn([calls === 4 ? batch + 1 : batch, 4]);
    }
  }
  const layer = new Recurrent(new Started(3, 4));
  noGrad(() => {
    for (let i = 0; i < 3; i++) layer.forward(randn([4, 2, 3]));
    expect(calls).toBe(3);
    expect(() => layer.forward(randn([4, 2, 3]))).toThrow(ShapeError);
    layer.forward(randn([4, 2, 3]));
    expect(calls).toBe(5);
  });
});

test('what is no call of the kind goes the general way', () => {
  const layer = new Recurrent<LSTMState>(new LSTMCell(3, 4));
  const x = randn([4, 2, 3]);
  noGrad(() => {
    for (let i = 0; i < 3; i++) check(layer, x, pair());
    expect(() => layer.forward(x, randn([2, 4]) as never)).toThrow(/\[h, c\]|state/);
    expect(() => layer.forward(x, [randn([2, 4])] as never)).toThrow(/\[h, c\]|state/);
    expect(() => layer.forward(x, null as never)).toThrow(/h0/);
    expect(() => layer.forward(randn([4, 2, 2]), pair())).toThrow(ShapeError);
    expect(() => layer.forward(x, pair(), { reverse: 1 as never })).toThrow(/reverse/);
    const seen: ObservedStates[] = [];
    observeStates(
      (states) => seen.push(states),
      () => layer.forward(x, pair()),
    );
    expect(seen).toHaveLength(1);
  });
  layer.forward(x, pair())[0].sum().backward();
  expect(flat(layer.parameters()).every(({ grad }) => grad !== undefined)).toBe(true);
});

test('bindScan refuses shapes that are not those of the scan', () => {
  const [xs, h] = [randn([4, 2, 3]), randn([2, 3])];
  const step = (x: Tensor, before: Tensor): readonly [Tensor, Tensor] => [x, before.add(x)];
  const shapes = { xs, batch: [2], state: [h], last: [[2, 3]] };
  const bind = (more: object): unknown => bindScan(step, xs, h, { parameters: {} }, { ...shapes, ...more });
  for (const [more, message] of [
    [{ xs: randn([2, 4, 3]) }, /shapes\.xs has shape \[2, 4, 3\]/],
    [{ xs: [1] }, /shapes\.xs/],
    [{ batch: [3] }, /shapes\.batch has shape \[3\]/],
    [{ batch: 2 }, /shape/],
    [{ state: [h, h] }, /shapes\.state is a list of 2/],
    [{ state: [randn([2, 4])] }, /shapes\.state\[0\] has shape \[2, 4\]/],
    [{ last: [] }, /shapes\.last is a list of 0/],
    [{ last: [[2, 4]] }, /shapes\.last\[0\] has shape \[2, 4\]/],
    [{ length: 4 }, /length/],
  ] as const)
    expect(() => bind(more)).toThrow(message);
  noGrad(() => {
    expect(bind({})).toBeUndefined(); // it never ran
  });
});

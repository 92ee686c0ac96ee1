import { cpu } from '@rnn/backend-cpu';
import {
  anomaly,
  AnomalyError,
  compileCacheInfo,
  DisposedError,
  getBackend,
  manualSeed,
  noGrad,
  randn,
  setBackend,
  setCompileMode,
  ShapeError,
  Tensor,
} from '@rnn/core';
import { beforeEach, expect, test } from 'vitest';
import {
  GRUCell,
  LSTMCell,
  MGUCell,
  MinGRUCell,
  Parameter,
  PeepholeLSTMCell,
  RNNCell,
  type LSTMState,
} from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
});

interface AnyCell {
  forward(x: Tensor, state?: Tensor | LSTMState): Tensor | readonly Tensor[];
}

const listOf = (state: Tensor | readonly Tensor[]): readonly Tensor[] => (state instanceof Tensor ? [state] : state);
const numbersOf = (state: Tensor | readonly Tensor[]): number[] => listOf(state).flatMap((t) => [...t.dataSync()]);

/** A step in the way that comes by itself gives what single operations give. */
function check(cell: object, x: Tensor, state: Tensor | LSTMState): void {
  const made = numbersOf((cell as AnyCell).forward(x, state));
  setCompileMode('never');
  try {
    const plain = numbersOf((cell as AnyCell).forward(x, state));
    made.forEach((value, i) => expect(value).toBeCloseTo(plain[i], 5));
    expect(made).toHaveLength(plain.length);
  } finally {
    setCompileMode('auto');
  }
}

const pair = (): LSTMState => [randn([5, 2]), randn([5, 2])];

test.each<[string, () => object, () => Tensor | LSTMState]>([
  ['RNNCell', () => new RNNCell(3, 2), () => randn([5, 2])],
  ['GRUCell', () => new GRUCell(3, 2), () => randn([5, 2])],
  ['LSTMCell', () => new LSTMCell(3, 2), pair],
  ['PeepholeLSTMCell', () => new PeepholeLSTMCell(3, 2), pair],
  ['MGUCell', () => new MGUCell(3, 2), () => randn([5, 2])],
  ['MinGRUCell', () => new MinGRUCell(3, 2), () => randn([5, 2])],
  ['GRUCell with dropout', () => new GRUCell(3, 2, { recurrentDropout: 0.5 }).eval(), () => randn([5, 2])],
])('%s: later steps give what single operations give, and no trace is looked for', (_, make, state) => {
  const cell = make();
  noGrad(() => {
    for (let i = 0; i < 3; i++) check(cell, randn([5, 3]), state());
    const [x, before] = [randn([5, 3]), state()];
    const memory = getBackend().memory();
    const { misses } = compileCacheInfo().traces;
    for (const tensor of listOf((cell as AnyCell).forward(x, before))) tensor.dispose();
    expect(compileCacheInfo().traces.misses).toBe(misses);
    expect(getBackend().memory()).toEqual(memory);
  });
});

test('more cells than are kept in a list are bound each', () => {
  noGrad(() => {
    const cells = Array.from({ length: 20 }, () => new LSTMCell(3, 2));
    for (let round = 0; round < 3; round++) for (const cell of cells) check(cell, randn([5, 3]), pair());
  });
});

test.each<[string, (cell: LSTMCell) => unknown]>([
  ['values in place', (cell) => cell.weight_hh.copy_(randn([8, 2]))],
  ['another parameter', (cell) => (cell.weight_ih = new Parameter(randn([8, 3])))],
  ['two parameters exchanged', (cell) => ([cell.bias_ih, cell.bias_hh] = [cell.bias_hh, cell.bias_ih])],
  ['one parameter in two places', (cell) => (cell.bias_ih = cell.bias_hh)],
  ['no bias', (cell) => (cell.bias_ih = undefined)],
  ['a state dict', (cell) => cell.loadStateDict(new LSTMCell(3, 2).stateDict())],
  ['evaluation mode', (cell) => cell.eval()],
  ['a field that was not there', (cell) => Object.assign(cell, { extra: randn([3]) })],
  [
    'a step of its own',
    (cell) => Object.assign(cell, { step: (_: Tensor, [h, c]: LSTMState) => [h.mul(2), c.add(1)] }),
  ],
  ['a promise taken back', (cell) => Object.defineProperty(cell, 'pure', { value: false })],
  ['another class', (cell) => Reflect.setPrototypeOf(cell, PeepholeLess.prototype)],
])('what a cell reads of itself changes after a step: %s', (_, change) => {
  const cell = new LSTMCell(3, 2);
  const [x, state] = [randn([5, 3]), pair()];
  noGrad(() => {
    for (let i = 0; i < 3; i++) check(cell, x, state);
    change(cell);
    for (let i = 0; i < 3; i++) check(cell, x, state);
  });
});

/** Its step does something else with the same fields. */
class PeepholeLess extends LSTMCell {
  protected override step(x: Tensor, [h, c]: LSTMState): [Tensor, Tensor] {
    const [next, cell] = super.step(x, [h, c]);
    return [next.mul(3), cell];
  }
}

class Scaled extends RNNCell {
  #scale = 2;
  factors = { inner: 1 };

  get scale(): number {
    return this.#scale;
  }

  set scale(value: number) {
    this.#scale = value;
  }

  protected override step(x: Tensor, h: Tensor): Tensor {
    return super.step(x, h).mul(this.scale * this.factors.inner);
  }
}

test('a cell of a subclass: numbers behind accessors and in objects are seen', () => {
  const cell = new Scaled(3, 2);
  const [x, h] = [randn([5, 3]), randn([5, 2])];
  noGrad(() => {
    for (const change of [() => undefined, () => (cell.scale = 5), () => (cell.factors.inner = -1)]) {
      change();
      for (let i = 0; i < 3; i++) check(cell, x, h);
    }
  });
});

test('dropout acts again in training mode', () => {
  const cell = new GRUCell(3, 2, { recurrentDropout: 0.9 }).eval();
  const [x, h] = [randn([5, 3]), randn([5, 2])];
  noGrad(() => {
    const steps = (): number[][] => Array.from({ length: 4 }, () => numbersOf(cell.forward(x, h)));
    expect(new Set(steps().map(String)).size).toBe(1);
    cell.train();
    expect(new Set(steps().map(String)).size).toBeGreaterThan(1);
  });
});

test('a gradient that is wanted is there, of weights, input and state', () => {
  const cell = new GRUCell(3, 2);
  const [x, h] = [randn([5, 3]), randn([5, 2])];
  noGrad(() => [check(cell, x, h), check(cell, x, h)]);
  cell.forward(x, h).sum().backward();
  expect(cell.weight_hh.grad?.shape).toEqual([6, 2]);
  cell.requiresGrad_(false);
  for (let i = 0; i < 2; i++) check(cell, x, h);
  const input = randn([5, 3], { requiresGrad: true });
  cell.forward(input, h).sum().backward();
  expect(input.grad).toBeDefined();
  const state = randn([5, 2], { requiresGrad: true });
  cell.forward(x, state).sum().backward();
  expect(state.grad).toBeDefined();
  cell.weight_ih.requiresGrad = true;
  cell.forward(x, h).sum().backward();
  expect(cell.weight_ih.grad).toBeDefined();
});

test('another backend, a NaN that is looked for, and mistakes after a step that was none', async () => {
  const other = await cpu();
  const cell = new LSTMCell(3, 2);
  const [x, state] = [randn([5, 3]), pair()];
  noGrad(() => {
    for (let i = 0; i < 2; i++) check(cell, x, state);
    expect(() => anomaly(() => cell.forward(x.mul(NaN), state))).toThrow(AnomalyError);
    expect(() => cell.forward(randn([5, 2]), state)).toThrow(ShapeError);
    expect(() => cell.forward(x, [randn([4, 2]), state[1]])).toThrow(ShapeError);
    expect(() => cell.forward(x, null as never)).toThrow(/\[h, c\]/);
    expect(() => cell.forward([1, 2, 3] as never, state)).toThrow(/input/);
    expect(() => new RNNCell(3, 2).forward(x, null as never)).toThrow(/h is null/);
    expect(() => cell.forward(x.to(other), state)).toThrow(/backend/);
    cell.to(other);
    const [y, moved] = [x.to(other), [state[0].to(other), state[1].to(other)] as const];
    for (let i = 0; i < 2; i++) check(cell, y, moved);
    expect(() => cell.forward(x, state)).toThrow(/backend/);
    y.dispose();
    expect(() => cell.forward(y, moved)).toThrow(DisposedError);
    cell.weight_hh.dispose();
    expect(() => cell.forward(x.to(other), moved)).toThrow(DisposedError);
  });
});

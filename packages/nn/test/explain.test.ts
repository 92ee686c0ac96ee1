import { cpu } from '@rnn/backend-cpu';
import {
  defaultGenerator,
  getBackend,
  linear,
  manualSeed,
  noGrad,
  randn,
  setBackend,
  stack,
  tanh,
  zeros,
  type Tensor,
} from '@rnn/core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  Bidirectional,
  Dropout,
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  MinGRUCell,
  MinLSTMCell,
  Module,
  Parameter,
  Recurrent,
  RNN,
} from '../src/index.js';
import { expectClose } from './close.js';

beforeAll(async () => setBackend(await cpu()));
beforeEach(() => void manualSeed(1));

const [T, B, I, H] = [5, 4, 3, 2];
const sequence = (): Tensor => randn([T, B, I]);

describe('explain', () => {
  it('has an entry for each layer and direction', () => {
    const lstm = new LSTM(I, H, { numLayers: 2, bidirectional: true });
    const entries = lstm.explain(sequence(), undefined, { lengths: [5, 0, 3, 1], record: ['c'] });
    expect(entries.map(({ name }) => name)).toEqual(['l0', 'l0_reverse', 'l1', 'l1_reverse']);
    for (const { mode, reason, products } of entries) {
      expect([mode, reason, products]).toEqual(['compiled', undefined, { before: 1, loop: 1, after: 0 }]);
    }
    expect(entries[0].text).toContain('first to last');
    expect(entries[1].text).toContain('last to first');
    expect(entries[2].text).toContain(`xs : ${2 * H}`);
  });

  it('shows the backward programs where a gradient is wanted', () => {
    const layer = new RNN(I, H, { numLayers: 2 });
    for (const { text } of layer.explain(sequence())) expect(text).toContain('backward, loop:');
    for (const { text } of noGrad(() => layer.explain(sequence()))) expect(text).not.toContain('backward');
  });

  it('computes, draws and keeps nothing', () => {
    const layer = new GRU(I, H, { numLayers: 2, dropout: 0.5, batchFirst: true });
    const x = randn([B, T, I]);
    const [count, generator] = [getBackend().memory().storages, defaultGenerator().state()];
    layer.explain(x);
    expect(getBackend().memory().storages).toBe(count);
    expect(defaultGenerator().state()).toEqual(generator);
  });

  it('of cells, and why one goes step by step', () => {
    class Curious extends Module {
      forward(x: Tensor, h: Tensor): Tensor {
        return h.add(x.sum().item());
      }
    }
    const [entry] = new Recurrent(new Curious()).explain(sequence(), zeros([B, I]));
    expect([entry.name, entry.mode]).toEqual(['cell', 'eager']);
    expect(entry.reason).toMatch(/reads numbers/);
    const both = new Bidirectional(new GRUCell(I, H), new GRUCell(I, H)).explain(sequence());
    expect(both.map(({ name, mode, products }) => [name, mode, products.before])).toEqual([
      ['forwardCell', 'compiled', 1],
      ['backwardCell', 'compiled', 1],
    ]);
  });

  it('refuses what forward refuses', () => {
    expect(() => new LSTM(I, H).explain(randn([T, B, H]))).toThrow(
      'LSTM: input has shape [5, 4, 2], expected [T, B, 3]; inputSize is 3, and the last dimension has 2 features',
    );
    expect(() => new GRU(I, H).explain(sequence(), undefined, { record: ['i'] })).toThrow(/record has the name 'i'/);
  });
});

/** A cell of one's own, with dropout in its step; counts its calls. */
class Counting extends Module {
  w = new Parameter(randn([H, I]));
  u = new Parameter(randn([H, H]));
  drop: Dropout;
  scale = 1;
  calls = { count: 0 };

  constructor(perSequence = false) {
    super();
    this.drop = new Dropout(0.4, { perSequence });
  }

  forward(x: Tensor, h: Tensor): Tensor {
    this.#called();
    return tanh(linear(x, this.w).add(linear(this.drop.forward(h), this.u))).mul(this.scale * outside);
  }

  readonly #counter = { count: 0 };

  #called(): void {
    this.#counter.count++;
  }

  /** How often the step was called since the last time that this was asked. */
  taken(): number {
    const { count } = this.#counter;
    this.#counter.count = 0;
    return count;
  }
}

/** Something that a step may depend on without anybody knowing. */
let outside = 1;

class Promising extends Counting {
  readonly pure = true;
}

describe('a trace serves again', () => {
  const run = (cell: Counting): Tensor => new Recurrent(cell).forward(sequence(), zeros([B, H]))[0];

  it('only if the cell says so', () => {
    const cell = new Counting();
    run(cell);
    cell.taken();
    run(cell);
    expect(cell.taken()).toBeGreaterThan(0);
    const promising = new Promising();
    run(promising);
    promising.taken();
    run(promising);
    expect(promising.taken()).toBe(0);
  });

  it('for each of many cells that are plain objects', () => {
    let calls = 0;
    const cells = Array.from({ length: 20 }, (_, k) => ({
      pure: true,
      forward: (x: Tensor, h: Tensor): Tensor => {
        calls++;
        return h.mul(0.5).add(x.mul(k));
      },
    }));
    const x = randn([3, B, H]);
    const outputs = (): Tensor[] => cells.map((cell) => new Recurrent(cell).forward(x, zeros([B, H]))[0]);
    const first = outputs();
    calls = 0;
    outputs().forEach((output, k) => expectClose(output, first[k]));
    expect(calls).toBe(0);
  });

  it('without the promise, what lies outside of the cell counts at each call', () => {
    const cell = new Counting().eval();
    const x = sequence();
    const [once] = new Recurrent(cell).forward(x, zeros([B, H]));
    outside = -1;
    const [other] = new Recurrent(cell).forward(x, zeros([B, H]));
    outside = 1;
    const [again] = new Recurrent(cell).forward(x, zeros([B, H]));
    expectClose(again, once);
    expectClose(other.select(0, 0), once.select(0, 0).neg());
  });

  it('while its fields, and those of modules in it, are as they were', () => {
    const cell = new Promising();
    run(cell);
    for (const change of [
      () => (cell.scale = 2),
      () => cell.eval(),
      () => (cell.drop = new Dropout(0.1)),
      () => cell.train(),
      () => (cell.u.requiresGrad = false),
    ]) {
      cell.taken();
      change();
      run(cell);
      expect(cell.taken()).toBeGreaterThan(0);
    }
    cell.taken();
    cell.w = new Parameter(randn([H, I]));
    cell.u.copy_(randn([H, H]));
    const x = sequence();
    cell.eval();
    new Recurrent(cell).forward(x, zeros([B, H]));
    cell.taken();
    cell.w = new Parameter(randn([H, I]));
    const [output] = new Recurrent(cell).forward(x, zeros([B, H]));
    expect(cell.taken()).toBe(0);
    expectClose(output.select(0, 0), cell.forward(x.select(0, 0), zeros([B, H])));
  });

  it('for the built-in cells: their step is not called again', () => {
    class Watched extends LSTMCell {
      override forward(...given: Parameters<LSTMCell['forward']>): ReturnType<LSTMCell['forward']> {
        watched++;
        return super.forward(...given);
      }
    }
    let watched = 0;
    const layer = new Recurrent<readonly [Tensor, Tensor]>(new Watched(I, H));
    layer.forward(sequence());
    expect(watched).toBeGreaterThan(0);
    watched = 0;
    layer.forward(sequence());
    expect(watched).toBe(0);
  });
});

describe('dropout inside a step', () => {
  it('is compiled, with the draws of a loop by hand', () => {
    const cell = new Counting();
    const layer = new Recurrent(cell);
    const [x, h0] = [sequence(), randn([B, H])];
    expect(layer.explain(x, h0)[0].mode).toBe('compiled');
    manualSeed(5);
    const [output] = layer.forward(x, h0);
    manualSeed(5);
    let h = h0;
    const byHand = stack(x.unbind(0).map((step) => (h = cell.forward(step, h))));
    expectClose(output, byHand);
    cell.eval();
    expect(layer.forward(x, h0)[0].toArray()).toEqual(layer.forward(x, h0)[0].toArray());
  });

  it('with one mask for the sequence: what is dropped is dropped in every step', () => {
    const drop = new Dropout(0.5, { perSequence: true });
    const cell = { forward: (x: Tensor, h: Tensor): Tensor => drop.forward(x).add(h.mul(0)) };
    const [output] = new Recurrent(cell).forward(zeros([T, B, 8]).add(1), zeros([B, 8]));
    const [first, ...others] = output.unbind(0);
    expect(new Set(first.dataSync())).toEqual(new Set([0, 2]));
    for (const other of others) expect(other.toArray()).toEqual(first.toArray());
  });
});

it.each([
  ['MinGRU', () => new Recurrent(new MinGRUCell(3, 2)), ['elementwise']],
  ['MinLSTM', () => new Recurrent(new MinLSTMCell(3, 2)), ['elementwise']],
  ['RNN', () => new RNN(3, 2), ['nonlinear']],
  ['GRU', () => new GRU(3, 2), ['nonlinear']],
  // The forget gate depends on h, so the update of c is a product of carried values.
  ['LSTM', () => new LSTM(3, 2), ['nonlinear', 'nonlinear']],
])('says how a step of %s changes the state', (_, layer, kinds) => {
  const [{ carry, text }] = layer().explain(zeros([4, 2, 3]));
  expect(carry).toEqual(kinds);
  expect(text).toContain(`carry: ${kinds.join(', ')}`);
});

import { cpu } from '@rnn/backend-cpu';
import {
  bernoulli,
  gradcheck,
  manualSeed,
  ones,
  randn,
  setBackend,
  sigmoid,
  stack,
  tanh,
  zeros,
  type Tensor,
} from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CoupledLSTMCell,
  GRUCell,
  LayerNormGRUCell,
  LayerNormLSTMCell,
  LSTMCell,
  MGUCell,
  PeepholeLSTMCell,
  Recurrent,
  RNNCell,
  ZoneoutCell,
  type LSTMState,
  type OneStateCell,
  type TwoStateCell,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

// PyTorch's numbers for the cells, forward and backward, are cases of @rnn/conformance.
beforeAll(async () => setBackend(await cpu()));

const f64 = { dtype: 'float64' } as const;
const rows = {
  lengths: [3, 0, 2],
  reverse: true,
  resets: [
    [0, 0, 1],
    [1, 1, 0],
    [0, 0, 0],
  ],
};

const oneState: readonly (readonly [name: string, cell: () => OneStateCell])[] = [
  ['GRUCell, reset before the product', () => new GRUCell(2, 3, { ...f64, resetAfter: false })],
  ['LayerNormGRUCell', () => new LayerNormGRUCell(2, 3, { ...f64, eps: 0.1 })],
  ['MGUCell', () => new MGUCell(2, 3, f64)],
];
const twoStates: readonly (readonly [name: string, cell: () => TwoStateCell])[] = [
  ['CoupledLSTMCell', () => new CoupledLSTMCell(2, 3, f64)],
  ['LayerNormLSTMCell', () => new LayerNormLSTMCell(2, 3, { ...f64, eps: 0.1 })],
  ['PeepholeLSTMCell', () => new PeepholeLSTMCell(2, 3, f64)],
];

describe('further cells', () => {
  it.each(oneState)(
    '%s: compiled, with right derivatives, one step as the sequence, with or without a batch',
    (_, make) => {
      manualSeed(1);
      const cell = make();
      const layer = new Recurrent(cell);
      const [x, h] = [randn([3, 3, 2], f64), randn([3, 3], f64)];
      expect(layer.explain(x, h, rows)).toMatchObject([{ mode: 'compiled' }]);
      expect(gradcheck((input, state) => [...layer.forward(input, state, rows)], [x, h])).toBe(true);
      const first = cell.forward(x.select(0, 0));
      expectClose(first, layer.forward(x)[0].select(0, 0), 1e-12);
      expectClose(cell.forward(x.select(0, 0).select(0, 1)), first.select(0, 1), 1e-12);
    },
  );

  it.each(twoStates)(
    '%s: compiled, with right derivatives, one step as the sequence, with or without a batch',
    (_, make) => {
      manualSeed(1);
      const cell = make();
      const layer = new Recurrent(cell);
      const [x, h, c] = [randn([3, 3, 2], f64), randn([3, 3], f64), randn([3, 3], f64)];
      expect(layer.explain(x, [h, c], rows)).toMatchObject([{ mode: 'compiled' }]);
      const run = (input: Tensor, h0: Tensor, c0: Tensor): Tensor[] => {
        const [output, last] = layer.forward(input, [h0, c0], rows);
        return [output, ...last];
      };
      expect(gradcheck(run, [x, h, c])).toBe(true);
      const [first] = cell.forward(x.select(0, 0));
      expectClose(first, layer.forward(x)[0].select(0, 0), 1e-12);
      expectClose(cell.forward(x.select(0, 0).select(0, 1))[0], first.select(0, 1), 1e-12);
    },
  );

  it('have their parameters under their names, drawn as the others are', () => {
    const shapes = (cell: OneStateCell | TwoStateCell): Record<string, readonly number[]> =>
      Object.fromEntries(cell.namedParameters().map(([name, { shape }]) => [name, shape]));
    expect(shapes(new MGUCell(2, 3, { bias: false }))).toEqual({ weight_ih: [6, 2], weight_hh: [6, 3] });
    expect(shapes(new CoupledLSTMCell(2, 3))).toMatchObject({ weight_ih: [9, 2], bias_hh: [9] });
    expect(shapes(new PeepholeLSTMCell(2, 3))).toMatchObject({ weight_hh: [12, 3], weight_ci: [3], weight_co: [3] });
    expect(shapes(new LayerNormLSTMCell(2, 3, { bias: false }))).toEqual({
      weight_ih: [12, 2],
      weight_hh: [12, 3],
      'norm_ih.weight': [12],
      'norm_hh.weight': [12],
      'norm_c.weight': [3],
    });
    const norm = new LayerNormGRUCell(2, 3);
    norm.norm_hh.weight?.copy_(zeros([6]));
    norm.resetParameters();
    expectClose(norm.norm_hh.weight, ones([6]), 0);
    expectClose(norm.norm_in.bias, zeros([3]), 0);
    const peephole = new PeepholeLSTMCell(2, 4);
    for (const parameter of peephole.parameters()) {
      const numbers = parameter.dataSync();
      expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(0.5);
      expect(new Set(numbers).size).toBeGreaterThan(1);
    }
  });

  it.each<[string, () => OneStateCell | TwoStateCell, readonly string[]]>([
    ['GRUCell', () => new GRUCell(2, 3, { resetAfter: false }), ['r', 'z', 'n', 'h']],
    ['LayerNormGRUCell', () => new LayerNormGRUCell(2, 3), ['r', 'z', 'n', 'h']],
    ['MGUCell', () => new MGUCell(2, 3), ['f', 'n', 'h']],
    ['CoupledLSTMCell', () => new CoupledLSTMCell(2, 3), ['i', 'g', 'o', 'c', 'h']],
    ['LayerNormLSTMCell', () => new LayerNormLSTMCell(2, 3), ['i', 'f', 'g', 'o', 'c', 'h']],
    ['PeepholeLSTMCell', () => new PeepholeLSTMCell(2, 3), ['i', 'f', 'g', 'o', 'c', 'h']],
  ])('%s shows its gates', (_, make, record) => {
    const layer = new Recurrent<Tensor | LSTMState>(make() as never);
    const [output, , records] = layer.forward(randn([4, 2, 2]), undefined, { record });
    expect(Object.keys(records)).toEqual(record);
    for (const name of record) expect(records[name].shape).toEqual([4, 2, 3]);
    expectClose(records.h, output, 0);
  });

  it('do what their plain relatives do where what tells them apart is nothing', () => {
    manualSeed(2);
    const peephole = new PeepholeLSTMCell(2, 3);
    for (const weight of [peephole.weight_ci, peephole.weight_cf, peephole.weight_co]) weight.copy_(zeros([3]));
    const plain = new LSTMCell(2, 3);
    plain.loadStateDict(peephole.stateDict(), { strict: false });
    const x = randn([4, 2]);
    expectClose(peephole.forward(x)[0], plain.forward(x)[0]);
    const gru = new GRUCell(2, 3);
    const before = new GRUCell(2, 3, { resetAfter: false });
    before.loadStateDict(gru.stateDict());
    expect(before.forward(x).sub(gru.forward(x)).abs().max().item()).toBeGreaterThan(1e-3); // b_hn stands outside of the reset gate
    gru.bias_hh?.copy_(zeros([9]));
    before.loadStateDict(gru.stateDict());
    expectClose(before.forward(x), gru.forward(x)); // from a state of zeros
  });
});

describe('zoneout', () => {
  const x = (): Tensor => randn([6, 4, 2]);

  it('is the expected state in evaluation mode', () => {
    manualSeed(3);
    const cell = new LSTMCell(2, 3);
    const zoned = new ZoneoutCell(cell, { p: [0.25, 0.5] }).eval();
    const input = randn([4, 2]);
    const state: [Tensor, Tensor] = [randn([4, 3]), randn([4, 3])];
    const [h, c] = cell.forward(input, state);
    const [hZoned, cZoned] = zoned.forward(input, state);
    expectClose(hZoned, state[0].mul(0.25).add(h.mul(0.75)));
    expectClose(cZoned, state[1].mul(0.5).add(c.mul(0.5)));
  });

  it('in training keeps each unit as it was or lets it go on, in the given share', () => {
    manualSeed(4);
    const cell = new GRUCell(2, 50);
    const zoned = new ZoneoutCell(cell, { p: 0.3 });
    const [input, h] = [randn([40, 2]), randn([40, 50])];
    const [next, free] = [zoned.forward(input, h), cell.forward(input, h)];
    const kept = next.eq(h);
    expectClose(next, h.where(kept, free), 0);
    expect(kept.mean().item()).toBeCloseTo(0.3, 1);
  });

  it('draws anew in each step, from the seed, compiled as in a loop', () => {
    manualSeed(5);
    const zoned = new ZoneoutCell(new GRUCell(2, 3), { p: 0.5 });
    const input = x();
    const layer = new Recurrent(zoned);
    expect(layer.explain(input)).toMatchObject([{ mode: 'compiled' }]);
    manualSeed(6);
    const [output] = layer.forward(input);
    manualSeed(6);
    let h = zeros([4, 3]);
    expectClose(output, stack(input.unbind(0).map((each) => (h = zoned.forward(each, h)))));
    expect(output.sub(layer.forward(input)[0]).abs().max().item()).toBeGreaterThan(0.01);
    layer.eval();
    expectClose(layer.forward(input)[0], layer.forward(input)[0], 0);
  });

  it('with 0 and 1 is the cell itself and a standstill', () => {
    const cell = new MGUCell(2, 3);
    const input = x();
    expectClose(
      new Recurrent(new ZoneoutCell(cell, { p: 0 })).forward(input)[0],
      new Recurrent(cell).forward(input)[0],
      0,
    );
    const h0 = randn([4, 3]);
    expectClose(new Recurrent(new ZoneoutCell(cell, { p: 1 })).forward(input, h0)[1], h0, 0);
  });

  it('goes around any cell, and has its parameters and its first state', () => {
    const decay = { forward: (each: Tensor, h: Tensor): Tensor => h.mul(0.5).add(each) };
    const zoned = new ZoneoutCell(decay, { p: 0.5 }).eval();
    expect(zoned.initialState).toBeUndefined();
    expectClose(new Recurrent(zoned).forward(ones([2, 2]), zeros([2]))[1], [0.875, 0.875]);
    expect(Object.keys(new ZoneoutCell(new RNNCell(2, 3, { bias: false }), { p: 0.5 }).stateDict())).toEqual([
      'cell.weight_ih',
      'cell.weight_hh',
    ]);
  });
});

describe('recurrent dropout', () => {
  it('of the state: one mask for a sequence, or one for each step', () => {
    const x = randn([5, 4, 2]);
    for (const perSequence of [true, false]) {
      manualSeed(7);
      const cell = new RNNCell(2, 3, { recurrentDropout: { p: 0.5, perSequence } });
      manualSeed(8);
      const [output] = new Recurrent(cell).forward(x);
      manualSeed(8);
      let h = zeros([4, 3]);
      let mask = perSequence ? bernoulli(h, 0.5).mul(2) : undefined;
      const expected = x.unbind(0).map((each) => {
        if (!perSequence) mask = bernoulli(h, 0.5).mul(2);
        const dropped = h.mul(mask as Tensor);
        const sums = each.matmul(cell.weight_ih.t()).add(dropped.matmul(cell.weight_hh.t()));
        h = tanh(sums.add(cell.bias_ih as Tensor).add(cell.bias_hh as Tensor));
        return h;
      });
      expectClose(output, stack(expected));
    }
  });

  it('of candidates loses nothing remembered: the cell state is what the forget gate leaves, or that and the double', () => {
    manualSeed(9);
    const cell = new LSTMCell(2, 30, { recurrentDropout: 0.5 });
    const [x, h, c] = [randn([4, 2]), randn([4, 30]), randn([4, 30])];
    const [, dropped] = cell.forward(x, [h, c]);
    cell.eval();
    const [, whole] = cell.forward(x, [h, c]);
    const sums = x.matmul(cell.weight_ih.t()).add(h.matmul(cell.weight_hh.t()));
    const f = sigmoid(sums.add(cell.bias_ih as Tensor).add(cell.bias_hh as Tensor)).chunk(4, -1)[1];
    const left = f.mul(c);
    const isLeft = dropped.sub(left).abs().lt(1e-6);
    expectClose(dropped, left.where(isLeft, whole.mul(2).sub(left)), 1e-5);
    expect(isLeft.mean().item()).toBeGreaterThan(0.3);
    expect(isLeft.mean().item()).toBeLessThan(0.7);
  });
});

describe('mistakes', () => {
  checkRefused([
    [() => new MGUCell(0, 3), 'MGUCell: inputSize is 0, expected a whole number from 1 up'],
    [
      () => new GRUCell(2, 3, { reset_after: false } as never),
      "GRUCell: option 'reset_after' is unknown, expected one of bias, recurrentDropout, dtype, backend, resetAfter; write resetAfter",
    ],
    [
      () => new PeepholeLSTMCell(2, 3).forward(ones([4, 2]), ones([4, 3]) as never),
      'PeepholeLSTMCell: state is a Tensor of shape [4, 3], expected the array [h, c]; leave it out (undefined, not null) for zeros',
    ],
    [() => new LayerNormLSTMCell(2, 3, { eps: -1 }), /eps is -1, expected a number from 0 up/],
    [
      () => new ZoneoutCell({} as never, { p: 0.5 }),
      'ZoneoutCell: cell is an object, expected a cell with forward(x, state), such as LSTMCell',
    ],
    [() => new ZoneoutCell(new MGUCell(2, 3), { p: 1.5 }), 'ZoneoutCell: p is 1.5, expected a number from 0 to 1'],
    [
      () => new ZoneoutCell(new MGUCell(2, 3), {} as never),
      'ZoneoutCell: p is undefined, expected a number from 0 to 1',
    ],
    [
      () => new ZoneoutCell(new MGUCell(2, 3), { p: [0.1, 0.2] }).forward(ones([2])),
      "ZoneoutCell: p has length 2, expected 1, one for each tensor of the cell's state, or a number",
    ],
    [
      () => new LSTMCell(2, 3, { recurrentDropout: 2 }),
      'LSTMCell: recurrentDropout is 2, expected a number from 0 to 1',
    ],
    [
      () => new RNNCell(2, 3, { recurrentDropout: { p: 0.5, on: 'candidate' } }),
      "RNNCell: recurrentDropout.on is 'candidate', expected 'state'",
    ],
    [
      () => new LSTMCell(2, 3, { recurrentDropout: { p: 0.5, per_sequence: true } as never }),
      "LSTMCell: recurrentDropout: option 'per_sequence' is unknown, expected one of p, on, perSequence; write perSequence",
    ],
  ]);
});

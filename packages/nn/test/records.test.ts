import { cpu } from '@rnn/backend-cpu';
import {
  concat,
  getBackend,
  gradcheck,
  linear,
  manualSeed,
  noGrad,
  randn,
  scope,
  setBackend,
  sigmoid,
  softmax,
  tanh,
  tap,
  zeros,
  type Records,
  type Tensor,
} from '@rnn/core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  Bidirectional,
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  Module,
  packPaddedSequence,
  padPackedSequence,
  Parameter,
  Recurrent,
  RNN,
  RNNCell,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));
beforeEach(() => void manualSeed(1));

const [T, B, I, H] = [5, 4, 3, 2];

/**
 * What comes from the states before each step, all steps at once: `[h0, h1, ...]` without the last.
 */
const before = (states: Tensor, initial: Tensor): Tensor => concat([initial.unsqueeze(0), states.narrow(0, 0, T - 1)]);

/**
 * The formulas of PyTorch's documentation, from the weights and the outputs of all steps at once;
 * that the outputs are PyTorch's is for the conformance suite to say.
 */
describe('the recorded values are those of the formulas', () => {
  it('of an LSTM', () => {
    const lstm = new LSTM(I, H);
    const [x, h0, c0] = [randn([T, B, I]), randn([1, B, H]), randn([1, B, H])];
    const names = ['i', 'f', 'g', 'o', 'c', 'h', 'preactivation'];
    const [output, [hN, cN], records] = lstm.forward(x, [h0, c0], { record: names });
    expect(Object.keys(records)).toEqual(names);
    const sums = linear(x, lstm.weight_ih_l0, lstm.bias_ih_l0).add(
      linear(before(output, h0.squeeze(0)), lstm.weight_hh_l0, lstm.bias_hh_l0),
    );
    expectClose(records.preactivation, sums);
    const [i, f, g, o] = sums.chunk(4, -1);
    expectClose(records.i, sigmoid(i));
    expectClose(records.f, sigmoid(f));
    expectClose(records.g, tanh(g));
    expectClose(records.o, sigmoid(o));
    expectClose(
      records.c,
      sigmoid(f)
        .mul(before(records.c, c0.squeeze(0)))
        .add(sigmoid(i).mul(tanh(g))),
    );
    expectClose(records.c.select(0, T - 1), cN);
    expectClose(records.h, output);
    expectClose(output.select(0, T - 1), hN);
    expectClose(sigmoid(o).mul(tanh(records.c)), output);
  });

  it('of an LSTM with a projection: h is the projected one', () => {
    const lstm = new LSTM(I, 3, { projSize: 2 });
    const [output, , { o, c, h }] = lstm.forward(randn([T, B, I]), undefined, { record: ['o', 'c', 'h'] });
    expect([o, c, h].map((t) => t.shape)).toEqual([
      [T, B, 3],
      [T, B, 3],
      [T, B, 2],
    ]);
    expectClose(linear(o.mul(tanh(c)), lstm.weight_hr_l0), output);
    expectClose(h, output);
  });

  it('of a GRU', () => {
    const gru = new GRU(I, H);
    const [x, h0] = [randn([T, B, I]), randn([1, B, H])];
    const [output, , { r, z, n, h }] = gru.forward(x, h0, { record: ['r', 'z', 'n', 'h'] });
    const past = before(output, h0.squeeze(0));
    const [xr, xz, xn] = linear(x, gru.weight_ih_l0, gru.bias_ih_l0).chunk(3, -1);
    const [hr, hz, hn] = linear(past, gru.weight_hh_l0, gru.bias_hh_l0).chunk(3, -1);
    expectClose(r, sigmoid(xr.add(hr)));
    expectClose(z, sigmoid(xz.add(hz)));
    expectClose(n, tanh(xn.add(r.mul(hn))));
    expectClose(n.sub(n.mul(z)).add(z.mul(past)), output);
    expectClose(h, output);
  });

  it.each(['tanh', 'relu'] as const)('of an RNN with %s', (nonlinearity) => {
    const rnn = new RNN(I, H, { nonlinearity });
    const [output, , { preactivation, h }] = rnn.forward(randn([T, B, I]), undefined, {
      record: ['preactivation', 'h'],
    });
    expectClose(nonlinearity === 'tanh' ? tanh(preactivation) : preactivation.relu(), output);
    expectClose(h, output);
  });
});

describe('layers, directions and forms', () => {
  it('several layers and directions: names have the suffixes of the parameters', () => {
    const lstm = new LSTM(I, H, { numLayers: 2, bidirectional: true });
    const x = randn([T, B, I]);
    const lengths = [5, 0, 3, 1];
    const [output, [, cN], records] = lstm.forward(x, undefined, { lengths, record: ['h', 'c_l1_reverse'] });
    expect(Object.keys(records).sort()).toEqual(['c_l1_reverse', 'h_l0', 'h_l0_reverse', 'h_l1', 'h_l1_reverse']);
    expectClose(concat([records.h_l1, records.h_l1_reverse], -1), output);
    // The upper layer by itself, on what the lower one recorded.
    const upper = new LSTM(2 * H, H, { bidirectional: true });
    const state = lstm.stateDict();
    const renamed = Object.entries(state).flatMap(([name, value]) =>
      name.includes('_l1') ? [[name.replace('_l1', '_l0'), value] as const] : [],
    );
    upper.loadStateDict(Object.fromEntries(renamed));
    const [same] = upper.forward(concat([records.h_l0, records.h_l0_reverse], -1), undefined, { lengths });
    expectClose(same, output);
    // In reverse the first step is the last one that a row computes.
    expectClose(records.c_l1_reverse.select(0, 0), cN.select(0, 3));
  });

  it('one layer: with and without the suffix', () => {
    const gru = new GRU(I, H);
    const [, , records] = gru.forward(randn([T, B, I]), undefined, { record: ['z', 'z_l0'] });
    expectClose(records.z, records.z_l0);
  });

  it('past the end of a row they are zero, whatever stands in the padding', () => {
    const lstm = new LSTM(I, H);
    const x = randn([T, B, I]);
    const [, , { i, c }] = lstm.forward(x, undefined, { lengths: [5, 0, 3, 1], record: ['i', 'c'] });
    for (const t of [i, c]) {
      expect(
        t
          .select(1, 1)
          .dataSync()
          .every((value) => value === 0),
      ).toBe(true);
      expect(
        t
          .select(1, 3)
          .narrow(0, 1, 4)
          .dataSync()
          .every((value) => value === 0),
      ).toBe(true);
      expect(
        t
          .select(1, 0)
          .dataSync()
          .every((value) => value !== 0),
      ).toBe(true);
    }
  });

  it('they lie as the output does: batch first, without a batch; for a packed input they are padded', () => {
    const gru = new GRU(I, H);
    const turned = new GRU(I, H, { batchFirst: true });
    turned.loadStateDict(gru.stateDict());
    const x = randn([T, B, I]);
    const record = ['r', 'h'];
    const [, , { r }] = gru.forward(x, undefined, { record });
    expectClose(turned.forward(x.transpose(0, 1), undefined, { record })[2].r.transpose(0, 1), r);
    expectClose(gru.forward(x.select(1, 2), undefined, { record })[2].r, r.select(1, 2));
    const lengths = [5, 4, 2, 1];
    const [packed, , records] = gru.forward(packPaddedSequence(x, lengths), undefined, { record });
    expectClose(records.h, padPackedSequence(packed)[0]);
  });

  it('without record the result is what it was', () => {
    const x = randn([T, B, I]);
    expect(new LSTM(I, H).forward(x)).toHaveLength(2);
    expect(new GRU(I, H).forward(x, undefined, { lengths: [5, 5, 1, 0] })).toHaveLength(2);
    expect(new Recurrent(new GRUCell(I, H)).forward(x)).toHaveLength(2);
    expect(new RNN(I, H).forward(x, undefined, { record: [] })[2]).toEqual({});
  });

  it('everything else is freed', () => {
    const lstm = new LSTM(I, H, { numLayers: 2 });
    const x = randn([T, B, I]);
    const count = getBackend().memory().storages;
    const results = noGrad(() => lstm.forward(x, undefined, { record: ['c', 'i_l0'] }));
    const [output, state, records] = results;
    expect(getBackend().memory().storages).toBe(count + 3 + 3);
    for (const t of [output, ...state, ...Object.values(records)]) t.dispose();
    expect(getBackend().memory().storages).toBe(count);
  });
});

describe('gradients flow through them', () => {
  const f64 = { dtype: 'float64' } as const;

  it('attention over the cell states of both directions', () => {
    const lstm = new LSTM(I, H, { bidirectional: true, ...f64 });
    const query = randn([2 * H], f64);
    const pooled = (x: Tensor): Tensor => {
      const { c_l0, c_l0_reverse } = lstm.forward(x, undefined, { lengths: [4, 0, 2], record: ['c'] })[2];
      const cells = concat([c_l0, c_l0_reverse], -1);
      const weights = softmax(cells.mul(query).sum(-1, true), 0);
      return weights.mul(cells).sum(0);
    };
    expect(gradcheck(pooled, [randn([4, 3, I], f64)])).toBe(true);
    expect(
      gradcheck(
        (w) => {
          lstm.weight_hh_l0_reverse = w;
          return pooled(randn([4, 3, I], { ...f64, generator: manualSeed(3) }));
        },
        [lstm.weight_hh_l0_reverse.detach()],
      ),
    ).toBe(true);
  });

  it('a penalty on the gates of a GRU', () => {
    const gru = new GRU(I, H, f64);
    expect(
      gradcheck(
        (x, h0) => Object.values(gru.forward(x, h0, { record: ['r', 'z', 'n'] })[2]),
        [randn([3, 2, I], f64), randn([1, 2, H], f64)],
      ),
    ).toBe(true);
  });
});

/** A cell of one's own with a value of its own to look at. */
class Leaky extends Module {
  w = new Parameter(randn([H, I]));
  u = new Parameter(randn([H, H]));

  initialState(batch?: number): Tensor {
    return zeros(batch === undefined ? [H] : [batch, H]);
  }

  forward(x: Tensor, h: Tensor): Tensor {
    return scope(() => {
      const gate = tap('gate', sigmoid(linear(h, this.u)));
      return h.add(gate.mul(tap('candidate', tanh(linear(x, this.w))).sub(h)));
    });
  }
}

describe('cells in Recurrent and Bidirectional', () => {
  const x = (): Tensor => randn([T, B, I]);
  const lengths = [5, 0, 3, 1];

  it.each<[string, () => Module & { forward(x: Tensor, h: never): unknown }, () => RNN | GRU | LSTM, string[]]>([
    ['RNNCell', () => new RNNCell(I, H), () => new RNN(I, H), ['preactivation', 'h']],
    ['GRUCell', () => new GRUCell(I, H), () => new GRU(I, H), ['r', 'z', 'n', 'h']],
    ['LSTMCell', () => new LSTMCell(I, H), () => new LSTM(I, H), ['i', 'f', 'g', 'o', 'c', 'h', 'preactivation']],
  ])('%s as the layer', (_, makeCell, makeLayer, record) => {
    const [cell, layer] = [makeCell(), makeLayer()];
    layer.loadStateDict(Object.fromEntries(Object.entries(cell.stateDict()).map(([name, t]) => [`${name}_l0`, t])));
    const input = x();
    const expected = (layer as GRU).forward(input, undefined, { lengths, record })[2];
    const found = new Recurrent(cell as GRUCell).forward(input, undefined, { lengths, record })[2];
    for (const name of record) expectClose(found[name], expected[name]);
  });

  it.each<[string, (x: Tensor) => Records, string]>([
    ['GRUCell', (x) => new Recurrent(new GRUCell(I, H)).forward(x, undefined, { record: ['r'] })[2], 'r'],
    ['LSTMCell', (x) => new Recurrent(new LSTMCell(I, H)).forward(x, undefined, { record: ['c'] })[2], 'c'],
  ])('%s without a batch', (_, forward, name) => {
    manualSeed(2);
    const input = x();
    manualSeed(2);
    const single = forward(input.select(1, 2))[name];
    manualSeed(2);
    expectClose(single, forward(input)[name].select(1, 2));
    expect(single.shape).toEqual([T, H]);
  });

  it('one’s own', () => {
    const layer = new Recurrent(new Leaky());
    const input = x();
    const [output, , { gate, candidate }] = layer.forward(input, undefined, { record: ['gate', 'candidate'] });
    const past = before(output, zeros([B, H]));
    expectClose(candidate, tanh(linear(input, layer.cell instanceof Leaky ? layer.cell.w : input)));
    expectClose(past.add(gate.mul(candidate.sub(past))), output);
    const turned = new Recurrent(layer.cell, { batchFirst: true });
    expectClose(turned.forward(input.transpose(0, 1), undefined, { record: ['gate'] })[2].gate.transpose(0, 1), gate);
  });

  it('two of one’s own', () => {
    const both = new Bidirectional(new Leaky(), new Leaky());
    const input = x();
    const alone = (cell: typeof both.forwardCell, reverse: boolean): Records =>
      new Recurrent(cell).forward(input, undefined, { lengths, reverse, record: ['gate'] })[2];
    const [, , records] = both.forward(input, undefined, { lengths, record: ['gate', 'candidate_reverse'] });
    expect(Object.keys(records)).toEqual(['gate', 'gate_reverse', 'candidate_reverse']);
    expectClose(records.gate, alone(both.forwardCell, false).gate);
    expectClose(records.gate_reverse, alone(both.backwardCell, true).gate);
  });
});

describe('mistakes', () => {
  const x = (): Tensor => randn([T, B, I]);
  checkRefused([
    [
      () => new LSTM(I, H).forward(x(), undefined, { record: ['gate'] }),
      "LSTM: record has the name 'gate', expected one of i, f, g, o, c, h, preactivation, for one layer with its suffix, as in i_l0",
    ],
    [
      () => new GRU(I, H, { numLayers: 2, bidirectional: true }).forward(x(), undefined, { record: ['r', 'z_l2'] }),
      "GRU: record has the name 'z_l2', expected one of r, z, n, h, for one layer with its suffix, as in r_l1_reverse",
    ],
    [
      () => new RNN(I, H).forward(x(), undefined, { record: 'h' as never }),
      "RNN: record is 'h', expected a list of names",
    ],
    [
      () => new Recurrent(new Leaky()).forward(x(), undefined, { record: 'gate' as never }),
      "Recurrent: record is 'gate', expected a list of names",
    ],
    [
      () => new Bidirectional(new Leaky(), new Leaky()).forward(x(), undefined, { record: [1] as never }),
      'Bidirectional: record is a list of other things, expected a list of names',
    ],
    [
      () => new Recurrent(new Leaky()).forward(x(), undefined, { record: ['gat'] }),
      "scan: record has the name 'gat', expected one of gate, candidate",
    ],
    [
      () => new Bidirectional(new Leaky(), new Leaky()).forward(x(), undefined, { record: ['i'] }),
      "scan: record has the name 'i', expected one of gate, candidate",
    ],
  ]);
});

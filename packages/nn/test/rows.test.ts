import { cpu } from '@rnn/backend-cpu';
import { concat, gradcheck, manualSeed, ones, randn, setBackend, stack, tensor, zeros, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { GRU, GRUCell, LSTM, packPaddedSequence, Recurrent, RNN, type SequenceOptions } from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

type Forward = (x: Tensor, state?: readonly Tensor[], options?: SequenceOptions) => [Tensor, readonly Tensor[]];

/** The three layers behind one face: a list of states in and out. */
const kinds: Record<string, (options: object) => { layer: RNN | LSTM | GRU; forward: Forward }> = {
  RNN: (options) => single(new RNN(3, 4, options)),
  GRU: (options) => single(new GRU(3, 4, options)),
  'GRU with the reset gate before the product': (options) => single(new GRU(3, 4, { ...options, resetAfter: false })),
  LSTM: (options) => {
    const layer = new LSTM(3, 4, options);
    return { layer, forward: (x, state, o) => layer.forward(x, state && [state[0], state[1]], o) };
  },
};

function single(layer: RNN | GRU): { layer: RNN | GRU; forward: Forward } {
  return {
    layer,
    forward: (x, state, o) => {
      const [output, hN] = layer.forward(x, state?.[0], o);
      return [output, [hN]];
    },
  };
}

/** The sum of results times fixed weights, so that every element has a gradient of its own. */
function weighted(results: readonly Tensor[], weights: readonly Tensor[]): Tensor {
  return results.map((result, i) => result.mul(weights[i]).sum()).reduce((a, b) => a.add(b));
}

/**
 * What a layer begins with where no state is given: zeros, or what it has learned, `[4, 1, width]`
 * each.
 */
function initialStates(layer: RNN | GRU | LSTM, states: readonly Tensor[]): Tensor[] {
  return states.map((state, i) => {
    const all = Object.fromEntries(layer.namedParameters());
    const runs = ['_l0', '_l0_reverse', '_l1', '_l1_reverse'].map((run) => all[`${i === 0 ? 'h' : 'c'}0${run}`]);
    return layer.learnInitialState ? stack(runs).unsqueeze(1) : zeros([4, 1, state.shape[2]], { dtype: 'float64' });
  });
}

describe.each(Object.keys(kinds))('%s', (name) => {
  const options = { numLayers: 2, bidirectional: true, dtype: 'float64' as const };
  const states = (count: number, batch: number): Tensor[] =>
    Array.from({ length: count }, () => randn([4, batch, 4], { dtype: 'float64', requiresGrad: true }));
  const count = name === 'LSTM' ? 2 : 1;

  it.each([
    ['given', false],
    ['initial', false],
    ['initial', true],
  ] as const)(
    'with resets to the %s state, learned %s: each piece as if it stood alone, in both directions, values and gradients',
    (resetTo, learned) => {
      manualSeed(1);
      const { layer, forward } = kinds[name]({ ...options, learnInitialState: learned });
      if (learned)
        for (const [key, value] of layer.namedParameters())
          if (/^[hc]0/.test(key)) value.copy_(randn(value.shape, { dtype: 'float64' }));
      const x = randn([7, 2, 3], { dtype: 'float64', requiresGrad: true });
      const h0 = states(count, 2);
      const marks = [
        [1, 0],
        [0, 0],
        [0, 1],
        [1, 1],
        [0, 0],
        [0, 0],
        [0, 0],
      ];
      const pieces = [
        [0, 3, 7],
        [0, 2, 3, 7],
      ];
      const weights = [randn([7, 2, 8], { dtype: 'float64' }), ...h0.map((h) => randn(h.shape, { dtype: 'float64' }))];
      const leaves = [x, ...h0, ...layer.parameters()];
      const [output, last] = forward(x, h0, { resets: marks, resetTo });
      weighted([output, ...last], weights).backward();
      const gradients = leaves.map((leaf) => leaf.grad as Tensor);
      leaves.forEach((leaf) => (leaf.grad = undefined));

      const rows = pieces.map((ends, row) => {
        const parts = ends.slice(1).map((end, i) => {
          const part = x.narrow(1, row, 1).slice(0, ends[i], end);
          const begins = marks[ends[i]][row] === 0 || resetTo === 'given';
          const isLast = i === ends.length - 2 || resetTo === 'given';
          const own = initialStates(layer, h0);
          return forward(
            part,
            h0.map((h, k) => {
              const given = h.narrow(1, row, 1);
              const start = own[k];
              const run = (at: number): Tensor => (at % 2 === 0 ? begins : isLast) ? given.narrow(0, at, 1) : start.narrow(0, at, 1); // prettier-ignore
              return concat([run(0), run(1), run(2), run(3)]);
            }),
          );
        });
        // The direction from the beginning ends with the last piece, the one from the end with the
        // first.
        const finals = h0.map((_, i) => {
          const [first, final] = [parts[0][1][i], parts[parts.length - 1][1][i]];
          return concat([final.narrow(0, 0, 1), first.narrow(0, 1, 1), final.narrow(0, 2, 1), first.narrow(0, 3, 1)]);
        });
        return [concat(parts.map(([y]) => y)), ...finals];
      });
      const expected = [output, ...last].map((_, i) =>
        concat(
          rows.map((row) => row[i]),
          1,
        ),
      );
      weighted(expected, weights).backward();
      [output, ...last].forEach((result, i) => expectClose(result, expected[i], 1e-12));
      leaves.forEach((leaf, i) => expectClose(gradients[i], leaf.grad as Tensor, 1e-12));
    },
  );

  it('with a mask: as the sequences of the steps that are left, values and gradients, whatever stands at the others', () => {
    manualSeed(2);
    const { layer, forward } = kinds[name](options);
    const mask = [
      [0, 1, 0],
      [1, 1, 0],
      [0, 0, 0],
      [1, 1, 0],
      [1, 0, 0],
    ];
    const kept = [
      [1, 3, 4],
      [0, 1, 3],
    ];
    const x = randn([5, 3, 3], { dtype: 'float64' });
    const spoilt = tensor(
      (x.toArray() as number[][][]).map((rows, t) =>
        rows.map((row, b) => (mask[t][b] === 0 ? row.map(() => NaN) : row)),
      ),
      { dtype: 'float64', requiresGrad: true },
    );
    const h0 = states(count, 3);
    const weights = [randn([5, 3, 8], { dtype: 'float64' }), ...h0.map((h) => randn(h.shape, { dtype: 'float64' }))];
    const [output, last] = forward(spoilt, h0, { mask });
    weighted([output, ...last], weights).backward();
    const gradients = [spoilt, ...h0, ...layer.parameters()].map((leaf) => leaf.grad as Tensor);
    [...h0, ...layer.parameters()].forEach((leaf) => (leaf.grad = undefined));

    x.requiresGrad = true;
    let total: Tensor | undefined;
    kept.forEach((steps, row) => {
      const own = h0.map((h) => h.narrow(1, row, 1));
      const index = tensor(steps, { dtype: 'int32' });
      const [y, end] = forward(x.narrow(1, row, 1).indexSelect(0, index), own);
      expectClose(output.narrow(1, row, 1).indexSelect(0, index), y, 1e-12);
      last.forEach((state, i) => expectClose(state.narrow(1, row, 1), end[i], 1e-12));
      const part = weighted(
        [y, ...end],
        weights.map((w, i) => (i === 0 ? w.narrow(1, row, 1).indexSelect(0, index) : w.narrow(1, row, 1))),
      );
      total = total === undefined ? part : total.add(part);
    });
    // The row without a step hands its initial state through.
    last.forEach((state, i) => expectClose(state.narrow(1, 2, 1), h0[i].narrow(1, 2, 1), 0));
    const untouched = weighted(
      h0.map((h) => h.narrow(1, 2, 1)),
      weights.slice(1).map((w) => w.narrow(1, 2, 1)),
    );
    (total as Tensor).add(untouched).backward();
    [x, ...h0, ...layer.parameters()].forEach((leaf, i) => expectClose(gradients[i], leaf.grad as Tensor, 1e-12));
    const left = output.detach().toArray() as number[][][];
    left.forEach((rows, t) => rows.forEach((row, b) => expect(row.every((y) => y === 0)).toBe(mask[t][b] === 0)));
  });

  it('with a mask that says what lengths say: the same', () => {
    manualSeed(3);
    const { forward } = kinds[name](options);
    const x = randn([4, 3, 3], { dtype: 'float64' });
    const lengths = [4, 1, 0];
    const mask = [0, 1, 2, 3].map((t) => lengths.map((length) => t < length));
    const [output, last] = forward(x, undefined, { lengths });
    const [same, end] = forward(x, undefined, { mask });
    expectClose(same, output, 0);
    last.forEach((state, i) => expectClose(end[i], state, 0));
    const [both] = forward(x, undefined, { lengths, mask: ones([4, 3], { dtype: 'int32' }) });
    expectClose(both, output, 0);
  });

  it('with a learned initial state: zeros at first, learned by the gradient of what is given', () => {
    manualSeed(4);
    const { layer, forward } = kinds[name]({ ...options, learnInitialState: true });
    const { forward: plain, layer: other } = kinds[name](options);
    const learned = Object.keys(layer.stateDict()).filter((key) => /^[hc]0/.test(key));
    expect(learned.length).toBe(4 * count);
    other.loadStateDict(
      Object.fromEntries(Object.entries(layer.stateDict()).filter(([key]) => !learned.includes(key))),
    );
    const x = randn([5, 2, 3], { dtype: 'float64' });
    const marks = [1, 0, 1, 0, 0].map((mark) => [mark, 0]);
    expectClose(forward(x)[0], plain(x)[0], 0);
    const values = learned.map(() => randn([4], { dtype: 'float64' }));
    layer.loadStateDict(Object.fromEntries(learned.map((key, i) => [key, values[i]])), { strict: false });
    // In the state dict layer by layer: h0 and c0 of each direction.
    const h0 = Array.from({ length: count }, (_, s) => {
      const runs = values.filter((__, i) => i % count === s);
      return concat(runs.map((value) => value.expand([1, 2, 4]))).detach();
    });
    h0.forEach((h) => (h.requiresGrad = true));
    const [output, last] = forward(x, undefined, { resets: marks });
    const [expected, end] = plain(x, h0, { resets: marks });
    const weights = [output, ...last].map((result) => randn(result.shape, { dtype: 'float64' }));
    expectClose(output, expected, 1e-12);
    weighted([output, ...last], weights).backward();
    weighted([expected, ...end], weights).backward();
    const parameters = new Map(layer.namedParameters());
    learned.forEach((key, i) => {
      const gradient = (h0[i % count].grad as Tensor).select(0, Math.floor(i / count)).sum(0);
      expectClose((parameters.get(key) as Tensor).grad, gradient, 1e-12);
    });
    layer.resetParameters();
    expect(layer.parameters().filter((p) => p.abs().sum().item() === 0).length).toBe(learned.length);
  });

  it('takes one sequence and batches that lie the other way', () => {
    manualSeed(5);
    const { layer, forward } = kinds[name](options);
    const { layer: turned, forward: turnedForward } = kinds[name]({ ...options, batchFirst: true });
    turned.loadStateDict(layer.stateDict());
    const x = randn([4, 1, 3], { dtype: 'float64' });
    const [mask, resets] = [
      [1, 0, 1, 1],
      [0, 1, 0, 1],
    ];
    const [output] = forward(x, undefined, { mask: mask.map((m) => [m]), resets: resets.map((r) => [r]) });
    expectClose(forward(x.squeeze(1), undefined, { mask, resets })[0], output.squeeze(1), 0);
    const [other] = turnedForward(x.transpose(0, 1), undefined, { mask: [mask], resets: tensor([resets]) });
    expectClose(other.transpose(0, 1), output, 0);
  });
});

describe('resets and masks together', () => {
  it('a mark at a step that is masked holds for the next one that is not', () => {
    manualSeed(6);
    const gru = new GRU(3, 4);
    const x = randn([5, 1, 3]);
    const mask = [[1], [1], [0], [1], [1]];
    const [output, hN] = gru.forward(x, undefined, { mask, resets: [[0], [0], [1], [0], [0]] });
    const [tail, last] = gru.forward(x.slice(0, 3));
    expectClose(output.slice(0, 3), tail);
    expectClose(hN, last);
  });

  it('are right in derivatives of second order, too', () => {
    manualSeed(7);
    const gru = new GRU(2, 2, { dtype: 'float64', bidirectional: true });
    const options = { mask: [[1], [0], [1]], resets: [[0], [1], [0]] };
    const inputs = [randn([3, 1, 2], { dtype: 'float64' }), randn([2, 1, 2], { dtype: 'float64' })] as const;
    expect(gradcheck((x: Tensor, h: Tensor) => gru.forward(x, h, options)[0], [...inputs])).toBe(true);
  });

  it('record inner values at their places', () => {
    manualSeed(8);
    const lstm = new LSTM(3, 4);
    const [output, , { h }] = lstm.forward(randn([3, 2, 3]), undefined, {
      mask: [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      record: ['h'],
    });
    expectClose(h, output, 0);
  });

  it('say so in `explain`', () => {
    const gru = new GRU(3, 4, { numLayers: 2 });
    const modes = gru.explain(ones([3, 1, 3]), undefined, { mask: [[1], [0], [1]], resets: [[1], [0], [1]] });
    expect(modes.map(({ mode }) => mode)).toEqual(['compiled', 'compiled']);
  });
});

describe('a list of sizes', () => {
  it('gives what single layers of these sizes give, one after another', () => {
    manualSeed(9);
    for (const bidirectional of [false, true]) {
      const lstm = new LSTM(3, [5, 2, 4], { bidirectional });
      const directions = bidirectional ? 2 : 1;
      const singles = [
        new LSTM(3, 5, { bidirectional }),
        new LSTM(5 * directions, 2, { bidirectional }),
        new LSTM(2 * directions, 4, { bidirectional }),
      ];
      singles.forEach((layer, l) => {
        const own = Object.entries(lstm.stateDict()).filter(([key]) => key.includes(`_l${l}`));
        layer.loadStateDict(Object.fromEntries(own.map(([key, value]) => [key.replace(`_l${l}`, '_l0'), value])));
      });
      const [x, h0, c0] = [randn([4, 2, 3]), randn([directions, 2, 11]), randn([directions, 2, 11])];
      const [output, [hN, cN]] = lstm.forward(x, [h0, c0], { lengths: [4, 2] });
      let below = x;
      const ends: [Tensor, Tensor][] = [];
      singles.forEach((layer, l) => {
        const [from, to] = [
          [0, 5],
          [5, 7],
          [7, 11],
        ][l];
        const [y, end] = layer.forward(below, [h0.slice(-1, from, to), c0.slice(-1, from, to)], { lengths: [4, 2] });
        below = y;
        ends.push(end);
      });
      expectClose(output, below, 0);
      expectClose(
        hN,
        concat(
          ends.map(([h]) => h),
          -1,
        ),
        0,
      );
      expectClose(
        cN,
        concat(
          ends.map(([, c]) => c),
          -1,
        ),
        0,
      );
      expect(lstm.forward(x)[1][0].shape).toEqual([directions, 2, 11]);
      expect(lstm.explain(x, [h0, c0]).map(({ mode }) => mode)).not.toContain('eager');
    }
  });

  it('is printed, and says how many layers there are', () => {
    const gru = new GRU(3, [5, 2], { learnInitialState: true });
    expect([gru.numLayers, gru.hiddenSize, gru.hiddenSizes]).toEqual([2, 2, [5, 2]]);
    expect(String(gru)).toBe('GRU(3, [5, 2], num_layers=2, learn_initial_state=True)');
    expect(String(new GRU(3, 2, { resetAfter: false }))).toBe('GRU(3, 2, reset_after=False)');
    expect(Object.keys(gru.stateDict()).slice(-2)).toEqual(['h0_l0', 'h0_l1']);
    expect(new LSTM(2, [4, 3], { projSize: 2 }).forward(ones([1, 1, 2]))[1].map(({ shape }) => shape)).toEqual([
      [1, 1, 4],
      [1, 1, 7],
    ]);
  });
});

it('GRU with the reset gate before the product is the cell of that kind over a sequence', () => {
  manualSeed(10);
  const gru = new GRU(3, 4, { resetAfter: false });
  const cell = new GRUCell(3, 4, { resetAfter: false });
  cell.loadStateDict(
    Object.fromEntries(Object.entries(gru.stateDict()).map(([name, value]) => [name.replace('_l0', ''), value])),
  );
  const x = randn([4, 2, 3]);
  const lengths = [4, 2];
  expectClose(gru.forward(x, undefined, { lengths })[0], new Recurrent(cell).forward(x, undefined, { lengths })[0], 0);
});

describe('mistakes', () => {
  const gru = (): GRU => new GRU(3, 2);
  const x = (): Tensor => ones([4, 2, 3]);
  checkRefused([
    [() => gru().forward(x(), undefined, { mask: ones([2, 4]) }), 'GRU: mask has shape [2, 4], expected [4, 2]'],
    [() => gru().forward(x(), undefined, { resets: [[0, 1]] }), 'GRU: resets has shape [1, 2], expected [4, 2]'],
    [() => gru().forward(x(), undefined, { resets: [1, 0, 0, 0] as never }), 'GRU: resets[0] is 1, expected an array'],
    [
      () => gru().forward(ones([2, 3]), undefined, { mask: [[1], ['0']] as never }),
      'GRU: mask[0] is an array of 1, expected a number or a truth value',
    ],
    [() => new GRU(3, []), 'GRU: hiddenSize is an empty array, expected an array of at least one size'],
    [() => new GRU(3, [4, 0]), 'GRU: hiddenSize[1] is 0, expected a whole number from 1 up'],
    [
      () => new GRU(3, [4, 2], { numLayers: 3 }),
      'GRU: numLayers is 3, expected 2, as many as hiddenSize lists; leave it out',
    ],
    [() => new LSTM(3, [4, 2], { projSize: 2 }), 'LSTM: projSize is 2, expected less than hiddenSize, 2'],
    [
      () => new GRU(3, [4, 2]).forward(x(), zeros([2, 2, 4])),
      'GRU: h0 has shape [2, 2, 4], expected [1, 2, 6] (directions, batch, hiddenSize of all layers)',
    ],
    [() => new RNN(3, 2, { learnInitialState: 1 as never }), 'RNN: learnInitialState is 1, expected true or false'],
    [
      () => gru().forward(packPaddedSequence(x(), [4, 2]), undefined, { lengths: [4, 2] } as never),
      'GRU: lengths is given beside a packed input, expected none, as it has its own',
    ],
  ]);
});

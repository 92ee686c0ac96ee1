import { cpu } from '@rnn/backend-cpu';
import {
  concat,
  gradcheck,
  manualSeed,
  ones,
  randn,
  setBackend,
  stack,
  tanh,
  tensor,
  zeros,
  type Tensor,
} from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Bidirectional,
  GRU,
  GRUCell,
  Linear,
  LSTM,
  LSTMCell,
  Module,
  Parameter,
  Recurrent,
  RNN,
  RNNCell,
  type Cell,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

/** The parameters of a cell under the names of a layer's first level. */
function asLayer(cell: Module, suffix = ''): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(cell.stateDict()).map(([name, value]) => [`${name}_l0${suffix}`, value]));
}

/**
 * A cell of one's own: two states of different widths, an input map of two layers, no initial
 * state.
 */
class TwoSpeeds extends Module {
  lift = new Linear(3, 4, { dtype: 'float64' });
  fast = new Linear(4 + 2 + 5, 2, { dtype: 'float64' });
  slow = new Linear(2 + 5, 5, { dtype: 'float64' });

  forward(x: Tensor, [fast, slow]: readonly Tensor[]): Tensor[] {
    const lifted = tanh(this.lift.forward(x));
    const next = tanh(this.fast.forward(concat([lifted, fast, slow], -1)));
    const change = this.slow.forward(concat([next, slow], -1)).sigmoid();
    return [next, slow.mul(0.9).add(change.mul(0.1))];
  }
}

describe('Recurrent runs the built-in cells as the layers do', () => {
  const lengths = [4, 0, 6, 1];
  const x = (): Tensor => randn([6, 4, 3]);

  it.each<[string, () => Module & Cell, () => RNN | GRU]>([
    ['RNNCell', () => new RNNCell(3, 5), () => new RNN(3, 5)],
    [
      'RNNCell with relu',
      () => new RNNCell(3, 5, { nonlinearity: 'relu' }),
      () => new RNN(3, 5, { nonlinearity: 'relu' }),
    ],
    ['GRUCell', () => new GRUCell(3, 5), () => new GRU(3, 5)],
    ['GRUCell without bias', () => new GRUCell(3, 5, { bias: false }), () => new GRU(3, 5, { bias: false })],
  ])('%s', (_, makeCell, makeLayer) => {
    manualSeed(1);
    const [cell, layer] = [makeCell(), makeLayer()];
    layer.loadStateDict(asLayer(cell));
    const input = x();
    const h0 = randn([4, 5]);
    const [output, hN] = layer.forward(input, h0.unsqueeze(0), { lengths });
    const [own, last] = new Recurrent(cell).forward(input, h0, { lengths });
    expectClose(own, output);
    expectClose(last, hN);
    expectClose(new Recurrent(cell).forward(input)[0], layer.forward(input)[0]);
    expectClose(
      new Recurrent(cell, { batchFirst: true }).forward(input.transpose(0, 1), h0, { lengths })[0].transpose(0, 1),
      output,
    );
    const sequence = input.select(1, 2);
    expectClose(new Recurrent(cell).forward(sequence)[0], layer.forward(sequence)[0]);
  });

  it('LSTMCell', () => {
    manualSeed(2);
    const [cell, layer] = [new LSTMCell(3, 5), new LSTM(3, 5)];
    layer.loadStateDict(asLayer(cell));
    const input = x();
    const [output, [hN, cN]] = layer.forward(input, undefined, { lengths });
    const [own, [h, c]] = new Recurrent<readonly [Tensor, Tensor]>(cell).forward(input, undefined, { lengths });
    expectClose(own, output);
    expectClose(h, hN);
    expectClose(c, cN);
  });

  it('two cells as a bidirectional layer', () => {
    manualSeed(3);
    const [there, back, layer] = [new LSTMCell(3, 5), new LSTMCell(3, 5), new LSTM(3, 5, { bidirectional: true })];
    layer.loadStateDict({ ...asLayer(there), ...asLayer(back, '_reverse') });
    const input = x();
    const [output, [hN, cN]] = layer.forward(input, undefined, { lengths });
    const [own, [[h, c], [hBack, cBack]]] = new Bidirectional(there, back).forward(input, undefined, { lengths });
    expectClose(own, output);
    expectClose(stack([h, hBack]), hN);
    expectClose(stack([c, cBack]), cN);
    const turned = new Bidirectional(there, back, { batchFirst: true }).forward(input.transpose(0, 1), undefined, {
      lengths,
    });
    expectClose(turned[0].transpose(0, 1), output);
    expect(Object.keys(new Bidirectional(there, back).stateDict())).toContain('backwardCell.weight_hh');
  });
});

describe('Recurrent runs a cell of one’s own', () => {
  const f64 = { dtype: 'float64' } as const;

  it('as a loop over its steps would, with all gradients', () => {
    manualSeed(4);
    const cell = new TwoSpeeds();
    const x = randn([5, 2, 3], f64);
    const state = [randn([2, 2], f64), randn([2, 5], f64)];
    const loop = (): Tensor[] => {
      let current: readonly Tensor[] = state;
      const outputs = x.unbind(0).map((step) => (current = cell.forward(step, current))[0]);
      return [stack(outputs), ...current];
    };
    const scanned = (): Tensor[] => {
      const [output, last] = new Recurrent(cell).forward(x, state);
      return [output, ...last];
    };
    const [expected, actual] = [loop, scanned].map((run) => {
      cell.zeroGrad();
      const results = run();
      results
        .map((result, i) =>
          result
            .mul(i + 1)
            .square()
            .sum(),
        )
        .reduce((a, b) => a.add(b))
        .backward();
      return [...results, ...cell.parameters().map((parameter) => parameter.grad as Tensor)].map((t) => [
        ...t.dataSync(),
      ]);
    });
    actual.forEach((values, i) => values.forEach((value, j) => expect(value).toBeCloseTo(expected[i][j], 12)));
    expect(Object.keys(new Recurrent(cell).stateDict())[0]).toBe('cell.lift.weight');
  });

  it('in reverse: as on the flipped sequence', () => {
    const cell = new TwoSpeeds();
    const x = randn([5, 2, 3], f64);
    const state = [zeros([2, 2], f64), zeros([2, 5], f64)];
    const layer = new Recurrent(cell);
    const [output, last] = layer.forward(x, state, { reverse: true });
    const [flipped, same] = layer.forward(x.flip(0), state);
    expectClose(output.flip(0), flipped, 1e-12);
    last.forEach((tensor, i) => expectClose(tensor, same[i], 1e-12));
  });

  it('with resets: as two sequences', () => {
    const cell = new GRUCell(3, 4);
    const x = randn([5, 2, 3]);
    const h0 = randn([2, 4]);
    const [output, last] = new Recurrent(cell).forward(x, h0, {
      resets: [
        [0, 0],
        [0, 0],
        [1, 0],
        [0, 0],
        [0, 0],
      ],
    });
    const [first] = new Recurrent(cell).forward(x.slice(0, 0, 2), h0);
    const [second, end] = new Recurrent(cell).forward(x.slice(0, 2), h0);
    const [whole, wholeEnd] = new Recurrent(cell).forward(x, h0);
    expectClose(output.select(1, 0), concat([first, second]).select(1, 0));
    expectClose(output.select(1, 1), whole.select(1, 1));
    expectClose(last, stack([end.select(0, 0), wholeEnd.select(0, 1)]));
    const turned = new Recurrent(cell, { batchFirst: true });
    const marks = [
      [0, 0, 1, 0, 0],
      [0, 0, 0, 0, 0],
    ];
    expectClose(turned.forward(x.transpose(0, 1), h0, { resets: marks })[0].transpose(0, 1), output);
    expectClose(turned.forward(x.transpose(0, 1), h0, { resets: tensor(marks) })[0].transpose(0, 1), output);
  });

  it.each([false, true])(
    'with resets to the initial state, learned %s: the second sequence begins with it',
    (learned) => {
      const layer = new Recurrent(new LSTMCell(3, 4), { learnInitialState: learned });
      for (const start of learned ? (layer.h0 as Parameter[]) : []) start.copy_(randn([4]));
      const x = randn([5, 2, 3]);
      const state: [Tensor, Tensor] = [randn([2, 4]), randn([2, 4])];
      const resets = [0, 0, 1, 0, 0].map((mark) => [mark, mark]);
      for (const reverse of [false, true]) {
        const [output, last] = layer.forward(x, state, { resets, reverse, resetTo: 'initial' });
        const at = reverse ? 3 : 2; // before the marked step, whichever way
        const parts = [x.slice(0, 0, at), x.slice(0, at)];
        const [then, now] = reverse ? parts.reverse() : parts;
        const [a] = layer.forward(then, state, { reverse });
        const [b, end] = layer.forward(now, undefined, { reverse });
        expectClose(output, concat(reverse ? [b, a] : [a, b]));
        last.forEach((value, i) => expectClose(value, end[i]));
      }
    },
  );

  it('refuses resets to an initial state that the cell does not have', () => {
    const layer = new Recurrent<Tensor>({ forward: (x, h) => x.add(h) });
    const options = { resets: [[1], [0]], resetTo: 'initial' } as const;
    expect(() => layer.forward(ones([2, 1, 3]), ones([1, 3]), options)).toThrow(/has no initialState\(batch\)/);
    const wrong = { ...options, resetTo: 'zeros' as 'given' };
    expect(() => layer.forward(ones([2, 1, 3]), ones([1, 3]), wrong)).toThrow(
      "Recurrent: resetTo is 'zeros', expected 'given' or 'initial'",
    );
  });

  it('with right derivatives, lengths included', () => {
    const cell = new TwoSpeeds();
    const layer = new Recurrent(cell);
    expect(
      gradcheck(
        (x, a, b) => {
          const [output, last] = layer.forward(x, [a, b], { lengths: [3, 0], reverse: true });
          return [output, ...last];
        },
        [randn([3, 2, 3], f64), randn([2, 2], f64), randn([2, 5], f64)],
      ),
    ).toBe(true);
  });

  it('that is no module', () => {
    const decay = { forward: (x: Tensor, h: Tensor): Tensor => h.mul(0.5).add(x) };
    const [output, last] = new Recurrent(decay).forward(ones([3, 2]), zeros([2]));
    expectClose(output, [1, 1, 1.5, 1.5, 1.75, 1.75]);
    expectClose(last, [1.75, 1.75]);
  });

  it('that reads its data: slower, with the same numbers', () => {
    class Curious extends Module {
      w = new Parameter(tensor([0.5, 0.25]));
      forward(x: Tensor, h: Tensor): Tensor {
        const next = tanh(h.mul(this.w).add(x));
        return next.sum().item() > 0 ? next : next.neg();
      }
    }
    const cell = new Curious();
    const x = tensor([
      [1, 1],
      [-5, -5],
    ]);
    const [output] = new Recurrent(cell).forward(x, zeros([2]), { compile: 'auto' });
    const first = cell.forward(x.select(0, 0), zeros([2]));
    expectClose(output, stack([first, cell.forward(x.select(0, 1), first)]));
  });
});

describe('mistakes', () => {
  checkRefused([
    [
      () => new Recurrent({} as never),
      'Recurrent: cell is an object, expected a cell with forward(x, state), such as LSTMCell',
    ],
    [
      () => new Bidirectional(new GRUCell(2, 2), undefined as never),
      'Bidirectional: backwardCell is undefined, expected a cell with forward(x, state), such as LSTMCell',
    ],
    [
      () => new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2)).forward(ones([4, 5, 3]), ones([2, 5, 2]) as never),
      'Bidirectional: h0 is a Tensor of shape [2, 5, 2], expected the array [forward, backward] of the two states; leave it out (undefined, not null) for what the cells start from',
    ],
    [
      () => new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2)).explain(ones([4, 5, 3]), [ones([5, 2])] as never),
      'Bidirectional: h0 is an array of 1, expected the array [forward, backward] of the two states; leave it out (undefined, not null) for what the cells start from',
    ],
    [
      () => new Recurrent(new GRUCell(2, 2), { batch_first: true } as never),
      "Recurrent: option 'batch_first' is unknown, expected one of batchFirst, dropout, learnInitialState; write batchFirst",
    ],
    [
      () => new Recurrent(new TwoSpeeds()).forward(ones([2, 2, 3])),
      'Recurrent: h0 is left out, expected the first state, as TwoSpeeds has no initialState(batch); write forward(x, h0)',
    ],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(ones([4, 2, 5])),
      'GRUCell: input has shape [2, 5], expected [B, 3] or [3]; inputSize is 3, and the last dimension has 5 features',
    ],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(ones([0, 2, 3])),
      'Recurrent: input has shape [0, 2, 3], expected [T, B, ...] with every size at least 1',
    ],
    [() => new Recurrent(new GRUCell(3, 2)).forward(ones([4, 0, 3])), 'Recurrent: input has shape [4, 0, 3]'],
    [() => new Recurrent(new GRUCell(3, 2)).forward(ones([4])), 'Recurrent: input has shape [4], expected [T, I]'],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(ones([4, 2, 3]), undefined, { lengths: [5, 1] }),
      'Recurrent: lengths[0] is 5, expected a whole number from 0 to 4',
    ],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(ones([4, 2, 3]), undefined, { lenghts: [1, 1] } as never),
      "Recurrent: option 'lenghts' is unknown, expected one of lengths, mask, reverse, resets, resetTo, record, compile; write lengths",
    ],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(ones([4, 2, 3]), ones([2, 3])),
      'GRUCell: h has shape [2, 3], expected [2, 2] (batch, hiddenSize)',
    ],
    [
      () => new Recurrent(new GRUCell(3, 2)).forward(ones([4, 2, 3]), undefined, { resets: [[1, 0]] }),
      /resets has shape \[1, 2\], expected \[4, 2\]/,
    ],
  ]);
});

import { cpu } from '@rnn/backend-cpu';
import { concat, manualSeed, ones, randn, setBackend, stack, tanh, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import {
  Bidirectional,
  GRU,
  GRUCell,
  LayerNormLSTMCell,
  Linear,
  LSTMCell,
  Module,
  Recurrent,
  RNNCell,
  StackedCells,
  type MergeMode,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

/** A cell of one's own, without an initial state. */
class OwnCell extends Module {
  map = new Linear(6, 2);

  forward(x: Tensor, h: Tensor): Tensor {
    return tanh(this.map.forward(concat([x, h], -1)));
  }
}

describe('Recurrent with several cells', () => {
  const lengths = [5, 0, 3];

  it('is one layer after another, of any kind, with gradients for all', () => {
    manualSeed(1);
    const cells = [new LayerNormLSTMCell(3, 4), new GRUCell(4, 4), new OwnCell()] as const;
    const layers = new Recurrent([...cells] as const);
    const x = randn([5, 3, 3], { requiresGrad: true });
    const h = randn([3, 2]);
    const h0 = [cells[0].initialState(3), cells[1].initialState(3), h] as const;
    const [output, last] = layers.forward(x, h0, { lengths });
    const weight = randn([5, 3, 2]);
    output.mul(weight).sum().backward();
    const leaves = [x, ...layers.parameters()];
    const gradients = leaves.map((leaf) => leaf.grad as Tensor);
    leaves.forEach((leaf) => (leaf.grad = undefined));
    const [y1, end1] = new Recurrent(cells[0]).forward(x, undefined, { lengths });
    const [y2, end2] = new Recurrent(cells[1]).forward(y1, undefined, { lengths });
    const [y3, end3] = new Recurrent(cells[2]).forward(y2, h, { lengths });
    expectClose(output, y3, 0);
    expectClose(last[0][1], end1[1], 0);
    expectClose(last[1], end2, 0);
    expectClose(last[2], end3, 0);
    expect(layers.lastHidden(last)).toBe(last[2]);
    y3.mul(weight).sum().backward();
    leaves.forEach((leaf, i) => expectClose(gradients[i], leaf.grad as Tensor, 0));
    expect(Object.keys(layers.stateDict()).filter((name) => name.startsWith('cell.1'))).toEqual([
      'cell.1.weight_ih',
      'cell.1.weight_hh',
      'cell.1.bias_ih',
      'cell.1.bias_hh',
    ]);
    const explained = layers.explain(x, h0, { lengths });
    expect(explained.map(({ name, mode }) => `${name} ${mode}`)).toEqual([
      'cell.0 compiled',
      'cell.1 compiled',
      'cell.2 compiled',
    ]);
  });

  it('knows the types of its states', () => {
    const [, last] = new Recurrent([new LSTMCell(3, 4), new GRUCell(4, 2)]).forward(ones([5, 2, 3]));
    expectTypeOf(last).toEqualTypeOf<[[h: Tensor, c: Tensor], Tensor]>();
    expect([last[0][0].shape, last[0][1].shape, last[1].shape]).toEqual([
      [2, 4],
      [2, 4],
      [2, 2],
    ]);
  });

  it('is the layer of that kind where all are of one kind: reversed, with resets, a mask, batch first, records', () => {
    manualSeed(2);
    const gru = new GRU(3, 4, { numLayers: 2 });
    const layers = new Recurrent([new GRUCell(3, 4), new GRUCell(4, 4)], { batchFirst: true });
    layers.loadStateDict(
      Object.fromEntries(
        Object.entries(gru.stateDict()).map(([name, value]) => {
          const [, weight, layer] = /^(.*)_l(\d)$/.exec(name) as unknown as [string, string, string];
          return [`cell.${layer}.${weight}`, value];
        }),
      ),
    );
    const x = randn([4, 2, 3]);
    const mask = [
      [1, 1],
      [0, 1],
      [1, 0],
      [1, 1],
    ];
    const resets = [
      [0, 0],
      [1, 0],
      [0, 0],
      [0, 1],
    ];
    const turned = (marks: number[][]): number[][] => marks[0].map((_, row) => marks.map((step) => step[row]));
    const [output, hN, { z_l1 }] = gru.forward(x, undefined, { mask, resets, record: ['z_l1'] });
    const [same, [first, second], records] = layers.forward(x.transpose(0, 1), undefined, {
      mask: turned(mask),
      resets: turned(resets),
      record: ['z_l1', 'r'],
    });
    expectClose(same.transpose(0, 1), output, 0);
    expectClose(first, hN.select(0, 0), 0);
    expectClose(second, hN.select(0, 1), 0);
    expect(Object.keys(records).sort()).toEqual(['r_l0', 'r_l1', 'z_l1']);
    expectClose(records.z_l1.transpose(0, 1), z_l1, 0);
  });

  it('drops between the cells while it is trained', () => {
    manualSeed(3);
    const layers = new Recurrent([new GRUCell(3, 4), new GRUCell(4, 4)], { dropout: 1 });
    const upper = new Recurrent(new GRUCell(4, 4));
    const own = Object.entries(layers.stateDict()).filter(([name]) => name.startsWith('cell.1.'));
    upper.loadStateDict(Object.fromEntries(own.map(([name, value]) => [name.replace('cell.1.', 'cell.'), value])));
    const x = randn([4, 2, 3]);
    expectClose(layers.forward(x)[0], upper.forward(ones([4, 2, 4]).mul(0))[0], 0);
    const plain = new Recurrent([new GRUCell(3, 4), new GRUCell(4, 4)]);
    plain.loadStateDict(layers.stateDict());
    expectClose(layers.eval().forward(x)[0], plain.forward(x)[0], 0);
  });

  it('takes single steps, as one cell', () => {
    manualSeed(4);
    const layers = new Recurrent([new LSTMCell(3, 4), new RNNCell(4, 2)]);
    const x = randn([3, 2, 3]);
    const [, last] = layers.forward(x);
    let state = layers.cell.initialState?.(2) as [[Tensor, Tensor], Tensor];
    for (const step of x.unbind(0)) state = layers.cell.forward(step, state);
    expectClose(state[0][1], last[0][1]);
    expectClose(state[1], last[1]);
  });
});

describe('learned initial states', () => {
  it('of cells are parameters, which begin as what the cells start from', () => {
    manualSeed(5);
    const layers = new Recurrent([new LSTMCell(3, 4), new GRUCell(4, 2)], { learnInitialState: true });
    const learned = Object.keys(layers.stateDict()).filter((name) => name.startsWith('h0'));
    expect(learned).toEqual(['h0.0.0', 'h0.0.1', 'h0.1']);
    const x = randn([3, 2, 3]);
    const plain = new Recurrent([new LSTMCell(3, 4), new GRUCell(4, 2)]);
    plain.loadStateDict(
      Object.fromEntries(Object.entries(layers.stateDict()).filter(([name]) => !name.startsWith('h0'))),
    );
    expectClose(layers.forward(x)[0], plain.forward(x)[0], 0);
    expect(layers.forward(x.select(1, 0))[0].shape).toEqual([3, 2]);
    const [h, c, g] = [randn([4]), randn([4]), randn([2])];
    layers.loadStateDict({ 'h0.0.0': h, 'h0.0.1': c, 'h0.1': g }, { strict: false });
    const rows = (value: Tensor): Tensor => value.detach().expand([2, ...value.shape]);
    const leaves = [h, c, g].map((value) => {
      const leaf = rows(value).detach();
      leaf.requiresGrad = true;
      return leaf;
    });
    const [expected] = plain.forward(x, [[leaves[0], leaves[1]], leaves[2]]);
    const [output] = layers.forward(x);
    expectClose(output, expected, 0);
    output.square().sum().backward();
    expected.square().sum().backward();
    const parameters = new Map(layers.namedParameters());
    learned.forEach((name, i) => expectClose((parameters.get(name) as Tensor).grad, (leaves[i].grad as Tensor).sum(0)));
  });

  it('of both directions', () => {
    manualSeed(6);
    const both = new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2), { learnInitialState: true });
    expect(Object.keys(both.stateDict()).filter((name) => name.startsWith('h0'))).toEqual(['h0', 'h0_reverse']);
    both
      .forward(randn([4, 2, 3]))[0]
      .sum()
      .backward();
    for (const name of ['h0', 'h0_reverse'] as const) expect((both[name] as Tensor).grad?.shape).toEqual([2]);
  });
});

describe('Bidirectional', () => {
  it.each<[MergeMode, (a: number, b: number) => number]>([
    ['sum', (a, b) => a + b],
    ['mul', (a, b) => a * b],
    ['mean', (a, b) => (a + b) / 2],
  ])('merge %s', (merge, of) => {
    manualSeed(7);
    const cells = [new LSTMCell(3, 4), new LSTMCell(3, 4)] as const;
    const x = randn([5, 2, 3]);
    const options = { lengths: [5, 2] };
    const [there, back] = new Bidirectional(...cells).forward(x, undefined, options)[0].chunk(2, -1);
    const both = new Bidirectional(...cells, { merge });
    const [output, last] = both.forward(x, undefined, options);
    const [a, b] = [there.detach().dataSync(), back.detach().dataSync()];
    expectClose(
      output,
      Array.from(a, (value, i) => of(value, b[i])),
    );
    // The last step of the first cell, the first step of the second one.
    const [left, right] = [last[0][0].detach().dataSync(), last[1][0].detach().dataSync()];
    expectClose(
      both.lastHidden(last),
      Array.from(left, (value, i) => of(value, right[i])),
    );
  });

  it('with resets and a mask is what the layer of that kind is', () => {
    manualSeed(8);
    const gru = new GRU(3, 4, { bidirectional: true });
    const both = new Bidirectional(new GRUCell(3, 4), new GRUCell(3, 4));
    both.loadStateDict(
      Object.fromEntries(
        Object.entries(gru.stateDict()).map(([name, value]) => [
          name.endsWith('_reverse') ? `backwardCell.${name.slice(0, -11)}` : `forwardCell.${name.slice(0, -3)}`,
          value,
        ]),
      ),
    );
    const x = randn([4, 2, 3]);
    const options = {
      lengths: [4, 3],
      mask: [
        [1, 1],
        [0, 1],
        [1, 1],
        [1, 1],
      ],
      resets: [
        [0, 0],
        [1, 1],
        [0, 0],
        [0, 1],
      ],
    };
    const first = randn([2, 2, 4]);
    for (const [h0, resetTo] of [
      [undefined, undefined],
      [first, 'given'],
      [first, 'initial'],
    ] as const) {
      // prettier-ignore
      const [output, hN] = gru.forward(x, h0, { ...options, resetTo });
      const [same, last] = both.forward(x, h0 && [h0.select(0, 0), h0.select(0, 1)], { ...options, resetTo });
      expectClose(same, output, 0);
      expectClose(stack([last[0], last[1]]), hN, 0);
    }
  });
});

describe('mistakes', () => {
  const layers = (): Recurrent<[Tensor, Tensor]> => new Recurrent([new GRUCell(3, 2), new GRUCell(2, 2)]);
  const x = (): Tensor => ones([4, 2, 3]);
  checkRefused([
    [() => new Recurrent([]), 'StackedCells: cells is an empty array, expected an array of at least one cell'],
    [() => new Recurrent([new GRUCell(3, 2), 7 as never]), 'StackedCells: cells[1] is 7, expected a cell with forward'],
    [
      () => new Recurrent(new GRUCell(3, 2), { dropout: 0.5 }),
      'Recurrent: dropout is 0.5, expected 0 for a single cell; use a Dropout after it, or a cell with recurrentDropout',
    ],
    [
      () => layers().forward(x(), [ones([2, 2])] as never),
      'Recurrent: h0 has length 1, expected 2, one state for each cell',
    ],
    [() => layers().forward(x(), ones([2, 2]) as never), /Recurrent: h0 is a Tensor .*one state for each cell/],
    [
      () => new StackedCells([new GRUCell(3, 2)]).forward(ones([3]), undefined as never),
      'StackedCells: state is undefined, expected an array with one state for each cell',
    ],
    [
      () => new Recurrent(new OwnCell(), { learnInitialState: true }),
      /Recurrent: h0 is left out, expected the first state, as OwnCell has no initialState/,
    ],
    [
      () => new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 4), { merge: 'sum' }).forward(x()),
      "Bidirectional: the output of backwardCell has shape [4, 2, 4], expected [4, 2, 2], that of forwardCell, for merge 'sum'",
    ],
    [
      () => new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2), { merge: 'ave' as never }),
      "Bidirectional: merge is 'ave', expected 'concat' or 'sum' or 'mul' or 'mean'",
    ],
  ]);
});

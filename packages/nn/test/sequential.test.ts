import { cpu } from '@rnn/backend-cpu';
import { manualSeed, ones, randint, randn, setBackend, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Bidirectional,
  Embedding,
  GRU,
  GRUCell,
  Linear,
  LSTM,
  LSTMCell,
  Module,
  Recurrent,
  ReLU,
  RNN,
  Sequential,
  type SequenceModule,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

describe('Sequential with recurrent layers', () => {
  const lengths = [5, 2, 1];

  it('hands on outputs', () => {
    manualSeed(1);
    const [table, rnn, lstm, head] = [new Embedding(9, 3), new RNN(3, 4), new LSTM(4, 5), new Linear(5, 2)];
    const model = new Sequential(table, rnn, new ReLU(), lstm, head);
    const words = randint(0, 9, [5, 3]);
    const expected = (options?: { lengths: number[] }): Tensor => {
      const [y] = rnn.forward(table.forward(words), undefined, options);
      return head.forward(lstm.forward(y.relu(), undefined, options)[0]);
    };
    expectClose(model.forward(words), expected(), 0);
    expectClose(model.forward(words, { lengths }), expected({ lengths }), 0);
    model.forward(words).sum().backward();
    expect(model.parameters().every((parameter) => parameter.grad !== undefined)).toBe(true);
  });

  it.each<[string, () => SequenceModule]>([
    ['RNN', () => new RNN(4, 5)],
    ['GRU in both directions', () => new GRU(4, 5, { numLayers: 2, bidirectional: true })],
    ['LSTM with a list of sizes', () => new LSTM(4, [3, 5], { bidirectional: true })],
    ['LSTM with a projection', () => new LSTM(4, 5, { projSize: 2, batchFirst: false })],
    ['Recurrent', () => new Recurrent(new LSTMCell(4, 5))],
    ['Recurrent with several cells', () => new Recurrent([new LSTMCell(4, 5), new GRUCell(5, 2)])],
    ['Bidirectional', () => new Bidirectional(new GRUCell(4, 5), new GRUCell(4, 3))],
  ])('hands on what the last of them has after the last step: %s', (_, make) => {
    manualSeed(2);
    const [below, layer] = [new GRU(3, 4), make()];
    const model = new Sequential(below, layer, { recurrent: 'last' });
    const x = randn([5, 3, 3]);
    const result = model.forward(x, { lengths });
    const [output] = layer.forward(below.forward(x, undefined, { lengths })[0], undefined, { lengths });
    expect(result.shape).toEqual([3, output.shape[2]]);
    // By the outputs: the direction from the beginning has its last one at the last valid step, the
    // other at the first.
    const isBoth = layer instanceof Bidirectional || (layer as { bidirectional?: boolean }).bidirectional === true;
    const width = output.shape[2];
    const split = layer instanceof Bidirectional ? 5 : isBoth ? width / 2 : width;
    lengths.forEach((length, row) => {
      const at = (step: number): Tensor => output.select(0, step).select(0, row);
      expectClose(result.select(0, row).slice(0, 0, split), at(length - 1).slice(0, 0, split), 0);
      if (isBoth) expectClose(result.select(0, row).slice(0, split), at(0).slice(0, split), 0);
    });
  });

  it('takes a recurrent module of your own', () => {
    class Twice extends Module {
      gru = new GRU(3, 3);

      forward(x: Tensor): [Tensor, Tensor] {
        const [y, h] = this.gru.forward(x);
        return [y.mul(2), h];
      }

      lastHidden(h: Tensor): Tensor {
        return h.select(0, 0).mul(2);
      }
    }
    const twice = new Twice();
    const x = randn([4, 2, 3]);
    expectClose(new Sequential(twice, { recurrent: 'last' }).forward(x), twice.forward(x)[0].select(0, 3), 0);
  });

  it('of a single sequence', () => {
    const gru = new GRU(3, 4, { bidirectional: true });
    expect(new Sequential(gru, { recurrent: 'last' }).forward(ones([5, 3])).shape).toEqual([8]);
  });
});

describe('mistakes', () => {
  class Pair extends Module {
    forward(x: Tensor): Tensor[] {
      return [x, x];
    }
  }
  checkRefused([
    [
      () => new Sequential(new Pair() as never, new ReLU()).forward(ones([2])),
      'Sequential: the result of modules[0] is an array of 2, expected a Tensor; a recurrent module of your own says by lastHidden(state)',
    ],
    [
      () => new Sequential(new ReLU(), { recurrent: 'last' }),
      "Sequential: recurrent is 'last', expected 'output', as no module is a recurrent layer",
    ],
    [
      () => new Sequential(new GRU(2, 2), { recurrent: 'state' as never }),
      "Sequential: recurrent is 'state', expected 'output' or 'last'",
    ],
    [() => new Sequential(new GRU(2, 2), { last: true } as never), "Sequential: option 'last' is unknown"],
    [
      () => new Sequential(new ReLU()).forward(ones([2]), { lengths: [1] }),
      'Sequential: lengths is given, expected none, as no module is a recurrent layer',
    ],
    [() => new GRU(3, 2).lastHidden(ones([2, 5, 2])), 'GRU: h0 has shape [2, 5, 2], expected [1, B, 2]'],
    [() => new LSTM(3, 2).lastHidden(7 as never), 'LSTM: h0 is 7, expected a Tensor'],
  ]);
});

import { cpu } from '@rnn/backend-cpu';
import { manualSeed, ones, randn, setBackend, stack, zeros, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { MinGRUCell, MinLSTMCell, Recurrent } from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

// Values and gradients are held to the paper's formulas, as PyTorch computes them, by the reference
// cases of @rnn/conformance.
beforeAll(async () => setBackend(await cpu()));

describe.each([
  ['MinGRUCell', MinGRUCell],
  ['MinLSTMCell', MinLSTMCell],
] as const)('%s', (name, Cell) => {
  it('leaves no product in the loop', () => {
    const [{ mode, products }] = new Recurrent(new Cell(3, 2)).explain(ones([7, 5, 3]));
    expect([mode, products]).toEqual(['compiled', { before: 1, loop: 0, after: 0 }]);
  });

  it('gives over a sequence what it gives step by step', () => {
    manualSeed(1);
    const cell = new Cell(3, 2);
    const x = randn([6, 2, 3]);
    let h: Tensor | undefined;
    const steps = x.unbind(0).map((step) => (h = cell.forward(step, h)));
    const [output, hN] = new Recurrent(cell).forward(x);
    expectClose(output, stack(steps));
    expectClose(hN, steps[5]);
    expectClose(cell.forward(x.select(1, 0).select(0, 0)), steps[0].select(0, 0));
  });

  it('is finite where gates are as good as closed or open', () => {
    manualSeed(2);
    const cell = new Cell(3, 4);
    for (const scale of [1, 1e3, -1e3, 1e6]) {
      cell.weight_ih.copy_(randn(cell.weight_ih.shape).mul(scale));
      const h = cell.forward(randn([5, 3]), zeros([5, 4]));
      expect(h.isfinite().all().item()).toBe(1);
    }
  });

  it('is printed', () => {
    expect(String(new Cell(3, 2))).toBe(`${name}(3, 2)`);
    expect(String(new Cell(3, 2, { bias: false }))).toBe(`${name}(3, 2, bias=False)`);
    expect(Object.keys(new Cell(3, 2).stateDict())).toEqual(['weight_ih', 'bias_ih']);
  });
});

describe('mistakes', () => {
  checkRefused([
    [() => new MinGRUCell(0, 2), 'MinGRUCell: inputSize is 0, expected a whole number from 1 up'],
    [
      () => new MinGRUCell(3, 2, { recurrentDropout: 0.5 } as never),
      "MinGRUCell: option 'recurrentDropout' is unknown",
    ],
    [() => new MinLSTMCell(3, 2).forward(ones([4, 5])), 'MinLSTMCell: input has shape [4, 5], expected [B, 3] or [3]'],
    [
      () => new MinLSTMCell(3, 2).forward(ones([4, 3]), zeros([4, 3])),
      'MinLSTMCell: h has shape [4, 3], expected [4, 2] (batch, hiddenSize)',
    ],
  ]);
});

import { cpu } from '@rnn/backend-cpu';
import { concat, manualSeed, ones, randn, setBackend, stack, tensor, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Attention,
  GRUCell,
  lengthsMask,
  Module,
  MultiheadAttention,
  Recurrent,
  type AttentionScore,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

// Values and gradients are held to PyTorch's by the reference cases of @rnn/conformance, on every
// backend.
beforeAll(async () => setBackend(await cpu()));

/** A tensor with NaN where a row has ended. */
function spoilt(x: Tensor, lengths: readonly number[]): Tensor {
  const rows = x.toArray() as number[][][];
  const values = rows.map((steps, row) => steps.map((step, s) => step.map((v) => (s < lengths[row] ? v : NaN))));
  return tensor(values, { requiresGrad: true });
}

describe.each<AttentionScore>(['dot', 'general', 'additive'])('Attention, %s', (score) => {
  it('what stands past the end of the memory reaches neither result nor gradient', () => {
    manualSeed(1);
    const attention = new Attention(4, 4, { score });
    const lengths = [5, 2, 0];
    const query = randn([3, 4], { requiresGrad: true });
    const clean = randn([3, 5, 4]);
    const memory = spoilt(clean, lengths);
    const [context, weights] = attention.forward(query, memory, { lengths });
    context.square().sum().backward();
    const all = [query, memory, ...attention.parameters()];
    for (const leaf of all) expect((leaf.grad as Tensor).isfinite().all().item()).toBe(1);
    expectClose(weights.sum(-1), [1, 1, 0]);
    expectClose(context.select(0, 2), [0, 0, 0, 0], 0);
    // The row of two steps by itself.
    const [own, ownWeights] = attention.forward(query.narrow(0, 1, 1), clean.narrow(0, 1, 1).slice(1, 0, 2));
    expectClose(context.select(0, 1), own);
    expectClose(weights.select(0, 1).slice(0, 0, 2), ownWeights);
    const mask = lengthsMask(lengths, { steps: 5, batchFirst: true });
    expectClose(attention.forward(query, clean, { mask })[0], context);
    expectClose(attention.forward(query, clean, { mask, lengths: [5, 5, 5] })[0], context);
  });

  it('takes several queries a row', () => {
    manualSeed(2);
    const attention = new Attention(4, 4, { score, scale: score !== 'additive' });
    const [queries, memory] = [randn([2, 3, 4]), randn([2, 5, 4])];
    const [context, weights] = attention.forward(queries, memory);
    expect([context.shape, weights.shape]).toEqual([
      [2, 3, 4],
      [2, 3, 5],
    ]);
    expectClose(context.select(1, 1), attention.forward(queries.select(1, 1), memory)[0]);
  });
});

describe.each<AttentionScore>(['dot', 'general', 'additive'])('the step of a decoder with attention, %s', (score) => {
  /** A cell whose state carries the memory, its keys and its mask on unchanged. */
  class Decoder extends Module {
    attention = new Attention(4, 4, { score });
    cell = new GRUCell(3 + 4, 4);
    readonly pure = true;

    forward(x: Tensor, [h, memory, keys, mask]: readonly Tensor[]): Tensor[] {
      const [context] = this.attention.forward(h, memory, { mask, keys });
      return [this.cell.forward(concat([x, context], -1), h), memory, keys, mask];
    }
  }

  it('runs compiled over a memory, and is the loop by hand, values and gradients', () => {
    manualSeed(7);
    const decoder = new Decoder();
    const layer = new Recurrent(decoder);
    const [x, h0] = [randn([5, 2, 3]), randn([2, 4])];
    const memory = randn([2, 6, 4], { requiresGrad: true });
    const mask = lengthsMask([6, 2], { batchFirst: true, dtype: 'float32' });
    const state = [h0, memory, decoder.attention.keysOf(memory), mask];
    expect(layer.explain(x, state).map(({ mode }) => mode)).toEqual(['compiled']);
    const [output] = layer.forward(x, state, { compile: 'required' });
    output.square().sum().backward();
    const leaves = [memory, ...layer.parameters()];
    const gradients = leaves.map((leaf) => leaf.grad as Tensor);
    leaves.forEach((leaf) => (leaf.grad = undefined));
    let h = h0;
    const outputs = x.unbind(0).map((step) => {
      const [context] = decoder.attention.forward(h.unsqueeze(1), memory, { lengths: [6, 2] });
      return (h = decoder.cell.forward(concat([step, context.squeeze(1)], -1), h));
    });
    const expected = stack(outputs);
    expectClose(output, expected);
    expected.square().sum().backward();
    leaves.forEach((leaf, i) => expectClose(gradients[i], leaf.grad as Tensor, 1e-5));
  });
});

it('scale divides by the root of the size', () => {
  manualSeed(3);
  const [query, memory] = [randn([2, 4]), randn([2, 5, 4])];
  const [context] = new Attention(4, 4, { scale: true }).forward(query, memory);
  expectClose(context, new Attention(4).forward(query.mul(0.5), memory)[0]);
});

describe('MultiheadAttention', () => {
  it('lengths and isCausal say what masks say', () => {
    manualSeed(4);
    const attention = new MultiheadAttention(4, 2, { batchFirst: true });
    const x = randn([2, 3, 4]);
    const keyPaddingMask = tensor(
      [
        [0, 0, 0],
        [0, 0, 1],
      ],
      { dtype: 'int32' },
    );
    const attnMask = ones([3, 3], { dtype: 'int32' }).triu(1);
    const [output, weights] = attention.forward(x, x, x, { lengths: [3, 2], isCausal: true });
    const [same, others] = attention.forward(x, x, x, { keyPaddingMask, attnMask });
    expectClose(output, same, 0);
    expectClose(weights, others as Tensor, 0);
    expect(attention.forward(x, x, x, { needWeights: false })[1]).toBeUndefined();
  });

  it('a query to which nothing is left has weights of 0', () => {
    manualSeed(5);
    const attention = new MultiheadAttention(4, 2, { batchFirst: true });
    const x = randn([1, 2, 4], { requiresGrad: true });
    const [output, weights] = attention.forward(x, x, x, { lengths: [0] });
    expectClose(weights, [0, 0, 0, 0], 0);
    output.sum().backward();
    expect((x.grad as Tensor).isfinite().all().item()).toBe(1);
  });

  it('drops weights in training', () => {
    manualSeed(6);
    const attention = new MultiheadAttention(4, 2, { dropout: 1, batchFirst: true });
    const x = randn([1, 3, 4]);
    expectClose(attention.forward(x, x, x)[0], (attention.out_proj.bias as Tensor).expand([1, 3, 4]), 0);
    expect(attention.eval().forward(x, x, x)[1]?.sum().item()).toBeCloseTo(3, 5);
  });
});

describe('mistakes', () => {
  const x = (): Tensor => ones([3, 2, 4]);
  const heads = (): MultiheadAttention => new MultiheadAttention(4, 2);
  checkRefused([
    [() => new Attention(4, 5), 'Attention: memorySize is 5, expected a whole number from 4 to 4'],
    [() => new Attention(4, 4, { score: 'cosine' as never }), "Attention: score is 'cosine', expected 'dot' or"],
    [
      () => new Attention(4).forward(ones([2, 4]), ones([3, 2, 4])),
      'Attention: memory has shape [3, 2, 4], expected [2, S, 4]; an output [T, B, H] becomes one by .transpose(0, 1)',
    ],
    [() => new Attention(4).forward(ones([4]), ones([3, 2, 4])), 'Attention: query has shape [4], expected [B, 4]'],
    [
      () => new Attention(4).forward(ones([3, 4]), x(), { mask: ones([2, 3]) }),
      'Attention: mask has shape [2, 3], expected [3, 2]',
    ],
    [
      () => new MultiheadAttention(4, 3),
      'MultiheadAttention: numHeads is 3, expected a number that divides embedDim, 4',
    ],
    [
      () => heads().forward(x(), x(), ones([4, 2, 4])),
      'MultiheadAttention: value has shape [4, 2, 4], expected [3, 2, 4]',
    ],
    [() => heads().forward(x(), ones([3, 4]), x()), 'MultiheadAttention: key has shape [3, 4], expected [S, 2, 4]'],
    [
      () => heads().forward(x(), x(), x(), { keyPaddingMask: ones([3, 2]) }),
      'MultiheadAttention: keyPaddingMask has shape [3, 2], expected [2, 3] (batch, keys)',
    ],
    [
      () => heads().forward(x(), x(), x(), { attnMask: ones([2, 3, 3]) }),
      'MultiheadAttention: attnMask has shape [2, 3, 3], expected [3, 3] or [4, 3, 3]',
    ],
  ]);
});

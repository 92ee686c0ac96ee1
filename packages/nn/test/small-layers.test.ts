import { cpu } from '@rnn/backend-cpu';
import { Generator, gradcheck, manualSeed, ones, randn, setBackend, tensor, zeros } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Dropout,
  dropout,
  Embedding,
  embedding,
  LayerNorm,
  layerNorm,
  Linear,
  Parameter,
  Sequential,
  Sigmoid,
  Tanh,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

describe('Linear', () => {
  it('maps the last dimension, without a bias too', () => {
    const layer = new Linear(2, 3, { bias: false });
    layer.loadStateDict({
      weight: tensor([
        [1, 0],
        [0, 1],
        [1, 1],
      ]),
    });
    expect(layer.bias).toBeUndefined();
    expectClose(layer.forward(tensor([[[1, 2]]])), [1, 2, 3], 0);
    expect(layer.forward(ones([2])).shape).toEqual([3]);
  });

  checkRefused([
    [
      () => new Linear(3, 2).forward(ones([4, 5])),
      'Linear: input has shape [4, 5], expected [..., 3]; inFeatures is 3, and the last dimension has 5 features',
    ],
    [
      () => new Linear(3, 2).forward(tensor(1)),
      'Linear: input has shape [], expected [..., 3]; inFeatures is 3, and the last dimension has no features',
    ],
    [
      () => new Linear(3, 2).forward([1, 2, 3] as never),
      'Linear: input is an array of 3, expected a Tensor; make one with tensor(...)',
    ],
    [() => new Linear(0, 2), 'Linear: inFeatures is 0, expected a whole number from 1 up'],
    [() => new Linear(3, NaN), 'Linear: outFeatures is NaN, expected a whole number from 1 up'],
    [() => new Linear(3, 2, { bias: 1 as never }), 'Linear: bias is 1, expected true or false'],
    [
      () => new Linear(3, 2, { biass: true } as never),
      "Linear: option 'biass' is unknown, expected one of bias, dtype, backend; write bias",
    ],
    [() => new Linear(3, 2, true as never), 'Linear: options is true, expected an object such as { bias: ... }'],
  ]);
});

describe('Embedding', () => {
  it('looks rows up in any shape, and gives the padding row no gradient', () => {
    const table = new Embedding(4, 2, { paddingIdx: -1 });
    expect(table.paddingIdx).toBe(3);
    const out = table.forward(
      tensor(
        [
          [0, 3],
          [3, 0],
          [1, 0],
        ],
        { dtype: 'int32' },
      ),
    );
    expect(out.shape).toEqual([3, 2, 2]);
    expect([...out.select(0, 0).select(0, 1).dataSync()]).toEqual([0, 0]);
    out.mul(2).sum().backward();
    expect([...(table.weight.grad?.dataSync() ?? [])]).toEqual([6, 6, 2, 2, 0, 0, 0, 0]);
  });

  it('as a function, differentiable twice', () => {
    const weight = randn([4, 2], { dtype: 'float64' });
    const index = tensor([2, 0, 2], { dtype: 'int32' });
    expect(gradcheck((w) => embedding(index, w).square(), [weight])).toBe(true);
  });

  checkRefused([
    [
      () => new Embedding(4, 2).forward(tensor([1])),
      "Embedding: index is float32, expected int32; make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)",
    ],
    [
      () => new Embedding(4, 2).forward(tensor([4], { dtype: 'int32' })),
      /Embedding: index has the value 4, expected values from 0 to 3/,
    ],
    [() => new Embedding(4, 2, { paddingIdx: 4 }), 'Embedding: paddingIdx is 4, expected a whole number from -4 to 3'],
    [
      () => new Embedding(4, 2, { padding_idx: 0 } as never),
      "Embedding: option 'padding_idx' is unknown, expected one of paddingIdx, dtype, backend; write paddingIdx",
    ],
    [() => new Embedding(1.5, 2), 'Embedding: numEmbeddings is 1.5, expected a whole number from 1 up'],
  ]);
});

describe('LayerNorm', () => {
  it('normalises several dimensions at once, as PyTorch', () => {
    expectClose(
      layerNorm(
        tensor([
          [
            [1, 2],
            [3, 5],
          ],
        ]),
        [2, 2],
      ),
      [-1.183213233947754, -0.5070914030075073, 0.16903045773506165, 1.5212740898132324],
    );
  });

  it('has the right gradients', () => {
    const f64 = { dtype: 'float64' } as const;
    expect(
      gradcheck(
        (x, weight, bias) => layerNorm(x, 4, { weight, bias }),
        [randn([3, 4], f64), randn([4], f64), randn([4], f64)],
      ),
    ).toBe(true);
  });

  it('without learned numbers has no parameters', () => {
    expect(new LayerNorm(3, { elementwiseAffine: false }).parameters()).toEqual([]);
    expect(new LayerNorm(3, { bias: false }).namedParameters().map(([name]) => name)).toEqual(['weight']);
  });

  checkRefused([
    [() => new LayerNorm(4).forward(ones([2, 3])), 'LayerNorm: input has shape [2, 3], expected [..., 4]'],
    [() => new LayerNorm([]), 'LayerNorm: normalizedShape is an empty array, expected an array of at least one size'],
    [() => new LayerNorm([4, -1]), 'LayerNorm: normalizedShape[1] is -1, expected a whole number from 1 up'],
    [() => new LayerNorm(4, { eps: -1 }), 'LayerNorm: eps is -1, expected a number from 0 up'],
    [() => layerNorm(ones([2, 4]), 4, { weight: ones([3]) }), 'layerNorm: weight has shape [3], expected [4]'],
  ]);
});

describe('Dropout', () => {
  it('drops the share that was asked for and keeps the mean', () => {
    const out = dropout(ones([100, 100]), { p: 0.3, generator: new Generator(4) });
    const values = [...out.dataSync()];
    const kept = values.filter((value) => value !== 0);
    // 10,000 draws: three standard deviations are about 0.014.
    expect(Math.abs(kept.length / values.length - 0.7)).toBeLessThan(0.014);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.7)]));
  });

  it('is the same for the same seed, and differs from call to call', () => {
    const layer = new Dropout(0.5);
    manualSeed(7);
    const a = [...layer.forward(ones([32])).dataSync()];
    const b = [...layer.forward(ones([32])).dataSync()];
    manualSeed(7);
    expect([...layer.forward(ones([32])).dataSync()]).toEqual(a);
    expect(b).not.toEqual(a);
  });

  it('is the same mask in float64', () => {
    const mask = (dtype: 'float32' | 'float64'): boolean[] =>
      Array.from(dropout(ones([64], { dtype }), { generator: new Generator(9) }).dataSync(), (value) => value > 0);
    expect(mask('float64')).toEqual(mask('float32'));
  });

  it('passes gradients through what was kept', () => {
    const x = new Parameter(ones([64]));
    const y = dropout(x, { p: 0.25, generator: new Generator(1) });
    y.sum().backward();
    expectClose(x.grad, y, 0);
  });

  it('does nothing in evaluation mode or with p = 0, everything with p = 1', () => {
    const x = ones([8]);
    expect(new Dropout(0.5).eval().forward(x)).toBe(x);
    expect(dropout(x, { p: 0 })).toBe(x);
    expect([...dropout(x, { p: 1 }).dataSync()]).toEqual([...zeros([8]).dataSync()]);
  });

  it.each([NaN, -0.1, 1.1])('refuses p = %s', (p) => {
    expect(() => new Dropout(p)).toThrow(`Dropout: p is ${p}, expected a number from 0 to 1`);
  });
});

describe('Sequential', () => {
  it('runs its modules in order', () => {
    const x = tensor([[0.5, -1]]);
    expectClose(new Sequential(new Tanh(), new Sigmoid()).forward(x), x.tanh().sigmoid(), 0);
  });

  it('refuses what is no module', () => {
    expect(() => new Sequential()).toThrow(
      'Sequential: modules is an empty array, expected an array of at least one Module',
    );
    expect(() => new Sequential(new Tanh(), (() => undefined) as never)).toThrow(
      'Sequential: modules[1] is a function, expected a Module',
    );
  });
});

import { readFileSync } from 'node:fs';
import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, fromData, getBackend, manualSeed, randn, setBackend, tensor, type Tensor } from '@rnn/core';
import { GRU, Linear, LSTM, Module, mseLoss, Recurrent, RNN } from '@rnn/nn';
import { Adam, gradientFlow, overfitOneBatch } from '@rnn/train';
import { beforeEach, describe, expect, test } from 'vitest';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(0);
});

/** h' = a h + x. */
class Linearly extends Module {
  private readonly a: Tensor;
  scale = new Linear(1, 1, { bias: false });
  constructor(a: number) {
    super();
    this.a = tensor(a);
    this.scale.weight.copy_(tensor([[1]]));
  }
  forward(x: Tensor, h: Tensor): Tensor {
    return h.mul(this.a).add(this.scale.forward(x));
  }
}

const T = 12;

describe('a linear recurrence with W = aI', () => {
  test.each([
    [0.5, 'vanishing'],
    [1, 'healthy'],
    [2, 'exploding'],
  ])('a = %d: the gradient of the last state is a^(T-t), %s', async (a, verdict) => {
    const layer = new Recurrent(new Linearly(a));
    const loss = (net: typeof layer, x: Tensor): Tensor =>
      net
        .forward(x, tensor([[0]]))[0]
        .select(0, T - 1)
        .sum();
    const found = await gradientFlow(layer, randn([T, 1, 1]), { loss });
    expect(found.verdict).toBe(verdict);
    expect(found.text).toContain(verdict);
    const [{ norms, factor }] = found.layers;
    norms.forEach((norm, i) => expect(Math.abs(norm / a ** (T - 1 - i) - 1)).toBeLessThan(1e-5));
    expect(factor).toBeCloseTo(a, 5);
  });
});

describe('PyTorch', () => {
  const { shape, cases } = JSON.parse(
    readFileSync(new URL('../cases/gradient-flow.json', import.meta.url), 'utf8'),
  ) as {
    shape: [number, number, number, number];
    cases: { kind: 'LSTM' | 'GRU'; x: number[]; loss: number; weights: Record<string, number[]>; norms: number[][] }[];
  };
  test.each(cases)(
    'dL/dh_t of two layers of $kind as retain_grad gives it',
    async ({ kind, x, loss, weights, norms }) => {
      const [steps, rows, features, width] = shape;
      const layer = new (kind === 'LSTM' ? LSTM : GRU)(features, width, { numLayers: 2 });
      for (const [name, parameter] of layer.namedParameters())
        parameter.copy_(fromData(Float32Array.from(weights[name]), parameter.shape));
      const found = await gradientFlow(layer, fromData(Float32Array.from(x), [steps, rows, features]), {
        loss: (net, batch) => {
          const [output] = (net as LSTM).forward(batch);
          const times = fromData(
            Float32Array.from({ length: steps }, (_, t) => t + 1),
            [steps, 1, 1],
          );
          return output.square().mul(times).sum();
        },
      });
      expect(found.loss / loss).toBeCloseTo(1, 5);
      expect(found.layers.map(({ name }) => name)).toEqual(['l0', 'l1']);
      found.layers.forEach((each, i) =>
        each.norms.forEach((norm, t) => expect(Math.abs(norm / norms[i][t] - 1)).toBeLessThan(1e-5)),
      );
      expect(Object.keys(found.layers[0].saturation)).toEqual(kind === 'LSTM' ? ['i', 'f', 'o'] : ['r', 'z']);
    },
  );
});

test('a tanh layer far out on its slopes is saturated, units of a relu that never fire are dead', async () => {
  const rnn = new RNN(1, 3);
  rnn.weight_ih_l0.copy_(tensor([[40], [-40], [30]]));
  const loss = (net: RNN, x: Tensor): Tensor => net.forward(x)[0].sum();
  const saturated = await gradientFlow(rnn, randn([6, 4, 1]), { loss });
  expect(saturated.verdict).toBe('saturated');
  expect(saturated.layers[0].saturation.h).toBeGreaterThan(0.9);
  const relu = new RNN(1, 3, { nonlinearity: 'relu', bias: true });
  relu.bias_ih_l0.copy_(tensor([1, -1000, 1]));
  const { layers } = await gradientFlow(relu, randn([6, 4, 1]), { loss });
  expect(layers[0].deadUnits).toContain(1);
  expect(layers[0].saturation).toEqual({});
});

test('updates by weights: a step of SGD, or that of the optimiser, which is undone, and no tensor is left', async () => {
  const model = new Linearly(0.5);
  const layer = new Recurrent(model);
  const x = tensor([[[1]], [[1]], [[1]]]);
  const start = tensor([[0]]);
  const loss = (net: typeof layer, batch: Tensor): Tensor => net.forward(batch, start)[0].sum();
  const optimizer = new Adam(layer.parameters(), { lr: 0.01 });
  // dL/dw = 1 + 1.5 + 1.75 = 4.25 at w = 1.
  const [{ gradNorm, weightNorm, updateRatio }] = (await gradientFlow(layer, x, { loss, lr: 0.1 })).parameters;
  expect([gradNorm, weightNorm]).toEqual([4.25, 1]);
  expect(updateRatio).toBeCloseTo(0.425, 6);
  // The first step of Adam is as long as its rate.
  const byAdam = await gradientFlow(layer, x, { loss, optimizer });
  expect(byAdam.parameters[0].updateRatio).toBeCloseTo(0.01, 5);
  expect(model.scale.weight.item()).toBe(1);
  expect(optimizer.stateDict().state).toEqual({});
  expect(model.scale.weight.grad).toBeUndefined();
  const before = getBackend().memory();
  await gradientFlow(layer, x, { loss, optimizer });
  expect(getBackend().memory().storages).toBeLessThanOrEqual(before.storages);
});

test('a model without recurrent layers is refused', async () => {
  const found = gradientFlow(new Linear(1, 1), tensor([[1]]), { loss: (net, x) => net.forward(x).sum() });
  await expect(found).rejects.toThrow(ArgumentError);
  await expect(found).rejects.toThrow(/model is without a recurrent layer/);
});

describe('overfitOneBatch', () => {
  class Last extends Module {
    gru = new GRU(1, 8);
    head = new Linear(8, 1);
    forward(x: Tensor): Tensor {
      return this.head.forward(this.gru.forward(x)[0].select(0, x.shape[0] - 1));
    }
  }
  const batch = (): [Tensor, Tensor] => [randn([5, 4, 1]), randn([4, 1])];

  test('a right model learns a batch by heart, and stays as it is', async () => {
    const model = new Last();
    const weights = model.parameters().map((parameter) => Array.from(parameter.dataSync()));
    const examples = batch();
    const before = getBackend().memory();
    const { passed, losses, target } = await overfitOneBatch(model, examples, {
      loss: (net, [x, y]) => mseLoss(net.forward(x), y),
    });
    expect(passed).toBe(true);
    expect(losses[losses.length - 1]).toBeLessThanOrEqual(target);
    expect(model.parameters().map((parameter) => Array.from(parameter.dataSync()))).toEqual(weights);
    expect(getBackend().memory().storages).toBeLessThanOrEqual(before.storages);
  });

  test('a loss that cannot fall is found', async () => {
    // Two equal inputs with different targets: no function fits both.
    const [x, y] = [tensor([[[1], [1]]]), tensor([[1], [-1]])];
    const { passed, text } = await overfitOneBatch(new Last(), [x, y], {
      loss: (net, [input, target]) => mseLoss(net.forward(input), target),
      steps: 30,
    });
    expect(passed).toBe(false);
    expect(text).toContain('not learnt');
  });
});

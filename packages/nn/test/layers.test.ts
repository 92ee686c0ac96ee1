import { cpu } from '@rnn/backend-cpu';
import {
  concat,
  fromData,
  getBackend,
  gradcheck,
  manualSeed,
  noGrad,
  ones,
  randn,
  scope,
  setBackend,
  tensor,
  type Tensor,
} from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { GRU, LSTM, mseLoss, packPaddedSequence, padPackedSequence, RNN, type LayerOptions } from '../src/index.js';
import { expectClose } from './close.js';

beforeAll(async () => setBackend(await cpu()));

/** The three layers behind one face: a list of states in and out. */
interface AnyLayer {
  readonly layer: RNN | LSTM | GRU;
  readonly forward: (
    x: Tensor,
    state?: readonly Tensor[],
    lengths?: readonly number[],
  ) => [output: Tensor, states: readonly Tensor[]];
}

const kinds: Record<
  string,
  (inputSize: number, hiddenSize: number, options?: LayerOptions & { projSize?: number }) => AnyLayer
> = {
  RNN: (inputSize, hiddenSize, options) => single(new RNN(inputSize, hiddenSize, options)),
  'RNN with relu': (inputSize, hiddenSize, options) =>
    single(new RNN(inputSize, hiddenSize, { ...options, nonlinearity: 'relu' })),
  GRU: (inputSize, hiddenSize, options) => single(new GRU(inputSize, hiddenSize, options)),
  LSTM: (inputSize, hiddenSize, options) => pair(new LSTM(inputSize, hiddenSize, options)),
  'LSTM with a projection': (inputSize, hiddenSize, options) =>
    pair(new LSTM(inputSize, hiddenSize, { projSize: 2, ...options })),
};
const names = Object.keys(kinds);

function single(layer: RNN | GRU): AnyLayer {
  return {
    layer,
    forward: (x, state, lengths) => {
      const [output, hN] = layer.forward(x, state?.[0], { lengths });
      return [output, [hN]];
    },
  };
}

function pair(layer: LSTM): AnyLayer {
  return {
    layer,
    forward: (x, state, lengths) => layer.forward(x, state && [state[0], state[1]], { lengths }),
  };
}

/** Random states of the shapes that a layer gives. */
function statesLike(states: readonly Tensor[]): Tensor[] {
  return states.map((state) => randn(state.shape, { dtype: state.dtype }));
}

describe.each(names)('%s', (name) => {
  const make = kinds[name];

  it('gives the same with batchFirst', () => {
    manualSeed(1);
    const a = make(3, 4, { numLayers: 2, bidirectional: true });
    const b = make(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true });
    b.layer.loadStateDict(a.layer.stateDict());
    const x = randn([5, 2, 3]);
    const h0 = statesLike(a.forward(x)[1]);
    const [output, states] = a.forward(x, h0, [3, 5]);
    const [turned, same] = b.forward(x.transpose(0, 1), h0, [3, 5]);
    expectClose(turned.transpose(0, 1), output, 0);
    states.forEach((state, i) => expectClose(same[i], state, 0));
  });

  it('takes a single sequence without a batch', () => {
    manualSeed(2);
    const { forward } = make(3, 4, { numLayers: 2, bidirectional: true });
    const x = randn([5, 3]);
    const [output, states] = forward(x.unsqueeze(1));
    const [alone, own] = forward(x);
    expect(alone.shape).toEqual([5, output.shape[2]]);
    expectClose(alone, output, 0);
    states.forEach((state, i) => {
      expect(own[i].shape).toEqual([state.shape[0], state.shape[2]]);
      expectClose(own[i], state, 0);
    });
    const h0 = statesLike(own);
    expectClose(
      forward(x, h0)[0],
      forward(
        x.unsqueeze(1),
        h0.map((h) => h.unsqueeze(1)),
      )[0],
      0,
    );
  });

  it('treats each row of a padded batch as that row by itself, in values and gradients', () => {
    manualSeed(3);
    const { layer, forward } = make(3, 4, { numLayers: 2, bidirectional: true });
    const lengths = [2, 6, 0, 1];
    const x = randn([6, 4, 3], { requiresGrad: true });
    const h0 = statesLike(forward(x)[1]).map((h) => {
      h.requiresGrad = true;
      return h;
    });
    const [output, states] = forward(x, h0, lengths);
    const all = [output, ...states];
    const weights = all.map((result) => randn(result.shape));
    all
      .map((result, i) => result.mul(weights[i]).sum())
      .reduce((a, b) => a.add(b))
      .backward();
    const gradients = [x, ...h0, ...layer.parameters()].map((leaf) => leaf.grad as Tensor);
    [x, ...h0, ...layer.parameters()].forEach((leaf) => (leaf.grad = undefined));

    lengths.forEach((length, row) => {
      const ownState = h0.map((h) => h.narrow(1, row, 1));
      if (length === 0) {
        expect(output.select(1, row).abs().sum().item()).toBe(0);
        states.forEach((state, i) => expectClose(state.select(1, row), ownState[i], 0));
        return;
      }
      const [own, ownLast] = forward(x.narrow(1, row, 1).slice(0, 0, length), ownState);
      expectClose(output.narrow(1, row, 1).slice(0, 0, length), own, 1e-6);
      expect(length === 6 ? 0 : output.narrow(1, row, 1).slice(0, length).abs().sum().item()).toBe(0);
      states.forEach((state, i) => expectClose(state.narrow(1, row, 1), ownLast[i], 1e-6));
      [own, ...ownLast]
        .map((result, i) => {
          const weight = weights[i].narrow(1, row, 1);
          return result.mul(i === 0 ? weight.slice(0, 0, length) : weight).sum();
        })
        .reduce((a, b) => a.add(b))
        .backward();
    });
    // The row without a step hands its initial state through: its gradient is the weight itself.
    const expected = [x, ...h0, ...layer.parameters()].map((leaf, i) =>
      i === 0 || i > h0.length
        ? leaf.grad
        : (leaf.grad as Tensor).add(
            concat(
              [weights[i].mul(0).narrow(1, 0, 2), weights[i].narrow(1, 2, 1), weights[i].mul(0).narrow(1, 3, 1)],
              1,
            ),
          ),
    );
    gradients.forEach((gradient, i) => expectClose(gradient, expected[i] as Tensor, 1e-5));
  });

  it('lets padding change no bit, not even a NaN in it', () => {
    manualSeed(4);
    const { layer, forward } = make(3, 4, { bidirectional: true });
    const lengths = [2, 5, 0];
    const clean = randn([5, 3, 3]);
    const marks = tensor(Array.from({ length: 5 }, (_, t) => lengths.map((length) => Number(t < length)))).unsqueeze(2);
    const run = (padding: number): number[] => {
      layer.zeroGrad();
      const x = clean.where(marks, padding);
      x.requiresGrad = true;
      const [output, states] = forward(x, undefined, lengths);
      [output, ...states]
        .map((result) => result.square().sum())
        .reduce((a, b) => a.add(b))
        .backward();
      return [output, ...states, x.grad as Tensor, ...layer.parameters().map((p) => p.grad as Tensor)].flatMap((t) => [
        ...t.dataSync(),
      ]);
    };
    const zero = run(0);
    expect(zero.every(Number.isFinite)).toBe(true);
    expect(run(1e30)).toEqual(zero);
    expect(run(NaN)).toEqual(zero);
  });

  it('gives the same packed as with lengths', () => {
    manualSeed(5);
    const { layer, forward } = make(3, 4, { bidirectional: true, numLayers: 2, batchFirst: true });
    const lengths = [1, 4, 3];
    const x = randn([3, 6, 3]);
    const [output, states] = forward(x, undefined, lengths);
    const packed = packPaddedSequence(x, lengths, { batchFirst: true, enforceSorted: false });
    expect(packed.padded.shape).toEqual([4, 3, 3]);
    const [out, last] = layer instanceof LSTM ? layer.forward(packed) : layer.forward(packed);
    const [padded, own] = padPackedSequence(out, { batchFirst: true, totalLength: 6 });
    expect(own).toEqual(lengths);
    expectClose(padded, output, 0);
    (Array.isArray(last) ? (last as Tensor[]) : [last]).forEach((state, i) => expectClose(state, states[i], 0));
  });

  it('has right gradients with lengths, by central differences in float64', () => {
    manualSeed(6);
    const { layer, forward } = make(2, 3, { numLayers: 2, bidirectional: true, dtype: 'float64' });
    const f64 = { dtype: 'float64' } as const;
    const x = randn([3, 3, 2], f64);
    const [, states] = forward(x, undefined, [3, 0, 2]);
    const inputs = [x, ...statesLike(states)];
    expect(
      gradcheck((xs, ...h0) => {
        const [output, last] = forward(xs, h0, [3, 0, 2]);
        return [output, ...last];
      }, inputs),
    ).toBe(true);
    // Weights, too: a layer that takes its weights from the check's tensors.
    const keys = layer.namedParameters().map(([key]) => key);
    expect(
      gradcheck(
        (...weights) => {
          keys.forEach((key, i) => Object.assign(layer, { [key]: weights[i] }));
          const [output, last] = forward(x, undefined, [3, 0, 2]);
          return [output, ...last];
        },
        layer.parameters().map((parameter) => parameter.detach()),
      ),
    ).toBe(true);
  });

  it('leaves nothing behind after a training step, and nothing after inference', () => {
    const { layer, forward } = make(3, 4, { numLayers: 2, bidirectional: true, dropout: 0.5 });
    const x = randn([5, 3, 3]);
    const step = (): void =>
      scope(() => {
        const [output] = forward(x, undefined, [5, 2, 0]);
        mseLoss(output, output.detach().mul(0)).backward();
        layer.zeroGrad();
      });
    step();
    const before = getBackend().memory();
    for (let i = 0; i < 3; i++) step();
    expect(getBackend().memory()).toEqual(before);
    scope(() => noGrad(() => void forward(x, undefined, [5, 2, 0])));
    expect(getBackend().memory()).toEqual(before);
    // Outside of a scope only what is returned stays.
    const returned = noGrad(() => forward(x));
    expect(getBackend().memory().storages).toBe(before.storages + 1 + returned[1].length);
    for (const result of [returned[0], ...returned[1]]) result.dispose();
    expect(getBackend().memory()).toEqual(before);
  });

  it('draws dropout between layers in training mode alone, from the seed', () => {
    manualSeed(8);
    const { layer, forward } = make(3, 4, { numLayers: 2, dropout: 0.5 });
    const x = randn([5, 2, 3]);
    const drawn = (): number[] => {
      manualSeed(11);
      return [...forward(x)[0].dataSync()];
    };
    const first = drawn();
    expect(drawn()).toEqual(first);
    expect([...forward(x)[0].dataSync()]).not.toEqual(first);
    layer.eval();
    const still = [...forward(x)[0].dataSync()];
    expect(drawn()).toEqual(still);
    expect(still).not.toEqual(first);
  });
});

it('lengths come as numbers, an Int32Array or a tensor', () => {
  const gru = new GRU(3, 2);
  const x = randn([4, 2, 3]);
  const [expected] = gru.forward(x, undefined, { lengths: [4, 1] });
  expectClose(gru.forward(x, undefined, { lengths: Int32Array.of(4, 1) })[0], expected, 0);
  expectClose(gru.forward(x, undefined, { lengths: tensor([4, 1], { dtype: 'int32' }) })[0], expected, 0);
});

it('a batch in which no row has a step gives zeros and the initial state', () => {
  const gru = new GRU(3, 2, { bidirectional: true });
  const h0 = randn([2, 2, 2]);
  const [output, hN] = gru.forward(randn([4, 2, 3]), h0, { lengths: [0, 0] });
  expectClose(output, new Float32Array(4 * 2 * 4), 0);
  expectClose(hN, h0, 0);
});

it('dropout of a single layer does nothing, as in PyTorch', () => {
  const gru = new GRU(3, 2, { dropout: 0.9 });
  const x = ones([4, 2, 3]);
  expectClose(gru.forward(x)[0], gru.forward(x)[0], 0);
});

it('follows a parameter that was put in the place of another', () => {
  const [a, b] = [new GRU(3, 2), new GRU(3, 2)];
  b.weight_ih_l0 = a.weight_ih_l0;
  b.forward(fromData(new Float32Array(12).fill(1), [2, 2, 3]))[0]
    .sum()
    .backward();
  expect(a.weight_ih_l0.grad?.shape).toEqual([6, 3]);
});

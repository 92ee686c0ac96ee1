/**
 * Models whose forward is one step, such as a detector that takes a frame of sound at a time: the
 * module goes on as forward does.
 */
import { describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { concat, manualSeed, noGrad, randn, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { Conv1d, Embedding, GRU, GRUCell, Linear, LSTM, Module, MultiheadAttention } from '@rnn/nn';
import { exportModule, readOnnx, writeOnnx } from '../../src/index.js';
import { imported, type Exported, type State } from './exported.js';

setBackend(await cpu());
manualSeed(11);

/**
 * A frame of sound: convolutions within it, a loop over what they make, and what is left of the
 * frame before.
 */
class Detector extends Module {
  readonly conv = new Conv1d(1, 4, 5, { stride: 3, padding: 2 });
  readonly grouped = new Conv1d(4, 6, 3, { groups: 2, padding: 1 });
  readonly lstm = new LSTM(6, 5, { batchFirst: true });
  readonly head = new Linear(5, 1);

  forward(frame: Tensor, h: Tensor, c: Tensor, context: Tensor): Tensor[] {
    const sound = concat([context, frame], 1);
    const features = this.grouped.forward(this.conv.forward(sound.unsqueeze(1)).relu()).relu();
    const [y, [hNext, cNext]] = this.lstm.forward(features.transpose(1, 2), [h, c]);
    return [this.head.forward(y.select(1, -1)).sigmoid(), hNext, cNext, frame.narrow(1, 12, 4)];
  }
}

/** Attention of what comes in to the last six steps. */
class Looking extends Module {
  readonly attention = new MultiheadAttention(4, 2, { batchFirst: true });

  forward(x: Tensor, memory: Tensor): { y: Tensor; weights: Tensor; memory: Tensor } {
    const next = concat([memory.narrow(1, 1, 5), x.unsqueeze(1)], 1);
    const [y, weights] = this.attention.forward(x.unsqueeze(1), next, next);
    return { y: y.select(1, 0), weights: weights as Tensor, memory: next };
  }
}

/** Products of matrices that both change, and of a matrix of the model from the left. */
class Products extends Module {
  readonly mix = new Linear(3, 4);

  forward(x: Tensor, before: Tensor): Tensor[] {
    const a = x.reshape([1, 4, 3]);
    const both = a.matmul(before).softmax(-1);
    const left = this.mix.weight.matmul(a.transpose(1, 2));
    return [both, left, before.mul(0.5).add(a.transpose(1, 2))];
  }
}

class Tokens extends Module {
  readonly embedding = new Embedding(7, 3);
  readonly cell = new GRUCell(3, 4);
  readonly head = new Linear(4, 7);

  forward(token: Tensor, h: Tensor): Tensor[] {
    const next = this.cell.forward(this.embedding.forward(token), h);
    return [this.head.forward(next).logSoftmax(-1), next];
  }
}

/** Both, step by step: the module's outputs by name, and the model's in their order. */
function follow(exported: Exported, model: Module, xs: readonly Tensor[], states: readonly Tensor[]): void {
  const state: State = exported.initialState();
  const names = exported.contract.outputs.map(({ name }) => name);
  let before = states;
  for (const x of xs) {
    const y = exported.step(x.dataSync(), state) as unknown as Record<string, Float32Array>;
    const result = noGrad<unknown>(() => model.forward(...([x, ...before] as unknown as readonly never[])));
    const all = Object.values(result as Record<string, Tensor>);
    names.forEach((name, i) => {
      const own = names.length === 1 ? (y as unknown as Float32Array) : y[name];
      const expected = all[i].dataSync();
      expect(own.length).toBe(expected.length);
      expected.forEach((value, j) => expect(Math.abs(own[j] - value)).toBeLessThanOrEqual(2e-6));
    });
    before = all.slice(all.length - states.length);
    Object.values(state).forEach((part, i) => {
      before[i].dataSync().forEach((value, j) => expect(Math.abs(part[j] - value)).toBeLessThanOrEqual(2e-6));
    });
  }
}

describe.each(['wasm', 'js'])('%s', (engine) => {
  test.each<[name: string, model: Module, frame: () => Tensor, states: Tensor[]]>([
    [
      'convolutions within a frame',
      new Detector(),
      () => randn([1, 16]),
      [zeros([1, 1, 5]), randn([1, 1, 5]), zeros([1, 4])],
    ],
    ['attention to the last steps', new Looking(), () => randn([1, 4]), [randn([1, 6, 4])]],
    ['products of what changes', new Products(), () => randn([1, 12]), [randn([1, 3, 4])]],
    ['no state', new Linear(3, 2), () => randn([1, 3]), []],
  ])('%s', async (_, model, frame, states) => {
    const { create, contract } = await imported(exportModule(model, [frame(), ...states], { takes: 'step' }));
    expect(contract.hasStep).toBe(true);
    if (states.length > 0) follow({ ...create(engine), contract }, model, [frame(), frame(), frame()], states);
  });

  test('tokens', async () => {
    const model = new Tokens();
    const h = randn([1, 4]);
    const { create, contract } = await imported(
      exportModule(model, [tensor([3], { dtype: 'int32' }), h], { takes: 'step' }),
    );
    expect(contract.input).toMatchObject({ kind: 'tokens', tokens: 7 });
    const xs = [5, 0, 6, 6].map((token) => tensor([token], { dtype: 'int32' }));
    follow({ ...create(engine), contract }, model, xs, [h]);
  });

  test('a step that came by way of ONNX', async () => {
    const model = readOnnx(
      writeOnnx(new Detector(), [randn([1, 16]), zeros([1, 1, 5]), zeros([1, 1, 5]), zeros([1, 4])], {
        inputNames: ['frame', 'h', 'c', 'context'],
      }),
    );
    const states = [zeros([1, 1, 5]), zeros([1, 1, 5]), zeros([1, 4])];
    const { create, contract } = await imported(exportModule(model, [randn([1, 16]), ...states], { takes: 'step' }));
    expect(Object.keys(contract.state)).toEqual(['h', 'c', 'context']);
    follow({ ...create(engine), contract }, model, [randn([1, 16]), randn([1, 16])], states);
  });
});

test('a result without the states is refused', () => {
  expect(() =>
    exportModule(new GRU(3, 4), [randn([1, 1, 3]), zeros([1, 1, 4]), zeros([2])], { takes: 'step' }),
  ).toThrow(/^exportModule: /);
  class Forgetful extends Module {
    forward(x: Tensor, h: Tensor): Tensor[] {
      return [x.add(h), h.sum()];
    }
  }
  expect(() => exportModule(new Forgetful(), [randn([1, 3]), zeros([1, 3])], { takes: 'step' })).toThrow(
    /forward returns \[1, 3\], \[\], expected its result, then the states after the step: \[1, 3\]/,
  );
});

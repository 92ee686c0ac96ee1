import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randint, randn, setBackend, tensor, zeros, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Attention,
  BatchNorm1d,
  BCEWithLogitsLoss,
  Bidirectional,
  Conv1d,
  CrossEntropyLoss,
  CTCLoss,
  Dropout,
  Embedding,
  GRU,
  GRUCell,
  LayerNormLSTMCell,
  Linear,
  LSTM,
  LSTMCell,
  Module,
  MSELoss,
  MultiheadAttention,
  Parameter,
  Recurrent,
  ReLU,
  RNN,
  Sequential,
  ZoneoutCell,
} from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));

/** A model of everything that may hold modules and parameters. */
class Everything extends Module {
  embedding = new Embedding(5, 3);
  list = [new Linear(3, 3), new Linear(3, 3)];
  named = new Map<string, Module>([['norm', new BatchNorm1d(3)]]);
  few = new Set([new Linear(3, 2)]);
  plain = Object.assign(Object.create(null) as Record<string, unknown>, { scale: new Parameter(tensor([2])) });
  tied = this.list[0];
  frozen = new Parameter(zeros([2]), { requiresGrad: false });
  factor = 0.5;
  history: number[] = [];

  constructor() {
    super();
    this.registerBuffer('seen', tensor([1, 2]));
    this.registerBuffer('scratch', tensor([3]), { persistent: false });
  }

  forward(words: Tensor): Tensor {
    const x = this.tied.forward(this.list[1].forward(this.embedding.forward(words)));
    return (this.named.get('norm') as BatchNorm1d).forward(x).mul(this.plain.scale).mul(this.factor);
  }
}

describe('clone', () => {
  it('is a module of the same class with the same values and nothing in common', () => {
    manualSeed(1);
    const model = new Everything();
    model.eval();
    const words = randint(0, 5, [4]);
    const twin = model.clone();
    expect(twin).toBeInstanceOf(Everything);
    expect(twin.training).toBe(false);
    expect(twin.tied).toBe(twin.list[0]);
    expect(Object.getPrototypeOf(twin.plain)).toBe(null);
    expect(Object.keys(twin.stateDict())).toEqual(Object.keys(model.stateDict()));
    expect(Object.keys(twin.stateDict())).not.toContain('scratch');
    expect(twin.namedBuffers().map(([name]) => name)).toEqual(model.namedBuffers().map(([name]) => name));
    expectClose(twin.forward(words), model.forward(words), 0);
    const own = new Set<unknown>([...model.modules(), ...model.parameters(), ...model.buffers()]);
    for (const part of [...twin.modules(), ...twin.parameters(), ...twin.buffers()]) expect(own.has(part)).toBe(false);
    expect(twin.parameters().map((p) => p.requiresGrad)).toEqual(model.parameters().map((p) => p.requiresGrad));

    // Training one of them leaves the other as it is.
    const before = model.forward(words).toArray();
    twin.train().forward(words).square().sum().backward();
    expect(model.parameters().every((p) => p.grad === undefined)).toBe(true);
    for (const parameter of twin.parameters()) parameter.copy_(parameter.add(1).detach());
    twin.history.push(1);
    expect([model.history, model.training]).toEqual([[], false]);
    expect(model.forward(words).toArray()).toEqual(before);
    expect((model.named.get('norm') as BatchNorm1d).num_batches_tracked?.item()).toBe(0);
    expect((twin.named.get('norm') as BatchNorm1d).num_batches_tracked?.item()).toBe(1);
  });

  it('takes no memory until something changes, and frees its own', async () => {
    const backend = await cpu();
    const model = new GRU(3, 4, { backend });
    const before = backend.memory();
    const twin = model.clone();
    expect(backend.memory().bytes).toBe(before.bytes);
    model.dispose();
    expect(twin.forward(zeros([2, 1, 3], { backend }))[0].shape).toEqual([2, 1, 4]);
    twin.dispose();
  });

  const sequence = (): Tensor => randn([4, 2, 3]);
  const heads = (module: MultiheadAttention): Tensor => {
    const x = sequence();
    return module.forward(x, x, x.sub(1))[0];
  };
  it.each<[string, () => Module, (module: never) => Tensor]>([
    ['RNN', () => new RNN(3, 2), (m: RNN) => m.forward(sequence())[0]],
    ['GRU', () => new GRU(3, [4, 2], { bidirectional: true }), (m: GRU) => m.forward(sequence())[0]],
    ['LSTM', () => new LSTM(3, 4, { numLayers: 2, projSize: 2 }), (m: LSTM) => m.forward(sequence())[0]],
    ['GRUCell', () => new GRUCell(3, 2, { recurrentDropout: 0.5 }), (m: GRUCell) => m.forward(randn([2, 3]))],
    ['Recurrent', () => new Recurrent(new LayerNormLSTMCell(3, 4)), (m: Recurrent) => m.forward(sequence())[0]],
    [
      'several cells',
      () => new Recurrent([new LSTMCell(3, 4), new GRUCell(4, 2)], { learnInitialState: true, dropout: 0.5 }),
      (m: Recurrent) => m.forward(sequence())[0],
    ],
    [
      'ZoneoutCell',
      () => new Recurrent(new ZoneoutCell(new GRUCell(3, 2), { p: 0.5 })),
      (m: Recurrent) => m.forward(sequence())[0],
    ],
    [
      'Bidirectional',
      () => new Bidirectional(new GRUCell(3, 2), new GRUCell(3, 2), { merge: 'sum' }),
      (m: Bidirectional) => m.forward(sequence())[0],
    ],
    [
      'Sequential',
      () => new Sequential(new Dropout(0.5), new GRU(3, 2), new ReLU(), { recurrent: 'last' }),
      (m: Sequential) => m.forward(sequence(), { lengths: [4, 2] }),
    ],
    [
      'Attention',
      () => new Attention(3, 3, { score: 'additive' }),
      (m: Attention) => m.forward(randn([4, 3]), sequence())[0],
    ],
    ['MultiheadAttention', () => new MultiheadAttention(3, 1, { dropout: 0.5 }), heads],
    ['Conv1d', () => new Conv1d(2, 4, 2, { padding: 'causal' }), (m: Conv1d) => m.forward(sequence())],
    ['BatchNorm1d', () => new BatchNorm1d(2), (m: BatchNorm1d) => m.forward(sequence())],
    ['MSELoss', () => new MSELoss({ reduction: 'sum' }), (m: MSELoss) => m.forward(sequence(), sequence())],
    [
      'BCEWithLogitsLoss',
      () => new BCEWithLogitsLoss({ posWeight: tensor([2, 3, 4]) }),
      (m: BCEWithLogitsLoss) => m.forward(sequence(), sequence().gt(0).to('float32')),
    ],
    [
      'CrossEntropyLoss',
      () => new CrossEntropyLoss({ weight: tensor([1, 2]), labelSmoothing: 0.1 }),
      (m: CrossEntropyLoss) => m.forward(randn([3, 2]), tensor([0, 1, 1], { dtype: 'int32' })),
    ],
    ['CTCLoss', () => new CTCLoss({ blank: 2 }), (m: CTCLoss) => m.forward(sequence().logSoftmax(-1), [[0, 1], [1]])],
  ])('of %s computes what the original computes', (_, make, run) => {
    manualSeed(2);
    const module = make();
    const twin = module.clone();
    manualSeed(3);
    const expected = run(module as never);
    manualSeed(3);
    expectClose(run(twin as never), expected, 0);
    expect(String(twin)).toBe(String(module));
  });

  it('is what a class of its own says', () => {
    class Counted extends Module {
      readonly #size: number;
      linear: Linear;

      constructor(size: number) {
        super();
        this.#size = size;
        this.linear = new Linear(size, size);
      }

      override clone(): this {
        return new Counted(this.#size).copyFrom(this) as this;
      }

      forward(x: Tensor): Tensor {
        return this.linear.forward(x).mul(this.#size);
      }
    }
    class Outer extends Module {
      inner = new Counted(2);

      forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    const outer = new Outer();
    const x = randn([3, 2]);
    const twin = outer.clone();
    expectClose(twin.forward(x), outer.forward(x), 0);
    expect(twin.inner).not.toBe(outer.inner);
  });

  class Arrow extends Module {
    linear = new Linear(2, 2);
    activation = (x: Tensor): Tensor => x.relu(); // works for any of them
    forward = (x: Tensor): Tensor => this.linear.forward(x);
  }
  class Bound extends Module {
    linear = new Linear(2, 2);

    constructor() {
      super();
      this.forward = this.forward.bind(this);
    }

    forward(x: Tensor): Tensor {
      return this.linear.forward(x);
    }
  }
  checkRefused([
    [
      () => new Arrow().clone(),
      'clone: forward is a function of one Arrow alone, which says `this`, expected a method; write it as one',
    ],
    [() => new Bound().clone(), 'clone: forward is a function of one Bound alone, bound to it, expected a method'],
  ]);
});

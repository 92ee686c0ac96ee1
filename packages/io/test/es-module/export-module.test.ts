/**
 * Models as ES modules: held against the models themselves, step by step and as sequences, by
 * WebAssembly and by plain JavaScript.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import {
  concat,
  linear,
  manualSeed,
  noGrad,
  oneHot,
  randint,
  randn,
  scan,
  setBackend,
  softmax,
  tanh,
  zeros,
  type Tensor,
  type Tensors,
} from '@rnn/core';
import {
  BatchNorm1d,
  Bidirectional,
  CoupledLSTMCell,
  Dropout,
  Embedding,
  GELU,
  GRU,
  GRUCell,
  LayerNorm,
  LayerNormGRUCell,
  LayerNormLSTMCell,
  Linear,
  LSTM,
  LSTMCell,
  MGUCell,
  Module,
  Parameter,
  PeepholeLSTMCell,
  Recurrent,
  ReLU,
  RNN,
  Sequential,
  SiLU,
  Softmax,
  Tanh,
  type Cell,
} from '@rnn/nn';
import { exportModule, type ExportedModule } from '../../src/index.js';
import { imported, type State } from './exported.js';

setBackend(await cpu());
manualSeed(3);

class Net extends Module {
  readonly run: (...inputs: Tensor[]) => unknown;
  readonly parts: Module[];

  constructor(parts: Module[], run: (...inputs: Tensor[]) => unknown) {
    super();
    this.parts = parts;
    this.run = run;
  }

  forward(...inputs: Tensor[]): unknown {
    return this.run(...inputs);
  }
}

function net<M extends Module[]>(parts: [...M], run: (parts: M) => (...inputs: Tensor[]) => unknown): Net {
  return new Net(parts, run(parts));
}

const cellOf = <S extends Tensors>(cell: Cell<S>): Net =>
  net(
    [new Recurrent(cell as unknown as Cell), new Linear(4, 2)],
    ([layer, head]) =>
      (x) =>
        head.forward(layer.forward(x)[0]),
  );

/** Leaky, gated, with a learnt initial state and a normalisation written out. */
class OwnCell extends Module implements Cell {
  readonly hidden = new Linear(4, 4);
  readonly input = new Linear(3, 4, { bias: false });
  readonly start = new Parameter(randn([4]));
  forward(x: Tensor, h: Tensor): Tensor {
    const candidate = this.input.forward(x).add(this.hidden.forward(h)).tanh();
    const centred = candidate.sub(candidate.mean(-1, true));
    const gate = softmax(concat([centred, h], -1), -1).narrow(-1, 2, 4);
    return h.mul(0.5).add(centred.mul(gate)).maximum(-0.9);
  }
  initialState(batch?: number): Tensor {
    return batch === undefined ? this.start : this.start.expand([batch, 4]);
  }
}

interface Sample {
  readonly name: string;
  readonly model: Module;
  /**
   * A sequence of one row in the layout of the model, and its numbers in the order of the steps.
   */
  readonly input: (steps: number) => Tensor;
  /** Whether there is no next step. */
  readonly isWhole?: boolean;
}

const floats = (steps: number): Tensor => randn([steps, 1, 3]);
const tokens = (steps: number): Tensor => randint(0, 7, [steps, 1]);

const samples: Sample[] = [
  { name: 'LSTM by itself', model: new LSTM(3, 4), input: floats },
  { name: 'GRU by itself, without batch', model: new GRU(3, 5), input: (steps) => randn([steps, 3]) },
  { name: 'RNN relu without bias', model: new RNN(3, 4, { nonlinearity: 'relu', bias: false }), input: floats },
  {
    name: 'LSTM of two layers with a head',
    model: net(
      [new LSTM(3, 4, { numLayers: 2, dropout: 0.5 }), new Linear(4, 2)],
      ([lstm, head]) =>
        (x) =>
          head.forward(lstm.forward(x)[0]),
    ),
    input: floats,
  },
  {
    name: 'LSTM of 20, batch first',
    model: new LSTM(3, 20, { batchFirst: true, numLayers: 2 }),
    input: (steps) => randn([1, steps, 3]),
  },
  { name: 'LSTM with a projection', model: new LSTM(3, 5, { projSize: 2, numLayers: 2 }), input: floats },
  {
    name: 'LSTM in both directions',
    model: new LSTM(3, 4, { bidirectional: true, numLayers: 2 }),
    input: floats,
    isWhole: true,
  },
  {
    name: 'both directions, then forwards again, and the last step',
    model: net(
      [new GRU(3, 4, { bidirectional: true }), new LSTM(8, 5), new Linear(5, 2)],
      ([first, second, head]) =>
        (x) => {
          const [y] = second.forward(first.forward(x)[0]);
          return { all: y, last: head.forward(y.select(0, -1)), first: y.select(0, 0) };
        },
    ),
    input: floats,
    isWhole: true,
  },
  {
    name: 'both directions, the last states',
    model: net([new GRU(3, 4, { bidirectional: true }), new Linear(8, 2)], ([gru, head]) => (x) => {
      const [, last] = gru.forward(x);
      return head.forward(concat([last.select(0, 0), last.select(0, 1)], -1));
    }),
    input: floats,
    isWhole: true,
  },
  {
    name: 'what an encoder ends with, in every step of a decoder',
    model: net([new GRU(3, 4), new GRU(3, 4), new Linear(8, 2)], ([encoder, decoder, head]) => (x) => {
      const [, state] = encoder.forward(x);
      const [y] = decoder.forward(x, state);
      return head.forward(concat([y, state.expand([x.shape[0], 1, 4])], -1));
    }),
    input: floats,
    isWhole: true,
  },
  {
    name: 'GRU, last step',
    model: net(
      [new GRU(3, 4, { numLayers: 2 }), new Linear(4, 2)],
      ([gru, head]) =>
        (x) =>
          head.forward(gru.forward(x)[0].select(0, -1)).softmax(-1),
    ),
    input: floats,
  },
  {
    name: 'embedding and LSTM',
    model: net(
      [new Embedding(7, 6, { paddingIdx: 0 }), new LSTM(6, 4), new Linear(4, 7)],
      ([embedding, lstm, head]) =>
        (x) =>
          head.forward(lstm.forward(embedding.forward(x))[0]),
    ),
    input: tokens,
  },
  {
    name: 'one-hot tokens and GRU',
    model: net(
      [new GRU(7, 4)],
      ([gru]) =>
        (x) =>
          gru.forward(oneHot(x, 7))[0],
    ),
    input: tokens,
  },
  {
    name: 'Sequential',
    model: new Sequential(
      new Linear(3, 18),
      new ReLU(),
      new LayerNorm(18),
      new Dropout(0.5),
      new Linear(18, 2),
      new Tanh(),
    ),
    input: floats,
  },
  {
    name: 'Sequential of an embedding, a recurrent layer and a head',
    model: new Sequential(new Embedding(7, 6), new LSTM(6, 4), new Linear(4, 7), new Softmax(-1)),
    input: tokens,
  },
  {
    name: 'Sequential with the last hidden state',
    model: new Sequential(new GRU(3, 6, { numLayers: 2 }), new LayerNorm(6), new SiLU(), new Linear(6, 2), {
      recurrent: 'last',
    }),
    input: floats,
  },
  {
    name: 'Sequential with the last hidden states of both directions',
    model: new Sequential(new LSTM(3, 6, { bidirectional: true }), new GELU(), new Linear(12, 2), {
      recurrent: 'last',
    }),
    input: floats,
    isWhole: true,
  },
  {
    name: 'two cells, one over the other',
    model: new Recurrent([new LSTMCell(3, 4), new GRUCell(4, 5)], { dropout: 0.3 }),
    input: floats,
  },
  {
    name: 'a learned state before the first step',
    model: new LSTM(3, 4, { numLayers: 2, learnInitialState: true }),
    input: floats,
  },
  {
    name: 'batch normalisation of what was seen',
    model: new Sequential(new Linear(3, 4), new BatchNorm1d(4), new Linear(4, 2)),
    input: (steps) => randn([steps, 3]),
  },
  {
    name: 'the mean and the extremes over time',
    model: net([new GRU(3, 4), new Linear(12, 2)], ([gru, head]) => (x) => {
      const [y] = gru.forward(x);
      return head.forward(concat([y.mean(0), y.amax(0), y.amin(0)], -1));
    }),
    input: floats,
  },
  {
    name: 'the mean of everything, batch first and in both directions',
    model: net(
      [new LSTM(3, 4, { batchFirst: true, bidirectional: true })],
      ([lstm]) =>
        (x) =>
          lstm.forward(x)[0].mean(),
    ),
    input: (steps) => randn([1, steps, 3]),
    isWhole: true,
  },
  {
    name: 'steps less their mean, weighted by their number',
    model: net([new Linear(3, 2)], ([linear]) => (x) => {
      const y = linear.forward(x);
      return y.sub(y.mean(0, true)).mul(1 / x.shape[0]);
    }),
    input: floats,
    isWhole: true,
  },
  { name: 'a cell of one', model: cellOf(new OwnCell()), input: floats },
  { name: 'GRUCell', model: cellOf(new GRUCell(3, 4)), input: floats },
  { name: 'LSTMCell', model: cellOf(new LSTMCell(3, 4)), input: floats },
  { name: 'MGUCell', model: cellOf(new MGUCell(3, 4)), input: floats },
  { name: 'PeepholeLSTMCell', model: cellOf(new PeepholeLSTMCell(3, 4)), input: floats },
  { name: 'CoupledLSTMCell', model: cellOf(new CoupledLSTMCell(3, 4)), input: floats },
  { name: 'LayerNormLSTMCell', model: cellOf(new LayerNormLSTMCell(3, 4)), input: floats },
  { name: 'LayerNormGRUCell', model: cellOf(new LayerNormGRUCell(3, 4)), input: floats },
  {
    name: 'Bidirectional of two cells',
    model: new Bidirectional(new GRUCell(3, 4), new GRUCell(3, 5)),
    input: floats,
    isWhole: true,
  },
  {
    name: 'a free scan whose output is the state before',
    model: net(
      [new Linear(3, 4), new Linear(4, 4)],
      ([input, hidden]) =>
        (x) =>
          scan(
            (step: Tensor, [h, g]: readonly [Tensor, Tensor]) => {
              const next = tanh(linear(h, hidden.weight).add(step));
              return [h.add(g), [g, next]] as const;
            },
            input.forward(x),
            [zeros([1, 4]), zeros([1, 4])] as readonly [Tensor, Tensor],
          )[0],
    ),
    input: floats,
  },
  {
    name: 'a residual, functions and two heads',
    model: net([new LSTM(3, 3), new Linear(3, 1), new Linear(3, 4)], ([lstm, value, policy]) => (x) => {
      const y = lstm.forward(x)[0].add(x);
      const [a, b] = y.square().add(1).log().chunk(2, -1);
      const features = concat([a.exp().sqrt(), b.abs().pow(1.5)], -1);
      return {
        value: value.forward(features.softplus()),
        policy: policy.forward(features.sub(y.amax(-1, true))).softmax(-1),
      };
    }),
    input: floats,
  },
];

type Arrays = Readonly<Record<string, ArrayLike<number>>>;

/** What a model gives, states apart. */
function results(model: Module, input: Tensor): Arrays {
  model.eval();
  const result = noGrad(() => model.forward(input as never)) as Tensor | [Tensor, unknown] | Record<string, Tensor>;
  const named = Array.isArray(result) ? { y: result[0] } : 'dataSync' in result ? { y: result as Tensor } : result;
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [name, value.dataSync()]));
}

function arrays(output: Float32Array | Record<string, Float32Array>): Arrays {
  return output instanceof Float32Array ? { y: output } : output;
}

/** Equal to 1e-6, relative where numbers are larger than 1. */
function expectClose(received: Arrays, expected: Arrays): void {
  expect(Object.keys(received)).toEqual(Object.keys(expected));
  for (const [name, numbers] of Object.entries(expected)) {
    expect(received[name].length, name).toBe(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const distance = Math.abs(received[name][i] - numbers[i]) / Math.max(1, Math.abs(numbers[i]));
      expect(distance, `${name}[${i}]: ${received[name][i]} beside ${numbers[i]}`).toBeLessThanOrEqual(1e-6);
    }
  }
}

describe.each(samples)('$name', ({ model, input, isWhole = false }) => {
  let exported: ExportedModule;
  beforeAll(() => {
    exported = exportModule(model, [input(6)]);
  });

  test.each(['wasm', 'js'])('by %s', async (engine) => {
    const { contract, create } = await imported(exported);
    const module = create(engine);
    expect(module.engine).toBe(engine);
    for (const steps of [1, 2, 9]) {
      const xs = input(steps);
      const numbers = xs.dataSync();
      const expected = results(model, xs);
      expectClose(arrays(module.run(numbers)), expected);
      if (isWhole) {
        if (steps === 1) expect(() => module.step(numbers, module.initialState())).toThrow(/no next step; use run/);
        continue;
      }
      // In two parts, and one by one.
      const width = numbers.length / steps;
      const [apart, single] = [module.initialState(), module.initialState()];
      const cut = Math.ceil(steps / 2) * width;
      const parts = [numbers.slice(0, cut), numbers.slice(cut)].map((part) => arrays(module.run(part, apart)));
      const each = Array.from({ length: steps }, (_, t) =>
        Object.fromEntries(
          Object.entries(arrays(module.step(numbers.slice(t * width, (t + 1) * width), single))).map(
            ([name, values]) => [name, Array.from(values)] as const,
          ),
        ),
      );
      for (const [name, values] of Object.entries(expected)) {
        const isLast = contract.outputs.some((output) => output.name === name && output.each === 'sequence');
        const whole = isLast ? each[steps - 1][name] : each.flatMap((output) => output[name]);
        expectClose({ [name]: whole }, { [name]: values });
        if (!isLast) expectClose({ [name]: parts.flatMap((output) => Array.from(output[name])) }, { [name]: values });
      }
      expectClose(apart, single);
    }
  });

  test('rows of a batch with lengths are what each of them is by itself', async () => {
    const module = await imported(exported);
    const rows = [5, 0, 3].map((steps) => ({ steps, numbers: input(5).dataSync() }));
    const width = rows[0].numbers.length / 5;
    const states: State[] = rows.map(() => module.initialState());
    const lengths = rows.map(({ steps }) => steps);
    const batch = arrays(
      module.run(Float32Array.from(rows.flatMap(({ numbers }) => Array.from(numbers))), states, lengths),
    );
    rows.forEach(({ steps, numbers }, row) => {
      const state = module.initialState();
      const alone = arrays(module.run(numbers.slice(0, steps * width), state));
      expect(states[row]).toEqual(state);
      for (const [name, values] of Object.entries(batch)) {
        const size = values.length / rows.length;
        const own = Array.from(values).slice(row * size, (row + 1) * size);
        const expected = Array.from(alone[name]);
        expect(own).toEqual([...expected, ...Array.from({ length: size - expected.length }, () => 0)]);
      }
    });
  });
});

test('the state contract names the states, their shapes and what they are at first', async () => {
  const { contract, initialState } = await imported(
    exportModule(new LSTM(3, 4, { numLayers: 2, bidirectional: true }), [floats(3)]),
  );
  const names = ['l0', 'l0_reverse', 'l1', 'l1_reverse'].flatMap((layer) => [`h_${layer}`, `c_${layer}`]);
  expect(contract).toEqual({
    input: { kind: 'numbers', shape: [3] },
    outputs: [{ name: 'y', shape: [8], each: 'step' }],
    state: Object.fromEntries(names.map((name) => [name, { shape: [4], initial: 0 }])),
    hasStep: false,
  });
  expect(Object.keys(initialState())).toEqual(names);

  const cell = new OwnCell();
  const learnt = await imported(exportModule(new Recurrent(cell), [floats(3)]));
  const start = Array.from(cell.start.dataSync());
  expect(learnt.contract.state).toEqual({ h: { shape: [4], initial: start } });
  expect(Array.from(learnt.initialState().h)).toEqual(start);
});

test('states that forward takes begin with the numbers given', async () => {
  const model = net(
    [new LSTM(3, 4)],
    ([lstm]) =>
      (x, h, c) =>
        lstm.forward(x, [h, c]),
  );
  const [h, c] = [randn([1, 1, 4]), randn([1, 1, 4])];
  const module = await imported(exportModule(model, [floats(4), h, c]));
  expect(Array.from(module.initialState().c)).toEqual(Array.from(c.dataSync()));
  const xs = floats(3);
  const [y] = noGrad(() => model.forward(xs, h, c)) as [Tensor];
  expectClose({ y: module.run(xs.dataSync()) }, { y: y.dataSync() });
});

test('leaves nothing behind on the backend of the model', async () => {
  const backend = await wasm({ threads: 1 });
  const model = new LSTM(3, 4, { backend });
  const input = randn([4, 1, 3], { backend });
  const before = backend.memory();
  const exported = exportModule(model, [input]);
  expect(backend.memory()).toEqual(before);
  const xs = floats(5);
  const [y] = noGrad(() => model.forward(xs.to(backend)));
  expectClose({ y: (await imported(exported)).run(xs.dataSync()) }, { y: y.dataSync() });
});

test.each(['wasm', 'js'])('a mean over twenty thousand steps is as exact as over ten, by %s', async (engine) => {
  const model = net(
    [new Linear(3, 2)],
    ([linear]) =>
      (x) =>
        linear.forward(x).mul(0.1).add(3.3).mean(0),
  );
  const xs = randn([20_000, 1, 3]);
  const { create } = await imported(exportModule(model, [floats(3)]));
  const output = create(engine).run(xs.dataSync());
  expectClose({ y: output }, results(model, xs));
});
